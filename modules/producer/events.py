"""Order events that look like a shop's: orders live through their states, few customers buy much, prices are plausible.

Everything follows from the seed: the same seed gives the same events, event ids and times included, so a run can be
repeated and compared. Nothing here knows Kafka or Avro.
"""

from __future__ import annotations

import datetime
import heapq
import itertools
import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

__all__ = ["OrderEvents"]

_START = datetime.datetime(2026, 1, 5, 8, 0, tzinfo=datetime.UTC)
"""Where a shop's time begins when no other time is given: a fixed one, or events would not follow from the seed."""

_CUSTOMERS = 5_000
_CURRENCIES = (("USD", 62), ("EUR", 24), ("GBP", 9), ("CAD", 5))
_NOTES = (
    "gift wrap",
    "leave at the door",
    "call before delivery",
    "express",
    "second address",
    "Straße 12, zweiter Stock",
)
_CANCEL_REASONS = ("payment declined", "out of stock", "customer changed their mind", "address not found")
_HOURS = {"PAID": 0.1, "SHIPPED": 20.0, "DELIVERED": 48.0, "CANCELLED": 2.0}
"""Mean hours an order takes to reach a state from the one before."""


@dataclass(frozen=True)
class _Product:
    product_id: str
    price: Decimal
    weight: float


@dataclass(frozen=True)
class _Order:
    order_id: str
    customer_id: str
    product_id: str
    quantity: int
    amount: Decimal
    currency: str
    note: str | None


class OrderEvents(Iterator[dict[str, Any]]):
    """An endless stream of events, ordered by `event_time`; each is a dictionary in the Avro schema's shape.

    An order begins with CREATED and goes on PAID → SHIPPED → DELIVERED, or ends CANCELLED before it is shipped. The
    events of an order share its id, customer, product and amount. A customer's chance falls with its rank (Zipf).

    Args:
        seed: the same seed gives the same stream.
        start: time of the first event; default a fixed date.
        mean_gap: mean seconds between two new orders.
    """

    def __init__(self, seed: int = 0, *, start: datetime.datetime | None = None, mean_gap: float = 30.0) -> None:
        self._random = random.Random(f"order-events-{seed}")
        self._now = start or _START
        self._mean_gap = mean_gap
        self._sequence = itertools.count()
        self._products = [self._product(number) for number in range(200)]
        self._product_weights = list(itertools.accumulate(product.weight for product in self._products))
        self._customer_weights = list(itertools.accumulate(1 / rank for rank in range(1, _CUSTOMERS + 1)))
        self._due: list[tuple[datetime.datetime, int, str, _Order]] = []
        self._plan(self._now, "CREATED", self._order())

    def __iter__(self) -> OrderEvents:
        return self

    def __next__(self) -> dict[str, Any]:
        when, _, state, order = heapq.heappop(self._due)
        self._now = when
        if state == "CREATED":
            gap = datetime.timedelta(seconds=self._random.expovariate(1 / self._mean_gap))
            self._plan(when + gap, "CREATED", self._order())
        following = self._following(state)
        if following:
            hours = self._random.lognormvariate(0, 0.6) * _HOURS[following]
            self._plan(when + datetime.timedelta(hours=hours), following, order)
        return self._event(when, state, order)

    def _plan(self, when: datetime.datetime, state: str, order: _Order) -> None:
        heapq.heappush(self._due, (when, next(self._sequence), state, order))

    def _following(self, state: str) -> str | None:
        """The next state; None where an order's life ends, or where it simply stays."""
        chance = self._random.random()
        if state == "CREATED":
            return "PAID" if chance < 0.93 else "CANCELLED"
        if state == "PAID":
            return "SHIPPED" if chance < 0.97 else "CANCELLED"
        return "DELIVERED" if state == "SHIPPED" else None

    def _event(self, when: datetime.datetime, state: str, order: _Order) -> dict[str, Any]:
        note = self._random.choice(_CANCEL_REASONS) if state == "CANCELLED" else order.note
        return {
            "event_id": str(self._uuid()),
            "order_id": order.order_id,
            "customer_id": order.customer_id,
            "event_type": state,
            "product_id": order.product_id,
            "quantity": order.quantity,
            "amount": order.amount,
            "currency": order.currency,
            "event_time": when,
            "note": note,
        }

    def _order(self) -> _Order:
        rng = self._random
        product = rng.choices(self._products, cum_weights=self._product_weights)[0]
        customer = rng.choices(range(1, _CUSTOMERS + 1), cum_weights=self._customer_weights)[0]
        quantity = rng.choices((1, 2, 3, 4, 6, 12), weights=(70, 16, 6, 4, 3, 1))[0]
        currency = rng.choices([name for name, _ in _CURRENCIES], weights=[weight for _, weight in _CURRENCIES])[0]
        discount = rng.choices((Decimal("1"), Decimal("0.9"), Decimal("0.75")), weights=(85, 12, 3))[0]
        amount = (product.price * quantity * discount).quantize(Decimal("0.01"), ROUND_HALF_UP)
        note = rng.choice(_NOTES) if rng.random() < 0.08 else None
        return _Order(
            f"ord-{self._uuid().hex[:16]}", f"cust-{customer:05d}", product.product_id, quantity, amount, currency, note
        )

    def _product(self, number: int) -> _Product:
        price = Decimal(str(round(self._random.lognormvariate(3.2, 0.9), 2))) + Decimal("0.99")
        return _Product(f"prod-{number:04d}", price.quantize(Decimal("0.01")), self._random.paretovariate(1.2))

    def _uuid(self) -> uuid.UUID:
        return uuid.UUID(int=self._random.getrandbits(128), version=4)
