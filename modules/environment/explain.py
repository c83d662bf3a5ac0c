"""Turns pydantic's findings into lines a person can act on: place, key, what was expected, what was written.

A value under a key that may hold a secret is never repeated.
"""

from __future__ import annotations

import difflib
from typing import Any

from pydantic import ValidationError

from modules.environment.document import Mapping, Mark, Node, Problem, Scalar, Sequence
from modules.environment.keys import is_secret, shape_at

__all__ = ["Positions", "explain", "plain_location"]


class Positions:
    """Where each path of a merged document was written."""

    def __init__(self, root: Mapping, removed: dict[tuple[str, ...], Mark]) -> None:
        self._root = root
        self._removed = removed

    def at(self, *path: object) -> Mark:
        """The place of a path, or of the nearest thing above it that is there."""
        node: Node = self._root
        mark = Mark(self._root.mark.file, 1)
        for depth, key in enumerate(path):
            if isinstance(node, Mapping) and str(key) in node.entries:
                entry = node.entries[str(key)]
                mark, node = entry.mark, entry.node
            elif isinstance(node, Sequence) and isinstance(key, int) and key < len(node.items):
                node = node.items[key]
                mark = node.mark
            else:
                return self._removed.get(tuple(str(each) for each in path[: depth + 1]), mark)
        return mark

    def node(self, *path: object) -> Node | None:
        """What stands at a path."""
        node: Node = self._root
        for key in path:
            if isinstance(node, Sequence) and isinstance(key, int) and key < len(node.items):
                node = node.items[key]
            elif isinstance(node, Mapping) and str(key) in node.entries:
                node = node.entries[str(key)].node
            else:
                return None
        return node


def explain(error: ValidationError, positions: Positions) -> list[Problem]:
    """One problem for each of pydantic's errors; unknown keys are left to `keys.check_keys`, which sees every file."""
    problems: dict[str, Problem] = {}
    for each in error.errors(include_url=False):
        if each["type"] == "extra_forbidden":
            continue
        path = plain_location(each["loc"])
        if each["type"].startswith("union_tag"):
            path = (*path, "kind")
        name = ".".join(str(key) for key in path)
        problems.setdefault(name, Problem(positions.at(*path), name, _message(each, path, positions)))
    return list(problems.values())


def plain_location(location: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """A place as the YAML has it: pydantic puts a union's `kind` and marks of keys into it."""
    path = tuple(key for key in location if key != "[key]")
    for depth in range(1, len(path)):
        if shape_at(path[:depth]).variants:
            return (*path[:depth], *path[depth + 1 :])
    return path


def _message(each: Any, path: tuple[object, ...], positions: Positions) -> str:
    kind: str = each["type"]
    if kind in ("missing", "union_tag_not_found"):
        choices = shape_at(path).choices
        return f"missing; write one of {', '.join(choices)}" if choices else "missing"
    node = positions.node(*path)
    got = _got(node, path)
    if kind in ("too_short", "too_long") and isinstance(node, Mapping | Sequence):
        most = kind == "too_long"
        limit, held = each["ctx"]["max_length" if most else "min_length"], each["ctx"]["actual_length"]
        return f"expected at {'most' if most else 'least'} {limit} in it, got {held or 'none'}"
    if kind in ("model_type", "dict_type", "model_attributes_type"):
        kind = type_name(node.value) if isinstance(node, Scalar) else got  # the value may be a key someone pasted here
        return f"expected settings (`key: value` lines below it), got {kind}"
    if isinstance(node, Mapping | Sequence) and kind != "value_error":
        return f"expected {_expected(each, path)}, got {got}"
    if kind in ("literal_error", "union_tag_invalid"):
        return _choice(node, path, got)
    if kind == "value_error":
        message = str(each["ctx"]["error"])
        return message if isinstance(node, Scalar) else f"{message.split(', got ')[0]}, got {got}"
    if kind == "string_pattern_mismatch" and path[-1] == "rest_url":  # what was written may hold a password
        return "expected a URL without a login, such as https://connect.example.com; a login is `rest_credentials`"
    if kind == "string_pattern_mismatch" and path[-1] == "table":
        return f"expected DATABASE.SCHEMA.TABLE, such as STREAMING.PUBLIC.ORDER_EVENTS, got {got}"
    return f"expected {_expected(each, path)}, got {got}"


def _expected(each: Any, path: tuple[object, ...]) -> str:
    context = each.get("ctx", {})
    bounds = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}
    words = [f"{word} {context[key]}" for key, word in bounds.items() if key in context]
    if words:
        return " and ".join(words)
    shape = shape_at(path)
    if shape.choices:
        return f"one of {', '.join(shape.choices)}"
    kinds = {
        "int": "a whole number",
        "Decimal": "a number",
        "str": "text",
        "bool": "true or false",
        "list": "a list (`[a, b]`)",
    }
    if shape.each:
        return "settings (`name: value` lines below it)"
    return kinds.get(shape.kind, shape.kind.removesuffix("Value").lower() or "something else")


def _choice(node: Node | None, path: tuple[object, ...], got: str) -> str:
    choices = shape_at(path).choices
    message = f"expected one of {', '.join(choices)}, got {got}"
    if not isinstance(node, Scalar):
        return message
    folded = {choice.lower(): choice for choice in choices}
    close = difflib.get_close_matches(node.text.lower(), folded, n=1, cutoff=0.5)
    return f"{message}; did you mean `{folded[close[0]]}`?" if close else message


def _got(node: Node | None, path: tuple[object, ...]) -> str:
    if isinstance(node, Sequence):
        return "a list"
    if isinstance(node, Mapping):
        return "a mapping"
    if node is None or is_secret(path):
        return "something else"
    text = node.text if len(node.text) <= 60 else f"{node.text[:57]}..."
    quoted = isinstance(node.value, str)
    return f"'{text}'" if quoted else f"{text} ({type_name(node.value)})"


def type_name(value: object) -> str:
    """What YAML made of a scalar."""
    if isinstance(value, bool):
        return "true/false"
    if isinstance(value, int | float):
        return "a number"
    return "text"
