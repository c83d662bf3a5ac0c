"""A changed YAML file that keeps what the change does not touch as it was written.

ruamel.yaml keeps comments and order but not spaces nor how long lines were broken; a difference with such noise in it
would hide the change. Here a change takes along no more than the lines up to the next one that needs no such noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Any

from modules.environment.edit import edited

__all__ = ["patched"]

_Op = tuple[str, int, int, int, int]


def patched(text: str, changes: Sequence[tuple[tuple[str | int, ...], Any]]) -> str:
    """The text with those changes; if that cannot be made, as `edited` has it."""
    after = edited(text, changes)
    written = edited(text, ())
    found = "\n".join(_kept(text.splitlines(), written.splitlines(), after.splitlines())) + "\n"
    return found if _says_the_same(found, after) else after


def _kept(original: Sequence[str], written: Sequence[str], after: Sequence[str]) -> list[str]:
    """`after`, with what `written` has in common with it as `original` has it.

    Args:
        written: `original` as the same program writes it without a change.
    """
    changes = SequenceMatcher(None, written, after, autojunk=False).get_opcodes()
    same = _matches(SequenceMatcher(None, original, written, autojunk=False).get_opcodes())
    result: list[str] = []
    at = 0
    for first, last in _regions(changes, same, len(written)):
        start = same[first - 1] + 1 if first else 0
        end = same[last] if last < len(written) else len(original)
        result += original[at:start]
        result += after[_start(first, changes) : _end(last, changes)]
        at = end
    return result + list(original[at:])


def _matches(operations: Sequence[_Op]) -> dict[int, int]:
    """Line as written → the same line in the original."""
    return {
        second + place: first + place
        for kind, first, upto, second, _ in operations
        if kind == "equal"
        for place in range(upto - first)
    }


def _regions(changes: Sequence[_Op], same: dict[int, int], length: int) -> list[tuple[int, int]]:
    """What has to be taken over: each change, up to the nearest lines that the original has too; those that touch are
    one."""
    found: list[tuple[int, int]] = []
    for kind, first, last, _, _ in changes:
        if kind == "equal":
            continue
        while first and first - 1 not in same:
            first -= 1
        while last < length and last not in same:
            last += 1
        if found and first <= found[-1][1]:
            before = found.pop()
            first, last = min(first, before[0]), max(last, before[1])
        found.append((first, last))
    return found


def _start(place: int, changes: Sequence[_Op]) -> int:
    """Where a region that begins at a line as written begins after the change."""
    inside = [second + place - first for kind, first, last, second, _ in changes
              if kind == "equal" and first <= place <= last]  # fmt: skip
    return min([*inside, *(second for kind, first, _, second, _ in changes if kind != "equal" and first == place)])


def _end(place: int, changes: Sequence[_Op]) -> int:
    """Where a region that ends before a line as written ends after the change."""
    inside = [second + place - first for kind, first, last, second, _ in changes
              if kind == "equal" and first <= place <= last]  # fmt: skip
    return max([*inside, *(upto for kind, _, last, _, upto in changes if kind != "equal" and last == place)])


def _says_the_same(one: str, other: str) -> bool:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return bool(yaml.load(one, loader) == yaml.load(other, loader))  # noqa: S506 (safe, and of our own making)
    except yaml.YAMLError:
        return False
