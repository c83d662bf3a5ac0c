"""Terraform expressions as Python values: `each.key`, `var("x")`, a resource's `attr("id")`.

An expression is text of the form `${…}`, in a type of its own so that it may stand where a number, a list or a map is
expected. Plain text is passed on as Terraform reads it, so `${` in it is an expression too; text that comes from
elsewhere (a schema, a comment) goes through `literal`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import TypeAlias

__all__ = [
    "Bool",
    "Each",
    "Expr",
    "ForEach",
    "Number",
    "Text",
    "each",
    "function",
    "instance",
    "literal",
    "local",
    "reference",
    "var",
]

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


class Expr(str):
    """A Terraform expression; as text it is `${…}`, ready for JSON."""

    __slots__ = ()

    @classmethod
    def of(cls, inner: str) -> Expr:
        """An expression from its inside: `Expr.of("length(var.zones)")`."""
        return cls(f"${{{inner}}}")

    @property
    def inner(self) -> str:
        """The expression without `${` and `}`, for building a larger one."""
        return self[2:-1]

    def get(self, *steps: str | int | Expr) -> Expr:
        """Something inside: `.get("endpoints", 0, "url")` is `….endpoints[0].url`."""
        return Expr.of(self.inner + "".join(_step(step) for step in steps))

    def __repr__(self) -> str:
        return f"Expr({str(self)!r})"


Text: TypeAlias = str
Number: TypeAlias = int | float | Expr
Bool: TypeAlias = bool | Expr
ForEach: TypeAlias = Mapping[str, object] | Sequence[str] | Expr
"""A mapping from instance key to its values, a list of keys, or an expression."""


def _step(step: str | int | Expr) -> str:
    if isinstance(step, Expr):
        return f"[{step.inner}]"
    if isinstance(step, int):
        return f"[{step}]"
    return f".{step}" if _IDENTIFIER.fullmatch(step) else f"[{_quoted(step)}]"


def _quoted(text: str) -> str:
    """A Terraform string in quotation marks; JSON's escapes are Terraform's."""
    return json.dumps(literal(text), ensure_ascii=False)


def literal(text: str) -> str:
    """Text that Terraform takes as it is: `${` and `%{` lose their meaning."""
    return text.replace("${", "$${").replace("%{", "%%{")


class Each:
    """What `for_each` gives to each instance."""

    key = Expr.of("each.key")

    def value(self, *steps: str | int | Expr) -> Expr:
        """`each.value("partitions")`; without an argument the whole value."""
        return Expr.of("each.value").get(*steps)


each = Each()


def var(name: str) -> Expr:
    """A variable of the stack."""
    return Expr.of(f"var.{name}")


def local(name: str) -> Expr:
    """A local value of the stack."""
    return Expr.of(f"local.{name}")


def reference(address: str, *steps: str | int | Expr) -> Expr:
    """Anything by its address: `reference("kafka_topic.orders", "id")`."""
    return Expr.of(address).get(*steps)


def instance(address: str, key: str | Expr) -> Expr:
    """One instance of a resource with `for_each`: `kafka_topic.all["order-events"]`."""
    return Expr.of(f"{address}[{_argument(key)}]")


def function(name: str, *arguments: object) -> Expr:
    """A call of Terraform's own function: `function("jsonencode", var("x"))`."""
    return Expr.of(f"{name}({', '.join(_argument(each) for each in arguments)})")


def _argument(value: object) -> str:
    if isinstance(value, Expr):
        return value.inner
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_quoted(str(key))} = {_argument(item)}" for key, item in value.items()) + "}"
    if isinstance(value, Sequence):
        return "[" + ", ".join(_argument(item) for item in value) + "]"
    return json.dumps(value)
