"""What one resource comes to while it is being priced: lines, what its use costs, what could not be counted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from modules.cost.book import Price, PriceBook
from modules.cost.lines import Line, line
from modules.cost.resources.documents import Resource
from modules.cost.units import HOURS_PER_MONTH, Quantity, Unit, plain

__all__ = ["Bill", "Pricer"]


@dataclass
class Bill:
    """One resource's bill, filled by the function of its type.

    Attributes:
        others: the resources of the same document by address without keys.
        by_use: prices of what goes through it or is kept in it, which no document says.
        gaps: what is billed and not counted here, and why.
        free: why nobody bills it, where its arguments decide that.
    """

    resource: Resource
    book: PriceBook
    region: str
    others: Mapping[str, tuple[Resource, ...]] = field(default_factory=dict)
    lines: list[Line] = field(default_factory=list)
    by_use: list[Price] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)
    free: str = ""

    def add(
        self, part: str, each: Decimal | int, unit: Unit, item: str, how: str, *, what: str = "", missing: str = ""
    ) -> None:
        """A line of `each` at the price of `item`; a gap where the book does not have it.

        Args:
            missing: what to call the item where the book has none.
        """
        if item not in self.book:
            self.gaps.append(f"the price book has no {missing or item}")
            return
        quantity = Quantity(Decimal(each), unit)
        id_ = f"{self.resource.address}.{part}"
        price = self.book.price(item, self.region)
        self.lines.append(line(id_, "kafka", "fixed", quantity, price, how, what=what, count=1))

    def running(self, part: str, each: Decimal | int, unit: Unit, item: str, how: str, **words: str) -> None:
        """As `add`, for what runs all month: `each` of them, in hours."""
        self.add(part, HOURS_PER_MONTH * each, unit, item, f"{how} × {plain(HOURS_PER_MONTH)} h", **words)

    def used(self, *items: str) -> None:
        """What is billed by use, where the book has it."""
        self.by_use += [self.book.price(item, self.region) for item in items if item in self.book]

    def named(self, argument: str, type_: str) -> tuple[Resource, ...]:
        """The resources of a type that an argument names, by reference or, in a state, by its ARN or family."""
        for address in self.resource.names.get(argument, ()):
            if found := [each for each in self.others.get(address, ()) if each.type == type_]:
                beside = [each for each in found if each.module == self.resource.module]
                return tuple(beside or found)
        value = self.resource.arguments.get(argument)
        return tuple(each for each in self._of(type_) if value and value in _identities(each))

    def _of(self, type_: str) -> Iterable[Resource]:
        return (each for group in self.others.values() for each in group if each.type == type_)


Pricer = Callable[[Bill], None]
"""Fills the bill of a resource of one type."""


def _identities(resource: Resource) -> set[str]:
    its = resource.arguments
    family, revision = its.get("family"), its.get("revision")
    return {str(each) for each in (its.get("arn"), its.get("id"), its.get("name"), family) if each} | (
        {f"{family}:{revision}"} if family and revision else set()
    )
