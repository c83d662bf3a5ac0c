"""A change of an environment's YAML: as a layer to try it with, as a difference to show, and written into the file.

What is tried is what the loader would read after the change was made by hand: the layer goes through the same checks.
A change is written into the environment's own file, also where what it changes stands in a file that others extend.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from modules.cost.advise.patch import patched
from modules.environment import document as tree
from modules.environment.document import Entry, Mark, Node, Scalar, read_yaml
from modules.environment.edit import REMOVE, write_whole
from modules.environment.explain import Positions
from modules.environment.loader import EnvironmentDocument, load_environment, read_document
from modules.environment.model import Environment
from modules.project import Project

__all__ = ["REMOVE", "Edit", "Files", "Place"]

_HERE = Mark("the change", 0)

Key = tuple[str | int, ...]


@dataclass(frozen=True)
class Edit:
    """One key and its new value, as YAML would have it; `REMOVE` gives the key its default. A number in `path` is a
    place in a list."""

    path: Key
    value: Any

    @property
    def name(self) -> str:
        return ".".join(f"[{key}]" if isinstance(key, int) else key for key in self.path).replace(".[", "[")


@dataclass(frozen=True)
class Place:
    """What a key says now and what it is to say; `where` is None where it is not written."""

    name: str
    where: Mark | None
    before: str
    after: str

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        return f"{place}{self.name}: {self.before} → {self.after}"


class Files:
    """An environment's YAML files, with changes tried on them.

    Args:
        layers: what has been changed so far, on top of the files.
    """

    def __init__(self, project: Project, name: str, layers: Sequence[tree.Mapping] = ()) -> None:
        self._project = project
        self.name = name
        self._layers = tuple(layers)

    @cached_property
    def environment(self) -> Environment:
        """As it is with the changes so far.

        Raises:
            ConfigError: it does not hold together.
        """
        return load_environment(self._project, self.name, self._copies())

    @cached_property
    def _document(self) -> EnvironmentDocument:
        return read_document(self._project, self.name, self._copies())

    def _copies(self) -> list[tree.Mapping]:
        return [_copied(each) for each in self._layers]

    def written(self, *path: str | int) -> bool:
        """Whether a key stands in one of the files."""
        return self._positions.node(*path) is not None

    @property
    def _positions(self) -> Positions:
        return Positions(self._document.root, self._document.removed)

    def with_edits(self, edits: Iterable[Edit]) -> Files:
        """The same files with further changes; nothing is written."""
        found = self
        for edit in edits:
            path, value = found._whole(edit)
            found = Files(self._project, self.name, (*found._layers, _layer(path, value)))
        return found

    def _whole(self, edit: Edit) -> tuple[tuple[str, ...], Any]:
        """The edit with lists written out: a layer replaces a list as a whole."""
        number = next((place for place, key in enumerate(edit.path) if isinstance(key, int)), None)
        if number is None:
            return tuple(str(key) for key in edit.path), edit.value
        above = tuple(str(key) for key in edit.path[:number])
        node = self._positions.node(*above)
        items = _plain(node) if node is not None else []
        _put(items, edit.path[number:], edit.value)
        return above, items

    def places(self, edits: Iterable[Edit]) -> tuple[Place, ...]:
        """Where each key stands, and from what to what it goes."""
        found = []
        for edit in edits:
            node = self._positions.node(*edit.path)
            before = "default" if node is None else _shown(_plain(node))
            after = "default" if edit.value is REMOVE else _shown(edit.value)
            where = self._positions.at(*edit.path) if node is not None else None
            found.append(Place(edit.name, where, before, after))
        return tuple(found)

    @property
    def shown(self) -> str:
        """The environment's own file, relative to the project."""
        return f"environments/{self.name}.yaml"

    def difference(self, edits: Sequence[Edit]) -> str:
        """The change to the environment's own file, as a small unified difference."""
        text = self._text()
        after = patched(text, self._own(edits)).splitlines()
        lines = difflib.unified_diff(text.splitlines(), after, self.shown, self.shown, n=1, lineterm="")
        return "\n".join(lines)

    def write(self, edits: Sequence[Edit]) -> None:
        """The change, written into the environment's own file; every other line stays as it is.

        Raises:
            OSError: the file cannot be written; it is then as it was.
        """
        write_whole(self._path, patched(self._text(), self._own(edits)))

    @property
    def _path(self) -> Path:
        return self._project.environments / f"{self.name}.yaml"

    def _text(self) -> str:
        return self._path.read_bytes().decode("utf-8-sig")

    def _own(self, edits: Sequence[Edit]) -> list[tuple[Key, Any]]:
        """The edits as they are written into the own file: a key that a file below has too is taken away by `null`, an
        item of a list that stands below by the whole list."""
        own = Positions(read_yaml(self._path, self.shown, []), {})
        found: list[tuple[Key, Any]] = []
        for edit in edits:
            node = self._positions.node(*edit.path)
            if edit.value is REMOVE:
                inherited = node is not None and self._below(edit.path)
                found.append((edit.path, None if inherited else REMOVE))
            elif any(isinstance(key, int) for key in edit.path) and own.node(*edit.path[:-1]) is None:
                found.append(self._whole(edit))
            else:
                found.append((edit.path, edit.value))
        return found

    def _below(self, path: Key) -> bool:
        """Whether a file that this one extends has the key."""
        for file in self._document.files[1:]:
            name = file.rpartition("/")[2]
            layer = Positions(read_yaml(self._project.environments / name, file, []), {})
            if layer.node(*path) is not None:
                return True
        return False


def _layer(path: tuple[str, ...], value: Any) -> tree.Mapping:
    node = _node(None if value is REMOVE else value)
    for key in reversed(path):
        node = tree.Mapping(_HERE, {key: Entry(_HERE, node)})
    assert isinstance(node, tree.Mapping)
    return node


def _node(value: Any) -> Node:
    if isinstance(value, dict):
        return tree.Mapping(_HERE, {str(key): Entry(_HERE, _node(each)) for key, each in value.items()})
    if isinstance(value, list):
        return tree.Sequence([_node(each) for each in value], _HERE)
    return Scalar(value, _shown(value), _HERE)


def _copied(node: tree.Mapping) -> tree.Mapping:
    """The loader takes `extends` and applications out of what it reads."""
    copy = _node(_plain(node))
    assert isinstance(copy, tree.Mapping)
    return copy


def _plain(node: Node) -> Any:
    if isinstance(node, tree.Mapping):
        return {name: _plain(entry.node) for name, entry in node.entries.items()}
    if isinstance(node, tree.Sequence):
        return [_plain(item) for item in node.items]
    return node.value


def _put(items: Any, path: Key, value: Any) -> None:
    for key in path[:-1]:
        items = items[key]
    if value is REMOVE:
        items.pop(path[-1], None)
    else:
        items[path[-1]] = value


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_shown(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_shown(each) for each in value) + "]"
    return "null" if value is None else str(value)
