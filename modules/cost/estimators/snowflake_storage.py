"""What keeping rows in Snowflake costs: the rows, tables made of them, and what Time Travel and Fail-safe keep.

Rows that are only ever added leave nothing behind. What is deleted (`workload.rows_kept`) or written anew (dynamic
tables, readers' `rewrites`) is kept for the days of Time Travel and, in permanent tables, seven more. Bytes are counted
as they are sent; Snowflake compresses them, by how much nobody can say beforehand.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from modules.cost.estate import Rewritten
from modules.cost.estimators.base import Inputs
from modules.cost.lines import Estimate, Line, line, money
from modules.cost.units import Quantity, Unit, of_bytes, plain

__all__ = ["estimate"]

_APPEND_ONLY = (
    "Rows are only ever added, so Time Travel and Fail-safe hold nothing; `workload.rows_kept` says otherwise."
)


def estimate(inputs: Inputs) -> Estimate:
    """Rows always; the others where there is something of the kind."""
    history = tuple(_history(inputs))
    notes = () if history else (_APPEND_ONLY,)
    return Estimate((_rows(inputs), *_derived(inputs), *history), notes)


def _days(inputs: Inputs) -> Decimal:
    kept = inputs.usage.rows_kept_days
    return inputs.assumptions.table_days if kept is None else kept


def _rows(inputs: Inputs) -> Line:
    days, kept_for = _days(inputs), inputs.usage.rows_kept_days
    kept = of_bytes(inputs.usage.bytes_sunk_per_day * days, Unit.TB_MONTH)
    price = inputs.price("snowflake.storage")
    month = price.cost(kept)
    more = ""
    if kept_for is None and month is not None:
        more = f"each further {plain(days)} d of rows kept: {money(month)} a month; "
    return line(
        "snowflake.storage", "snowflake", "usage", kept, price, f"{plain(days)} d of rows, uncompressed",
        what=f"storage, {plain(days)} d of rows", note=f"{more}compression would make it less",
    )  # fmt: skip


def _size(inputs: Inputs, table: Rewritten) -> Decimal:
    """Bytes of a table that is made of the rows."""
    if table.size is not None:
        return Decimal(table.size)
    return inputs.usage.bytes_sunk_per_day * _days(inputs) * inputs.assumptions.derived_share


def _derived(inputs: Inputs) -> Iterator[Line]:
    tables = inputs.usage.rewritten
    if not tables:
        return
    size = sum((_size(inputs, each) for each in tables), Decimal(0))
    dynamic = sum(1 for each in tables if each.size is None)
    share = plain(inputs.assumptions.derived_share * 100)
    words = [f"{dynamic} dynamic table{'s' * (dynamic != 1)} of {share} % of the rows"] if dynamic else []
    words += [f"{_gb(Decimal(each.size))} of {each.name}" for each in tables if each.size is not None]
    yield line(
        "snowflake.storage_derived", "snowflake", "usage", of_bytes(size, Unit.TB_MONTH),
        inputs.price("snowflake.storage"), " + ".join(words), what="storage, what is made of the rows",
    )  # fmt: skip


def _history(inputs: Inputs) -> Iterator[Line]:
    """Bytes that are no longer in a table: each day's, for as many days as they are kept."""
    usage = inputs.usage
    kept, words = Decimal(0), []
    if usage.rows_kept_days is not None and usage.rows_history_days:
        deleted = usage.bytes_sunk_per_day
        kept += deleted * usage.rows_history_days
        words.append(f"rows: {_gb(deleted)} deleted a day × {plain(usage.rows_history_days)} d")
    for table in usage.rewritten:
        times = inputs.assumptions.derived_churn if table.times_per_day is None else table.times_per_day
        size = _size(inputs, table)
        kept += size * times * table.history_days
        if table.history_days:
            words.append(f"{table.name}: {_gb(size)} × {plain(times)} a day × {table.history_days} d")
    if words:
        yield line(
            "snowflake.storage_history", "snowflake", "usage", of_bytes(kept, Unit.TB_MONTH),
            inputs.price("snowflake.storage"), " + ".join(words), what="storage, Time Travel and Fail-safe",
            note="a transient schema has no Fail-safe and a day of Time Travel at most",
        )  # fmt: skip


def _gb(count: Decimal) -> str:
    return str(Quantity(count / 10**9, Unit.GB))
