"""What every source of bills hands out, whichever service it asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from modules.cost.actual.period import Period

__all__ = ["Bill", "Biller", "Reading", "Source", "Unread", "decimal_of", "summed"]

Biller = Literal["aws", "confluent", "snowflake"]
"""Who sends the bill. What Redpanda and MSK cost is in the bill of AWS."""


@dataclass(frozen=True)
class Bill:
    """One kind of use in the period, summed.

    Attributes:
        service: as the biller calls it: `AmazonCloudWatch`, `KAFKA`, `WAREHOUSE_METERING`.
        item: the usage type, line type or name below the service.
        amount: in the period, in `currency`.
        used: the quantity in the biller's own words, where it says one.
        shared: why it is not this environment's alone; empty where it is.
    """

    biller: Biller
    service: str
    item: str
    amount: Decimal
    currency: str = "USD"
    used: str = ""
    shared: str = ""

    @property
    def name(self) -> str:
        return f"{self.service}: {self.item}" if self.item else self.service


@dataclass(frozen=True)
class Unread:
    """Something that could not be read: why, and what would mend it."""

    what: str
    why: str
    do: str


@dataclass(frozen=True)
class Reading:
    """What one source said.

    Attributes:
        source: in words, `AWS Cost Explorer`.
        complete: False where none of it could be read; its lines are then not compared.
        notes: what a reader has to know of these figures.
    """

    biller: Biller
    source: str
    bills: tuple[Bill, ...] = ()
    notes: tuple[str, ...] = ()
    unread: tuple[Unread, ...] = field(default=())

    @property
    def answered(self) -> bool:
        return bool(self.bills) or not self.unread


Source = Callable[[Period], Reading]
"""Asks a service, or reads a file that holds its answer."""


def decimal_of(value: object) -> Decimal:
    """An amount as a service writes it (`12.5`, `"12.50"`, `"$12.50"`, 1e-05), exact."""
    return Decimal(str(value).strip().replace("$", "").replace(",", "") or "0")


def summed(bills: Iterable[Bill]) -> tuple[Bill, ...]:
    """One bill for each service, item and currency, in the order met; the words for quantities are kept if equal."""
    found: dict[tuple[str, str, str, str], Bill] = {}
    for each in bills:
        key = (each.service, each.item, each.currency, each.shared)
        before = found.get(key)
        if before is None:
            found[key] = each
        else:
            used = before.used if before.used == each.used else ""
            found[key] = Bill(
                each.biller, each.service, each.item, before.amount + each.amount, each.currency, used, each.shared
            )
    return tuple(found.values())
