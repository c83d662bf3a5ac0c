"""Schema, diagnostics and attribute paths as the protocol's protobuf messages."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from tf.gen import tfplugin_pb2 as pb

from modules.local.plugins.protocol.resource import Diagnostic
from modules.local.plugins.protocol.schema import Attribute, Block, CtyType, NestedBlock
from modules.local.plugins.protocol.values import Value, encode

__all__ = ["diagnostics_message", "dynamic_value", "path_message", "schema_message"]

# `tf` 1.2's protobuf definition predates write-only arguments. Protobuf keeps fields it does not know when it writes a
# message again, so field 11 of Attribute (bool write_only, tfplugin6 v6.8) can be added as bytes.
_WRITE_ONLY = b"\x58\x01"


def schema_message(block: Block) -> Any:
    """A `Schema`."""
    return pb.Schema(version=block.version, block=_block(block))


def dynamic_value(kind: CtyType, value: Value) -> Any:
    """A `DynamicValue` in msgpack; None becomes a null of the type."""
    return pb.DynamicValue(msgpack=encode(kind, value))


def diagnostics_message(diagnostics: Iterable[Diagnostic]) -> list[Any]:
    """`Diagnostic` messages."""
    return [
        pb.Diagnostic(
            severity=pb.Diagnostic.ERROR if one.severity == "error" else pb.Diagnostic.WARNING,
            summary=one.summary,
            detail=one.detail,
            attribute=path_message(one.path) if one.path else None,
        )
        for one in diagnostics
    ]


def path_message(path: Iterable[str | int]) -> Any:
    """An `AttributePath`; a string names an attribute or block, a number an element."""
    return pb.AttributePath(
        steps=[
            pb.AttributePath.Step(element_key_int=step)
            if isinstance(step, int)
            else pb.AttributePath.Step(attribute_name=step)
            for step in path
        ]
    )


def _block(block: Block) -> Any:
    return pb.Schema.Block(
        version=block.version,
        attributes=[_attribute(attribute) for attribute in block.attributes.values()],
        block_types=[_nested_block(nested) for nested in block.blocks.values()],
    )


def _nested_block(nested: NestedBlock) -> Any:
    return pb.Schema.NestedBlock(
        type_name=nested.name,
        block=_block(nested.block),
        nesting=pb.Schema.NestedBlock.NestingMode.Value(nested.nesting.upper()),
        min_items=nested.min_items,
        max_items=nested.max_items,
    )


def _attribute(attribute: Attribute) -> Any:
    message = pb.Schema.Attribute(
        name=attribute.name,
        required=attribute.required,
        optional=attribute.optional,
        computed=attribute.computed,
        sensitive=attribute.sensitive,
        deprecated=attribute.deprecated,
    )
    if attribute.nested is None:
        message.type = json.dumps(attribute.type).encode()
    else:
        message.nested_type.CopyFrom(
            pb.Schema.Object(
                attributes=[_attribute(inner) for inner in attribute.nested.attributes.values()],
                nesting=pb.Schema.Object.NestingMode.Value(attribute.nested.nesting.upper()),
            )
        )
    if attribute.write_only:
        message.MergeFromString(_WRITE_ONLY)
    return message
