"""Checks a resource's arguments against its schema and renders them as Terraform JSON.

What is wrong is a `TypeError` that names class, argument, expected and got, before Terraform is started. Values of
arguments are not repeated: they may be secrets. Whether a value is one the service accepts is not checked here.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from modules.resources.snapshot import Schema, attributes, blocks, is_argument

__all__ = ["render"]


def render(owner: str, schema: Schema, given: Mapping[str, Any]) -> dict[str, Any]:
    """The block as Terraform JSON; arguments that are None are left out.

    Args:
        owner: the class, and further in the path of the block, for messages.
        schema: the block's schema.
        given: arguments by their Terraform names.

    Raises:
        TypeError: an argument is unknown, read-only, missing or of the wrong type.
    """
    allowed, nested = attributes(schema), blocks(schema)
    rendered: dict[str, Any] = {}
    for name, value in given.items():
        if value is None:
            continue
        if name in nested:
            rendered[name] = _block(f"{owner}.{name}", nested[name], value)
        elif name in allowed and is_argument(name, allowed[name]):
            rendered[name] = _attribute(f"{owner}.{name}", allowed[name], value)
        else:
            raise TypeError(_unknown(owner, name, allowed, nested))
    _refuse_missing(owner, allowed, nested, rendered)
    return rendered


def _unknown(owner: str, name: str, allowed: Mapping[str, Schema], nested: Mapping[str, Schema]) -> str:
    if name in allowed:
        return f"{owner}: `{name}` is read-only: the provider computes it"
    known = [*nested, *(each for each in allowed if not allowed[each] or is_argument(each, allowed[each]))]
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean `{close[0]}`?" if close else f"there are {', '.join(sorted(known)) or 'none'}"
    return f"{owner} has no argument `{name}`; {hint}"


def _refuse_missing(
    owner: str, allowed: Mapping[str, Schema], nested: Mapping[str, Schema], rendered: Mapping[str, Any]
) -> None:
    missing = [name for name, each in allowed.items() if each.get("required") and name not in rendered]
    missing += [name for name, each in nested.items() if each.get("min_items") and name not in rendered]
    if missing:
        raise TypeError(f"{owner} needs {', '.join(f'`{name}`' for name in sorted(missing))}")


def _block(where: str, schema: Schema, value: Any) -> Any:
    mode = schema["nesting_mode"]
    inner: Schema = schema["block"]
    if mode == "map":
        items = _mapping(where, value)
        return {key: render(f"{where}[{key}]", inner, _mapping(where, item)) for key, item in items.items()}
    single = mode == "single" or schema.get("max_items") == 1
    if single and isinstance(value, Mapping):
        return render(where, inner, value)
    if single and mode == "single":
        raise TypeError(f"{where} takes one mapping, got {_kind(value)}")
    listed = [value] if isinstance(value, Mapping) else _list(where, value, "mappings")
    low, high = schema.get("min_items") or 0, schema.get("max_items")
    if len(listed) < low or (high and len(listed) > high):
        bounds = f"at least {low}" if len(listed) < low else f"at most {high}"
        raise TypeError(f"{where} takes {bounds}, got {len(listed)}")
    return [render(f"{where}[{n}]", inner, _mapping(f"{where}[{n}]", item)) for n, item in enumerate(listed)]


def _attribute(where: str, schema: Schema, value: Any) -> Any:
    nested: Schema | None = schema.get("nested_type")
    if nested is None:
        return _typed(where, schema["type"], value)
    if _is_expression(value):
        return value
    mode = nested["nesting_mode"]
    if mode == "single":
        return render(where, nested, _mapping(where, value))
    if mode == "map":
        return {key: render(f"{where}[{key}]", nested, item) for key, item in _mapping(where, value).items()}
    items = _list(where, value, "mappings")
    return [render(f"{where}[{n}]", nested, _mapping(f"{where}[{n}]", item)) for n, item in enumerate(items)]


def _typed(where: str, type_: Any, value: Any) -> Any:
    """A value of one of Terraform's types: a word, or [constructor, inside]."""
    if _is_expression(value) or type_ == "dynamic":
        return value
    if isinstance(type_, str):
        expected: Any = {"string": str, "bool": bool, "number": (int, float)}[type_]
        if not isinstance(value, expected) or (type_ == "number" and isinstance(value, bool)):
            words = {"string": "text (str)", "bool": "a bool", "number": "a number (int or float)"}
            raise TypeError(f"{where} takes {words[type_]}, got {_kind(value)}")
        return value
    constructor, inside = type_
    if constructor in ("list", "set"):
        items = _list(where, value, "values", sets=constructor == "set")
        return [_typed(f"{where}[{n}]", inside, item) for n, item in enumerate(items)]
    if constructor == "map":
        return {key: _typed(f"{where}[{key}]", inside, item) for key, item in _mapping(where, value).items()}
    return _object(where, inside, _mapping(where, value))


def _object(where: str, inside: Mapping[str, Any], value: Mapping[str, Any]) -> dict[str, Any]:
    """An object: Terraform wants all its attributes, so those not given are null."""
    for name in value:
        if name not in inside:
            raise TypeError(_unknown(where, name, {}, {each: {} for each in inside}))
    return {
        name: None if value.get(name) is None else _typed(f"{where}.{name}", type_, value[name])
        for name, type_ in inside.items()
    }


def _mapping(where: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise TypeError(f"{where} takes a mapping, got {_kind(value)}")
    for key in value:
        if not isinstance(key, str):
            raise TypeError(f"{where} takes a mapping with text as keys, got {_kind(key)} as a key")
    return value


def _list(where: str, value: Any, of: str, *, sets: bool = False) -> list[Any]:
    if isinstance(value, AbstractSet) and sets:
        return sorted(value)  # a set has no order; the JSON must be the same each time
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise TypeError(f"{where} takes a list of {of}, got {_kind(value)}")
    return list(value)


def _is_expression(value: object) -> bool:
    """Our expressions and cdktf's tokens, which are text with `${` (in lists: `#{`) inside."""
    return isinstance(value, str) and "${" in value


def _kind(value: object) -> str:
    names = {str: "text (str)", bool: "a bool", int: "a number (int)", float: "a number (float)", type(None): "None"}
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "a list"
    return names.get(type(value), type(value).__name__)
