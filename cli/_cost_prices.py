"""`--prices` and `--currency`, spelled once for every command that prices something, and the book they come to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modules.cost.currency import BASE, reported_in
from modules.errors import PriceError

if TYPE_CHECKING:
    from modules.cost.book import PriceBook
    from modules.project import Project

__all__ = ["CurrencyOption", "PricesOption", "book_for"]

_PRICES, _CURRENCY = "infra.cost.prices", "infra.cost.currency"


def _remember_prices(ctx: typer.Context, files: list[Path] | None) -> list[Path]:
    """All files given so far, so that `infra cost --prices F compare` is `infra cost compare --prices F`."""
    found: list[Path] = ctx.meta.setdefault(_PRICES, [])
    found += [file for file in files or [] if file not in found]
    return found


def _remember_currency(ctx: typer.Context, currency: str) -> str:
    if currency:
        if not (len(currency) == 3 and currency.isalpha()):
            raise PriceError(f"`{currency}` is not a currency", do="write its three letters, such as EUR")
        ctx.meta[_CURRENCY] = currency.upper()
    return str(ctx.meta.get(_CURRENCY, BASE))


PricesOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--prices",
        metavar="FILE",
        callback=_remember_prices,
        help="A YAML file of prices, discounts, commitments or currencies on top of the list; may be repeated.",
    ),
]
CurrencyOption = Annotated[
    str,
    typer.Option(
        "--currency",
        metavar="CODE",
        callback=_remember_currency,
        help="Show amounts in this currency, at the rate that a price file states.",
    ),
]


def book_for(project: Project, ctx: typer.Context) -> PriceBook:
    """The project's prices with what `--prices` and `--currency` say; amounts are written in that currency until the
    command ends.

    Raises:
        PriceError: a price file is wrong, or the currency has no rate.
    """
    from modules.cost.overlay import project_book

    currency = str(ctx.meta.get(_CURRENCY, BASE))
    book = project_book(project, ctx.meta.get(_PRICES, ()), currency)
    ctx.find_root().with_resource(reported_in(currency))
    return book
