"""Puts what was billed beside what was estimated: rows of lines and bills that belong together, with the error.

A bill that several lines share (AWS bills all of Fargate's processors as one type) makes one row of them; nothing is
divided by guess. A row's error is the estimate less the bill, both as a month: more than 0 was estimated too high.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal

from modules.cost.actual.bills import Bill, Biller, Reading
from modules.cost.actual.period import Period
from modules.cost.book import PriceBook
from modules.cost.lines import Line
from modules.cost.report import Report

__all__ = ["Actual", "Kind", "Row", "Rule", "billers_of", "compare_with_bills", "load_rules", "rule_for"]

_FILE = Path(__file__).with_name("usage_types.yaml")

Kind = Literal["compared", "no bill", "no line", "not read"]


@dataclass(frozen=True)
class Rule:
    """An entry of `usage_types.yaml`."""

    type: re.Pattern[str]
    service: re.Pattern[str] | None
    lines: tuple[str, ...]
    none: str

    def fits(self, bill: Bill) -> bool:
        if self.service is not None and not self.service.fullmatch(bill.service):
            return False
        return self.type.search(bill.item) is not None

    def pays(self, line: str, item: str = "*") -> bool:
        """Whether a bill of this type pays for a line; without `item` whether one of some item could."""
        return any(fnmatchcase(line, pattern.replace("{item}", item.lower())) for pattern in self.lines)

    def wanted(self, item: str) -> str:
        """The lines it would pay for, in words."""
        return " or ".join(each.replace("{item}", item.lower()) for each in self.lines)


@dataclass(frozen=True)
class Row:
    """Lines and the bills that pay for them.

    Attributes:
        estimated: a month's, in the report's currency; None where a price is unknown or no line expects it.
        billed: in the period, as billed; None where nothing was, or could be read.
        monthly: `billed` as a month like the estimate's.
        why: why a bill has no line, a line no bill, or what is shared.
    """

    kind: Kind
    lines: tuple[Line, ...]
    bills: tuple[Bill, ...]
    estimated: Decimal | None
    billed: Decimal | None
    monthly: Decimal | None
    why: str = ""

    @property
    def error(self) -> Decimal | None:
        """The estimate less the bill; None where either is unknown. A line without a bill is wrong by all of it."""
        if self.kind in ("not read", "no line") or self.estimated is None:
            return None
        return self.estimated - (self.monthly or 0)

    @property
    def percent(self) -> Decimal | None:
        """The error in percent of the bill; None without one."""
        if self.error is None or not self.monthly:
            return None
        return self.error / self.monthly * 100

    @property
    def name(self) -> str:
        if self.lines:
            return " + ".join(each.id for each in self.lines)
        return self.bills[0].name


@dataclass(frozen=True)
class Actual:
    """One environment's estimate beside its bills, largest first."""

    environment: str
    title: str
    region: str
    period: Period
    rows: tuple[Row, ...]
    readings: tuple[Reading, ...]
    currency: str = "USD"

    def of(self, *kinds: Kind) -> tuple[Row, ...]:
        return tuple(row for row in self.rows if row.kind in kinds)

    @property
    def estimated(self) -> Decimal:
        """What was estimated of everything that could be compared; unknown prices add nothing."""
        return sum((row.estimated or Decimal(0) for row in self.of("compared", "no bill")), Decimal(0))

    @property
    def billed(self) -> Decimal:
        """All bills, in the period."""
        return sum((row.billed or Decimal(0) for row in self.rows), Decimal(0))

    @property
    def monthly(self) -> Decimal:
        """All bills, as a month."""
        return sum((row.monthly or Decimal(0) for row in self.rows), Decimal(0))

    @property
    def error(self) -> Decimal:
        return self.estimated - self.monthly

    @property
    def percent(self) -> Decimal | None:
        return self.error / self.monthly * 100 if self.monthly else None

    @property
    def not_read(self) -> Decimal:
        """What was estimated of lines whose bill could not be read."""
        return sum((row.estimated or Decimal(0) for row in self.of("not read")), Decimal(0))


@functools.cache
def load_rules(file: Path = _FILE) -> Mapping[Biller, tuple[Rule, ...]]:
    """The file, read once.

    Raises:
        ValueError: an entry has neither `lines` nor `none`, both, or a key that is not known.
    """
    import yaml

    data: dict[Biller, list[dict[str, Any]]] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return {biller: tuple(_rule(biller, each) for each in entries) for biller, entries in data.items()}


def _rule(biller: str, entry: dict[str, Any]) -> Rule:
    unknown = set(entry) - {"type", "service", "lines", "none"}
    if unknown or ("lines" in entry) == ("none" in entry):
        raise ValueError(f"usage_types.yaml: {biller}: type, and either lines or none; got {entry}")
    # AWS puts the region before the type: USE1-, EUC1-, us-east-1-, or nothing in us-east-1.
    before = "(?:^|-)" if biller == "aws" else "^"
    service = entry.get("service")
    return Rule(
        re.compile(f"{before}(?:{entry['type']})$"),
        re.compile(service) if service else None,
        tuple(entry.get("lines", ())),
        str(entry.get("none", "")),
    )


def rule_for(bill: Bill) -> Rule | None:
    """The entry that says what a bill pays for; None for a type that nobody has thought of."""
    return next((rule for rule in load_rules()[bill.biller] if rule.fits(bill)), None)


def billers_of(lines: Iterable[Line]) -> frozenset[Biller]:
    """Whose bills the lines would be in; a line that costs nothing is in nobody's."""
    return frozenset(biller for each in lines for biller in _billers(each.id) if each.amount != 0)


@functools.cache
def _billers(line: str) -> frozenset[Biller]:
    return frozenset(biller for biller, rules in load_rules().items() if any(rule.pays(line) for rule in rules))


def compare_with_bills(report: Report, period: Period, readings: Sequence[Reading], book: PriceBook) -> Actual:
    """The report's lines beside the bills that were read, in the book's currency.

    Raises:
        PriceError: a bill is in a currency that the book has no rate for.
    """
    lines = report.estimate.lines
    answered = {each.biller for each in readings if each.answered}
    bills = [_in_currency(bill, book, each.source) for each in readings for bill in each.bills]
    rows = [*_matched(lines, bills, period), *_lone_lines(lines, bills, answered, readings)]
    rows += [_unexpected(bill, period) for bill in bills if not _lines_of(bill, lines)]
    return Actual(
        report.environment, report.title, report.region, period, tuple(sorted(rows, key=_rank)), tuple(readings),
        book.currency,
    )  # fmt: skip


def _in_currency(bill: Bill, book: PriceBook, source: str) -> Bill:
    if bill.currency == book.currency:
        return bill
    return replace(bill, amount=book.convert(bill.amount, bill.currency, source), currency=book.currency)


def _rank(row: Row) -> tuple[int, Decimal, str]:
    order: dict[Kind, int] = {"compared": 0, "no bill": 1, "no line": 2, "not read": 3}
    size = max(row.monthly or Decimal(0), row.estimated or Decimal(0))
    return order[row.kind], -size, row.name


def _lines_of(bill: Bill, lines: Iterable[Line]) -> tuple[Line, ...]:
    rule = rule_for(bill)
    return tuple(each for each in lines if rule.pays(each.id, bill.item)) if rule else ()


def _matched(lines: Sequence[Line], bills: Sequence[Bill], period: Period) -> Iterator[Row]:
    """Rows of lines that are billed together: two lines that one bill pays for are one row."""
    groups: list[tuple[dict[str, Line], list[Bill]]] = []
    for bill in bills:
        paid = {each.id: each for each in _lines_of(bill, lines)}
        if not paid:
            continue
        touched = [group for group in groups if group[0].keys() & paid.keys()]
        merged: tuple[dict[str, Line], list[Bill]] = ({}, [])
        for group in touched:
            merged[0].update(group[0])
            merged[1].extend(group[1])
            groups.remove(group)
        merged[0].update(paid)
        merged[1].append(bill)
        groups.append(merged)
    for of_lines, of_bills in groups:
        yield _row(tuple(of_lines.values()), tuple(of_bills), period)


def _row(lines: tuple[Line, ...], bills: tuple[Bill, ...], period: Period) -> Row:
    amounts = [each.amount for each in lines]
    known = None if None in amounts else sum((each for each in amounts if each is not None), Decimal(0))
    billed = sum((each.amount for each in bills), Decimal(0))
    by_month = all(each.quantity.unit.value.endswith("-month") for each in lines)
    words = list(dict.fromkeys(each.shared for each in bills if each.shared))
    words += [f"the estimate of {each.id} is unknown" for each in lines if each.amount is None]
    return Row("compared", lines, bills, known, billed, period.as_month(billed, by_month=by_month), "; ".join(words))


def _lone_lines(
    lines: Sequence[Line], bills: Sequence[Bill], answered: set[Biller], readings: Sequence[Reading]
) -> Iterator[Row]:
    """Lines that no bill pays for: nothing was billed, or it could not be read. What costs nothing is left out."""
    paid = {each.id for bill in bills for each in _lines_of(bill, lines)}
    partly = {each.biller: each for each in readings if each.answered and each.unread}
    for line in lines:
        if line.id in paid or line.amount == 0:
            continue
        billers = _billers(line.id)
        if not billers:
            yield Row("not read", (line,), (), line.amount, None, None, "no bill is known to have it")
        elif not billers & answered:
            yield Row("not read", (line,), (), line.amount, None, None, "")
        elif missing := next((partly[each] for each in billers if each in partly), None):
            views = ", ".join(each.what.rpartition(".")[2] for each in missing.unread)
            yield Row("not read", (line,), (), line.amount, None, None, f"perhaps in what could not be read: {views}")
        else:
            yield Row("no bill", (line,), (), line.amount, None, None, "")


def _unexpected(bill: Bill, period: Period) -> Row:
    rule = rule_for(bill)
    why = rule.none if rule and rule.none else ""
    if not why:
        why = f"this environment has no line {rule.wanted(bill.item)}" if rule else "an unknown type of use"
    said = "; ".join(each for each in (why, bill.shared) if each)
    return Row("no line", (), (bill,), None, bill.amount, period.as_month(bill.amount, by_month=False), said)
