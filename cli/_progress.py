"""Shows Terraform at work: one live line a stack on a terminal, plain lines elsewhere (CI, pipes). On stderr only."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cli._output import is_quiet, note, stderr
from modules.terraform.events import Event, ResourceEvent
from modules.terraform.progress import Action, Progress

if TYPE_CHECKING:
    from rich.live import Live
    from rich.table import Table
    from rich.text import Text

__all__ = ["live_progress"]

_DOING: dict[Action, str] = {
    "init": "initialising",
    "plan": "planning",
    "apply": "applying",
    "destroy": "destroying",
}
_DONE = {"create": "created", "update": "updated", "delete": "destroyed", "replace": "replaced", "read": "read"}


@contextlib.contextmanager
def live_progress() -> Iterator[Progress]:
    """A progress for `modules.terraform.engine`; the display ends with the block."""
    if is_quiet():
        yield PlainProgress()
        return
    from rich.live import Live

    progress = LiveProgress()
    with Live(get_renderable=progress.render, console=stderr(), refresh_per_second=8, transient=True) as live:
        progress.attach(live)
        yield progress
    # What stays on the screen is the last state of each line, without the spinner's movement.
    progress.leave()


class PlainProgress:
    """A line when a stack's action begins and ends, and for each resource that was changed."""

    def note(self, text: str) -> None:
        note(text)

    def started(self, stack: str, action: Action, total: int) -> None:
        note(f"{stack}: {_DOING[action]}" + (f", {total} to do" if total else ""))

    def event(self, stack: str, event: Event) -> None:
        if isinstance(event, ResourceEvent) and event.step == "apply_complete":
            note(f"{stack}: {event.address} {_DONE.get(event.action, event.action)}")
        elif isinstance(event, ResourceEvent) and event.step == "apply_errored":
            note(f"{stack}: {event.address} failed")

    def finished(self, stack: str, action: Action, outcome: str) -> None:
        note(f"{stack}: {_outcome(action, outcome)}")


@dataclass
class _Row:
    """What one stack's line says."""

    action: Action
    total: int
    began: float = field(default_factory=time.monotonic)
    done: int = 0
    current: dict[str, None] = field(default_factory=dict)
    outcome: str | None = None
    seconds: float = 0.0

    def take(self, event: ResourceEvent) -> None:
        if event.step in ("apply_start", "refresh_start"):
            self.current[event.address] = None
        elif event.step in ("apply_complete", "apply_errored", "refresh_complete"):
            self.current.pop(event.address, None)
            self.done += event.step != "apply_errored"

    def text(self) -> str:
        if self.outcome is not None:
            return _outcome(self.action, self.outcome)
        count = f" {min(self.done, self.total)}/{self.total}" if self.total else (f" {self.done}" if self.done else "")
        at = next(reversed(self.current), "")
        more = f" and {len(self.current) - 1} more" if len(self.current) > 1 else ""
        return f"{_DOING[self.action]}{count}  {at}{more}".rstrip()


class LiveProgress:
    """One line a stack: a mark, what is done, counts, the resource at hand, seconds."""

    def __init__(self) -> None:
        self._rows: dict[str, _Row] = {}
        self._lock = threading.Lock()
        self._live: Live | None = None

    def attach(self, live: Live) -> None:
        self._live = live

    def note(self, text: str) -> None:
        if self._live is None:
            note(text)
        else:
            self._live.console.print(text, markup=False)

    def started(self, stack: str, action: Action, total: int) -> None:
        with self._lock:
            self._rows[stack] = _Row(action, total)

    def event(self, stack: str, event: Event) -> None:
        if isinstance(event, ResourceEvent):
            with self._lock:
                if row := self._rows.get(stack):
                    row.take(event)

    def finished(self, stack: str, action: Action, outcome: str) -> None:
        with self._lock:
            row = self._rows[stack]
            row.outcome, row.seconds = outcome, time.monotonic() - row.began

    def render(self) -> Table:
        from rich.table import Table
        from rich.text import Text

        table = Table.grid(padding=(0, 2))
        table.add_column(no_wrap=True)
        table.add_column(no_wrap=True)
        table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
        table.add_column(justify="right", no_wrap=True)
        now = time.monotonic()
        with self._lock:
            for stack, row in self._rows.items():
                seconds = row.seconds if row.outcome is not None else now - row.began
                # Addresses hold brackets, which are rich's markup: plain text only.
                table.add_row(_mark(row, now), Text(stack, "bold"), Text(row.text()), Text(f"{seconds:.1f} s", "dim"))
        return table

    def leave(self) -> None:
        """Print the last state, now that the live display is gone."""
        self._live = None
        if self._rows:
            stderr().print(self.render())


def _mark(row: _Row, now: float) -> Text:
    from rich.text import Text

    if row.outcome is None:
        return Text("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"[int(now * 8) % 10], "cyan")
    if row.outcome == "failed":
        return Text("✗", "red")
    return Text("·", "dim") if row.action == "plan" and row.outcome != "ok" else Text("✓", "green")


def _outcome(action: Action, outcome: str) -> str:
    if outcome == "ok":
        return {"init": "initialised", "plan": "planned", "apply": "applied", "destroy": "destroyed"}[action]
    return f"{action} failed" if outcome == "failed" else outcome
