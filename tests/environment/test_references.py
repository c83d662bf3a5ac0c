"""Schemas that use types of other files: what is checked before a registry is asked, and which subjects come of it."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from modules.environment import load_environment
from modules.errors import ConfigError
from modules.project import Project
from modules.topics import schema_specs
from modules.warehouse.build import estate_of
from tests.environment.conftest import Write

MONEY = {"type": "record", "name": "Money", "namespace": "com.acme", "fields": [{"name": "amount", "type": "double"}]}
KIND = {"type": "enum", "name": "com.acme.Kind", "symbols": ["A", "B"]}
ORDER = {
    "type": "record",
    "name": "Order",
    "namespace": "com.acme",
    "fields": [{"name": "id", "type": "string"}, {"name": "total", "type": "Money"}, {"name": "kind", "type": "Kind"}],
}
VALUE = """extends: base
platform: local
topics:
  order-events: null
  orders:
    value:
      schema: schemas/order.avsc
      references:
        com.acme.Money: {schema: schemas/money.avsc}
        com.acme.Kind: {schema: schemas/kind.avsc, subject: kinds}
    sink: {table: A.PUBLIC.ORDERS}
smoke: {own: false}
"""

Make = Callable[[str], Project]


@pytest.fixture
def make(write: Write) -> Make:
    def made(text: str) -> Project:
        project = write(dev=text)
        for name, schema in (("money", MONEY), ("kind", KIND), ("order", ORDER)):
            (project.environments / "schemas" / f"{name}.avsc").write_text(json.dumps(schema))
        return project

    return made


def refused(project: Project) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_environment(project, "dev")
    return [line.removeprefix("environments/dev.yaml:") for line in caught.value.details]


def test_what_a_schema_refers_to_is_registered_before_it(make: Make) -> None:
    specs = schema_specs(load_environment(make(VALUE), "dev"))
    assert [spec.subject for spec in specs] == ["com.acme.Money", "kinds", "orders-value"]
    assert specs[-1].references == (("com.acme.Money", "com.acme.Money"), ("com.acme.Kind", "kinds"))
    assert not specs[0].references


def test_a_table_has_the_columns_of_what_is_referred_to(make: Make) -> None:
    project = make(VALUE)
    (table,) = estate_of(load_environment(project, "dev"), project.environments).tables
    assert {column.name: column.type for column in table.columns} == {
        "ID": "VARCHAR", "TOTAL": "VARIANT", "KIND": "VARCHAR", "RECORD_METADATA": "VARIANT",
    }  # fmt: skip


def test_a_type_that_nobody_defines_is_told(make: Make) -> None:
    (line,) = refused(make(VALUE.replace("        com.acme.Kind: {schema: schemas/kind.avsc, subject: kinds}\n", "")))
    assert line.startswith("7: topics.orders.value.schema: environments/schemas/order.avsc is not a valid Avro schema")
    assert "Kind" in line


def test_a_file_that_defines_another_type_is_told(make: Make) -> None:
    lines = refused(make(VALUE.replace("schemas/kind.avsc", "schemas/money.avsc")))
    assert any(
        "environments/schemas/money.avsc defines `com.acme.Money`, not `com.acme.Kind`" in line for line in lines
    )


def test_a_file_that_is_not_there_is_told_once(make: Make) -> None:
    (line,) = refused(make(VALUE.replace("schemas/kind.avsc", "schemas/kinds.avsc")))
    assert line == (
        "10: topics.orders.value.references.com.acme.Kind.schema: cannot read environments/schemas/kinds.avsc: "
        "No such file or directory; did you mean `schemas/kind.avsc`?"
    )


def test_two_types_under_one_subject_are_told(make: Make) -> None:
    (line,) = refused(make(VALUE.replace("subject: kinds", "subject: com.acme.Money")))
    assert line == (
        "10: topics.orders.value.references.com.acme.Kind: the subject `com.acme.Money` already holds "
        "environments/schemas/money.avsc; give this type its own `subject`"
    )


def test_a_reference_to_a_schema_with_references_is_told(make: Make) -> None:
    lines = refused(make(VALUE.replace("subject: kinds", "subject: orders-value")))
    assert any("the schema of `orders-value` refers to others itself" in line for line in lines)
