"""The prices of a plan's resources as JSON; Markdown for a pull request."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from modules.cost.book import Price
from modules.cost.formats.parts import JSON_VERSION, line_json, number, total_json
from modules.cost.lines import Line, Total, money, total
from modules.cost.resources import Counted, Priced, Pricing
from modules.cost.words import footer

__all__ = ["Block", "blocks", "resource_words", "resources_json", "resources_markdown"]


def resources_json(pricing: Pricing) -> dict[str, Any]:
    """Every resource: those with a price, the free ones and the rest by type."""
    return {
        "schema": JSON_VERSION,
        "kind": "resources",
        "monthly": {
            "total": total_json(pricing.total),
            "before": total_json(pricing.before) if pricing.before else None,
        },
        "resources": [_priced(each) for each in pricing.priced],
        "free": _counted(pricing.free),
        "by_workload": _counted(pricing.by_workload),
        "unsupported": _counted(pricing.unsupported),
    }


def resources_markdown(pricing: Pricing) -> str:
    """For a pull request."""
    rows = ["| | quantity | price | conf. | per month |", "| --- | ---: | --- | --- | ---: |"]
    for each in blocks(pricing):
        rows.append(f"| **`{each.address}`**{each.times} | | | | **{each.total if each.lines else 'by use'}** |")
        rows += [
            f"| {line.what} | {line.quantity} | {line.price} | {line.confidence} | {money(line.amount)} |"
            for line in each.lines
        ]
        rows += [f"| {price.what} | by use | {price} | {price.confidence} | |" for price in each.by_use]
    rows.append(f"| **total** | | | | **{pricing.total}** |")
    told = "\n".join(f"- {text}" for text in resource_words(pricing))
    sources = [f"<sub>{text}</sub>  " for text in footer(pricing.lines)] if pricing.lines else []
    return "\n\n".join(part for part in ("\n".join(rows), told, "\n".join(sources)) if part)


@dataclass(frozen=True)
class Block:
    """Instances of one block that are billed alike, together."""

    address: str
    count: int
    lines: tuple[Line, ...]
    by_use: tuple[Price, ...]
    gaps: tuple[str, ...]

    @property
    def times(self) -> str:
        return f" × {self.count}" if self.count != 1 else ""

    @property
    def total(self) -> Total:
        return total(self.lines)


def blocks(pricing: Pricing) -> list[Block]:
    """What is billed, dearest first."""
    groups: dict[tuple[object, ...], list[Priced]] = {}
    for each in pricing.priced:
        alike = tuple((line.what, line.quantity, line.price.id) for line in each.lines)
        groups.setdefault((each.document, each.block, each.region, alike, each.gaps), []).append(each)
    found = []
    for group in groups.values():
        first = group[0]
        lines = tuple(_together(each) for each in zip(*(each.lines for each in group), strict=True))
        address = first.block if len(group) > 1 else first.address
        found.append(Block(address, len(group), lines, first.by_use, first.gaps))
    return sorted(found, key=lambda each: (-each.total.least, not each.lines, each.address))


def _together(lines: tuple[Line, ...]) -> Line:
    """One line for several that differ in nothing but where they are."""
    first = lines[0]
    amounts = [line.amount for line in lines if line.amount is not None]
    amount = sum(amounts, Decimal(0)) if len(amounts) == len(lines) else None
    return replace(first, quantity=first.quantity * len(lines), amount=amount)


def resource_words(pricing: Pricing) -> list[str]:
    """What a reader must know beside the total: what is not counted, not priced, free."""
    found = [f"{each.address}, not counted: {gap}" for each in blocks(pricing) for gap in each.gaps]
    found += [f"not priced: {each.count} {each.type}: {each.reason}" for each in pricing.unsupported]
    if pricing.by_workload:
        found.append(f"{_types(pricing.by_workload)}: {pricing.by_workload[0].reason}")
    if pricing.free:
        count, kinds = sum(each.count for each in pricing.free), len({each.type for each in pricing.free})
        found.append(f"free: {count} resources of {kinds} types; --json names each type with its reason")
    return found


def _types(found: Sequence[Counted]) -> str:
    counts: Counter[str] = Counter()
    for each in found:
        counts[each.type] += each.count
    return ", ".join(f"{count} {type_}" for type_, count in sorted(counts.items()))


def _priced(each: Priced) -> dict[str, Any]:
    return {
        "document": each.document,
        "address": each.address,
        "type": each.type,
        "region": each.region,
        "monthly": total_json(each.total),
        "lines": [line_json(line) for line in each.lines],
        "by_use": [
            {
                "item": price.id,
                "what": price.what,
                "unit": str(price.unit),
                "tiers": [{"price": number(tier.price), "up_to": number(tier.up_to)} for tier in price.tiers],
                "confidence": price.confidence,
                "source": price.source.what,
                "read": price.source.read,
            }
            for price in each.by_use
        ],
        "not_counted": list(each.gaps),
    }


def _counted(found: Sequence[Counted]) -> list[dict[str, Any]]:
    return [{"type": each.type, "count": each.count, "reason": each.reason} for each in found]
