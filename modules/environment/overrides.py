"""`--set KEY=VALUE`: one key of the YAML given on the command line, as a further layer on top of the files.

The value is read as YAML, and the layer is checked by the loader like any file, so that what is wrong is said in the
same words. A key is a dotted path; one that holds dots itself (a topic's name, a Kafka setting) is recognised where the
environment has it, and can be put in double quotes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from modules.environment.document import Entry, Mapping, Mark, Node, read_value
from modules.environment.keys import Shape, is_secret, shape_at
from modules.errors import ConfigError

__all__ = ["Path", "layer_of", "parse_path", "parse_setting", "written"]

Path = tuple[str, ...]

_SEGMENT = re.compile(r'"([^"]+)"|([^."]+)')


def parse_setting(text: str, root: Mapping, option: str = "--set") -> tuple[Path, str]:
    """`workload.ingress=10GB/day` as path and value.

    Args:
        root: the environment as its files have it, for keys that hold dots.

    Raises:
        ConfigError: there is no `=`, no key, or the key cannot be set this way.
    """
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        shown = name if is_secret(tuple(name.split("."))) else text
        raise ConfigError(
            f"`{option} {shown}` is not KEY=VALUE", do=f"write, say, `{option} workload.ingress=10GB/day`"
        )
    return parse_path(name.strip(), root, option), value.strip()


def parse_path(name: str, root: Mapping, option: str = "--set") -> Path:
    """A dotted key as the path it has in the YAML.

    Raises:
        ConfigError: it is not one, or leads into a list.
    """
    parts = _parts(name, option)
    path: Path = ()
    node: Node | None = root
    while parts:
        shape = shape_at(path)
        if shape.kind == "list":
            whole = written(path)
            raise ConfigError(
                f"`{whole}` is a list, of which one item cannot be set",
                where=f"{option} {name}",
                do=f"write the whole list: {option} '{whole}=[…]'",
            )
        count = _length(parts, shape, node)
        key = ".".join(text for text, _ in parts[:count])
        path, parts = (*path, key), parts[count:]
        entry = node.entries.get(key) if isinstance(node, Mapping) else None
        node = entry.node if entry else None
    if path[0] == "extends":
        raise ConfigError(
            "`extends` cannot be set: which files are read is settled before", where=f"{option} {name}",
            do="set the keys themselves, or name another environment with --env",
        )  # fmt: skip
    return path


def layer_of(path: Path, value: str, option: str = "--set") -> Mapping:
    """The layer that holds this one value.

    Raises:
        ConfigError: the value is not YAML.
    """
    mark = Mark(option, 0)
    node = read_value(value, mark)
    for key in reversed(path):
        node = Mapping(mark, {key: Entry(mark, node)})
    assert isinstance(node, Mapping)
    return node


def written(path: Sequence[str]) -> str:
    """The path as it is written: dotted, keys that hold dots in quotes."""
    return ".".join(f'"{key}"' if "." in key else key for key in path)


def _parts(name: str, option: str) -> list[tuple[str, bool]]:
    """The segments, each with whether it was quoted."""
    found, place = [], 0
    while place < len(name):
        match = _SEGMENT.match(name, place)
        if match is None:
            break
        found.append((match[1] or match[2], match[1] is not None))
        place = match.end() + 1
        if name[match.end() : place] not in ("", "."):
            break
    if not found or place != len(name) + 1:
        raise ConfigError(
            f"`{name}` is not a key", where=option, do="write the keys from the top, with dots: workload.ingress"
        )
    return found


def _length(parts: list[tuple[str, bool]], shape: Shape, node: Node | None) -> int:
    """How many segments are the next key: more than one where keys are free and the environment has such a key, or
    where nothing can stand below it."""
    if shape.each is None or parts[0][1]:
        return 1
    there = node.entries if isinstance(node, Mapping) else {}
    for count in range(len(parts), 1, -1):
        if ".".join(text for text, _ in parts[:count]) in there:
            return count
    leaf = not (shape.each.model or shape.each.each or shape.each.variants)
    return len(parts) if leaf else 1
