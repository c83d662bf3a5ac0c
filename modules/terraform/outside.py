"""Tells what someone changed outside from what only looks like it.

Terraform reports every value that a refresh read differently. Much of it nobody changed: an answer that the provider
only shows (`show_output[0].is_current`, a schema's version), or an empty list where the state says nothing. The
providers' schemas tell the one from the other. Nothing here reads a plan.
"""

from __future__ import annotations

import re
from typing import Any

from modules.resources.snapshot import PROVIDERS, Schema, attributes, blocks, is_argument, snapshot

__all__ = ["is_noise"]

_INDEX = re.compile(r"\[[^\]]*\]")


def is_noise(provider: str, type_: str, path: str, before: Any, after: Any) -> bool:
    """Whether a difference found by a refresh is none that anyone made.

    Args:
        provider: its address, `registry.terraform.io/snowflakedb/snowflake`; of an unknown one everything is kept.
        path: the attribute's, `show_output[0].is_current`.
    """
    if _nothing(before) and _nothing(after):
        return True
    block = _schema(provider, type_)
    for name in _INDEX.sub("", path).split("."):
        if block is None:
            return False
        if name in attributes(block):
            return not is_argument(name, attributes(block)[name])
        nested = blocks(block).get(name)
        block = nested["block"] if nested else None
    return False


def _schema(provider: str, type_: str) -> Schema | None:
    source = provider.split("/", 1)[-1]
    for name in PROVIDERS:
        # The short name is in the address: no snapshot is read that is not needed.
        if source.endswith(f"/{name}") and snapshot(name)["source"] == source:
            found: Schema | None = snapshot(name)["resources"].get(type_)
            return found
    return None


def _nothing(value: Any) -> bool:
    return value is None or value in ("", [], {})
