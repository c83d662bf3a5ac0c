"""States of connectors and tasks with their errors, and how to start them again."""

from __future__ import annotations

import json
from typing import Any

from modules.environment.model import Environment
from modules.project import Project
from modules.status.connectors import ConnectorsCollector, offer_of
from modules.status.metrics import samples
from modules.status.readings import Part
from modules.status.rules import findings, load_rules
from tests.status.sources import REPOSITORY, Answers, Ask


def read_connectors(environment: Environment, url: str) -> Part:
    connect = environment.connect.model_copy(update={"kind": "kafka-connect", "rest_url": url})
    its = environment.model_copy(update={"platform": "msk", "connect": connect})
    ask: Any = Ask()
    return ConnectorsCollector(its, Project(REPOSITORY), ask).read()


def test_a_task_that_failed_breaks_its_rule_with_its_error_and_a_way_to_start_it(
    environment: Environment, service: Answers
) -> None:
    trace = "org.apache.X: task died\n\tat a.b\nCaused by: com.snowflake.Y: no right on the table\n"
    tasks = [{"id": 0, "state": "RUNNING"}, {"id": 1, "state": "FAILED", "trace": trace}]
    service.body = json.dumps({"connector": {"state": "RUNNING"}, "tasks": tasks}).encode()
    part = read_connectors(environment, service.url)
    (connector,) = part.connectors
    assert connector.tasks[1].error == "com.snowflake.Y: no right on the table"
    assert [each.rule for each in findings(load_rules(), samples(part))] == ["task-down"]
    assert offer_of("dev", connector) == "infra connect restart --env dev order-events --failed"


def test_a_worker_that_is_down_is_down_and_one_that_refuses_names_the_login(
    environment: Environment, service: Answers
) -> None:
    gone = read_connectors(environment, "http://127.0.0.1:1")
    assert [(each.what, each.up) for each in gone.reached] == [("connect", False)]
    service.code = 401
    refused = read_connectors(environment, service.url)
    assert refused.reached == ()
    assert refused.missing[0].permission == "the connectors' REST login (its key, or `connect.rest_credentials`)"
