"""Whether prices are still to be believed: after 90 days a reader is told to have them read anew."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterable

from modules.cost.book import Price, Source

__all__ = ["STALE_DAYS", "stale", "stale_words", "today"]

STALE_DAYS = 90


def today() -> dt.date:
    """The day to judge ages by: the clock's, or that of `SOURCE_DATE_EPOCH` (seconds), for reproducible reports."""
    given = os.environ.get("SOURCE_DATE_EPOCH", "")
    return dt.datetime.fromtimestamp(int(given), dt.UTC).date() if given.isdigit() else dt.date.today()


def stale(prices: Iterable[Price], today: dt.date, days: int = STALE_DAYS) -> tuple[Source, ...]:
    """The sources, oldest first, that some of these prices rest on and that were read more than `days` ago."""
    sources = dict.fromkeys(source for price in prices for source in price.sources)
    old = (source for source in sources if (today - source.read_date).days > days)
    return tuple(sorted(old, key=lambda source: source.read_date))


def stale_words(prices: Iterable[Price], today: dt.date) -> str:
    """One line that says which prices are old; empty where none is."""
    old = stale(prices, today)
    if not old:
        return ""
    named = "; ".join(f"{source.what} ({(today - source.read_date).days} days)" for source in old[:4])
    more = f" and {len(old) - 4} more" if len(old) > 4 else ""
    return (
        f"old prices: read more than {STALE_DAYS} days ago: {named}{more}; "
        "`infra cost refresh` reads them anew, or check them and date them in an overlay"
    )
