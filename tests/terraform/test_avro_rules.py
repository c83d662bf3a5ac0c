"""Every way an Avro schema can be incompatible, in the words a person reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from modules.terraform.avro_rules import SchemaUnreadableError, incompatibilities


def record(*fields: dict[str, Any], name: str = "Order") -> str:
    return json.dumps({"type": "record", "name": name, "fields": list(fields)})


def field(name: str, type_: Any = "string", **more: Any) -> dict[str, Any]:
    return {"name": name, "type": type_, **more}


ID = field("id")
ENUM_AB = {"type": "enum", "name": "Kind", "symbols": ["A", "B"]}
ENUM_A = {"type": "enum", "name": "Kind", "symbols": ["A"]}

CASES = [
    (
        "BACKWARD",
        record(ID),
        record(ID, field("priority")),
        'field "priority" has no default: BACKWARD needs one, because new readers meet old events without it',
    ),
    (
        "FORWARD",
        record(ID, field("amount")),
        record(ID),
        'field "amount" was removed and had no default: FORWARD needs one, because old readers meet new events '
        "without it",
    ),
    (
        "FULL_TRANSITIVE",
        record(ID),
        record(ID, field("priority")),
        'field "priority" has no default: FULL_TRANSITIVE needs one, because new readers meet old events without it',
    ),
    (
        "BACKWARD",
        record(field("n", "long")),
        record(field("n", "int")),
        'field "n" changes from long to int: BACKWARD forbids it, because new readers cannot read long in old events '
        "as int",
    ),
    (
        "FORWARD",
        record(field("n", "int")),
        record(field("n", "long")),
        'field "n" changes from int to long: FORWARD forbids it, because old readers cannot read long in new events '
        "as int",
    ),
    (
        "BACKWARD",
        record(field("n", ["null", "string"])),
        record(field("n", "string")),
        'field "n" no longer takes null: BACKWARD forbids it, because new readers meet old events that hold null',
    ),
    (
        "FORWARD",
        record(field("n", "string")),
        record(field("n", ["null", "string"])),
        'field "n" may now be null: FORWARD forbids it, because old readers do not know null there',
    ),
    (
        "BACKWARD",
        record(field("n", ["null", "string", "int"])),
        record(field("n", ["null", "string"])),
        'field "n" no longer takes int: BACKWARD forbids it, because new readers meet old events that hold int',
    ),
    (
        "BACKWARD",
        record(field("k", ENUM_AB)),
        record(field("k", ENUM_A)),
        'field "k" loses the symbol B: BACKWARD forbids it, because new readers meet old events that hold it '
        "(a default of the enum would allow it)",
    ),
    (
        "FORWARD",
        record(field("k", ENUM_A)),
        record(field("k", ENUM_AB)),
        'field "k" gains the symbol B: FORWARD forbids it, because old readers do not know it and their enum has no '
        "default",
    ),
    (
        "BACKWARD",
        record(field("f", {"type": "fixed", "name": "F", "size": 4})),
        record(field("f", {"type": "fixed", "name": "F", "size": 8})),
        'field "f" changes its fixed size from 4 to 8 bytes: BACKWARD forbids it, because new readers meet old events',
    ),
    (
        "BACKWARD",
        record(ID),
        record(ID, name="Purchase"),
        'the schema: its record is renamed from "Order" to "Purchase": BACKWARD forbids it, because new readers meet '
        "old events and names must agree (an alias keeps the old one readable)",
    ),
    (
        "BACKWARD",
        record(field("lines", {"type": "array", "items": json.loads(record(ID, name="Line"))})),
        record(field("lines", {"type": "array", "items": json.loads(record(ID, field("qty", "int"), name="Line"))})),
        'field "lines[].qty" has no default: BACKWARD needs one, because new readers meet old events without it',
    ),
    (
        "BACKWARD",
        record(field("buyer", ["null", json.loads(record(ID, name="Buyer"))])),
        record(field("buyer", ["null", json.loads(record(ID, field("vat"), name="Buyer"))])),
        'field "buyer.vat" has no default: BACKWARD needs one, because new readers meet old events without it',
    ),
    (
        "BACKWARD",
        record(field("tags", {"type": "map", "values": "string"})),
        record(field("tags", {"type": "map", "values": "long"})),
        'field "tags{}" changes from string to long: BACKWARD forbids it, because new readers cannot read string in '
        "old events as long",
    ),
]


@pytest.mark.parametrize(("level", "old", "new", "sentence"), CASES)
def test_an_incompatible_change_is_named_with_field_and_rule(level: str, old: str, new: str, sentence: str) -> None:
    assert incompatibilities(old, new, level) == (sentence,)


@pytest.mark.parametrize(
    ("level", "old", "new"),
    [
        ("BACKWARD", record(ID), record(ID, field("p", default="x"))),
        ("BACKWARD", record(ID, field("gone")), record(ID)),
        ("BACKWARD", record(field("n", "int")), record(field("n", "long"))),
        ("BACKWARD", record(field("n")), record(field("n", ["null", "string"]))),
        ("BACKWARD", record(field("old")), record(field("new", aliases=["old"]))),
        ("BACKWARD", record(field("k", ENUM_AB)), record(field("k", {**ENUM_A, "default": "A"}))),
        ("FORWARD", record(ID), record(ID, field("priority"))),
        ("FULL", record(ID), record(ID, field("p", ["null", "string"], default=None))),
        ("NONE", record(ID), record(field("n", "int"), name="Other")),
        ("backward", record(ID), record(ID)),
    ],
)
def test_a_compatible_change_has_nothing_to_be_said(level: str, old: str, new: str) -> None:
    assert incompatibilities(old, new, level) == ()


def test_several_faults_are_all_named() -> None:
    found = incompatibilities(
        record(ID, field("n", "long")), record(ID, field("n", "int"), field("a"), field("b")), "BACKWARD"
    )
    assert [sentence.split('"')[1] for sentence in found] == ["n", "a", "b"]


def test_full_names_both_directions() -> None:
    found = incompatibilities(record(field("old")), record(field("new")), "FULL")
    assert [sentence.split(":")[0] for sentence in found] == [
        'field "new" has no default',
        'field "old" was removed and had no default',
    ]


def test_a_schema_that_refers_to_itself_ends() -> None:
    def tree(*extra: dict[str, Any]) -> str:
        return record(field("next", ["null", "Order"]), *extra)

    assert incompatibilities(tree(), tree(), "FULL") == ()
    assert 'field "size" has no default' in incompatibilities(tree(), tree(field("size")), "BACKWARD")[0]


def test_the_projects_own_schema_gains_an_optional_field_but_no_required_one() -> None:
    path = Path(__file__).parents[2] / "environments" / "schemas" / "order_events.avsc"
    old = json.loads(path.read_text())
    optional = {**old, "fields": [*old["fields"], field("priority", ["null", "int"], default=None)]}
    required = {**old, "fields": [*old["fields"], field("priority", "int")]}
    assert incompatibilities(json.dumps(old), json.dumps(optional), "FULL") == ()
    assert len(incompatibilities(json.dumps(old), json.dumps(required), "BACKWARD")) == 1


def test_what_is_no_avro_is_refused_as_such() -> None:
    with pytest.raises(SchemaUnreadableError):
        incompatibilities(record(ID), '{"type": "record"}', "BACKWARD")
    with pytest.raises(SchemaUnreadableError):
        incompatibilities(record(ID), "{", "BACKWARD")
    assert incompatibilities("unreadable", record(ID), "BACKWARD") == ()
