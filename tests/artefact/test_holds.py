"""Whether an approved plan still holds: each thing that may move, moved, is named."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from modules.artefact.holds import Now, same_plan, still_holds
from modules.artefact.package import StackFiles
from modules.artefact.states import StateIdentity
from modules.terraform.plan import Change, EnvironmentPlan, StackPlan
from tests.artefact.support import CONTENT, STATE, artefact

NOW = Now("dev", False, CONTENT, {"topics": STATE, "connect": None}, {"AWS account": "111111111111"})


def test_a_plan_holds_where_nothing_has_moved() -> None:
    assert still_holds(artefact(), NOW) == ()


@pytest.mark.parametrize(
    ("moved", "words"),
    [
        ({"content": {**CONTENT, "environments/dev.yaml": "zz"}}, "environments/dev.yaml was changed"),
        (
            {"content": {name: value for name, value in CONTENT.items() if name != "environments/dev.yaml"}},
            "environments/dev.yaml is gone",
        ),
        ({"content": {**CONTENT, "environments/hook.py": "zz"}}, "environments/hook.py was added"),
        ({"content": {**CONTENT, "stack topics": "zz"}}, "stack topics: its synthesised JSON comes out otherwise"),
        (
            {"content": {**CONTENT, "Terraform": "Terraform 2.0.0"}},
            "it was made with Terraform 1.15.5, here it is Terraform 2.0.0, and a plan file is for one version only",
        ),
        (
            {"content": {**CONTENT, "Terraform": "OpenTofu 1.15.5"}},
            "it was made with Terraform 1.15.5, here it is OpenTofu 1.15.5, and a plan file is for one version only",
        ),
        ({"content": {**CONTENT, "infra": "0.2.0"}}, "infra was 0.1.0, here it is 0.2.0"),
        (
            {"content": {**CONTENT, "provider confluentinc/confluent": "2.84.0"}},
            "provider confluentinc/confluent was 2.83.3, here it is 2.84.0",
        ),
        ({"identity": {"AWS account": "222222222222"}}, "AWS account was 111111111111, here it is 222222222222"),
        ({"identity": {}}, "AWS account was 111111111111, here it is not known"),
        (
            {"identity": {"AWS account": "111111111111", "Kafka cluster": "lkc-1"}},
            "Kafka cluster was not there yet, here it is lkc-1",
        ),
        (
            {"states": {"topics": replace(STATE, serial=8), "connect": None}},
            "state of stack topics was changed since: its serial was 7, now it is 8",
        ),
        (
            {"states": {"topics": replace(STATE, digest="other"), "connect": None}},
            "state of stack topics was changed since: it has the same serial (7) and another content",
        ),
        (
            {"states": {"topics": replace(STATE, lineage="ffff"), "connect": None}},
            "state of stack topics is another state: its lineage was 0b8d1a, now it is ffff",
        ),
        ({"states": {"topics": None, "connect": None}}, "state of stack topics: it is gone (serial 7)"),
        (
            {"states": {"topics": STATE, "connect": STATE}},
            "state of stack connect: there was none, now there is one (serial 7)",
        ),
        ({"environment": "prod"}, "it is a plan for environment dev, not prod"),
        ({"offline": True}, "it is a plan of what is deployed, and a rehearsal (--offline) would pretend to apply it"),
    ],
)
def test_what_has_moved_is_named(moved: dict[str, Any], words: str) -> None:
    assert still_holds(artefact(), replace(NOW, **moved)) == (words,)


def test_a_rehearsals_plan_is_not_for_what_is_deployed() -> None:
    rehearsed = artefact(plan=replace(artefact().plan, offline=True))
    assert still_holds(rehearsed, NOW) == (
        "it was rehearsed offline, with simulated providers: it is no plan of what is deployed",
    )


def test_all_that_has_moved_is_named_what_people_write_first() -> None:
    now = replace(
        NOW, identity={"AWS account": "2"}, states={"topics": None, "connect": None},
        content={**CONTENT, "stack topics": "zz", "environments/dev.yaml": "zz"},
    )  # fmt: skip
    assert [line.split(" ")[0] for line in still_holds(artefact(), now)] == [
        "environments/dev.yaml", "stack", "AWS", "state",
    ]  # fmt: skip


def test_a_rehearsal_that_was_never_applied_begins_anywhere_but_not_on_another_one() -> None:
    first = StateIdentity("simulated-1", 0, "x")
    made = artefact(
        plan=replace(artefact().plan, offline=True), states={"topics": first}, identity={},
        files={"topics": StackFiles(b"plan", first_state=b"{}")},
    )  # fmt: skip

    def held(state: StateIdentity | None) -> tuple[str, ...]:
        return still_holds(made, Now("dev", True, CONTENT, {"topics": state}, {}))

    assert held(None) == held(first) == held(StateIdentity("simulated-2", 0, "y")) == ()
    assert held(StateIdentity("simulated-2", 3, "y")) == (
        "state of stack topics: there was none, now there is one (serial 3)",
    )


def _plan(*changes: Change) -> EnvironmentPlan:
    return EnvironmentPlan("dev", (StackPlan("topics", changes),))


def test_a_new_plan_that_differs_either_way_is_told() -> None:
    update = Change("kafka_topic.a", "kafka_topic", "a", "update")
    create = Change("kafka_topic.b", "kafka_topic", "b", "create")

    assert same_plan(_plan(update), _plan(update)) == ()
    assert same_plan(_plan(update), _plan(update, create)) == ("stack topics: kafka_topic.b: create was not approved",)
    assert same_plan(_plan(update), _plan()) == (
        "stack topics: kafka_topic.a: update was approved and is no longer planned",
    )
