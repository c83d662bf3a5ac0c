from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from modules.environment.loader import load_environment
from modules.environment.secrets import resolve_secret
from modules.errors import ConfigError, LocalError
from modules.local.credentials import ensure_secrets, write_private
from modules.local.endpoints import LocalEndpoints, record_file
from modules.platforms import PLATFORMS, platform_for
from modules.platforms.declare.connect_local import _Secrets
from modules.project import Project
from modules.warehouse.connection import load_private_key
from tests.secrets.canary import private_key

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    shutil.copytree(REPOSITORY / "environments", tmp_path / "environments")
    return Project(tmp_path)


def record(project: Project) -> LocalEndpoints:
    endpoints = LocalEndpoints("127.0.0.1:20001", "http://127.0.0.1:20002/apis/ccompat/v7", "127.0.0.1", 20003)
    ensure_secrets(project)
    write_private(record_file(project), endpoints.dump())
    return endpoints


def test_clients_are_told_to_start_a_platform_that_is_not_up(project: Project) -> None:
    platform = platform_for(load_environment(project, "local"), project)
    for ask in (
        lambda: platform.kafka_client("sink"),
        platform.registry_client,
        lambda: platform.snowflake_client("admin"),
    ):
        with pytest.raises(LocalError, match="not up") as caught:
            ask()
        assert "infra local up" in (caught.value.do or "")


def test_clients_get_the_recorded_addresses_and_their_own_login(project: Project) -> None:
    endpoints = record(project)
    platform = platform_for(load_environment(project, "local"), project)
    settings = platform.kafka_client("producer")
    assert settings["bootstrap.servers"] == endpoints.kafka_bootstrap
    assert settings["sasl.username"] == "producer"
    assert settings["sasl.password"] != platform.kafka_client("sink")["sasl.password"]
    assert platform.principal("sink") == "User:sink"
    assert platform.registry_client().url == endpoints.registry_url


def test_the_administrator_s_key_resolves_and_the_connector_s_is_the_environment_s(project: Project) -> None:
    record(project)
    platform = platform_for(load_environment(project, "local"), project)
    admin, connector = platform.snowflake_client("admin"), platform.snowflake_client("connector")
    assert (admin.url, admin.role) == ("http://127.0.0.1:20003", "ACCOUNTADMIN")
    assert resolve_secret(admin.private_key, project).startswith("-----BEGIN PRIVATE KEY-----")
    assert (connector.user, connector.role, connector.warehouse) == (
        "SVC_KAFKA_CONNECTOR", "KAFKA_CONNECTOR", "STREAMING_WH",
    )  # fmt: skip
    assert (connector.database, connector.schema) == ("STREAMING", "PUBLIC")
    assert str(connector.private_key) == "file:.infra/env/local/secrets/svc-kafka-connector.p8"


def test_an_encrypted_key_of_the_connector_comes_with_its_passphrase_and_the_worker_gets_it_opened(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(project)
    monkeypatch.setenv("PHRASE", "phrase-of-a-test")
    locked = project.root / "locked.p8"
    locked.write_text(private_key("phrase-of-a-test"))
    locked.chmod(0o600)
    file = project.environments / "local.yaml"
    given = "{connector_private_key: 'file:locked.p8', connector_private_key_passphrase: 'env:PHRASE'}"
    file.write_text(f"{file.read_text()}\nwarehouse: {given}\n")
    environment = load_environment(project, "local")
    platform = platform_for(environment, project)
    assert str(platform.snowflake_client("connector").passphrase) == "env:PHRASE"
    assert platform.snowflake_client("admin").passphrase is None

    reference = _Secrets(environment, project).of_connector()
    assert reference.endswith(":svc-kafka-connector-opened.p8}")
    opened = project.environment_state("local") / "secrets" / "svc-kafka-connector-opened.p8"
    assert opened.stat().st_mode & 0o077 == 0
    assert load_private_key(opened.read_text(), "here") and "ENCRYPTED" not in opened.read_text()


def test_a_platform_that_is_not_ready_says_what_works_instead(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(PLATFORMS, "confluent")
    with pytest.raises(ConfigError, match="cannot be deployed or connected to yet") as caught:
        platform_for(load_environment(project, "dev"), project)
    assert "infra cost" in (caught.value.do or "")
