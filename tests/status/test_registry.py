"""Subjects of a registry, and what is said when it refuses or is silent."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from modules.environment.model import Environment
from modules.platforms.base import RegistryClient
from modules.status.metrics import samples
from modules.status.readings import Missing, Part
from modules.status.registry import RegistryCollector
from modules.status.rules import findings, load_rules
from tests.status.sources import Answers


def read_registry(environment: Environment, url: str) -> Part:
    platform: Any = SimpleNamespace(registry_client=lambda: RegistryClient(url))
    return RegistryCollector(environment, platform).read()


def test_a_registry_tells_its_subjects_and_which_are_lost(environment: Environment, service: Answers) -> None:
    service.body = b'["order-events-value", "other"]'
    part = read_registry(environment, service.url)
    assert part.reached[0].up
    assert (part.registries[0].subjects, part.registries[0].missing) == (2, ("_infra_smoke-value",))


def test_a_registry_that_refuses_names_the_right(environment: Environment, service: Answers) -> None:
    service.code = 403
    part = read_registry(environment, service.url)
    assert part.missing == (
        Missing("subjects of the Schema Registry", "it answers 403", "DeveloperRead on its subjects"),
    )
    assert part.reached[0].up, "it answers, so it is not down"


def test_a_registry_that_is_down_is_down(environment: Environment) -> None:
    part = read_registry(environment, "http://127.0.0.1:1")
    assert not part.reached[0].up and "does not answer" in str(part.reached[0].why)


# -- Glue: the same questions in AWS's words ------------------------------------------------------------------------

GLUE = RegistryClient("glue://eu-central-1/events", kind="glue", region="eu-central-1", registry_name="events")


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")


def read_glue(environment: Environment, glue: Any) -> Part:
    platform: Any = SimpleNamespace(registry_client=lambda: GLUE)
    return RegistryCollector(environment, platform, glue).read()


@pytest.mark.usefixtures("aws")
def test_glue_tells_all_pages_of_its_schemas_and_which_are_lost(environment: Environment) -> None:
    client = boto3.client("glue", region_name=GLUE.region)
    its = {"RegistryId": {"RegistryName": GLUE.registry_name}}
    with Stubber(client) as stub:
        first = [{"SchemaName": f"other-{number}"} for number in range(100)]
        stub.add_response("list_schemas", {"Schemas": first, "NextToken": "more"}, its)
        second = [{"SchemaName": "order-events-value"}]
        stub.add_response("list_schemas", {"Schemas": second}, {**its, "NextToken": "more"})
        part = read_glue(environment, client)
        stub.assert_no_pending_responses()
    assert part.reached[0].up and part.reached[0].where == "Glue registry events" and part.missing == ()
    assert (part.registries[0].subjects, part.registries[0].missing) == (101, ("_infra_smoke-value",))
    assert [each.rule for each in findings(load_rules(), samples(part))] == ["subjects-missing"]


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize(
    ("code", "up", "permission"),
    [
        ("AccessDeniedException", None, "glue:ListSchemas on the registry"),
        ("EntityNotFoundException", False, None),
    ],
)
def test_glue_that_refuses_names_the_right_and_one_that_is_gone_is_down(
    environment: Environment, code: str, up: bool | None, permission: str | None
) -> None:
    client = boto3.client("glue", region_name=GLUE.region)
    with Stubber(client) as stub:
        stub.add_client_error("list_schemas", code, "no")
        part = read_glue(environment, client)
    assert [each.permission for each in part.missing] == ([permission] if permission else [])
    assert [(each.up, each.why) for each in part.reached] == ([] if up is None else [(up, f"AWS says {code}")])
