"""The provider schemas kept in `schemas/`: source address, version, arguments. Loads and answers; changes nothing."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

__all__ = ["PROVIDERS", "attributes", "blocks", "is_argument", "schema_of", "snapshot"]

PROVIDERS = ("kafka", "kafka-connect", "schemaregistry", "snowflake", "confluent", "aws")

Schema = dict[str, Any]


@cache
def snapshot(provider: str) -> Schema:
    """A provider's snapshot: `source`, `version`, `provider`, `resources`, `data_sources`."""
    text = (Path(__file__).parent / "schemas" / f"{provider}.json").read_text(encoding="utf-8")
    loaded: Schema = json.loads(text)
    return loaded


def schema_of(provider: str, section: str, type_: str) -> Schema:
    """One block: `section` is `resources` or `data_sources`; or `provider`, whatever the type."""
    found: Schema = snapshot(provider)[section]
    if section != "provider":
        found = found[type_]
    return found


def attributes(block: Schema) -> dict[str, Schema]:
    """The block's attributes by name."""
    found: dict[str, Schema] = block.get("attributes", {})
    return found


def blocks(block: Schema) -> dict[str, Schema]:
    """The block's nested blocks by name."""
    found: dict[str, Schema] = block.get("block_types", {})
    return found


def is_argument(name: str, attribute: Schema) -> bool:
    """Whether a user may set it: `id` and what only the provider computes may not be."""
    if attribute.get("required"):
        return True
    return bool(attribute.get("optional")) and not (name == "id" and attribute.get("computed"))
