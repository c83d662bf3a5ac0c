"""Promotion: what one environment's pipeline has that another's does not yet, and writing it there.

A pipeline is its topics, and whatever other keys are asked for; where it runs, how large and at what price is each
environment's own. What is written keeps the file's comments and order, and is taken back if the result would not load.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from modules.environment import document as tree
from modules.environment.document import Mark
from modules.environment.edit import REMOVE, edit_yaml
from modules.environment.loader import EnvironmentDocument, load_environment, read_document
from modules.environment.model import Environment
from modules.errors import ConfigError
from modules.project import Project

__all__ = ["PROMOTED", "Difference", "differences", "promote"]

_ESTATE = ("preset", "without", "databases", "tables", "views", "dynamic_tables", "roles", "database_roles", "grants",
           "ownership")  # fmt: skip
PROMOTED = ("topics", *(f"warehouse.{key}" for key in _ESTATE))
"""What moves unless other keys are named: the pipeline itself, and of the estate what is of no single account
(addresses, keys, buckets and sizes are each environment's own)."""


@dataclass(frozen=True)
class Difference:
    """One key that is not the same. `source` and `target` are as written; None where the key is not there."""

    path: tuple[str, ...]
    source: Any
    target: Any
    place: Mark | None
    """Where the source says it."""
    moves: bool
    """Whether it is among the keys to be promoted."""

    @property
    def name(self) -> str:
        return ".".join(self.path)

    @property
    def kind(self) -> Literal["add", "change", "remove"]:
        if self.target is None:
            return "add"
        return "remove" if self.source is None else "change"


def differences(project: Project, source: str, target: str, keys: Sequence[str] = PROMOTED) -> list[Difference]:
    """Every key in which two environments differ, `extends` followed on both sides; a new topic is one difference.

    Raises:
        ConfigError: one of them is not there or does not load, they are the same, or there is no such key.
    """
    if source == target:
        raise ConfigError(
            f"`{source}` cannot be promoted to itself", do="name two environments: --from dev --to staging"
        )
    for name in (source, target):
        load_environment(project, name)
    have, want = read_document(project, target), read_document(project, source)
    known = [name for name in Environment.model_fields if name not in ("name", "source")]
    for key in keys:
        if key.partition(".")[0] not in known:
            raise ConfigError(f"there is no key `{key}`", do=f"write one of: {', '.join(known)}, or a path below one")
    return [
        Difference(path, new, old, _mark(want, path) if new is not None else None, _is_among(path, keys))
        for path, new, old in _compare(_plain(want.root), _plain(have.root), ())
    ]


def promote(project: Project, found: Iterable[Difference], target: str) -> Path:
    """Write the differences that move into `environments/<target>.yaml`; returns the file.

    Raises:
        ConfigError: with them the environment would not load (the file is then as it was), or it cannot be written.
    """
    path = project.environments / f"{target}.yaml"
    before = path.read_bytes()
    moving = [each for each in found if each.moves]
    try:
        edit_yaml(path, [(each.path, REMOVE if each.kind == "remove" else each.source) for each in moving])
        # What is still there comes from a file this one extends, where only null takes it out.
        left = read_document(project, target).root
        nulls = [each.path for each in moving if each.kind == "remove" and _is_in(left, each.path)]
        if nulls:
            edit_yaml(path, [(each, None) for each in nulls])
        load_environment(project, target)
    except OSError as error:
        raise ConfigError(f"cannot write the file: {error.strerror}", where=f"environments/{target}.yaml") from None
    except ConfigError as error:
        path.write_bytes(before)
        raise ConfigError(
            f"promoted, `{target}` would not load, so its file was left as it was",
            where=f"environments/{target}.yaml",
            details=error.details or (error.what,),
            do="promote fewer keys with --only, or mend what is named above first",
        ) from None
    return path


def _is_in(root: tree.Mapping, path: tuple[str, ...]) -> bool:
    node: tree.Node = root
    for key in path:
        if not isinstance(node, tree.Mapping) or key not in node.entries:
            return False
        node = node.entries[key].node
    return True


def _compare(new: Any, old: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any, Any]]:
    if isinstance(new, Mapping) and isinstance(old, Mapping):
        for key in dict.fromkeys([*new, *old]):
            yield from _compare(new.get(key), old.get(key), (*path, key))
    elif new != old:
        yield path, new, old


def _plain(node: tree.Node) -> Any:
    """As written: `30d` stays text."""
    if isinstance(node, tree.Mapping):
        return {name: _plain(entry.node) for name, entry in node.entries.items()}
    if isinstance(node, tree.Sequence):
        return [_plain(item) for item in node.items]
    return node.value


def _mark(document: EnvironmentDocument, path: tuple[str, ...]) -> Mark:
    return document.positions.at(*path)


def _is_among(path: tuple[str, ...], keys: Sequence[str]) -> bool:
    return any(_within(_split(key, path), path) for key in keys)


def _split(key: str, path: tuple[str, ...]) -> tuple[str, ...]:
    """A key as a path; a topic's name may hold dots, so the path it is compared with decides."""
    for length in range(len(path) + 1):
        if ".".join(path[:length]) == key:
            return path[:length]
    return (key,)


def _within(above: tuple[str, ...], path: tuple[str, ...]) -> bool:
    return path[: len(above)] == above
