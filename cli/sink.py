"""`infra sink`: carries topics into their tables until it is told to stop."""

from __future__ import annotations

import signal
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli._output import note, print_json
from cli._states import client_platform
from modules.environment import load_environment
from modules.project import find_project

if TYPE_CHECKING:
    from modules.connectors.sink import SinkStatus

__all__ = ["app"]

app = typer.Typer(rich_markup_mode=None, add_completion=False)

EPILOG = (
    "Examples:  infra sink --env local  ·  infra sink --env local --until-caught-up --json  ·  "
    "infra sink --env dev --topic order-events --instance b --status-file sink.json"
)


@app.command(epilog=EPILOG)
def sink(
    env: str = typer.Option(..., "--env", "-e", help="The environment, as in environments/<name>.yaml."),
    topic: str | None = typer.Option(None, "--topic", help="The topic; default every one with a sink."),
    instance: str = typer.Option(
        "0", "--instance", help="This member's name; a second sink beside it needs another, the same name takes over."
    ),
    until_caught_up: bool = typer.Option(False, "--until-caught-up", help="End when nothing is left to carry."),
    max_seconds: float | None = typer.Option(None, "--max-seconds", min=0, help="End after this time at the latest."),
    ready_file: Annotated[
        Path | None, typer.Option("--ready-file", help="Written once the sink reads its partitions.")
    ] = None,
    status_file: Annotated[Path | None, typer.Option("--status-file", help="Written every second, JSON.")] = None,
    json: bool = typer.Option(False, "--json", help="The final status as JSON on stdout."),
) -> None:
    """Carry topics' events into the warehouse; a crash loses and doubles nothing.

    Messages that cannot be written go to the dead-letter topic. Ctrl-C or SIGTERM writes what is held and ends.
    """
    from modules.connectors.sink import Sink, SinkOptions, Sinks, carried_topics, settings_for

    project = find_project()
    environment = load_environment(project, env)
    platform = client_platform(environment, project)
    names: list[str | None] = [topic] if topic else [*carried_topics(environment, platform)]
    settings = [settings_for(environment, platform, project, name, instance=instance) for name in names or (None,)]
    options = SinkOptions(until_caught_up, max_seconds, ready_file, status_file, _Lines().tell)
    running = Sink(settings[0], options) if len(settings) == 1 else Sinks(settings, options)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: running.stop())
    final = running.run()
    if json:
        print_json([asdict(each) for each in final] if isinstance(final, list) else asdict(final))


class _Lines:
    """A line for a topic when something changed, at most every five seconds."""

    def __init__(self) -> None:
        self._topics: dict[str, _Line] = {}

    def tell(self, status: SinkStatus) -> None:
        self._topics.setdefault(status.topic, _Line()).tell(status)


class _Line:
    def __init__(self) -> None:
        self._said = -1e9
        self._last: tuple[object, ...] = ()

    def tell(self, status: SinkStatus) -> None:
        now = time.monotonic()
        content = (status.state, status.rows_committed, status.dead_lettered, tuple(status.partitions))
        ended = status.state == "stopped"
        if content == self._last or (now - self._said < 5 and not ended and status.state == self._last[0]):
            return
        self._last, self._said = content, now
        lag = "unknown" if status.lag is None else status.lag
        problem = f", {status.last_problem}" if status.state == "waiting" and status.last_problem else ""
        note(
            f"{status.topic} → {status.table}: {status.state}, {len(status.partitions)} partitions, "
            f"{status.rows_committed} rows, {status.rows_per_second:.0f}/s, lag {lag}, "
            f"{status.dead_lettered} dead-lettered, {status.retries} retries{problem}"
        )
