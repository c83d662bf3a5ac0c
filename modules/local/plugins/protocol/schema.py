"""Schema snapshots (`modules/resources/schemas/*.json`) as typed blocks and attributes.

The snapshots are trimmed copies of `terraform providers schema -json`. This module reads them and says which type a
block has on the wire; it neither validates values nor talks protobuf.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

__all__ = [
    "Attribute",
    "Block",
    "CtyType",
    "Nested",
    "NestedBlock",
    "Nesting",
    "ProviderSchema",
    "load_schema",
    "parse_schema",
    "snapshot_path",
]

Nesting = Literal["single", "group", "list", "set", "map"]

CtyType = str | list[Any]
"""A type constraint as Terraform writes it in JSON: `"string"`, `["list", "string"]`, `["object", {…}]`."""


@dataclass(frozen=True)
class Nested:
    """An attribute's nested type: objects inside one attribute, `nesting` says how many."""

    nesting: Nesting
    attributes: Mapping[str, Attribute]


@dataclass(frozen=True)
class Attribute:
    """One argument or result; exactly one of `type` and `nested` is set."""

    name: str
    type: CtyType | None = None
    nested: Nested | None = None
    required: bool = False
    optional: bool = False
    computed: bool = False
    sensitive: bool = False
    write_only: bool = False
    deprecated: bool = False

    @cached_property
    def wire_type(self) -> CtyType:
        if self.nested is None:
            return self.type if self.type is not None else "dynamic"
        return _nest(self.nested.nesting, _object(self.nested.attributes, {}))


@dataclass(frozen=True)
class NestedBlock:
    """A block inside a block."""

    name: str
    nesting: Nesting
    block: Block
    min_items: int = 0
    max_items: int = 0

    @cached_property
    def wire_type(self) -> CtyType:
        return _nest(self.nesting, self.block.wire_type)


@dataclass(frozen=True)
class Block:
    """A resource's or provider's body."""

    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    blocks: Mapping[str, NestedBlock] = field(default_factory=dict)
    version: int = 0

    @cached_property
    def wire_type(self) -> CtyType:
        return _object(self.attributes, self.blocks)


@dataclass(frozen=True)
class ProviderSchema:
    """A provider's snapshot: its address (`mongey/kafka`), version, own arguments and resources."""

    source: str
    version: str
    provider: Block
    resources: Mapping[str, Block]
    data_sources: Mapping[str, Block] = field(default_factory=dict)


def snapshot_path(name: str) -> Path:
    """Where the project keeps a provider's snapshot (`kafka`, `snowflake`, …)."""
    return Path(__file__).parents[3] / "resources" / "schemas" / f"{name}.json"


def load_schema(path: Path) -> ProviderSchema:
    """Read a snapshot file."""
    return parse_schema(json.loads(path.read_text(encoding="utf-8")))


def parse_schema(raw: Mapping[str, Any]) -> ProviderSchema:
    """Turn a snapshot's JSON into types."""
    return ProviderSchema(
        source=raw["source"],
        version=raw["version"],
        provider=_block(raw.get("provider", {})),
        resources=_Blocks(raw.get("resources", {})),
        data_sources=_Blocks(raw.get("data_sources", {})),
    )


class _Blocks(Mapping[str, Block]):
    """Blocks by name, each parsed when it is first asked for: most plugin processes need a few of many."""

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self._raw = raw
        self._parsed: dict[str, Block] = {}

    def __getitem__(self, name: str) -> Block:
        if name not in self._parsed:
            self._parsed[name] = _block(self._raw[name])
        return self._parsed[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._raw)

    def __len__(self) -> int:
        return len(self._raw)


def _block(raw: Mapping[str, Any]) -> Block:
    return Block(
        attributes={name: _attribute(name, body) for name, body in raw.get("attributes", {}).items()},
        blocks={name: _nested_block(name, body) for name, body in raw.get("block_types", {}).items()},
        version=raw.get("schema_version", 0),
    )


def _nested_block(name: str, raw: Mapping[str, Any]) -> NestedBlock:
    return NestedBlock(
        name=name,
        nesting=raw["nesting_mode"],
        block=_block(raw.get("block", {})),
        min_items=raw.get("min_items", 0),
        max_items=raw.get("max_items", 0),
    )


def _attribute(name: str, raw: Mapping[str, Any]) -> Attribute:
    nested = raw.get("nested_type")
    return Attribute(
        name=name,
        type=raw.get("type"),
        nested=None
        if nested is None
        else Nested(nested["nesting_mode"], {key: _attribute(key, body) for key, body in nested["attributes"].items()}),
        **{
            flag: bool(raw.get(flag))
            for flag in ("required", "optional", "computed", "sensitive", "write_only", "deprecated")
        },
    )


def _object(attributes: Mapping[str, Attribute], blocks: Mapping[str, NestedBlock]) -> CtyType:
    members = {name: attribute.wire_type for name, attribute in attributes.items()}
    return ["object", members | {name: block.wire_type for name, block in blocks.items()}]


def _nest(nesting: Nesting, inner: CtyType) -> CtyType:
    if nesting in ("single", "group"):
        return inner
    # Terraform turns a list or map of objects that hold a dynamic value into a tuple or an object of its own type.
    if nesting in ("list", "map") and _has_dynamic(inner):
        return "dynamic"
    return [nesting, inner]


def _has_dynamic(kind: CtyType) -> bool:
    if isinstance(kind, str):
        return kind == "dynamic"
    if kind[0] == "object":
        return any(_has_dynamic(inner) for inner in kind[1].values())
    if kind[0] == "tuple":
        return any(_has_dynamic(inner) for inner in kind[1])
    return _has_dynamic(kind[1])
