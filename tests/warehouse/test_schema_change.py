"""A topic's schema that changes shows in one plan what it does to the subject, the table and what reads it: its short
form compares what is declared, the long one goes through real Terraform without any service."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from modules.warehouse.build import estate_of
from tests.platforms.rehearsal import Rehearsal
from tests.warehouse.rights import ENVIRONMENTS, declared, environment_of

TABLE = "warehouse: snowflake_table.streaming_public_order_events"
VIEW = 'warehouse: snowflake_view.view["ANALYTICS.MARTS.ORDER_EVENTS_CURRENT"]'
SUBJECT = 'topics: confluent_schema.value["order-events-value"]'
# What `infra smoke` measures on has the schema of the topic that it is made after.
SMOKE = (
    'topics: confluent_schema.value["_infra_smoke-value"]',
    "warehouse: snowflake_table.streaming_public__infra_smoke",
)
CHANGED = dict.fromkeys((SUBJECT, TABLE, VIEW, *SMOKE), "update")


@pytest.fixture
def deployed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Rehearsal]:
    rehearsal = Rehearsal("confluent-basic-dev", tmp_path.resolve(), monkeypatch, capsys)
    assert rehearsal.deploy().code == 0
    yield rehearsal


def test_a_new_optional_field_is_a_column_at_the_end_and_the_view_has_it_too(tmp_path: Path) -> None:
    schema = json.loads((ENVIRONMENTS / "schemas" / "order_events.avsc").read_text())
    schema["fields"].append({"name": "channel", "type": ["null", "string"], "default": None})
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas" / "order_events.avsc").write_text(json.dumps(schema))
    before = declared(estate_of(environment_of({}), ENVIRONMENTS), "before")
    after = declared(estate_of(environment_of({}), tmp_path), "after")
    table = "streaming_public_order_events"
    columns, more = (each["resource"]["snowflake_table"][table]["column"] for each in (before, after))
    assert more == [*columns, {"name": "CHANNEL", "type": "VARCHAR", "nullable": True}]
    view = "ANALYTICS.MARTS.ORDER_EVENTS_CURRENT"
    old, new = (each["locals"]["snowflake_view_view"][view]["query"] for each in (before, after))
    assert new == old.replace(", NOTE FROM", ", NOTE, CHANNEL FROM") != old
    same = [key for key in before["resource"] if key != "snowflake_table"]
    assert all(before["resource"][key] == after["resource"][key] for key in same)


def change(rehearsal: Rehearsal, *, without: str | None = None, **field: Any) -> None:
    """Takes a field out of the schema, or adds one at its end."""
    file = rehearsal.project.environments / "schemas" / "order_events.avsc"
    schema = json.loads(file.read_text())
    schema["fields"] = [each for each in schema["fields"] if each["name"] != without]
    if field:
        schema["fields"].append(field)
    file.write_text(json.dumps(schema))


@pytest.mark.soak
def test_a_new_optional_field_is_a_column_in_the_same_plan_and_a_lost_one_is_called_data_loss(
    deployed: Rehearsal,
) -> None:
    change(deployed, name="channel", type=["null", "string"], default=None, doc="Where it was ordered.")
    plan = deployed.plan()
    assert plan.changes == CHANGED
    assert not any(message.startswith("holds data") for _, message in plan.findings)
    shown = deployed.plan_text().out.splitlines()
    at = shown.index(f"  ~ {TABLE}")
    assert shown[at + 1 : at + 3] == ["      column:", '        + CHANNEL VARCHAR, comment "Where it was ordered."']

    assert deployed.deploy().code == 0
    change(deployed, without="note")
    plan = deployed.plan()
    assert plan.changes == CHANGED
    assert (
        "warn",
        "holds data: column NOTE of table ORDER_EVENTS will be dropped, its values are lost",
    ) in plan.findings
