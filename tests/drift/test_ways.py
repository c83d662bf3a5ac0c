"""The two ways on: into the YAML with its comments kept, or back by a plan limited to what drifted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from modules.adoption import LiveCluster, LiveSubject, LiveTopic
from modules.drift.adopt import adoption_of, difference, write_adopting
from modules.drift.managed import StateObject, managed_by
from modules.drift.model import AttributeDrift, Drift
from modules.drift.revert import way_back
from modules.environment import load_environment
from modules.errors import ConfigError
from modules.project import Project
from tests.drift.parts import new_project, report

MINE = """\
extends: local
topics:
  order-events: # the shop's
    retention: 30d # by law
    config: {max.message.bytes: "1000000"}
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return new_project(tmp_path, mine=MINE)


def changed(what: str, *attributes: AttributeDrift) -> Drift:
    type_, _, name = what.partition(" ")
    return Drift("changed", type_, name, "topics", f'kafka_topic.topic["{name}"]', attributes)


def value(key: tuple[str, ...], before: object, after: object, path: str = "it") -> AttributeDrift:
    return AttributeDrift(path, before, after, key)


RETENTION = value(("topics", "order-events", "retention"), "30d", "1h")


def test_a_changed_value_is_written_with_comments_and_order_kept(project: Project) -> None:
    environment = load_environment(project, "mine")
    gone = value(("topics", "order-events", "config", "max.message.bytes"), "1000000", None)
    adopting = adoption_of(report(changed("topic order-events", RETENTION, gone)), environment, project)
    shown = difference(project, environment, adopting)
    assert "-    retention: 30d # by law\n" in shown and "+    retention: 1h  # by law\n" in shown
    assert (project.environments / "mine.yaml").read_text() == MINE, "shown first"
    (path,) = write_adopting(project, environment, adopting)
    assert "order-events: # the shop's" in path.read_text()
    after = load_environment(project, "mine").topics["order-events"]
    assert (str(after.retention), after.config) == ("1h", {})


def test_what_another_file_gives_is_taken_back_by_null(project: Project) -> None:
    (project.environments / "over.yaml").write_text("extends: mine\n")
    environment = load_environment(project, "over")
    gone = value(("topics", "order-events", "config", "max.message.bytes"), "1000000", None)
    write_adopting(project, environment, adoption_of(report(changed("topic order-events", gone)), environment, project))
    assert load_environment(project, "over").topics["order-events"].config == {}
    assert load_environment(project, "mine").topics["order-events"].config == {"max.message.bytes": "1000000"}


def test_what_the_environment_would_not_load_with_is_left_out_and_the_rest_is_written(project: Project) -> None:
    environment = load_environment(project, "mine")
    wrong = value(("topics", "order-events", "partitions"), 6, 0)
    adopting = adoption_of(report(changed("topic order-events", RETENTION, wrong)), environment, project)
    assert [key for key, _ in adopting.settings] == [RETENTION.key]
    assert adopting.left == (("topics.order-events.partitions", "expected at least 1, got 0 (a number)"),)


def test_an_entry_that_the_preset_had_is_written_whole(project: Project) -> None:
    environment = load_environment(project, "mine")
    comment = value(("warehouse", "users", "SVC_KAFKA_CONNECTOR", "comment"), "x", "by hand")
    adopting = adoption_of(report(changed("user SVC_KAFKA_CONNECTOR", comment)), environment, project)
    assert dict(adopting.settings) == {
        ("warehouse", "users", "SVC_KAFKA_CONNECTOR", "role"): "KAFKA_CONNECTOR",
        ("warehouse", "users", "SVC_KAFKA_CONNECTOR", "comment"): "by hand",
    }
    assert adopting.left == ()


def test_a_column_that_was_added_to_a_declared_table_is_written(tmp_path: Path) -> None:
    table = "warehouse:\n  tables:\n    ANALYTICS.MARTS.NOTES:\n      columns:\n        ID: {type: VARCHAR} # the key\n"
    project = new_project(tmp_path, mine=f"extends: local\n{table}")
    environment = load_environment(project, "mine")
    key = ("warehouse", "tables", "ANALYTICS.MARTS.NOTES", "columns")
    added = AttributeDrift("column N", None, 'NUMBER(12,2), not null, "how many"', (*key, "N"))
    write_adopting(project, environment, adoption_of(report(changed("table it", added)), environment, project))
    columns = load_environment(project, "mine").warehouse.tables["ANALYTICS.MARTS.NOTES"].columns
    assert [(name, its.type, its.nullable, its.comment) for name, its in columns.items()] == [
        ("ID", "VARCHAR", True, None),
        ("N", "NUMBER(12,2)", False, "how many"),
    ]
    assert "# the key" in (project.environments / "mine.yaml").read_text()


def test_a_schema_that_others_share_gets_a_file_of_its_own(project: Project) -> None:
    environment = load_environment(project, "mine")
    shared = project.environments / "schemas" / "order_events.avsc"
    schema = json.loads(shared.read_text())
    schema["fields"].append({"name": "by_hand", "type": ["null", "string"], "default": None})
    new = value(("topics", "order-events", "value", "schema"), shared.read_text(), json.dumps(schema), "schema")
    before = shared.read_text()
    adopting = adoption_of(report(changed("subject order-events-value", new)), environment, project)
    write_adopting(project, environment, adopting)
    assert shared.read_text() == before
    its = load_environment(project, "mine").topics["order-events"].value
    assert its is not None and its.schema_ == "schemas/order_events.mine.avsc"
    assert json.loads((project.environments / its.schema_).read_text()) == schema


def test_topics_and_subjects_that_nobody_declared_are_declared(project: Project) -> None:
    environment = load_environment(project, "mine")
    text = json.dumps({"type": "record", "name": "Click", "fields": [{"name": "page", "type": "string"}]})
    live = LiveCluster(
        {"clicks": LiveTopic("clicks", 3, 1, {"retention.ms": "86400000"}), "other": LiveTopic("other", 1, 1)},
        {"clicks-value": LiveSubject("clicks-value", "AVRO", text, "NONE")},
    )
    found = report(
        Drift("unmanaged", "topic", "clicks"),
        Drift("unmanaged", "subject", "clicks-value"),
        Drift("unmanaged", "role", "SHADOW", do="declare it, or drop it"),
    )
    adopting = adoption_of(found, environment, project, live)
    write_adopting(project, environment, adopting)
    topics = load_environment(project, "mine").topics
    assert (topics["clicks"].partitions, str(topics["clicks"].retention)) == (3, "1d")
    assert topics["clicks"].value is not None and "other" not in topics
    assert adopting.left == (("role SHADOW", "declare it, or drop it"),)


def test_a_file_that_cannot_be_written_leaves_everything_as_it_was(project: Project) -> None:
    environment = load_environment(project, "mine")
    adopting = adoption_of(report(changed("topic order-events", RETENTION)), environment, project)
    broken = MINE.replace("extends: local", "extends: nowhere")
    (project.environments / "mine.yaml").write_text(broken)
    with pytest.raises(ConfigError) as caught:
        write_adopting(project, environment, adopting)
    assert (
        caught.value.what
        == "with what was changed outside the environment would not load, so its file was left as it was"
    )
    assert (project.environments / "mine.yaml").read_text() == broken


def test_the_way_back_plans_what_drifted_and_never_what_nobody_declared() -> None:
    gone = Drift("missing", "schema", "A.M", "warehouse", "snowflake_schema.schema", with_it=("snowflake_view.view",))
    more = changed("topic clicks", AttributeDrift("partitions", 3, 5))
    stray = Drift("unmanaged", "role", "SHADOW", by_hand='DROP ROLE "SHADOW"')
    way = way_back(report(gone, changed("topic order-events", RETENTION), more, stray))
    assert way.targets == (
        "warehouse:snowflake_schema.schema",
        "warehouse:snowflake_view.view",
        'topics:kafka_topic.topic["order-events"]',
    )
    assert way.left == (
        ("topic clicks", "Kafka takes no partitions back; adopt them"),
        ("role SHADOW", 'nobody declared it, so it is taken away by hand: DROP ROLE "SHADOW"'),
    )


def test_what_a_state_holds_is_known_by_the_names_services_have_for_it() -> None:
    acl = {
        "principal": "User:sa-1", "host": "*", "operation": "READ", "permission": "ALLOW",
        "resource_type": "TRANSACTIONAL_ID", "resource_name": "tx", "pattern_type": "LITERAL",
    }  # fmt: skip
    grant = {"account_role_name": '"ANALYST"', "privileges": ["select"], "id": 'x|TABLE|"D"."S"."T"'}
    managed = managed_by(
        [
            StateObject("confluent_kafka_acl", acl),
            StateObject("confluent_kafka_topic", {"topic_name": "orders"}),
            StateObject("aws_glue_schema", {"schema_name": "orders-value"}),
            StateObject("snowflake_table", {"id": '"D"."S"."T"'}),
            StateObject("snowflake_grant_privileges_to_account_role", grant),
            StateObject("snowflake_grant_account_role", {"role_name": '"R"', "user_name": '"U"'}),
        ]
    )
    assert managed.acls == {"User:sa-1|*|Read|Allow|TransactionalID|tx|Literal"}
    assert managed.topics == {"orders"} and managed.subjects == {"orders-value"}
    assert managed.objects == {("TABLE", ("D", "S", "T"))}
    assert managed.grants == ((("ANALYST",), frozenset({"SELECT"}), 'x|TABLE|"D"."S"."T"'),)
    assert managed.members == {(("R",), ("U",))}
