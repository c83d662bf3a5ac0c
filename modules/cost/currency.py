"""Currencies: what one US dollar is worth in them, as somebody stated it, and how an amount is written.

A rate is data with a source and a date like a price; nothing is fetched. List prices are in US dollars, so a rate says
how much of a currency one dollar buys.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from decimal import Decimal

from modules.errors import PriceError

__all__ = ["BASE", "CREDIT", "Rate", "exchanged", "report_currency", "reported_in", "written"]

BASE = "USD"
CREDIT = "credit"
"""Snowflake's unit of account; it has a price and no rate."""

_SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥"}

_reported: ContextVar[str] = ContextVar("currency of reports", default=BASE)


@dataclass(frozen=True)
class Rate:
    """`per_usd` of `currency` buy one dollar, says `source`, as of `read`."""

    currency: str
    per_usd: Decimal
    source: str
    read: str


def exchanged(
    amount: Decimal, rates: Mapping[str, Rate], source: str, target: str, where: str | None = None
) -> Decimal:
    """An amount in `source` as one in `target`.

    Raises:
        PriceError: one of the two has no rate.
    """
    if source == target:
        return amount
    for currency in (source, target):
        if currency != BASE and currency not in rates:
            raise PriceError(
                f"there is no rate between {BASE} and {currency}",
                where=where,
                do=f"add one to a file in environments/prices/ or one given by --prices: currencies: {{{currency}: "
                f"{{rate: <{currency} for 1 {BASE}>, source: <who says so>, read: <date>}}}}",
            )
    per_usd = {name: rate.per_usd for name, rate in rates.items()} | {BASE: Decimal(1)}
    return amount * per_usd[target] / per_usd[source]


def written(amount: Decimal | str, currency: str) -> str:
    """An amount, or its digits, with the currency's sign: `$0.05`, `€12`, `CHF 3`, `2 credits`."""
    text = str(amount)
    sign, digits = ("-", text[1:]) if text.startswith("-") else ("", text)
    if currency == CREDIT:
        return f"{text} credit" + ("" if digits == "1" else "s")
    symbol = _SYMBOLS.get(currency)
    return f"{sign}{symbol}{digits}" if symbol else f"{sign}{currency} {digits}"


def report_currency() -> str:
    """The currency that reports of this run are in."""
    return _reported.get()


@contextmanager
def reported_in(currency: str) -> Iterator[None]:
    """Amounts written inside are in this currency. It changes the sign that is written, not the amounts: those come in
    the currency of the book that priced them."""
    token = _reported.set(currency)
    try:
        yield
    finally:
        _reported.reset(token)
