"""What guards judge: a plan and what belongs to it, gathered before so that every guard is a pure function."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from typing import Any

from modules.environment import Environment
from modules.terraform.plan import UNKNOWN, Change, EnvironmentPlan

__all__ = ["ENVIRONMENT", "Cost", "Facts", "Found", "covers", "known", "matches", "texts"]

ENVIRONMENT = "environment"
"""In the place of the stack, where a finding is about the environment as a whole."""


@dataclass(frozen=True)
class Cost:
    """The expected month in USD, or in the currency named.

    Attributes:
        known: the sum of what has a price.
        unknown: how many lines have none.
        monthly: the budget; None: there is none.
        before: what the month came to before the change, where that is known.
        before_unknown: how many lines had no price then.
        problem: why there is no figure at all.
    """

    known: Decimal = Decimal(0)
    unknown: int = 0
    currency: str = "USD"
    monthly: Decimal | None = None
    over: bool = False
    maybe: bool = False
    before: Decimal | None = None
    before_unknown: int = 0
    before_label: str = ""
    problem: str | None = None


@dataclass(frozen=True)
class Facts:
    """A plan and what is needed to judge it.

    Attributes:
        providers: (stack, source, version) of every plugin that made the plan.
        reviewed: source → versions that count as reviewed.
        allow_destroy: addresses given by `--allow-destroy`.
        applying: the plan is about to be applied, not only shown.
        from_artefact: it is one that was written and reviewed.
    """

    plan: EnvironmentPlan
    environment: Environment
    cost: Cost = Cost()
    providers: tuple[tuple[str, str, str], ...] = ()
    reviewed: Mapping[str, frozenset[str]] = field(default_factory=dict)
    allow_destroy: frozenset[str] = frozenset()
    applying: bool = False
    from_artefact: bool = False

    def changes(self, *kinds: str) -> Iterator[tuple[str, Change]]:
        """(stack, change) of these kinds; all but reads without any."""
        for stack in self.plan.stacks:
            for change in stack.changes:
                if change.kind in kinds or (not kinds and change.kind != "read"):
                    yield stack.stack, change

    def made(self, *types: str) -> Iterator[tuple[str, Change, Mapping[str, Any]]]:
        """(stack, change, values afterwards) of what will be there afterwards and is touched; of some types only."""
        for stack, change in self.changes("create", "update", "replace", "import"):
            if change.after is not None and (not types or change.type in types):
                yield stack, change, change.after

    def kept(self) -> Iterator[tuple[str, Change, Mapping[str, Any], Mapping[str, Any]]]:
        """(stack, change, before, after) of what stays and changes, in place or by replacement."""
        for stack, change in self.changes("update", "replace", "import"):
            if change.before is not None and change.after is not None:
                yield stack, change, change.before, change.after


@dataclass(frozen=True)
class Found:
    """What a guard says about a resource, or (stack `ENVIRONMENT`) about the whole. `fix` where it knows better than
    its entry in the catalog; `softer` makes it a warning whatever the severity."""

    stack: str
    address: str
    message: str
    fix: str | None = None
    softer: bool = False


def known(value: Any) -> Any:
    """The value, or None where only the apply will tell."""
    return None if value == UNKNOWN else value


def matches(address: str, patterns: Iterable[str]) -> bool:
    """Whether a pattern covers the address."""
    return any(covers(pattern, address) for pattern in patterns)


def covers(pattern: str, address: str) -> bool:
    """`*` stands for anything; brackets, quotes and all else for themselves, since Terraform's addresses have them."""
    return _pattern(pattern).fullmatch(address) is not None


@cache
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in text.split("*")), re.S)


def texts(value: Any) -> list[str]:
    """A text or a list of texts, as a list; what is no text is left out."""
    if isinstance(value, str):
        return [value]
    return [each for each in value if isinstance(each, str)] if isinstance(value, list | tuple) else []
