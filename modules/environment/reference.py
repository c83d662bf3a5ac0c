"""Writes docs/settings.md: every key that an environment's or an application's file may have, read off the model.

`python -m modules.environment.reference` writes it (`make generated`); a test compares it with what is committed.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from modules.environment.schema import application_schema, environment_schema

__all__ = ["PAGE", "page", "undescribed"]

PAGE = Path(__file__).resolve().parents[2] / "docs" / "settings.md"

Schema = Mapping[str, Any]

_HEAD = """# Settings

Every key of `environments/<name>.yaml`, read off the model: `make generated` writes this page. Editors that know the
YAML language server show the same as one types (the first line of each file names the schema). A key that is left out
has the default; `null` removes what the file that is extended says. `<name>` stands for a name of one's own. Durations
are written `30d`, `12h`, `5m`, `60s`, `100ms`; sizes `1KiB` (2¹⁰) or `1KB` (10³); rates `1GB/day`; money `300 USD`;
secrets are references ([secrets.md](secrets.md)), never values.
"""


def page() -> str:
    """The page's text."""
    blocks = [_HEAD.rstrip()]
    for title, schema, note in (
        ("An environment", environment_schema(), ""),
        (
            "An application",
            application_schema(),
            "Of a file in `environments/applications/` ([applications.md](applications.md)).",
        ),
    ):
        blocks += [f"## {title}", *([note] if note else [])]
        for path, each in _sections(schema):
            if path:
                blocks.append(f"### `{path}`")
            if path and each.get("description"):
                blocks.append(" ".join(each["description"].split()))
            blocks.append("\n".join(_table(each, schema["$defs"], path)))
    return "\n\n".join(blocks) + "\n"


def undescribed() -> list[str]:
    """Keys without a description, by their path."""
    return [
        f"{path}.{name}".lstrip(".")
        for whole in (environment_schema(), application_schema())
        for path, each in _sections(whole)
        for name, field in each["properties"].items()
        if not _description(field, whole["$defs"])
    ]


def _sections(whole: Schema) -> Iterator[tuple[str, Schema]]:
    """(path, what is there) of everything that has keys of its own, each kind where it is met first."""
    seen: set[str] = set()

    def walk(path: str, schema: Schema) -> Iterator[tuple[str, Schema]]:
        yield path, schema
        for name, field in schema["properties"].items():
            for below, kind in _kinds(field):
                if kind not in seen:
                    seen.add(kind)
                    yield from walk(f"{path}.{name}{below}".lstrip("."), whole["$defs"][kind])

    yield from walk("", whole)


def _kinds(field: Schema, below: str = "") -> Iterator[tuple[str, str]]:
    """What a field holds that has keys of its own: (what the path goes on with, its name in the schema)."""
    if "$ref" in field:
        yield below, field["$ref"].rsplit("/", 1)[1]
    for each in (*field.get("anyOf", ()), *field.get("oneOf", ())):
        yield from _kinds(each, below)
    if isinstance(field.get("items"), Mapping):
        yield from _kinds(field["items"], f"{below}[]")
    if isinstance(field.get("additionalProperties"), Mapping):
        yield from _kinds(field["additionalProperties"], f"{below}.<name>")


def _table(schema: Schema, known: Schema, path: str) -> Iterator[str]:
    yield "| key | holds | default | |"
    yield "|---|---|---|---|"
    for name, field in schema["properties"].items():
        default = f"`{_plain(field['default'])}`" if "default" in field else ""
        yield f"| `{name}` | {_cell(_holds(field, known))} | {_cell(default)} | {_cell(_description(field, known))} |"


def _description(field: Schema, known: Schema) -> str:
    own = field.get("description", "")
    if own:
        return str(own)
    return next((str(known[kind].get("description", "")) for _, kind in _kinds(field)), "")


def _holds(field: Schema, known: Schema) -> str:
    """In a few words what may stand there."""
    choices = [each for each in (*field.get("anyOf", ()), *field.get("oneOf", ())) if each.get("type") != "null"]
    if choices:
        return " or ".join(dict.fromkeys(_holds(each, known) for each in choices))
    if "$ref" in field:
        return "settings"
    if "enum" in field:
        return ", ".join(f"`{each}`" for each in field["enum"] if each is not None)
    if "const" in field:
        return f"`{_plain(field['const'])}`"
    kinds = field.get("type", "text")
    kind = next((each for each in kinds if each != "null"), "text") if isinstance(kinds, list) else kinds
    if kind == "array":
        return f"list of {_holds(field.get('items', {}), known)}"
    if kind == "object":
        return (
            f"name → {_holds(field['additionalProperties'], known)}"
            if field.get("additionalProperties")
            else "settings"
        )
    words = {"string": "text", "integer": "whole number", "number": "number", "boolean": "`true` or `false`"}
    return words.get(kind, kind) + _bounds(field)


def _bounds(field: Schema) -> str:
    low, above, high = (field.get(name) for name in ("minimum", "exclusiveMinimum", "maximum"))
    found = [f"≥ {low}" if low is not None else "", f"> {above}" if above is not None else ""]
    found.append(f"≤ {high}" if high is not None else "")
    said = ", ".join(each for each in found if each)
    example = (field.get("examples") or [""])[0]
    return f" {said}" if said else f", such as `{example}`" if example else ""


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"{PAGE}\n")
