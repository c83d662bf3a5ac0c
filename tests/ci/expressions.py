"""The part of GitHub's expression language that the workflows use; anything else fails, so that nothing is guessed.

Operators `||`, `&&`, `!`, `==`, `!=`, brackets; strings in single quotes; dotted names of the contexts given; the
status functions `success()`, `failure()`, `cancelled()` and `always()`. Unknown properties of a known context are ''.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["STATUS", "Status", "evaluate", "fill"]

_TOKEN = re.compile(r"\s*(?:(\|\||&&|==|!=|!|\(|\))|'((?:[^']|'')*)'|([A-Za-z_][\w.-]*)(\(\))?)")
STATUS = re.compile(r"\b(success|failure|cancelled|always)\(\)")


@dataclass(frozen=True)
class Status:
    """How what came before ended."""

    failed: bool = False
    skipped: bool = False

    def __call__(self, name: str) -> bool:
        answers = {
            "success": not self.failed and not self.skipped,
            "failure": self.failed,
            "cancelled": False,
            "always": True,
        }
        return answers[name]


def evaluate(expression: str, contexts: Mapping[str, Any], status: Status | None = None) -> Any:
    """The expression's value.

    Raises:
        ValueError: it uses more than is known here.
    """
    parser = _Parser(expression, contexts, status or Status())
    value = parser.either()
    if parser.place != len(parser.tokens):
        raise ValueError(f"not understood: {expression}")
    return value


def fill(text: str, contexts: Mapping[str, Any], status: Status | None = None) -> str:
    """A text with its `${{ }}` filled in."""

    def one(match: re.Match[str]) -> str:
        value = evaluate(match[1].strip(), contexts, status)
        return ("true" if value else "false") if isinstance(value, bool) else str(value)

    return re.sub(r"\$\{\{(.*?)\}\}", one, text)


class _Parser:
    def __init__(self, text: str, contexts: Mapping[str, Any], status: Callable[[str], bool]) -> None:
        self.tokens: list[tuple[str, Any]] = []
        self.place = 0
        self.contexts = contexts
        self.status = status
        at = 0
        while text[at:].strip():
            match = _TOKEN.match(text, at)
            if not match:
                raise ValueError(f"not understood: {text[at:]!r} in {text!r}")
            operator, string, name, call = match.groups()
            if operator:
                self.tokens.append(("operator", operator))
            elif string is not None:
                self.tokens.append(("value", string.replace("''", "'")))
            else:
                self.tokens.append(("call", name) if call else ("name", name))
            at = match.end()

    def either(self) -> Any:
        value = self.both()
        while self.take("||"):
            other = self.both()
            value = value or other
        return value

    def both(self) -> Any:
        value = self.equal()
        while self.take("&&"):
            other = self.equal()
            value = value and other
        return value

    def equal(self) -> Any:
        value = self.single()
        while (operator := self.take("==")) or (operator := self.take("!=")):
            other = self.single()
            same = str(value).lower() == str(other).lower()
            value = same if operator == "==" else not same
        return value

    def single(self) -> Any:
        if self.take("!"):
            return not self.single()
        if self.take("("):
            value = self.either()
            if not self.take(")"):
                raise ValueError("a bracket is not closed")
            return value
        if self.place == len(self.tokens):
            raise ValueError("the expression ends too early")
        kind, word = self.tokens[self.place]
        self.place += 1
        if kind == "value":
            return word
        if kind == "call":
            return self.status(word)
        if kind == "name":
            return self.look_up(word)
        raise ValueError(f"`{word}` stands where a value should")

    def take(self, operator: str) -> str:
        if self.place < len(self.tokens) and self.tokens[self.place] == ("operator", operator):
            self.place += 1
            return operator
        return ""

    def look_up(self, name: str) -> Any:
        first, *rest = name.split(".")
        if first in ("true", "false"):
            return first == "true"
        if first not in self.contexts:
            raise ValueError(f"there is no context `{first}` here")
        value: Any = self.contexts[first]
        for part in rest:
            value = value.get(part, "") if isinstance(value, Mapping) else ""
        return value
