"""AWS's price list as prices of the book: which record is which item is in `aws.yaml`, and is only read here.

A record is a product with its attributes and what a unit of it costs on demand, wherever it came from: the API
(`aws_api.py`) or a downloaded offer file (`aws_file.py`).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from modules.cost.book import PriceBook, Source, Tier
from modules.cost.refresh.found import Found, Problem, exact

__all__ = ["Query", "Record", "Rule", "queries", "read_records", "record_of", "services"]

_MAP = Path(__file__).parent / "aws.yaml"
_PREFIX = r"(?:[a-z]{2}(?:-[a-z]+)+-\d-|[A-Z]{2,4}\d*-)?"
"""A usagetype's region: `USE1-`, `EU-`, `us-east-1-`; in us-east-1 often nothing."""


@dataclass(frozen=True)
class Record:
    """One product of the list; `tiers` are in the list's own unit."""

    service: str
    family: str
    attributes: Mapping[str, str]
    unit: str
    tiers: tuple[Tier, ...]
    published: str

    def attribute(self, name: str) -> str:
        return self.family if name == "productFamily" else str(self.attributes.get(name, ""))


@dataclass(frozen=True)
class Rule:
    """One item, or a family of items: `{type}` in `item` is what `usage` calls so."""

    item: str
    usage: re.Pattern[str]
    where: Mapping[str, str]
    units: tuple[str, ...]
    times: Decimal = Decimal(1)

    def ids(self, book: PriceBook) -> set[str]:
        """The book's items that the rule may give a price to."""
        if "{type}" not in self.item:
            return {self.item} if self.item in book else set()
        pattern = re.compile(re.escape(self.item).replace(re.escape("{type}"), r"[a-z0-9-]+\.[a-z0-9]+"))
        return {price.id for price in book.prices if pattern.fullmatch(price.id)}


@dataclass(frozen=True)
class Query:
    """Records that have something in common: what is asked of the API at once."""

    service: str
    filters: Mapping[str, str]
    rules: tuple[Rule, ...]
    region: str = "regionCode"
    each: Mapping[str, str] = field(default_factory=dict)

    def meets(self, family: str, attributes: Mapping[str, str], region: str) -> bool:
        """Whether a product is one that is asked for."""
        if self.region != "none" and attributes.get(self.region) != region:
            return False
        return all(
            (family if name == "productFamily" else attributes.get(name)) == it for name, it in self.filters.items()
        )


@functools.cache
def queries() -> tuple[Query, ...]:
    """All that is asked of AWS's list."""
    import yaml

    data = yaml.load(_MAP.read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
    return tuple(
        Query(
            each["service"],
            each["filters"],
            tuple(_rule(rule) for rule in each["items"]),
            each.get("region", "regionCode"),
            each.get("each", {}),
        )
        for each in data["queries"]
    )


def _rule(data: Mapping[str, Any]) -> Rule:
    return Rule(
        data["item"],
        re.compile(_PREFIX + data["usage"]),
        data.get("where", {}),
        tuple(unit.lower() for unit in data["units"]),
        Decimal(str(data.get("times", 1))),
    )


def services() -> tuple[str, ...]:
    """The service codes whose price lists are read."""
    return tuple(dict.fromkeys(query.service for query in queries()))


def record_of(
    service: str, family: str, attributes: Mapping[str, str], terms: Mapping[str, Any], published: str
) -> Record | None:
    """A product and its on-demand terms as a record; None where it is not sold on demand in dollars."""
    for term in terms.values():
        dimensions = [
            each for each in term.get("priceDimensions", {}).values() if "USD" in each.get("pricePerUnit", {})
        ]
        if dimensions:
            try:
                ordered = sorted(dimensions, key=lambda each: Decimal(each.get("beginRange") or 0))
                tiers = tuple(_tier(each) for each in ordered)
            except (InvalidOperation, TypeError):
                return None
            return Record(service, family, attributes, str(ordered[0].get("unit", "")), tiers, published)
    return None


def _tier(dimension: Mapping[str, Any]) -> Tier:
    end = dimension.get("endRange", "Inf")
    return Tier(exact(Decimal(dimension["pricePerUnit"]["USD"])), None if end in ("Inf", "") else Decimal(end))


def read_records(
    records: Iterable[Record], book: PriceBook, region: str, read: str = ""
) -> tuple[tuple[Found, ...], tuple[Problem, ...]]:
    """The prices of a region that the records give, and what is missing or is not clear among the services met.

    Args:
        read: the day the list was read; by default the day it was published, which is all a file tells of its age.
    """
    found: dict[str, dict[tuple[Tier, ...], Found]] = {}
    problems: list[Problem] = []
    met: set[str] = set()
    for record in records:
        met.add(record.service)
        for item, rule in _items(record, book, region):
            if record.unit.lower() not in rule.units:
                problems.append(
                    Problem(item, region, f"the list has its price per `{record.unit}`, which is another unit")
                )
                continue
            day = read or record.published[:10]
            source = Source(f"AWS price list, {record.service}", day)
            tiers = tuple(_ours(tier, rule.times) for tier in record.tiers)
            found.setdefault(item, {})[tiers] = Found(item, region, tiers, source, record.attribute("usagetype"))
    clear: list[Found] = []
    for item, candidates in found.items():
        if len(candidates) == 1:
            clear += candidates.values()
        else:
            prices = ", ".join(sorted({f"{tiers[0].price:f}" for tiers in candidates}))
            problems.append(Problem(item, region, f"several records of the list fit, with the prices {prices}"))
    wanted = {item for query in queries() if query.service in met for rule in query.rules for item in rule.ids(book)}
    said = {problem.item for problem in problems} | set(found)
    problems += [Problem(item, region, "not in the list") for item in sorted(wanted - said)]
    return tuple(clear), tuple(dict.fromkeys(problems))


def _items(record: Record, book: PriceBook, region: str) -> Iterator[tuple[str, Rule]]:
    usage = record.attribute("usagetype")
    for query in queries():
        if query.service != record.service or not query.meets(record.family, record.attributes, region):
            continue
        for rule in query.rules:
            match = rule.usage.fullmatch(usage)
            if match is None or any(record.attribute(name) != it for name, it in rule.where.items()):
                continue
            item = rule.item.format(**match.groupdict())
            if item in book:
                yield item, rule


def _ours(tier: Tier, times: Decimal) -> Tier:
    """The list's tier in the book's unit: ten thousand calls cost ten thousand times a call, and are as many fewer."""
    up_to = None if tier.up_to is None else exact(tier.up_to / times)
    return Tier(exact(tier.price * times), up_to)
