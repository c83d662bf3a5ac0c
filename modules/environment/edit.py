"""Changes a YAML file's values and keeps its comments, order and quotes; never leaves it half-written."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

__all__ = ["REMOVE", "edit_yaml"]


class _Remove:
    """Takes a key out."""


REMOVE: Final = _Remove()


def edit_yaml(path: Path, changes: Iterable[tuple[tuple[str, ...], Any]]) -> None:
    """Set values at paths (`None` is written as `null`, `REMOVE` takes the key out); missing mappings are made.

    Raises:
        OSError: the file cannot be read or written; it is then as it was.
    """
    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 120
    yaml.representer.add_representer(type(None), lambda to, _: to.represent_scalar("tag:yaml.org,2002:null", "null"))
    content = yaml.load(path.read_bytes().decode("utf-8-sig"))
    for where, value in changes:
        _set(content, where, value)
    fresh = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        with fresh.open("w", encoding="utf-8") as file:
            yaml.dump(content, file)
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


def _set(content: Any, path: tuple[str, ...], value: Any) -> None:
    from ruamel.yaml.comments import CommentedMap

    for key in path[:-1]:
        if not isinstance(content.get(key), dict):
            if value is REMOVE:
                return
            content[key] = CommentedMap()
        content = content[key]
    if value is REMOVE:
        content.pop(path[-1], None)
    else:
        content[path[-1]] = value
