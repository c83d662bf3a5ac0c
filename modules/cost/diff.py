"""What a change adds to the bill: two reports of one environment, or of two, line against line.

A line is the same line where its id is; then its quantity, its price or both have changed. What is unknown on a side
makes the difference unknown, within what is known of it, unless it is the same unknown on both. Where the sides come
from (files, revisions, `--set`) is the caller's business. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from modules.cost.lines import Line
from modules.cost.report import Report

__all__ = ["Change", "Delta", "Diff", "DiffSet", "Side", "diff_lines", "diff_reports", "lines_by_key"]

Kind = Literal["added", "removed", "changed"]


@dataclass(frozen=True)
class Delta:
    """A difference in USD a month: `known` where nothing unknown is in it, and the bounds it lies between.

    Attributes:
        least, most: None where there is no such bound.
        exact: whether they are one number.
    """

    least: Decimal | None
    most: Decimal | None

    @property
    def exact(self) -> bool:
        return self.least is not None and self.least == self.most

    @property
    def known(self) -> Decimal | None:
        return self.least if self.exact else None

    def __add__(self, other: Delta) -> Delta:
        return Delta(_sum(self.least, other.least), _sum(self.most, other.most))


@dataclass(frozen=True)
class Change:
    """One line that is not the same on both sides; None where a side does not have it."""

    id: str
    before: Line | None
    after: Line | None

    @property
    def line(self) -> Line:
        """Whichever side has it, the later before the earlier."""
        found = self.after or self.before
        assert found is not None
        return found

    @property
    def kind(self) -> Kind:
        if self.before is None:
            return "added"
        return "removed" if self.after is None else "changed"

    @property
    def delta(self) -> Delta:
        if self.before and self.after and not self.repriced and self.before.amount is None is self.after.amount:
            return _of_one_unknown_price(self.before, self.after)
        (low, high), (less, more) = _bounds(self.before), _bounds(self.after)
        return Delta(_difference(less, high), _difference(more, low))

    @property
    def free(self) -> bool:
        """Whether it comes, goes or changes at no cost."""
        return self.delta.known == 0

    @property
    def repriced(self) -> bool:
        """Whether the price itself is another one, whatever the quantity."""
        return self.before is not None and self.after is not None and _priced(self.before) != _priced(self.after)

    @property
    def resized(self) -> bool:
        """Whether there is more or less of it, or of something else under the same id."""
        if self.before is None or self.after is None:
            return True
        return (self.before.quantity, self.before.what) != (self.after.quantity, self.after.what)


@dataclass(frozen=True)
class Side:
    """One side of a comparison: `label` says where it was read (`main`, `working tree`, `as given`).

    `report`: None where this side has no such environment.
    """

    label: str
    report: Report | None


@dataclass(frozen=True)
class Diff:
    """One environment's bill on two sides. `changes` are the lines that differ, the largest difference first."""

    environment: str
    before: Side
    after: Side
    changes: tuple[Change, ...]
    same: int
    """How many lines are the same."""

    @property
    def kind(self) -> Literal["added", "removed", "changed", "same"]:
        if self.before.report is None:
            return "added"
        if self.after.report is None:
            return "removed"
        return "changed" if self.changes else "same"

    @property
    def over_budget(self) -> bool:
        """Whether the later side is over the budget that it states."""
        budget = self.after.report.budget if self.after.report else None
        return budget is not None and budget.over

    @property
    def delta(self) -> Delta:
        """The sum of the changes; exact where no unknown line changes, although both totals may have one."""
        return sum((each.delta for each in self.changes), Delta(Decimal(0), Decimal(0)))


@dataclass(frozen=True)
class DiffSet:
    """All environments that two revisions have, in the order of their names.

    `unread`: environment → why it could not be read on the earlier side, and so is not compared.
    """

    before: str
    after: str
    diffs: tuple[Diff, ...]
    unread: tuple[tuple[str, str], ...] = ()

    @property
    def delta(self) -> Delta:
        return sum((each.delta for each in self.diffs), Delta(Decimal(0), Decimal(0)))

    @property
    def changed(self) -> tuple[Diff, ...]:
        """Those whose bill is not the same, the largest difference first."""
        return tuple(sorted((each for each in self.diffs if each.kind != "same"), key=lambda each: _size(each.delta)))


def diff_reports(environment: str, before: Side, after: Side) -> Diff:
    """Line against line; a side without a report has no lines."""
    old, new = ((side.report.estimate.lines if side.report else ()) for side in (before, after))
    changes = diff_lines(old, new)
    return Diff(environment, before, after, changes, same=len(new) - sum(each.after is not None for each in changes))


def diff_lines(before: Iterable[Line], after: Iterable[Line]) -> tuple[Change, ...]:
    """The lines that differ, the largest difference first. Lines of one id are paired in their order."""
    old, new = lines_by_key(before), lines_by_key(after)
    pairs = [Change(key[0], old.get(key), new.get(key)) for key in dict.fromkeys([*new, *old])]
    return tuple(sorted((each for each in pairs if _differs(each)), key=lambda each: _size(each.delta)))


def lines_by_key(lines: Iterable[Line]) -> dict[tuple[str, int], Line]:
    """By id, and by number where one id is there several times: what pairs the lines of two estimates."""
    found: dict[tuple[str, int], Line] = {}
    for each in lines:
        number = 0
        while (each.id, number) in found:
            number += 1
        found[each.id, number] = each
    return found


def _differs(change: Change) -> bool:
    """Whether it costs something else, or is something else; another wording alone is no difference."""
    if change.before is None or change.after is None:
        return True
    amounts = [(each.amount, each.low, each.high) for each in (change.before, change.after)]
    return amounts[0] != amounts[1] or change.resized or change.repriced


def _priced(line: Line) -> Sequence[object]:
    return [(each.id, each.currency, each.tiers, each.low, each.high) for each in line.prices]


def _of_one_unknown_price(before: Line, after: Line) -> Delta:
    """More or less of something whose price is the same unknown on both sides: the price lies in its range once."""
    least, most = _difference(after.low or Decimal(0), before.low or Decimal(0)), _difference(after.high, before.high)
    if most is None:
        grows = after.quantity.amount > before.quantity.amount
        return Delta(least, None) if grows else Delta(None, least)
    assert least is not None
    return Delta(min(least, most), max(least, most))


def _bounds(line: Line | None) -> tuple[Decimal | None, Decimal | None]:
    """The least and the most a side can be; a side that does not have the line pays nothing for it."""
    if line is None:
        return Decimal(0), Decimal(0)
    if line.amount is not None:
        return line.amount, line.amount
    return line.low or Decimal(0), line.high


def _difference(new: Decimal | None, old: Decimal | None) -> Decimal | None:
    return None if new is None or old is None else new - old


def _sum(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    return None if one is None or other is None else one + other


def _size(delta: Delta) -> tuple[bool, Decimal]:
    """For sorting: what has no known end first, then the largest amount either way."""
    known = [abs(each) for each in (delta.least, delta.most) if each is not None]
    return len(known) == 2, -max(known, default=Decimal(0))
