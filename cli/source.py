"""`infra source`: publishes the rows of a Snowflake table or stream until it is told to stop."""

from __future__ import annotations

import signal
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli._options import EnvOption
from cli._output import note, print_json
from cli._states import client_platform
from modules.environment import load_environment
from modules.project import find_project

if TYPE_CHECKING:
    from modules.connectors.source import SourceSettings, SourceStatus

__all__ = ["app"]

app = typer.Typer(rich_markup_mode=None, add_completion=False)

EPILOG = (
    "Examples:  infra source --env local  ·  infra source --env local --once --json  ·  "
    "infra source --env dev --source orders --schema > environments/schemas/orders.avsc"
)


@app.command(epilog=EPILOG)
def source(
    env: EnvOption,
    name: Annotated[str | None, typer.Option("--source", help="Which of `sources`; default the only one.")] = None,
    once: Annotated[bool, typer.Option("--once", help="Publish what is there now, then end.")] = False,
    from_start: Annotated[
        bool, typer.Option("--from-start", help="Publish all rows again, whatever has been published.")
    ] = False,
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the Avro schema the table gives and end; nothing is published.")
    ] = False,
    max_seconds: Annotated[
        float | None, typer.Option("--max-seconds", min=0, help="End after this time at the latest.")
    ] = None,
    ready_file: Annotated[
        Path | None, typer.Option("--ready-file", help="Written once it knows where to go on.")
    ] = None,
    status_file: Annotated[Path | None, typer.Option("--status-file", help="Written every second, JSON.")] = None,
    json: Annotated[bool, typer.Option("--json", help="The final status as JSON on stdout.")] = False,
) -> None:
    """Publish rows of a Snowflake table or stream to a topic; a crash loses and repeats nothing.

    Rows and the place behind them are one Kafka transaction: read the topic with isolation.level=read_committed.
    Ctrl-C or SIGTERM finishes the transaction at hand and ends.
    """
    from modules.connectors.source import Source, SourceOptions, source_settings

    project = find_project()
    environment = load_environment(project, env)
    settings = source_settings(environment, client_platform(environment, project), project, name)
    if schema:
        print_json(_schema(settings))
        return
    options = SourceOptions(once, from_start, max_seconds, ready_file, status_file, _Lines().tell)
    running = Source(settings, options)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: running.stop())
    final = running.run()
    if json:
        print_json(asdict(final))


def _schema(settings: SourceSettings) -> dict[str, object]:
    from modules.connectors.source import Session, derived_schema, open_reader

    session = Session(settings)
    try:
        return derived_schema(settings, open_reader(settings, session).columns)
    finally:
        session.close()


class _Lines:
    """A line when something changed, at most every five seconds."""

    def __init__(self) -> None:
        self._said = -1e9
        self._last: tuple[object, ...] = ()

    def tell(self, status: SourceStatus) -> None:
        now = time.monotonic()
        content = (status.state, status.rows_published, status.caught_up)
        ended = status.state == "stopped"
        if content == self._last or (now - self._said < 5 and not ended and status.state == self._last[0]):
            return
        self._last, self._said = content, now
        problem = f", {status.last_problem}" if status.state == "waiting" and status.last_problem else ""
        unseen = f", {status.unseen} rows without a stamp are left out" if status.unseen else ""
        up = ", nothing new" if status.caught_up else ""
        note(
            f"{status.origin} → {status.topic}: {status.state}, {status.rows_published} rows in {status.transactions} "
            f"transactions, {status.rows_per_second:.0f}/s{up}{unseen}{problem}"
        )
