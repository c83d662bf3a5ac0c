"""`aws-ssm:`: secrets in Parameter Store are read, changed and described; AWS is moto, in this process."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from modules.environment.secrets import resolve_secret, store_secret
from modules.environment.types import SecretRefValue
from modules.errors import SecretError
from modules.project import Project

SECRET = "hunter2-the-value"
REGION = "us-east-1"


@pytest.fixture
def ssm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setenv("AWS_REGION", REGION)
    with mock_aws():
        client: Any = boto3.client("ssm", region_name=REGION)
        client.put_parameter(Name="/prod/password", Value=SECRET, Type="SecureString", KeyId="alias/mine")
        whole = json.dumps({"username": "u", "password": SECRET})
        client.put_parameter(Name="/prod/login", Value=whole, Type="SecureString")
        yield client


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def ref(text: str) -> SecretRefValue:
    return SecretRefValue.parse(text)


def test_a_parameter_gives_its_text_decrypted_or_one_value_of_an_object(ssm: Any, project: Project) -> None:
    assert resolve_secret(ref("aws-ssm:/prod/password"), project) == SECRET
    assert resolve_secret(ref("aws-ssm:/prod/login#password"), project) == SECRET


def test_an_arn_says_the_region_itself(ssm: Any, project: Project) -> None:
    elsewhere: Any = boto3.client("ssm", region_name="eu-west-3")
    elsewhere.put_parameter(Name="/there", Value=SECRET + "3", Type="SecureString")
    arn = elsewhere.get_parameter(Name="/there")["Parameter"]["ARN"]
    assert resolve_secret(ref(f"aws-ssm:{arn}"), project) == SECRET + "3"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("/prod/nothing", "AWS Parameter Store did not give the secret: ParameterNotFound"),
        ("/prod/login#token", "the secret has no key 'token'"),
        ("/prod/password#key", "the secret has no key 'key'"),
    ],
)
def test_what_parameter_store_cannot_give_is_told(ssm: Any, project: Project, name: str, message: str) -> None:
    with pytest.raises(SecretError) as caught:
        resolve_secret(ref(f"aws-ssm:{name}"), project)
    assert caught.value.what.startswith(message)
    assert caught.value.where == f"aws-ssm:{name}"
    assert caught.value.do and SECRET not in str(caught.value)


def test_a_changed_parameter_stays_encrypted_with_its_own_key(ssm: Any, project: Project) -> None:
    store_secret(ref("aws-ssm:/prod/password"), project, "new-one")
    assert resolve_secret(ref("aws-ssm:/prod/password"), project) == "new-one"
    assert ssm.get_parameter(Name="/prod/password")["Parameter"]["Value"] != "new-one"
    (about,) = ssm.describe_parameters(ParameterFilters=[{"Key": "Name", "Values": ["/prod/password"]}])["Parameters"]
    assert (about["Type"], about["KeyId"]) == ("SecureString", "alias/mine")


def test_of_an_object_only_the_named_value_is_changed(ssm: Any, project: Project) -> None:
    store_secret(ref("aws-ssm:/prod/login#password"), project, "new-one")
    assert json.loads(resolve_secret(ref("aws-ssm:/prod/login"), project)) == {"username": "u", "password": "new-one"}


def test_a_value_no_parameter_holds_is_refused_before_aws_is_asked(ssm: Any, project: Project) -> None:
    with pytest.raises(SecretError, match="holds 8192 bytes at most, this is 9000"):
        store_secret(ref("aws-ssm:/prod/password"), project, "x" * 9000)
    assert resolve_secret(ref("aws-ssm:/prod/password"), project) == SECRET


def test_in_a_rehearsal_nothing_is_asked(tmp_path: Path) -> None:
    assert resolve_secret(ref("aws-ssm:/prod/password"), Project(tmp_path, offline=True)) == "simulated-secret"
