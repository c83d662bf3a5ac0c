"""How clients log in to MSK: SCRAM by Secrets Manager, IAM by signed tokens; AWS is moto, in this process."""

from __future__ import annotations

import base64
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlparse

import boto3
import pytest
from moto import mock_aws

from modules.errors import ConfigError, SecretError
from modules.platforms.aws import DATABASE_ROLE, assume, stored_password
from modules.platforms.msk import MskPlatform, token_callback
from modules.project import OUTPUTS_FILE
from tests.platforms.golden import cases, environment_of, golden

REGION = "us-east-1"
ROLE = "arn:aws:iam::123456789012:role/streaming-dev-kafka-producer"
PASSWORD = "s3cret-of-the-producer"

Make = Callable[..., MskPlatform]


@pytest.fixture(autouse=True)
def _no_real_aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Credentials that are worth nothing, and no place where real ones could be found."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "AKIATESTING",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
    }.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def aws() -> Iterator[None]:
    with mock_aws():
        yield


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """`make("msk-express-dev", outputs)`: the case's platform, as if it had been deployed with these outputs."""

    def platform(case: str, outputs: dict[str, Any] | None = None) -> MskPlatform:
        environment, project = environment_of(case, tmp_path)
        if outputs is not None:
            folder = project.environment_state(environment.name)
            folder.mkdir(parents=True)
            (folder / OUTPUTS_FILE).write_text(json.dumps({"cluster": outputs}))
        return MskPlatform(project, environment)

    return platform


def outputs(login: str, **more: object) -> dict[str, Any]:
    mechanism = {"scram": "SCRAM-SHA-512", "iam": "OAUTHBEARER"}[login]
    return {
        "bootstrap_servers": "127.0.0.1:1",
        "admin_bootstrap_servers": "127.0.0.1:2",
        "registry_url": "https://registry.example.com",
        "client_settings": {"security.protocol": "SASL_SSL", "sasl.mechanism": mechanism},
        "credentials": {},
        "role_arns": {role: ROLE.replace("producer", role) for role in ("admin", "producer", "consumer", "sink")},
        **more,
    }


def secret(name: str, **value: str) -> str:
    made = boto3.client("secretsmanager", region_name=REGION).create_secret(Name=name, SecretString=json.dumps(value))
    return f"aws-sm:{made['ARN']}"


def test_a_scram_client_logs_in_with_what_its_secret_holds(aws: None, make: Make) -> None:
    from confluent_kafka import Producer

    reference = secret("AmazonMSK_streaming-dev-producer", username="producer", password=PASSWORD)
    platform = make("msk-provisioned-dev", outputs("scram", credentials={"producer": reference}))
    settings = platform.kafka_client("producer")
    assert settings == {
        "bootstrap.servers": "127.0.0.1:1",
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": "producer",
        "sasl.password": PASSWORD,
    }
    Producer(settings)  # librdkafka takes every one of them


def test_the_administrator_is_an_iam_role_at_addresses_of_its_own_also_beside_scram(aws: None, make: Make) -> None:
    settings = make("msk-provisioned-dev", outputs("scram")).kafka_client("admin")
    assert settings["bootstrap.servers"] == "127.0.0.1:2"
    assert (settings["security.protocol"], settings["sasl.mechanism"]) == ("SASL_SSL", "OAUTHBEARER")
    assert "sasl.password" not in settings and callable(settings["oauth_cb"])


def url_of(token: str) -> str:
    return base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode()


def test_a_token_is_a_url_signed_with_the_roles_credentials(aws: None) -> None:
    token, expires = token_callback(REGION, ROLE, "streaming-dev-producer")("")
    found = urlparse(url_of(token))
    query = {name: values[0] for name, values in parse_qs(found.query).items()}
    assert (found.scheme, found.netloc) == ("https", "kafka.us-east-1.amazonaws.com")
    assert query["Action"] == "kafka-cluster:Connect"
    key, _, scope = query["X-Amz-Credential"].partition("/")
    assert key != "AKIATESTING" and scope.endswith(f"/{REGION}/kafka-cluster/aws4_request")
    assert query["X-Amz-Security-Token"] and query["X-Amz-Signature"]
    assert 0 < expires - time.time() <= 900


def test_the_role_is_taken_on_once_for_many_tokens(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def counted(*arguments: str) -> dict[str, Any]:
        asked.append(arguments)
        return assume(*arguments)

    monkeypatch.setattr("modules.platforms.msk.assume", counted)
    callback = token_callback(REGION, ROLE, "session")
    for _ in range(3):
        callback("")
    assert asked == [(ROLE, REGION, "session")]


def test_librdkafka_asks_for_a_token(aws: None, make: Make) -> None:
    from confluent_kafka import Producer

    called = threading.Event()
    settings = make("msk-serverless-dev", outputs("iam")).kafka_client("producer")
    inner = settings["oauth_cb"]

    def seen(configuration: str) -> tuple[str, float]:
        found: tuple[str, float] = inner(configuration)
        called.set()
        return found

    producer = Producer({**settings, "oauth_cb": seen, "log_level": 0})
    for _ in range(100):
        producer.poll(0.1)
        if called.is_set():
            break
    assert called.is_set()


def test_without_credentials_the_error_says_how_to_get_them(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    platform = make("msk-serverless-dev", outputs("iam"))
    with pytest.raises(ConfigError) as caught:
        platform.kafka_client("producer")
    assert "no AWS credentials" in caught.value.what and "AWS_PROFILE" in str(caught.value)


def test_all_that_a_deployment_lacks_is_told_at_once(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "SNOWFLAKE_PRIVATE_KEY"):
        monkeypatch.delenv(name, raising=False)
    missing = make("msk-provisioned_iam-prod").missing_credentials()
    assert [line.split(":")[0] for line in missing] == ["AWS", "warehouse.account.private_key"]
    assert "SNOWFLAKE_PRIVATE_KEY" in missing[1]


def test_without_the_signer_the_error_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "aws_msk_iam_sasl_signer", None)
    with pytest.raises(ConfigError, match="aws-msk-iam-sasl-signer-python"):
        token_callback(REGION, ROLE, "session")


def test_a_role_that_cannot_be_taken_on_says_who_must_allow_it(monkeypatch: pytest.MonkeyPatch) -> None:
    class Refusing:
        def assume_role(self, **_: object) -> None:
            from botocore.exceptions import ClientError

            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "not you"}}, "AssumeRole")

    monkeypatch.setattr("boto3.client", lambda *_, **__: Refusing())
    with pytest.raises(SecretError) as caught:
        assume(ROLE, REGION, "session")
    assert "AccessDenied: not you" in caught.value.what and "sts:AssumeRole" in (caught.value.do or "")
    assert caught.value.where == ROLE


def test_users_get_new_passwords_and_the_database_the_one_it_has(aws: None, make: Make) -> None:
    platform = make("msk-provisioned-dev")
    first, again = (json.loads(platform.terraform_secrets("cluster")["kafka_passwords"]) for _ in range(2))
    assert set(first) == {"producer", "consumer", "sink", DATABASE_ROLE}
    assert all(first[role] != again[role] and len(first[role]) >= 32 for role in first)
    secret("streaming-dev-registry-database", username="registry", password="kept")
    third = json.loads(platform.terraform_secrets("cluster")["kafka_passwords"])
    assert third[DATABASE_ROLE] == "kept"


def test_a_database_secret_that_is_none_of_ours_stops_the_deployment(aws: None) -> None:
    boto3.client("secretsmanager", region_name=REGION).create_secret(Name="x", SecretString='["s3cret"]')
    with pytest.raises(SecretError) as caught:
        stored_password("x", REGION)
    assert "s3cret" not in str(caught.value)


def test_stacks_behind_the_cluster_need_no_secret_but_a_foreign_registrys(aws: None, make: Make) -> None:
    assert make("msk-provisioned-dev").terraform_secrets("topics") == {}


def test_a_foreign_registrys_login_is_read_by_reference(aws: None, make: Make) -> None:
    reference = secret("shared/registry", username="reader", password=PASSWORD)
    platform = make("msk-provisioned_iam-prod", outputs("iam", credentials={"registry": reference}))
    assert platform.terraform_secrets("topics") == {"registry_username": "reader", "registry_password": PASSWORD}
    assert platform.terraform_secrets("cluster") == {}
    assert platform.registry_client().username == "reader"
    assert PASSWORD not in repr(platform.registry_client())


def test_glue_is_read_as_the_environments_role_in_the_region_and_registry_of_its_url(make: Make) -> None:
    role = ROLE.replace("producer", "registry")
    told = {"registry_url": "glue://eu-west-1/streaming-prod", "role_arns": {"registry": role}}
    platform = make("msk-provisioned_glue-prod", outputs("scram", **told))
    client = platform.registry_client()
    assert (client.kind, client.region, client.registry_name) == ("glue", "eu-west-1", "streaming-prod")
    assert (client.role_arn, client.username, client.url) == (role, None, "glue://eu-west-1/streaming-prod")
    assert platform.terraform_secrets("topics") == {}


def test_the_stacks_declare_exactly_the_variables_that_are_filled() -> None:
    for case in cases("msk"):
        documents = golden(case)
        scram_or_apicurio = "kafka_passwords" in documents["cluster"].get("variable", {})
        assert scram_or_apicurio == (case != "msk-provisioned_iam-prod")
        asked = {name for name, body in documents["topics"]["variable"].items() if body.get("ephemeral")}
        assert asked == ({"registry_username", "registry_password"} if case == "msk-provisioned_iam-prod" else set())
