"""Whose accounts an environment is deployed to: asked of the services themselves, on loopback."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from moto import mock_aws

from modules.artefact.identity import identity_of
from modules.environment import Environment
from modules.errors import PlanError
from modules.project import Project
from modules.terraform.source import StackSource

LOGIN = SimpleNamespace(organization="ACME", account="PROD")
PLATFORM: Any = SimpleNamespace(snowflake_client=lambda role: LOGIN)


def environment(**values: Any) -> Environment:
    return Environment(**{"name": "dev", "source": "environments/dev.yaml", "platform": "msk", **values})


def stacks(folder: Path, **providers: Any) -> list[StackSource]:
    path = folder / "cdk.tf.json"
    path.write_text(json.dumps({"provider": {name: [body] for name, body in providers.items()}}))
    return [StackSource("cluster", path)]


@pytest.mark.parametrize("account", ["111111111111", "222222222222"])
def test_aws_says_whose_account_it_is_and_the_stack_which_region(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, account: str
) -> None:
    for name, value in {"ACCESS_KEY_ID": "x", "SECRET_ACCESS_KEY": "x"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setenv("MOTO_ACCOUNT_ID", account)
    with mock_aws():
        found = identity_of(
            environment(), Project(tmp_path), PLATFORM, stacks(tmp_path, aws={"region": "eu-west-3"}), {}
        )

    assert found == {"AWS account": account, "AWS region": "eu-west-3"}


def test_an_aws_that_does_not_answer_is_an_error_and_no_other_account(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(PlanError) as refused:
        identity_of(environment(), Project(tmp_path), PLATFORM, stacks(tmp_path, aws={"region": "eu-west-3"}), {})
    assert refused.value.what.startswith("AWS does not say whose account this is: ")
    assert refused.value.do == "log in to AWS; a plan is bound to the account it is made for"


@pytest.fixture
def confluent() -> Iterator[str]:
    """Answers as Confluent Cloud lists environments, to one key."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            right = self.headers["Authorization"] == "Basic a2V5OnNlY3JldA=="
            name = "crn://confluent.cloud/organization=9bb441c4-edef/environment=env-1"
            body = json.dumps({"data": [{"metadata": {"resource_name": name}}]}).encode()
            self.send_response(200 if right else 401)
            self.end_headers()
            self.wfile.write(body if right else b"{}")

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = HTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()
    thread.join()


def test_confluent_cloud_says_which_organization_a_key_is_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, confluent: str
) -> None:
    monkeypatch.setenv("CONFLUENT_CLOUD_API_KEY", "key")
    monkeypatch.setenv("CONFLUENT_CLOUD_API_SECRET", "secret")
    sources = stacks(tmp_path, confluent={}, snowflake={})
    found = identity_of(
        environment(platform="confluent"), Project(tmp_path), PLATFORM, sources, {"cluster_id": "lkc-1"},
        confluent_url=confluent,
    )  # fmt: skip
    assert found == {
        "Confluent organization": "9bb441c4-edef", "Snowflake account": "ACME-PROD", "Kafka cluster": "lkc-1",
    }  # fmt: skip

    monkeypatch.setenv("CONFLUENT_CLOUD_API_SECRET", "wrong-secret")
    with pytest.raises(PlanError) as refused:
        identity_of(
            environment(platform="confluent"), Project(tmp_path), PLATFORM, sources, {}, confluent_url=confluent
        )
    assert refused.value.what == "Confluent Cloud does not say which organization this is (HTTP 401)"
    assert "wrong-secret" not in str(refused.value)


def test_a_rehearsal_is_nobodys(tmp_path: Path) -> None:
    sources = stacks(tmp_path, aws={"region": "eu-west-3"}, confluent={}, snowflake={})
    assert identity_of(environment(), Project(tmp_path, offline=True), PLATFORM, sources, {"cluster_id": "x"}) == {}
