"""The Snowflake estate as SQL, for teams whose administrators apply it: printed, compared with the account, applied.

    wanted   the estate as a `Catalogue`                    live        the account as a `Catalogue`
    script   statements that make all of it, from nothing   difference  statements that make live into wanted
    apply    runs a difference, statement by statement      printing    statements as a script people read

Both catalogues hold the same plain values under the same keys, so nothing but `difference` knows about drift, and a
kind of object is one entry of `kinds`. Nothing is remembered between runs: what is there and not declared is said, not
taken away.
"""

from __future__ import annotations

from modules.warehouse.sql.apply import apply
from modules.warehouse.sql.catalogue import Catalogue
from modules.warehouse.sql.difference import Difference, difference
from modules.warehouse.sql.environment import account_of, apply_difference, compare, declared
from modules.warehouse.sql.live import read_live
from modules.warehouse.sql.printing import Header, as_json, print_script
from modules.warehouse.sql.roles import Roles
from modules.warehouse.sql.script import script
from modules.warehouse.sql.statement import Statement
from modules.warehouse.sql.wanted import wanted

__all__ = [
    "Catalogue",
    "Difference",
    "Header",
    "Roles",
    "Statement",
    "account_of",
    "apply",
    "apply_difference",
    "as_json",
    "compare",
    "declared",
    "difference",
    "print_script",
    "read_live",
    "script",
    "wanted",
]
