"""`--strict`: a report with an unknown price is an error that says how to give the price."""

from __future__ import annotations

from modules.cost.book import Price
from modules.cost.lines import money
from modules.cost.report import Report
from modules.errors import PriceError

__all__ = ["refuse_unknown"]


def refuse_unknown(report: Report) -> None:
    """Nothing, where every line has an amount.

    Raises:
        PriceError: lines have none; `details` names each with the price item that is missing and what is known of it.
    """
    unknown = [each for each in report.estimate.lines if each.amount is None]
    if not unknown:
        return
    details: list[str] = []
    items: list[Price] = []
    for each in unknown:
        missing = [price for price in each.prices if not price.known]
        between = f", between {money(each.low)} and {money(each.high)} a month" if each.low is not None else ""
        reason = "; ".join(dict.fromkeys(price.note for price in missing if price.note))
        names = ", ".join(price.id for price in missing)
        details.append(f"{each.id} ({each.what}{between}): no price of {names}" + (f": {reason}" if reason else ""))
        items += [price for price in missing if price.id not in [other.id for other in items]]
    count = "a line has" if len(unknown) == 1 else f"{len(unknown)} lines have"
    example = f"{{id: {items[0].id}, price: <{items[0].currency} per {items[0].unit}>, source: own, confidence: A}}"
    raise PriceError(
        f"{report.environment} on {report.title}: {count} no known price",
        where="--strict",
        details=details,
        do=f"give what your contract says in a file of environments/prices/, or by --prices: items: [{example}]",
    )
