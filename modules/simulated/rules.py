"""Which changes replace an object, and which arguments exclude each other: `replaces.yaml`, applied.

The schema snapshots hold neither. What the table lacks is no guess but unknown, and said so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

from modules.local.plugins.protocol.resource import Diagnostic
from modules.local.plugins.protocol.schema import Attribute, Block, NestedBlock
from modules.local.plugins.protocol.values import UNKNOWN, equal

__all__ = ["Changed", "Rules", "changed_values", "load_rules"]

Verdict = Literal["replaces", "in-place"]
Step = str | int


@dataclass(frozen=True)
class Rules:
    """One resource type's part of the table; paths are dotted, without indices.

    Args:
        others: what holds for arguments not named; None: unknown.
        when: path → `less`, `emptied` or `lower-version`: a change replaces only where the value gets less, was
            emptied, or is a version of numbers alone that is lower.
        depends: path → a sentence to show with a change, where what happens depends on more than the argument; or
            `less` or `emptied` → the sentence, for such a change only.
        recomputed: computed attribute → the arguments it follows from (empty: any change).
    """

    replaces: frozenset[str] = frozenset()
    in_place: frozenset[str] = frozenset()
    others: Verdict | None = None
    when: Mapping[str, str] = field(default_factory=dict)
    depends: Mapping[str, str | Mapping[str, str]] = field(default_factory=dict)
    conflicts: tuple[tuple[str, ...], ...] = ()
    exactly_one: tuple[tuple[str, ...], ...] = ()
    recomputed: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def verdict(self, changed: Changed) -> Verdict | None:
        """What a change of an argument does: its own entry, else that of the block around it, else `others`."""
        if changed.name in self.when:
            return "replaces" if _happens(self.when[changed.name], changed.before, changed.after) else "in-place"
        parts = changed.name.split(".")
        for length in range(len(parts), 0, -1):
            name = ".".join(parts[:length])
            if name in self.replaces:
                return "replaces"
            if name in self.in_place:
                return "in-place"
        return self.others

    def remark(self, changed: Changed) -> str | None:
        """What to say about a change of an argument."""
        said = self.depends.get(changed.name)
        if said is None or isinstance(said, str):
            return said
        found = (text for condition, text in said.items() if _happens(condition, changed.before, changed.after))
        return next(found, None)

    def check(self, kind: str, config: Mapping[str, Any]) -> Iterable[Diagnostic]:
        """Errors about arguments that exclude each other; unknown values are not judged."""
        for group in (*self.conflicts, *self.exactly_one):
            given = [name for name in group if config.get(name) not in (None, []) and config.get(name) is not UNKNOWN]
            if len(given) > 1:
                yield Diagnostic(f"{kind}: {' and '.join(given)} exclude each other", "Keep one of them.", (given[-1],))
        for group in self.exactly_one:
            if all(config.get(name) in (None, []) for name in group if config.get(name) is not UNKNOWN) and not any(
                config.get(name) is UNKNOWN for name in group
            ):
                yield Diagnostic(f"{kind}: one of {', '.join(group)} is required", "Give one of them.")


@dataclass(frozen=True)
class Changed:
    """One changed argument: its dotted path, and the path of the value Terraform is told."""

    name: str
    path: tuple[Step, ...]
    before: Any = None
    after: Any = None


def load_rules(source: str, kind: str) -> Rules:
    """The rules of a resource type, with what holds for its whole provider."""
    provider = _table().get(source, {})
    own, general = provider.get(kind, {}), provider.get("*", {})

    def names(key: str) -> frozenset[str]:
        return frozenset(own.get(key, ())) | frozenset(general.get(key, ()))

    recomputed = {**general.get("recomputed", {}), **own.get("recomputed", {})}
    return Rules(
        replaces=names("replaces"),
        in_place=names("in_place"),
        others=own.get("others"),
        when=own.get("replaces_when", {}),
        depends=own.get("depends", {}),
        conflicts=tuple(map(tuple, own.get("conflicts", ()))),
        exactly_one=tuple(map(tuple, own.get("exactly_one", ()))),
        recomputed={name: frozenset(inputs) for name, inputs in recomputed.items()},
    )


def changed_values(
    block: Block, prior: Mapping[str, Any], planned: Mapping[str, Any], prefix: tuple[Step, ...] = ()
) -> Iterable[Changed]:
    """Arguments that differ, as deep as they can be told apart; computed values that follow are left out."""
    members: Mapping[str, Attribute | NestedBlock] = {**block.attributes, **block.blocks}
    for name, member in members.items():
        old, new = prior.get(name), planned.get(name)
        if equal(member.wire_type, old, new):
            continue
        path = (*prefix, name)
        if isinstance(member, Attribute):
            if not (member.computed and (new is UNKNOWN or not member.optional)):
                yield Changed(_dotted(path), path, old, new)
        elif member.nesting in ("single", "group") and isinstance(old, dict) and isinstance(new, dict):
            yield from changed_values(member.block, old, new, path)
        elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new) and member.nesting == "list":
            for index, (before, after) in enumerate(zip(old, new, strict=True)):
                yield from changed_values(member.block, before, after, (*path, index))
        elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new) == 1:
            # A set's element has no path of its own: the change inside is named, Terraform is told the set.
            inner = changed_values(member.block, old[0], new[0], path)
            yield from (replace(each, path=path) for each in inner)
        else:
            yield Changed(_dotted(path), path, old, new)


def _happens(condition: str, before: Any, after: Any) -> bool:
    if condition == "emptied":
        return bool(before) and after in (None, "", [])
    if condition == "lower-version":
        old, new = _version(before), _version(after)
        return old is not None and new is not None and new < old
    same = type(before) is type(after) and before is not None
    return same and bool(after < before)


def _version(text: Any) -> tuple[int, ...] | None:
    """`3.6.0` as numbers, in at least three places; None of `3.9.x`, which is none for hashicorp/go-version either."""
    parts = str(text).split(".")
    if not all(part.isdecimal() for part in parts):
        return None
    return tuple(int(part) for part in parts + ["0"] * (3 - len(parts)))


def _dotted(path: tuple[Step, ...]) -> str:
    return ".".join(step for step in path if isinstance(step, str))


@cache
def _table() -> Mapping[str, Mapping[str, Any]]:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    with (Path(__file__).parent / "replaces.yaml").open(encoding="utf-8") as file:
        loaded: Mapping[str, Mapping[str, Any]] = yaml.load(file, Loader=loader) or {}  # noqa: S506  a safe loader
    return loaded
