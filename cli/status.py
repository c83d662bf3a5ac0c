"""`infra status`: how an environment is, from every source that can say something."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Annotated

import typer

from cli._options import EnvOption, JsonOption, YesOption
from cli._output import note, print_json, stdout

if TYPE_CHECKING:
    from modules.environment.model import Environment
    from modules.project import Project
    from modules.status.gather import Status, Watch

__all__ = ["app"]

app = typer.Typer(rich_markup_mode=None, add_completion=False, invoke_without_command=True)

UNHEALTHY = 5
"""Exit code: a critical rule is broken."""

EPILOG = (
    "Examples:  infra status --env local  ·  infra status --env prod --watch --every 5  ·  "
    "infra status --env prod --json  ·  infra status --env prod --openmetrics > status.prom.  "
    "Exit codes: 0 healthy, 5 something is wrong, 1 it could not be looked at."
)


@app.callback(epilog=EPILOG)
def status(
    env: EnvOption = "local",
    watch: bool = typer.Option(False, "--watch", "-w", help="Look again and again until Ctrl-C."),
    every: float = typer.Option(5.0, "--every", min=1.0, help="Seconds between two looks with --watch."),
    as_json: JsonOption = False,
    openmetrics: Annotated[
        bool, typer.Option("--openmetrics", help="Print the figures as OpenMetrics, for a scraper or a file.")
    ] = False,
    rules: Annotated[
        str | None,
        typer.Option("--rules", metavar="LANGUAGE", help="Print the alert rules: prometheus, cloudwatch or confluent."),
    ] = None,
    restart: Annotated[
        bool, typer.Option("--restart", help="Start connectors again that do not run, after asking, and look again.")
    ] = False,
    yes: YesOption = False,
    dead_letters_seen: Annotated[
        bool,
        typer.Option("--dead-letters-seen", help="The dead letters of now are known: they are unhealthy no longer."),
    ] = False,
) -> None:
    """Brokers, topics, lag, connectors, dead letters, the registry, the warehouse, certificates: how they are now.

    What cannot be read is said with the permission that is missing. Nothing is changed, but by --restart.
    """
    from cli._states import client_platform
    from modules.environment import load_environment
    from modules.errors import ConfigError
    from modules.project import find_project
    from modules.status.gather import open_watch

    if as_json and openmetrics:
        raise ConfigError("--json and --openmetrics both write to stdout", do="give one of them")
    project = find_project()
    environment = load_environment(project, env)
    if rules is not None:
        from modules.alerts import LANGUAGES, render
        from modules.status.rules import rules_of

        if rules not in LANGUAGES:
            raise ConfigError(f"no language `{rules}`", where="--rules", do=f"give one of {', '.join(LANGUAGES)}")
        typer.echo(render(rules, environment, rules_of(environment)), nl=False)
        return
    looking = open_watch(environment, project, client_platform(environment, project))
    try:
        if watch:
            with contextlib.suppress(KeyboardInterrupt):  # how a watch ends
                _watch(looking, every, as_json, openmetrics)
            return
        found = looking.look()
        if dead_letters_seen:
            from modules.status.dead_letters import remember_seen

            remember_seen(project, environment.name, found.found.dead_letters)
            found = looking.look()
        if restart and _restarted(environment, project, found, yes):
            found = looking.look()
    finally:
        looking.close()
    _print(found, as_json, openmetrics)
    if not found.healthy:
        raise typer.Exit(UNHEALTHY)


def _restarted(environment: Environment, project: Project, found: Status, yes: bool) -> bool:
    """Start again what can be; True when anything was."""
    from modules.connectors.status import restart as start_again

    down = [each for each in found.found.connectors if not each.healthy]
    if not down:
        note("every connector runs")
        return False
    for each in down:
        note(f"{each.name}: {each.state.lower()}{f': {each.error}' if each.error else ''}")
    if not yes and not typer.confirm(f"Start {len(down)} of them again?", err=True):
        return False
    managed = [each.name for each in down if each.runner != "sink"]
    if managed:
        start_again(environment, project, managed)
    if len(managed) < len(down):
        if environment.platform != "local":
            note(f"the sink runs elsewhere: start `infra sink --env {environment.name}` there")
        else:
            from modules.local.platform import start_sink

            start_sink(project, environment.name)
    return True


def _print(found: Status, as_json: bool, openmetrics: bool) -> None:
    if as_json:
        from modules.status.document import to_json

        print_json(to_json(found))
    elif openmetrics:
        from modules.status.metrics import to_openmetrics

        typer.echo(to_openmetrics(found.environment, list(found.samples), found.healthy), nl=False)
    else:
        from cli._status_view import screen

        stdout().print(screen(found))


def _watch(looking: Watch, every: float, as_json: bool, openmetrics: bool) -> None:
    """On a terminal one screen that changes; else one document or screen after the other."""
    console = stdout()
    if as_json or openmetrics or not console.is_terminal:
        while True:
            began = time.monotonic()
            _print(looking.look(), as_json, openmetrics)
            time.sleep(max(0.0, every - (time.monotonic() - began)))
    from rich.live import Live

    from cli._status_view import screen

    note("looking …")
    with Live(console=console, screen=True, auto_refresh=False) as live:
        while True:
            began = time.monotonic()
            live.update(screen(looking.look()), refresh=True)
            time.sleep(max(0.0, every - (time.monotonic() - began)))
