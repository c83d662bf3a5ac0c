"""Values on Terraform's wire: msgpack (and JSON for stored states), decoded and encoded by type.

In Python a value is `None`, `str`, `bool`, a number (`int`; `float` or `Decimal` where a fraction demands it), `list`
(also for sets and tuples), `dict` (maps and objects), `UNKNOWN`, or `Dynamic`. Numbers survive exactly: Terraform
sends what fits neither int64 nor float64 as a decimal string, and gets it back that way.
Format: https://github.com/zclconf/go-cty/blob/main/cty/msgpack/doc.go
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, final

import msgpack

from modules.local.plugins.protocol.schema import CtyType

__all__ = ["UNKNOWN", "Dynamic", "Unknown", "Value", "decode", "encode", "equal", "from_json", "has_unknown"]

Value = Any
"""`None`, `str`, `bool`, `int`, `float`, `Decimal`, `list`, `dict`, `UNKNOWN` or `Dynamic`."""


@final
class Unknown:
    """The value Terraform does not know yet; `UNKNOWN` is its only instance."""

    _instance: Unknown | None = None

    def __new__(cls) -> Unknown:
        if cls._instance is None:
            cls._instance = super().__new__(cls)
        return cls._instance

    def __repr__(self) -> str:
        return "UNKNOWN"

    def __bool__(self) -> bool:
        raise TypeError("an unknown value is neither true nor false; compare with `is UNKNOWN`")

    def __copy__(self) -> Unknown:
        return self

    def __deepcopy__(self, memo: object) -> Unknown:
        return self


UNKNOWN: Final = Unknown()
_UNKNOWN_WIRE: Final = msgpack.ExtType(0, b"\x00")
_INT64 = range(-(2**63), 2**63)


@dataclass(frozen=True)
class Dynamic:
    """A value of a dynamically typed attribute, with the type it turned out to have."""

    type: CtyType
    value: Value


def decode(kind: CtyType, data: bytes) -> Value:
    """Read a msgpack value of a type; no data is null."""
    if not data:
        return None
    return _decode(kind, msgpack.unpackb(data, ext_hook=_extension, strict_map_key=False))


def encode(kind: CtyType, value: Value) -> bytes:
    """Write a value of a type. Attributes an object lacks are written as null, surplus ones are a TypeError."""
    packed = msgpack.packb(_encode(kind, value, ()))
    assert isinstance(packed, bytes)
    return packed


def from_json(kind: CtyType, raw: Any) -> Value:
    """Read a value from a stored state's JSON. Attributes the type no longer has are dropped."""
    if raw is None:
        return None
    if isinstance(kind, str):
        if kind == "dynamic":
            return Dynamic(raw["type"], from_json(raw["type"], raw["value"]))
        return _number(raw) if kind == "number" else raw
    head, inner = kind[0], kind[1]
    if head == "object":
        return {name: from_json(member, raw.get(name)) for name, member in inner.items()}
    if head == "map":
        return {key: from_json(inner, value) for key, value in raw.items()}
    if head == "tuple":
        return [from_json(member, value) for member, value in zip(inner, raw, strict=True)]
    return [from_json(inner, value) for value in raw]


def has_unknown(value: Value) -> bool:
    """Is anything in it not known yet?"""
    if value is UNKNOWN:
        return True
    if isinstance(value, dict):
        return any(has_unknown(item) for item in value.values())
    if isinstance(value, list):
        return any(has_unknown(item) for item in value)
    return isinstance(value, Dynamic) and has_unknown(value.value)


def equal(kind: CtyType, left: Value, right: Value) -> bool:
    """Are two values of a type the same? Sets have no order; an unknown equals nothing, not even another."""
    if left is UNKNOWN or right is UNKNOWN:
        return False
    if left is None or right is None:
        return left is right
    if isinstance(kind, str):
        return _equal_primitive(kind, left, right)
    head, inner = kind[0], kind[1]
    if head == "object":
        return all(equal(member, left.get(name), right.get(name)) for name, member in inner.items())
    if len(left) != len(right):
        return False
    if head == "map":
        return left.keys() == right.keys() and all(equal(inner, left[key], right[key]) for key in left)
    if head == "set":
        return _equal_sets(inner, left, right)
    members = inner if head == "tuple" else [inner] * len(left)
    return all(equal(member, one, other) for member, one, other in zip(members, left, right, strict=True))


def _equal_primitive(kind: str, left: Value, right: Value) -> bool:
    if kind == "dynamic":
        return bool(left.type == right.type and equal(left.type, left.value, right.value))
    return bool(left == right)


def _equal_sets(inner: CtyType, left: list[Value], right: list[Value]) -> bool:
    if inner == "string":
        return set(left) == set(right)
    rest = list(right)
    for one in left:
        for index, other in enumerate(rest):
            if equal(inner, one, other):
                del rest[index]
                break
        else:
            return False
    return True


def _extension(code: int, data: bytes) -> Any:
    # Code 0 is a bare unknown, 12 an unknown with refinements (not null, a prefix …); the refinements are only hints.
    if code in (0, 12):
        return UNKNOWN
    return msgpack.ExtType(code, data)


def _decode(kind: CtyType, raw: Any) -> Value:
    if raw is None or raw is UNKNOWN:
        return raw
    if isinstance(kind, str):
        if kind == "dynamic":
            inner_type = json.loads(raw[0])
            return Dynamic(inner_type, _decode(inner_type, raw[1]))
        return _number(raw) if kind == "number" else raw
    head, inner = kind[0], kind[1]
    if head == "object":
        return {name: _decode(member, raw.get(name)) for name, member in inner.items()}
    if head == "map":
        return {key: _decode(inner, value) for key, value in raw.items()}
    if head == "tuple":
        return [_decode(member, value) for member, value in zip(inner, raw, strict=True)]
    return [_decode(inner, value) for value in raw]


def _number(raw: Any) -> int | float | Decimal:
    if isinstance(raw, str):
        exact = Decimal(raw)
        return int(exact) if exact == exact.to_integral_value() else exact
    if isinstance(raw, float) and raw.is_integer():
        return int(raw)
    assert isinstance(raw, int | float)
    return raw


def _encode(kind: CtyType, value: Value, path: tuple[str, ...]) -> Any:
    if value is None:
        return None
    if value is UNKNOWN:
        return _UNKNOWN_WIRE
    if isinstance(kind, str):
        return _encode_primitive(kind, value, path)
    head, inner = kind[0], kind[1]
    if head == "object":
        surplus = value.keys() - inner.keys()
        if surplus:
            raise TypeError(f"{'.'.join(path) or 'value'} has no attribute {', '.join(sorted(surplus))}")
        return {name: _encode(member, value.get(name), (*path, name)) for name, member in inner.items()}
    if head == "map":
        return {key: _encode(inner, item, (*path, key)) for key, item in value.items()}
    members = inner if head == "tuple" else [inner] * len(value)
    return [
        _encode(member, item, (*path, str(index)))
        for index, (member, item) in enumerate(zip(members, value, strict=True))
    ]


def _encode_primitive(kind: str, value: Value, path: tuple[str, ...]) -> Any:
    if kind == "dynamic":
        if not isinstance(value, Dynamic):
            raise TypeError(f"{'.'.join(path)} wants a Dynamic, got {type(value).__name__}")
        return [json.dumps(value.type).encode(), _encode(value.type, value.value, path)]
    if kind == "number":
        return _encode_number(value, path)
    wanted = bool if kind == "bool" else str
    if not isinstance(value, wanted):
        raise TypeError(f"{'.'.join(path)} wants a {kind}, got {type(value).__name__}")
    return value


def _encode_number(value: Value, path: tuple[str, ...]) -> int | float | str:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise TypeError(f"{'.'.join(path)} wants a number, got {type(value).__name__}")
    if isinstance(value, int):
        return value if value in _INT64 else str(value)
    return format(value, "f") if isinstance(value, Decimal) else value
