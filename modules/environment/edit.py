"""Changes a YAML file's values and keeps its comments, order and quotes; never leaves it half-written."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

__all__ = ["REMOVE", "edit_yaml", "edited", "write_whole"]


class _Remove:
    """Takes a key out."""


REMOVE: Final = _Remove()


def edit_yaml(path: Path, changes: Iterable[tuple[tuple[str | int, ...], Any]]) -> None:
    """Set values at paths (`None` is written as `null`, `REMOVE` takes the key out); missing mappings are made. A
    number in a path is the place in a list that is there.

    Raises:
        OSError: the file cannot be read or written; it is then as it was.
    """
    write_whole(path, edited(path.read_bytes().decode("utf-8-sig"), changes))


def write_whole(path: Path, text: str) -> None:
    """The text into the file, whole or not at all.

    Raises:
        OSError: it cannot be written; the file is then as it was.
    """
    fresh = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


def edited(text: str, changes: Iterable[tuple[tuple[str | int, ...], Any]]) -> str:
    """The text with those changes, as `edit_yaml` would write it."""
    from io import StringIO

    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 120
    if offset := _list_offset(text):
        yaml.indent(mapping=2, sequence=offset + 2, offset=offset)
    yaml.representer.add_representer(type(None), lambda to, _: to.represent_scalar("tag:yaml.org,2002:null", "null"))
    content = yaml.load(text)
    for where, value in changes:
        _set(content, where, value)
    out = StringIO()
    yaml.dump(content, out)
    return out.getvalue()


def _list_offset(text: str) -> int:
    """How far the file's first list is indented below its key, so that others are written alike."""
    found = re.search(r"^( *)[^\s#-][^\n]*:[ ]*(?:#[^\n]*)?\n(?:[ ]*(?:#[^\n]*)?\n)*( *)- ", text, re.MULTILINE)
    return max(0, len(found[2]) - len(found[1])) if found else 0


def _set(content: Any, path: tuple[str | int, ...], value: Any) -> None:
    from ruamel.yaml.comments import CommentedMap

    for key in path[:-1]:
        if isinstance(key, int):
            content = content[key]
            continue
        if not isinstance(content.get(key), dict | list):
            if value is REMOVE:
                return
            content[key] = CommentedMap()
        content = content[key]
    if value is REMOVE:
        content.pop(path[-1], None)
    else:
        content[path[-1]] = value
