"""`infra local`: the laptop platform up, down, its status, its logs, and back to nothing."""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from typing import TYPE_CHECKING

import typer

from cli._output import is_quiet, note, print_json, stdout
from cli._services import show_progress

if TYPE_CHECKING:
    from modules.local.platform import ServiceStatus
    from modules.project import Project

app = typer.Typer(
    rich_markup_mode=None,
    add_completion=False,
    no_args_is_help=True,
    help="The laptop platform: Kafka, Schema Registry and a Snowflake stand-in.",
    epilog="Examples:  infra local up  ·  infra local status  ·  infra local logs kafka --follow  ·  infra local down",
)

ENVIRONMENT = typer.Option("local", "--env", "-e", help="The environment whose `local:` settings (ports, memory) hold.")
JSON = typer.Option(False, "--json", help="Print JSON.")


class Extra(StrEnum):
    """Services that are started when they are asked for."""

    connect = "connect"
    cdc = "cdc"


WITH = typer.Option(
    [],
    "--with",
    help="connect: a Kafka Connect worker with Snowflake's connector; cdc: that, Debezium and a PostgreSQL. What an "
    "environment needs is started without asking.",
)


@app.command(epilog="Examples:  infra local up  ·  infra local up --with cdc  ·  infra local up --env local --json")
def up(environment: str = ENVIRONMENT, extras: list[Extra] = WITH, as_json: bool = JSON) -> None:
    """Start what does not run yet; services that run are left alone and data is kept."""
    from modules.environment.loader import load_environment
    from modules.local import platform
    from modules.local.extras import asked
    from modules.project import find_project

    project = find_project()
    loaded = load_environment(project, environment)
    also = asked(loaded, tuple(extra.value for extra in extras))
    with show_progress() as progress:
        endpoints = platform.up(project, loaded.local, progress, also)
    if as_json:
        print_json(asdict(endpoints))
        return
    note("the local platform is up")
    print(f"Kafka            {endpoints.kafka_bootstrap}")
    print(f"Schema Registry  {endpoints.registry_url}")
    print(f"Snowflake        http://{endpoints.snowflake_host}:{endpoints.snowflake_port}")
    if endpoints.connect_url:
        print(f"Kafka Connect    {endpoints.connect_url}")
    if endpoints.postgres_port:
        print(f"PostgreSQL       127.0.0.1:{endpoints.postgres_port}")


@app.command(epilog="Example:  infra local down")
def down() -> None:
    """Stop all services, the sink first; data is kept."""
    from modules.local import platform
    from modules.project import find_project

    with show_progress() as progress:
        stopped = platform.down(find_project(), progress)
    note("the local platform is down" if stopped else "nothing was running")


@app.command(epilog="Examples:  infra local status  ·  infra local status --json")
def status(as_json: bool = JSON) -> None:
    """Show each service's state, process, port, memory and uptime."""
    from modules.local.status import status as read_status
    from modules.project import find_project

    found = read_status(find_project())
    if as_json:
        print_json([asdict(service) for service in found])
    else:
        _table(found)


@app.command(epilog="Examples:  infra local logs kafka  ·  infra local logs sink --lines 200 --follow")
def logs(
    service: str = typer.Argument(help="kafka, registry, snowflake, connect, postgres or sink."),
    lines: int = typer.Option(50, "--lines", "-n", min=0, help="How many of the last lines."),
    follow: bool = typer.Option(False, "--follow", "-f", help="Go on with new lines until Ctrl-C."),
) -> None:
    """Print the end of a service's log."""
    from modules.local.status import logs as read_logs
    from modules.project import find_project

    try:
        for line in read_logs(find_project(), service, lines, follow):
            print(line, flush=follow)
    except KeyboardInterrupt:
        # The ordinary end of --follow.
        raise typer.Exit(0) from None


@app.command(epilog="Examples:  infra local reset  ·  infra local reset --yes")
def reset(yes: bool = typer.Option(False, "--yes", "-y", help="Do not ask.")) -> None:
    """Stop all services and wipe their data, logs and secrets; laptop environments are then to be deployed anew."""
    from modules.errors import LocalError
    from modules.local import platform
    from modules.project import find_project

    project = find_project()
    if not yes:
        try:
            agreed = typer.confirm(f"Wipe topics, subjects and tables below {project.local}?", err=True)
        except typer.Abort:
            note("")
            raise LocalError("not wiped: nobody answered", do="run `infra local reset --yes`") from None
        if not agreed:
            raise LocalError("not wiped", do="answer y, or run `infra local reset --yes`")
    with show_progress() as progress:
        platform.reset(project, progress)
    note("the local platform is as if it had never been started")
    for name in _forgotten(project):
        note(f"{name} is to be deployed anew: its states are put aside, as nothing they speak of is there any more")


def _forgotten(project: Project) -> list[str]:
    """Environments of the laptop that were deployed; their states are put aside."""
    from modules.environment import list_environments, load_environment
    from modules.errors import InfraError
    from modules.local.forget import forget_states

    ours = []
    for name in list_environments(project):
        try:
            if load_environment(project, name).platform == "local":
                ours.append(name)
        except InfraError:
            continue  # what is wrong with it, its own commands say
    return forget_states(project, ours)


def _table(found: list[ServiceStatus]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD)
    for column in ("service", "state", "pid", "port", "memory", "up for"):
        table.add_column(column, justify="left" if column in ("service", "state") else "right")
    for service in found:
        memory = f"{service.memory_bytes / 2**20:.0f} MiB" if service.memory_bytes is not None else "-"
        cells = [str(value) if value is not None else "-" for value in (service.pid, service.port)]
        colour = {"running": "green", "stopped": "dim"}.get(service.state, "red")
        state = service.state if is_quiet() else f"[{colour}]{service.state}[/{colour}]"
        table.add_row(service.name, state, *cells, memory, _span(service.uptime_seconds))
    stdout().print(table)
    for service in found:
        if service.state in ("dead", "unhealthy"):
            note(f"{service.name} is {service.state}: see `infra local logs {service.name}`, then `infra local up`")


def _span(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h {minutes:02}m" if hours else f"{minutes}m {rest:02}s" if minutes else f"{rest}s"
