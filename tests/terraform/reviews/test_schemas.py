"""Reviews of schemas and of their compatibility, whoever keeps them."""

from __future__ import annotations

from typing import Any

from modules.terraform.plan import Finding
from modules.terraform.plan_json import parse_plan
from modules.terraform.review import review
from tests.terraform.plans import entry, findings, schema


def test_an_incompatible_schema_is_refused_naming_subject_field_and_rule() -> None:
    (finding,) = findings(entry("schemaregistry_schema", ["update"], schema("id"), schema("id", "priority")))
    assert finding.severity == "refuse"
    assert finding.message == (
        'order-events-value: field "priority" has no default: BACKWARD needs one, '
        "because new readers meet old events without it"
    )


def glue(*fields: str, level: str = "BACKWARD") -> dict[str, Any]:
    definition = schema(*fields)["schema"]
    return {
        "schema_name": "order-events-value",
        "data_format": "AVRO",
        "compatibility": level,
        "schema_definition": definition,
    }


def test_glues_schema_is_judged_alike() -> None:
    (finding,) = findings(entry("aws_glue_schema", ["update"], glue("id"), glue("id", "priority")))
    assert finding.severity == "refuse" and 'order-events-value: field "priority" has no default' in finding.message
    sides = [glue(*names, level="BACKWARD_ALL") for names in (("id", "x"), ("id",))]
    (finding,) = findings(entry("aws_glue_schema", ["update"], *sides))
    assert finding.severity == "warn" and "BACKWARD_TRANSITIVE also binds" in finding.message
    (finding,) = findings(entry("aws_glue_schema", ["update"], glue("id"), glue("other", level="NONE")))
    assert finding.severity == "warn" and "from BACKWARD to NONE" in finding.message
    (finding,) = findings(entry("aws_glue_schema", ["delete"], glue("id"), None))
    assert finding.severity == "warn" and "holds data" in finding.message


def test_a_schema_of_another_level_is_judged_by_the_level_that_will_hold() -> None:
    before, after = schema("id"), schema("id", "priority", compatibility_level="FORWARD")
    assert findings(entry("schemaregistry_schema", ["update"], before, after)) == []


def test_a_level_that_falls_to_none_warns() -> None:
    after = schema("other", compatibility_level="NONE")
    (finding,) = findings(entry("schemaregistry_schema", ["update"], schema("id"), after))
    assert finding.severity == "warn" and "from BACKWARD to NONE" in finding.message


def test_a_transitive_level_says_that_older_versions_are_the_registrys_to_check() -> None:
    before, after = (schema(*names, compatibility_level="BACKWARD_TRANSITIVE") for names in (("id", "x"), ("id",)))
    (finding,) = findings(entry("schemaregistry_schema", ["update"], before, after))
    assert finding.severity == "warn" and "versions before the current one" in finding.message


def test_a_new_schema_that_is_no_avro_is_refused() -> None:
    after = schema(schema='{"type": "recor"}')
    (finding,) = findings(entry("schemaregistry_schema", ["create"], None, after))
    assert finding.severity == "refuse" and "not valid Avro" in finding.message


def test_other_formats_and_other_subjects_are_left_to_the_registry() -> None:
    protobuf = schema(schema='syntax = "proto3";', schema_type="PROTOBUF")
    assert findings(entry("schemaregistry_schema", ["update"], protobuf, protobuf)) == []
    moved = schema("a", subject="payments-value")
    (finding,) = findings(entry("schemaregistry_schema", ["delete", "create"], schema("id"), moved))
    assert finding.severity == "warn"


def confluent_plan(level: str, *fields: str, before: str | None = None) -> list[Finding]:
    """A plan that changes a schema from one field `id` to these, under a level in a resource of its own."""
    sides = [
        {"subject_name": "orders-value", "format": "AVRO", "schema": schema(*each)["schema"]}
        for each in (["id"], fields)
    ]
    changes = [entry("confluent_schema", ["update"], *sides)]
    if before:
        levels = [{"subject_name": "orders-value", "compatibility_level": each} for each in (before, level)]
        changes.append(entry("confluent_subject_config", ["update"], *levels))
    settled = {
        "type": "confluent_subject_config",
        "values": {"subject_name": "orders-value", "compatibility_level": level},
    }
    planned = {"root_module": {"resources": [settled]}}
    return list(review(parse_plan("topics", {"resource_changes": changes, "planned_values": planned})))


def test_confluents_schema_is_judged_by_the_level_that_will_hold() -> None:
    (finding,) = confluent_plan("BACKWARD", "id", "priority")
    assert finding.severity == "refuse"
    assert finding.message.startswith('orders-value: field "priority" has no default: BACKWARD needs one')
    assert confluent_plan("FORWARD", "id", "priority") == []
    assert confluent_plan("BACKWARD", "id") == []


def test_confluents_level_that_falls_to_none_warns() -> None:
    (finding,) = confluent_plan("NONE", "other", before="BACKWARD")
    assert finding.severity == "warn" and "from BACKWARD to NONE" in finding.message


def test_a_schema_that_refers_to_others_is_left_to_the_registry_with_a_word() -> None:
    """Its types are in other subjects, so it cannot be read by itself."""
    body = '{"type": "record", "name": "R", "fields": [{"name": "m", "type": "com.acme.Money"}]}'
    sides = [schema("id"), {**schema("id"), "schema": body, "references": [{"name": "com.acme.Money"}]}]
    (finding,) = findings(entry("schemaregistry_schema", ["update"], *sides))
    assert finding.severity == "warn" and "the registry alone can tell" in finding.message
    assert findings(entry("schemaregistry_schema", ["create"], None, sides[1])) == []
