"""A Snowflake credit's price as somebody gives it: from a contract, or from the table of the day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal

from modules.cost.book import PriceBook, Source, Tier
from modules.cost.refresh.found import Found
from modules.errors import PriceError

__all__ = ["EDITIONS", "credit_price"]

EDITIONS = ("standard", "enterprise", "business_critical", "vps")


def credit_price(
    book: PriceBook, price: Decimal, edition: str, regions: Sequence[str], day: dt.date
) -> tuple[Found, ...]:
    """The credit's price in each region.

    Raises:
        PriceError: there is no such edition, or the price is none.
    """
    item = f"snowflake.credit.{edition}"
    if edition not in EDITIONS or item not in book:
        raise PriceError(
            f"Snowflake has no edition `{edition}`", do=f"write one of: {', '.join(EDITIONS)}", where="--edition"
        )
    if price <= 0:
        raise PriceError(f"a credit does not cost {price}", where="--snowflake-credit", do="give dollars, such as 2.35")
    source = Source(f"Snowflake credit ({edition}), as given to infra cost refresh", day.isoformat())
    return tuple(Found(item, region, (Tier(price),), source, "--snowflake-credit") for region in regions)
