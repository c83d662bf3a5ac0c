"""Schemas that refer to others, through `cultureamp/schemaregistry`."""

from __future__ import annotations

from pathlib import Path

from modules.cdk import App
from modules.platforms.declare.mongey import declare_schemas
from modules.resources.base import Stack
from modules.topics import SchemaSpec
from tests.platforms.schema_walk import faults


def test_what_is_referred_to_is_named_with_its_version_from_a_resource_beside(tmp_path: Path) -> None:
    stack = Stack(App(outdir=str(tmp_path)), "topics")
    specs = [
        SchemaSpec("money", "money.avsc", "BACKWARD"),
        SchemaSpec("orders-value", "order.avsc", "FULL", (("com.acme.Money", "money"),)),
    ]
    declare_schemas(stack, specs, {"money": "{}", "orders-value": "{}"})
    document = {**stack.declared}
    assert list(faults(document)) == []
    values = document["locals"]["schemaregistry_schema_referring"]["orders-value"]
    assert values["references"] == [
        {"name": "com.acme.Money", "subject": "money", "version": '${schemaregistry_schema.value["money"].version}'}
    ]
    assert set(document["locals"]["schemaregistry_schema_value"]) == {"money"}
