"""What a run leaves in the warehouse, taken away: its own rows, and those that earlier runs could not remove.

Of the smoke table everything older than an hour goes as well, since nothing else is ever in it. A real table is touched
only when asked to, and then only this run's rows. Nothing here fails a run: what stays is said, with the right that is
missing.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from modules.errors import InfraError
from modules.smoke.transport import RUN_HEADER

__all__ = ["Cleaned", "TableCleaner"]

KEPT_SECONDS = 3600
"""A run lasts less long, and its rows must not go while it looks for them."""

Ask = Callable[[str, tuple[str, ...]], int]
"""Run a statement with its parameters; the number of rows it touched.

Raises InfraError where it cannot be run.
"""


@dataclass(frozen=True)
class Cleaned:
    """What was taken away, and in sentences what could not be."""

    rows: int | None = None
    """Of this run; None where rows are meant to stay."""
    older_rows: int = 0
    """Of runs that were killed."""
    left: tuple[str, ...] = field(default=())


class TableCleaner:
    """Deletes rows of one table.

    Args:
        own: whether the table is there for such runs alone.
        clean: whether this run's rows go from a table that is not.
    """

    def __init__(self, ask: Ask, table: str, run_id: str, *, own: bool, clean: bool = False) -> None:
        self._ask = ask
        self._table = table
        self._run = run_id
        self._own = own
        self._clean = clean
        self._older = 0
        self._left: list[str] = []

    def before(self) -> None:
        """Take away what killed runs have left, in the smoke table only."""
        if self._own:
            self._older = self._delete_older()

    def after(self) -> Cleaned:
        """Take away this run's rows. Never raises."""
        if not (self._own or self._clean):
            return Cleaned(None, self._older, tuple(self._left))
        condition = f"RECORD_METADATA:headers:{RUN_HEADER}::VARCHAR = %s"
        gone = self._delete(condition, (self._run,))
        return Cleaned(gone, self._older, tuple(self._left))

    def _delete_older(self) -> int:
        before = int((time.time() - KEPT_SECONDS) * 1000)
        return self._delete(f"RECORD_METADATA:CreateTime::NUMBER < {before}", ())

    def _delete(self, condition: str, parameters: tuple[str, ...]) -> int:
        try:
            return self._ask(f"DELETE FROM {self._table} WHERE {condition}", parameters)  # noqa: S608
        except InfraError as error:
            sentence = f"rows stay in {self._table}: {error.what}"
            self._left += [sentence] if sentence not in self._left else []
            return 0
