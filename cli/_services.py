"""Shows what happens to the local services: a live display on a terminal, plain lines elsewhere (CI, pipes)."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from cli._output import is_quiet, note, stderr

if TYPE_CHECKING:
    from modules.local.common import Event, Progress

__all__ = ["show_progress"]

LABELS = {
    "kafka": "Kafka",
    "registry": "Schema Registry",
    "snowflake": "Snowflake stand-in",
    "connect": "Kafka Connect",
    "postgres": "PostgreSQL",
    "sink": "Sink",
}
STEP = 0.25
"""Plain download lines come at each quarter."""


@contextlib.contextmanager
def show_progress() -> Iterator[Progress]:
    """A progress function for `modules.local.platform`; the display ends with the block."""
    if is_quiet():
        yield _plain()
        return
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(finished_text="•"),
        TextColumn("{task.description:<20}"),
        BarColumn(24),
        TextColumn("{task.fields[state]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=stderr()) as display:
        yield _live(display)


def _live(display: object) -> Progress:
    from rich.progress import Progress as Display

    assert isinstance(display, Display)
    tasks = {}

    def show(event: Event) -> None:
        if event.service not in tasks:
            label = "Download" if event.state == "fetching" else LABELS.get(event.service, event.service)
            tasks[event.service] = display.add_task(label, total=None, state="")
        task = tasks[event.service]
        if event.state == "fetching":
            text = f"{event.done / 1e6:.0f} of {event.total / 1e6:.0f} MB"
            display.update(task, total=event.total, completed=event.done, state=text)
        elif event.state in ("starting", "stopping"):
            display.update(task, total=None, state=event.state)
        else:
            display.update(task, total=1, completed=1, state=event.state)

    return show


def _plain() -> Progress:
    began = time.monotonic()
    shown = -1.0

    def show(event: Event) -> None:
        nonlocal shown
        if event.state == "fetching":
            part = event.done / event.total if event.total else 1.0
            if part < 1 and part < shown + STEP:
                return
            if part != shown:
                note(f"fetching Kafka and the Schema Registry: {event.done / 1e6:.0f} of {event.total / 1e6:.0f} MB")
            shown = part
            return
        label = LABELS.get(event.service, event.service)
        took = f" after {time.monotonic() - began:.1f} s" if event.state == "ready" else ""
        note(f"{label}: {event.state}{took}")

    return show
