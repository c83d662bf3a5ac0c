"""`infra cost prices`: the price book with the project's overlays: item, unit, region, price, source, age."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli._cost_prices import CurrencyOption, PricesOption, book_for
from cli._options import JsonOption
from cli._output import note, print_json, stdout
from modules.cost.overlay import nearest
from modules.cost.stale import STALE_DAYS, today
from modules.errors import PriceError
from modules.project import find_project

if TYPE_CHECKING:
    from modules.cost.book import Price, PriceBook

__all__ = ["EPILOG", "prices"]

_WIDE = 120
"""Columns of a terminal that has room for where each price is written; JSON always says it."""

_NARROW = 72
"""Columns of a terminal below which only item, price and day are shown."""

EPILOG = (
    "Examples:  infra cost prices msk  ·  infra cost prices snowflake.credit --region eu-central-1  ·  "
    "infra cost prices --old"
)


def prices(
    ctx: typer.Context,
    item: Annotated[str, typer.Argument(help="An item, or the beginning of some: `msk.express`.")] = "",
    region: Annotated[str, typer.Option("--region", help="Only what holds in this region.")] = "",
    old: Annotated[bool, typer.Option("--old", help=f"Only what was read more than {STALE_DAYS} days ago.")] = False,
    json: JsonOption = False,
    prices: PricesOption = None,
    currency: CurrencyOption = "",
) -> None:
    """What the price book says, overlays of the project included."""
    found = _chosen(book_for(find_project(), ctx), item, region, old)
    if json:
        print_json({"schema": "infra.cost.prices/1", "prices": [_record(price) for price in found]})
    elif found:
        _show(found)
    else:
        note(f"no price was read more than {STALE_DAYS} days ago" if old else "no such price")


def _chosen(book: PriceBook, item: str, region: str, old: bool) -> list[Price]:
    found = [price for price in book.prices if not item or price.id == item or price.id.startswith(f"{item}.")]
    if not found:
        ids = [price.id for price in book.prices]
        raise PriceError(f"no item is or begins with `{item}`{nearest(item, ids)}", do="see `infra cost prices`")
    if region:
        if region not in book.regions():
            regions = ", ".join(sorted(book.regions()))
            raise PriceError(f"the price book knows nothing of region `{region}`", do=f"write one of: {regions}")
        found = [price for price in found if {region, "*"} & set(price.regions)]
    return [price for price in found if not old or _age(price) > STALE_DAYS]


def _age(price: Price) -> int:
    return (today() - price.source.read_date).days


def _show(found: list[Price]) -> None:
    from rich import box
    from rich.table import Table

    console = stdout()
    names = ["item", "price", "regions", "conf.", "read", "where"]
    left_out = ["where"] if console.width < _WIDE else []
    left_out += ["regions", "conf."] if console.width < _NARROW else []
    columns = [name for name in names if name not in left_out]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for name in columns:
        width = 18 if name == "price" else None
        table.add_column(name, overflow="fold", no_wrap=name in ("item", "conf.", "read"), min_width=width)
    for price in found:
        mark = f"[yellow]{price.source.read}[/]" if _age(price) > STALE_DAYS else price.source.read
        where = f"{price.file.removeprefix('modules/cost/')}:{price.line}"
        cells = (price.id, str(price), ", ".join(price.regions), price.confidence, mark, where)
        table.add_row(*(cell for name, cell in zip(names, cells, strict=True) if name in columns))
    console.print(table)


def _record(price: Price) -> dict[str, Any]:
    return {
        "item": price.id,
        "what": price.what,
        "unit": str(price.unit),
        "currency": price.currency,
        "regions": list(price.regions),
        "tiers": [
            {"price": f"{tier.price:f}", "up_to": None if tier.up_to is None else f"{tier.up_to:f}"}
            for tier in price.tiers
        ],
        "range": None if price.low is None else [str(price.low), str(price.high)],
        "adjustments": [
            {"words": each.words, "source": each.source.what, "read": each.source.read} for each in price.adjustments
        ],
        "confidence": price.confidence,
        "source": price.source.what,
        "read": price.source.read,
        "age_days": _age(price),
        "file": f"{price.file}:{price.line}",
        "replaced": price.replaced or None,
        "note": price.note,
    }
