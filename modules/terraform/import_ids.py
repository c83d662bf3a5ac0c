"""What an object will be called when it has to be imported: told before it is made, from its planned values.

The formats are data (`import_ids.yaml`). What a plan does not know, or masks, makes no id.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from modules.terraform.plan import SENSITIVE

__all__ = ["can_be_found_again", "import_id", "is_harmless", "is_listed"]

_HARMLESS = "harmless"
_UNKNOWN = "unknown"
_PLACE = re.compile(r"\{([\w.-]+)(?::(\w+))?\}")


def import_id(kind: str, values: Mapping[str, Any] | None) -> str | None:
    """The id of an object of this type with these planned values; None where it cannot be told."""
    form = _formats().get(kind, _UNKNOWN)
    if form in (_HARMLESS, _UNKNOWN) or values is None:
        return None
    parts: list[str] = []
    end = 0
    for match in _PLACE.finditer(form):
        text = _text(values, match[1], match[2])
        if text is None:
            return None
        parts += [form[end : match.start()], text]
        end = match.end()
    return "".join([*parts, form[end:]])


def is_harmless(kind: str) -> bool:
    """Whether making it a second time leaves one object."""
    return _formats().get(kind) == _HARMLESS


def can_be_found_again(kind: str) -> bool:
    """Whether an object of this type that no state knows can be told: it is an import, or made again the same."""
    return _formats().get(kind, _UNKNOWN) != _UNKNOWN


def is_listed(kind: str) -> bool:
    """Whether the table says anything about a type."""
    return kind in _formats()


def _text(values: Mapping[str, Any], path: str, form: str | None) -> str | None:
    value: Any = values
    for step in path.split("."):
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    if isinstance(value, bool) or not isinstance(value, (str, int)) or value in ("", SENSITIVE):
        return None
    text = str(value)
    if form == "last":
        return text.rpartition("/")[2]
    return text.replace(":registry/", ":schema/") if form == "schema" else text


@cache
def _formats() -> Mapping[str, str]:
    import yaml

    loaded: Mapping[str, str] = yaml.safe_load(Path(__file__).with_name("import_ids.yaml").read_text(encoding="utf-8"))
    return loaded
