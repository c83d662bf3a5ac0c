"""The shapes of the JSON documents, as JSON Schema and as the tables of docs/cost-formats.md; both from `shapes.yaml`.

A field that is not in there fails the tests of the formats, so that nothing is printed that is not documented.
`python -m modules.cost.formats.schema` writes `schema.json` and the page's tables anew.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

__all__ = ["BEGIN", "END", "json_schema", "schema_text", "tables", "with_tables"]

_HERE = Path(__file__).parent
SCHEMA_FILE = _HERE / "schema.json"
BEGIN, END = "<!-- fields: begin -->", "<!-- fields: end -->"

_SCALARS: Mapping[str, Mapping[str, Any]] = {
    "text": {"type": "string"},
    "int": {"type": "integer"},
    "bool": {"type": "boolean"},
    "amount": {"type": "string", "pattern": r"^-?\d+(\.\d+)?$"},
    "any": {},
}


def json_schema() -> dict[str, Any]:
    """JSON Schema 2020-12: the document that has the `kind` it says, and nothing beside its fields."""
    documents, shapes = _read()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "JSON documents of `infra cost`, infra.cost/1",
        "type": "object",
        "required": ["schema", "kind"],
        "properties": {"kind": {"enum": list(documents)}},
        "allOf": [
            {"if": {"properties": {"kind": {"const": name}}}, "then": {"$ref": f"#/$defs/{name}"}} for name in documents
        ],
        "$defs": {name: _object(name) for name in (*documents, *shapes)},
    }


def schema_text() -> str:
    """The file's content."""
    return json.dumps(json_schema(), indent=1, ensure_ascii=False) + "\n"


def tables() -> str:
    """The page's part: a table of fields for each document and each shape."""
    documents, shapes = _read()
    parts = [f"### `{name}`\n\n{_table(name, each)}" for name, each in documents.items()]
    parts += [f"### {name}\n\n{_table(name, each)}" for name, each in shapes.items()]
    return "\n\n".join(parts)


def with_tables(page: str) -> str:
    """The page with its tables anew."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{tables()}\n\n{END}{after}"


@functools.cache
def _read() -> tuple[dict[str, Any], dict[str, Any]]:
    import yaml

    found = yaml.safe_load((_HERE / "shapes.yaml").read_text(encoding="utf-8"))
    return found["documents"], found["shapes"]


def _fields(name: str) -> dict[str, tuple[str, str]]:
    """A shape's fields, those of the shape it is built on first."""
    documents, shapes = _read()
    shape = documents.get(name) or shapes[name]
    base = _fields(shape["with"]) if "with" in shape else {}
    return base | {field: (str(kind), str(meaning)) for field, (kind, meaning) in shape["fields"].items()}


def _object(name: str) -> dict[str, Any]:
    documents, shapes = _read()
    fields = _fields(name)
    return {
        "description": (documents.get(name) or shapes[name])["says"],
        "type": "object",
        "properties": {field: {"description": meaning, **_type(kind)} for field, (kind, meaning) in fields.items()},
        "required": list(fields),
        "additionalProperties": False,
    }


def _type(kind: str) -> dict[str, Any]:
    if kind.endswith("?"):
        return {"anyOf": [_type(kind[:-1]), {"type": "null"}]}
    if kind.endswith("[]"):
        return {"type": "array", "items": _type(kind[:-2])}
    if kind.endswith("{}"):
        return {"type": "object", "additionalProperties": _type(kind[:-2])}
    if kind.startswith("="):
        return {"const": kind[1:]}
    if "|" in kind:
        return {"enum": kind.split("|")}
    if kind in _SCALARS:
        return dict(_SCALARS[kind])
    return {"$ref": f"#/$defs/{kind}"}


def _table(name: str, shape: Mapping[str, Any]) -> str:
    head = f"{shape['says']}" + (f" The fields of {_link(shape['with'])} and:" if "with" in shape else "")
    rows = [f"| `{field}` | {_words(str(kind))} | {meaning} |" for field, (kind, meaning) in shape["fields"].items()]
    return "\n".join([head, "", "| field | | |", "| --- | --- | --- |", *rows])


def _words(kind: str) -> str:
    """A type for people."""
    if kind.endswith("?"):
        return f"{_words(kind[:-1])} or null"
    if kind.endswith("[]"):
        return f"list of {_words(kind[:-2])}"
    if kind.endswith("{}"):
        return f"mapping to {_words(kind[:-2])}"
    if kind.startswith("="):
        return f"`{kind[1:]}`"
    if "|" in kind:
        return ", ".join(f"`{word}`" for word in kind.split("|"))
    return {"any": "any value", **{name: name for name in _SCALARS if name != "any"}}.get(kind) or _link(kind)


def _link(shape: str) -> str:
    return f"[{shape}](#{shape})"


def _write(page: Path) -> Iterator[Path]:
    for file, content in ((SCHEMA_FILE, schema_text()), (page, with_tables(page.read_text(encoding="utf-8")))):
        file.write_text(content, encoding="utf-8")
        yield file


if __name__ == "__main__":
    for written in _write(_HERE.parents[2] / "docs" / "cost-formats.md"):
        print(written)
