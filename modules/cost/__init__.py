"""What an environment costs: a price book (YAML data) × its workload → lines with source and date.

    prices/*.yaml ─► book.PriceBook ─► overlay, terms, currency ─┐
    Environment ──► usage.Usage ─────────────────────────────────┴─► estimators/ ─► lines.Estimate ─► report ─► formats

Everything here is pure but the reading of the price files; nothing imports cdktf, and only `actual/` and `refresh/`,
which read what was billed and what vendors list, meet a client library or the network.
Money is `Decimal`, a quantity carries its unit, and what is not known is None, never 0.
"""

from __future__ import annotations

from modules.cost.book import load_book
from modules.cost.compare import Comparison, compare
from modules.cost.report import Report, report

__all__ = ["Comparison", "Report", "compare", "load_book", "report"]
