"""What a service does not let be listed is said with the right that is missing; nothing is passed over in silence."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from snowflake.connector.errors import ProgrammingError

from modules.drift import kafka
from modules.drift.managed import Managed
from modules.drift.model import Unlisted
from modules.drift.warehouse import _Looker
from modules.environment import load_environment
from modules.environment.model import Environment
from modules.errors import ServiceError
from modules.warehouse.sql.catalogue import Catalogue
from tests.drift.parts import new_project


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    return load_environment(new_project(tmp_path), "local")


PLATFORM: Any = SimpleNamespace(
    principal=lambda role: f"User:{role}", registry_client=lambda: SimpleNamespace(kind="confluent", url="http://r")
)


def test_a_cluster_that_lists_no_acls_says_so(environment: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(platform: Any, *, internal: bool, hidden: Any) -> Any:
        hidden("Cluster authorization failed.")
        return {}, frozenset()

    monkeypatch.setattr(kafka, "read_kafka", read)
    told: list[Unlisted] = []
    assert kafka.unmanaged_in_kafka(environment, PLATFORM, Managed(), told.append) == []
    assert told == [Unlisted("ACLs", "Cluster authorization failed.", "Describe on the cluster, for User:admin")]


def test_a_service_that_does_not_answer_is_said_and_the_rest_goes_on(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(*_: Any, **__: Any) -> Any:
        raise ServiceError("it does not answer", where="here", do="check that it runs")

    monkeypatch.setattr(kafka, "read_kafka", silent)
    monkeypatch.setattr(kafka, "read_subjects", silent)
    told: list[Unlisted] = []
    assert kafka.unmanaged_in_kafka(environment, PLATFORM, Managed(), told.append) == []
    assert list(kafka.unmanaged_subjects(environment, PLATFORM, Managed(), told.append)) == []
    assert [(each.what, each.needs) for each in told] == [
        ("topics and ACLs", "check that it runs"),
        ("subjects of the Schema Registry", "check that it runs"),
    ]


class Refusing:
    """A Snowflake session whose role may list nothing but roles."""

    def cursor(self) -> Refusing:
        return self

    def __enter__(self) -> Refusing:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def execute(self, sql: str) -> None:
        self.sql = sql
        if sql != "SHOW ROLES":
            raise ProgrammingError(msg="Insufficient privileges to operate on account", errno=3001)

    @property
    def description(self) -> list[Any]:
        return [SimpleNamespace(name="name"), SimpleNamespace(name="owner")]

    def fetchall(self) -> list[tuple[str, str]]:
        return [("SHADOW", "ALICE")]


def test_what_a_role_may_not_list_in_snowflake_is_said_with_what_it_takes(environment: Environment) -> None:
    told: list[Unlisted] = []
    session: Any = Refusing()
    looker = _Looker(session, environment, Catalogue(), Managed(), told.append, "DEPLOYER", "DEPLOY_ROLE")
    assert [(each.what, each.by_hand) for each in looker.look()] == [("role SHADOW", 'DROP ROLE "SHADOW"')]
    users = next(each for each in told if each.what == "users in Snowflake")
    assert users.why.endswith("Insufficient privileges to operate on account")
    assert users.needs == "SHOW USERS, for role DEPLOY_ROLE: MONITOR or USAGE on it, or the global MANAGE GRANTS"


def test_in_a_shared_account_only_what_has_to_do_with_the_declared_counts(tmp_path: Path) -> None:
    shared = "extends: local\ndrift: {whole_account: false}\n"
    environment = load_environment(new_project(tmp_path, shared=shared), "shared")
    session: Any = Refusing()
    looker = _Looker(session, environment, Catalogue(), Managed(), lambda _: None, "DEPLOYER", "DEPLOY_ROLE")
    assert list(looker.look()) == []
