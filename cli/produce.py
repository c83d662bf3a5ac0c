"""`infra produce`: realistic order events into an environment's topic."""

from __future__ import annotations

import datetime
import itertools
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer

from cli._output import is_quiet, note, print_json, stderr
from cli._states import client_platform
from modules.environment import load_environment
from modules.project import find_project

if TYPE_CHECKING:
    from modules.producer import ProduceResult, Sender

__all__ = ["app"]

app = typer.Typer(rich_markup_mode=None, add_completion=False)

EPILOG = (
    "Examples:  infra produce --env local --count 1000  ·  infra produce --env local --rate 200 --count 5000 --json  "
    "·  infra produce --env dev --rate 50 --seed 7"
)


@app.command(epilog=EPILOG)
def produce(
    env: str = typer.Option(..., "--env", "-e", help="The environment, as in environments/<name>.yaml."),
    count: int | None = typer.Option(None, "--count", "-n", help="How many events; without it until Ctrl-C."),
    rate: float | None = typer.Option(None, "--rate", "-r", help="Events a second; without it as fast as possible."),
    topic: str | None = typer.Option(None, "--topic", help="The topic; default the only one with a value schema."),
    seed: int | None = typer.Option(None, "--seed", help="The same seed gives the same events; default a new one."),
    json: bool = typer.Option(False, "--json", help="The result as JSON on stdout."),
) -> None:
    """Send realistic order events, checked against the Avro schema: idempotent, acks=all, every delivery counted."""
    from modules.producer import OrderEvents
    from modules.producer import produce as send

    project = find_project()
    environment = load_environment(project, env)
    chosen = time.time_ns() % 1_000_000 if seed is None else seed
    # Only a given seed is to be repeatable to the letter; otherwise events carry today's time.
    start = datetime.datetime.now(datetime.UTC) if seed is None else None
    with Display(count) as display:
        result = send(
            environment,
            client_platform(environment, project),
            OrderEvents(chosen, start=start),
            topic=topic,
            count=count,
            rate=rate,
            on_progress=display.update,
        )
    if json:
        print_json({**asdict(result), "rate": round(result.rate, 1), "seed": chosen})
    else:
        _summary(result, chosen)
    if result.interrupted:
        raise typer.Exit(130)
    if not result.complete:
        raise typer.Exit(1)


def _summary(result: ProduceResult, seed: int) -> None:
    typer.echo(
        f"{result.topic}: {result.delivered} events delivered, {result.failed} failed, in {result.seconds:.1f} s "
        f"({result.rate:.0f}/s, seed {seed})"
    )
    for reason, times in itertools.islice(result.errors.items(), 10):
        note(f"  {times} × {reason}")
    if result.interrupted:
        note("interrupted: what was sent before is delivered and counted above")


class Display:
    """A progress bar for someone who watches, a line every five seconds for a log."""

    def __init__(self, count: int | None) -> None:
        self._count = count
        self._bar: Any = None
        self._said = time.monotonic()

    def __enter__(self) -> Display:
        if not is_quiet():
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
            self._bar = Progress(*columns, console=stderr(), transient=True)
            self._bar.start()
            self._task = self._bar.add_task("delivered", total=self._count)
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def update(self, sender: Sender) -> None:
        if self._bar is not None:
            self._bar.update(self._task, completed=sender.delivered)
        elif time.monotonic() - self._said >= 5:
            self._said = time.monotonic()
            note(f"{sender.topic}: {sender.sent} sent, {sender.delivered} delivered, {sender.failed} failed")
