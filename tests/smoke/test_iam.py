"""Brokers of MSK given by hand: Java's IAM settings become a token signed for the brokers' region."""

from __future__ import annotations

import base64
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from modules.errors import ConfigError
from modules.smoke.by_hand import read_client_config
from modules.smoke.iam import PROFILE, ROLE, with_iam

JAVA = (
    "security.protocol=SASL_SSL\nsasl.mechanism=AWS_MSK_IAM\n"
    "sasl.jaas.config=software.amazon.msk.auth.iam.IAMLoginModule required{option};\n"
    "sasl.client.callback.handler.class=software.amazon.msk.auth.iam.IAMClientCallbackHandler\nacks=all\n"
)
BROKERS = "b-1.demo.a1b2c3.c2.kafka.eu-west-1.amazonaws.com:9098,b-2.demo.a1b2c3.c2.kafka.eu-west-1.amazonaws.com:9098"


@pytest.fixture(autouse=True)
def logged_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def settings(tmp_path: Path, option: str = "") -> dict[str, object]:
    file = tmp_path / "client.properties"
    file.write_text(JAVA.replace("{option}", option))
    return read_client_config(file)


def log_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-a-real-one")


def test_the_token_is_signed_by_the_caller_for_the_region_in_the_brokers_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_in(monkeypatch)
    client = with_iam(settings(tmp_path), BROKERS)
    callback = client.pop("oauth_cb")
    assert client == {"security.protocol": "SASL_SSL", "sasl.mechanism": "OAUTHBEARER", "acks": "all"}
    token, expires = callback("")
    signed = urlsplit(base64.urlsafe_b64decode(token + "==").decode())
    assert signed.hostname == "kafka.eu-west-1.amazonaws.com"
    query = parse_qs(signed.query)
    assert query["Action"] == ["kafka-cluster:Connect"]
    assert query["X-Amz-Credential"][0].startswith("AKIAEXAMPLE/")
    assert expires > 1_700_000_000
    assert "not-a-real-one" not in token


def test_a_role_and_a_profile_of_the_jaas_line_are_kept_until_the_brokers_are_known(tmp_path: Path) -> None:
    role = "arn:aws:iam::123456789012:role/latency"
    assert settings(tmp_path, f' awsRoleArn="{role}"')[ROLE] == role
    assert settings(tmp_path, ' awsProfileName="prod"')[PROFILE] == "prod"
    client = with_iam(
        settings(tmp_path, f' awsRoleArn="{role}"'), "boot-x.c1.kafka-serverless.us-east-1.amazonaws.com:9098"
    )
    assert ROLE not in client
    assert callable(client["oauth_cb"])


def test_other_logins_stay_as_they_are() -> None:
    scram = {"sasl.mechanism": "SCRAM-SHA-512", "sasl.username": "me"}
    assert with_iam(scram, BROKERS) == scram


def test_without_credentials_it_says_so_before_anything_is_asked(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        with_iam(settings(tmp_path), BROKERS)
    assert (caught.value.what, caught.value.where) == (
        "there are no AWS credentials to log in to the brokers with", "--client-config: AWS_MSK_IAM",
    )  # fmt: skip


def test_an_unknown_profile_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no AWS credentials to log in with: The config profile \(prod\)"):
        with_iam(settings(tmp_path, ' awsProfileName="prod"'), BROKERS)


def test_brokers_behind_other_names_need_the_region(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log_in(monkeypatch)
    with pytest.raises(ConfigError) as caught:
        with_iam(settings(tmp_path), "kafka.example.com:9098")
    assert (caught.value.what, caught.value.do) == (
        "which AWS region are these brokers in? Their names do not tell", "set AWS_REGION",
    )  # fmt: skip
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    assert callable(with_iam(settings(tmp_path), "kafka.example.com:9098")["oauth_cb"])
