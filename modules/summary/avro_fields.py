"""What became of an Avro schema's fields, in words: `+ channel string, default "web"`.

Says nothing about whether that is allowed; `modules/terraform/avro_rules.py` does.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from typing import Any

__all__ = ["field_changes"]

_DEEP = 12


@functools.lru_cache(maxsize=4096)
def field_changes(old: str, new: str) -> tuple[str, ...]:
    """Fields gained, lost and changed, nested ones by their path; empty where one of them cannot be read."""
    try:
        before, after = (dict(_fields(json.loads(text), "", 0)) for text in (old, new))
    except (ValueError, TypeError, AttributeError, RecursionError):
        return ()
    lost = [f"- {name} {before[name]}" for name in before if name not in after]
    gained = [f"+ {name} {after[name]}" for name in after if name not in before]
    changed = [
        f"~ {name} {before[name]} → {after[name]}" for name in after if name in before and before[name] != after[name]
    ]
    return (*lost, *changed, *gained)


def _fields(schema: Any, path: str, depth: int) -> Iterator[tuple[str, str]]:
    """(path, type and default) of every field; a record inside stands by its fields."""
    if depth > _DEEP:
        return
    if isinstance(schema, list):
        for branch in schema:
            yield from _fields(branch, path, depth + 1)
        return
    if not isinstance(schema, dict):
        return
    kind = schema.get("type")
    if kind == "record":
        for field in schema.get("fields") or ():
            name = f"{path}.{field['name']}" if path else str(field["name"])
            default = f", default {json.dumps(field['default'], ensure_ascii=False)}" if "default" in field else ""
            yield name, f"{_type(field['type'])}{default}"
            yield from _fields(field["type"], name, depth + 1)
    elif kind in ("array", "map"):
        yield from _fields(schema.get("items" if kind == "array" else "values"), f"{path}[]", depth + 1)
    elif isinstance(kind, (dict, list)):
        yield from _fields(kind, path, depth + 1)


def _type(schema: Any) -> str:
    if isinstance(schema, list):
        return " or ".join(_type(each) for each in schema)
    if not isinstance(schema, dict):
        return str(schema)
    kind = schema.get("type")
    if kind == "enum":
        return f"enum {schema.get('name')} ({', '.join(map(str, schema.get('symbols') or ()))})"
    if kind in ("record", "fixed"):
        size = f" ({schema.get('size')} bytes)" if kind == "fixed" else ""
        return f"{kind} {schema.get('name')}{size}"
    if kind == "array":
        return f"array of {_type(schema.get('items'))}"
    if kind == "map":
        return f"map of {_type(schema.get('values'))}"
    logical = schema.get("logicalType")
    if logical == "decimal":
        return f"decimal({schema.get('precision')}, {schema.get('scale', 0)})"
    return f"{logical} ({_type(kind)})" if logical else _type(kind)
