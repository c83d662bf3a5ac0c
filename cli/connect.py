"""`infra connect`: what the environment's connectors do, and starting them again."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from cli._options import EnvOption
from cli._output import note, print_json, stdout
from cli._states import client_platform
from modules.environment import load_environment
from modules.project import find_project

if TYPE_CHECKING:
    from modules.connectors.status import ConnectorState

__all__ = ["app"]

app = typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=True)

JsonOption = Annotated[bool, typer.Option("--json", help="As JSON on stdout.")]

UNHEALTHY = 4
"""Exit code: a connector, or a task of one, does not run."""


@app.command(epilog="Examples:  infra connect status --env dev  ·  infra connect status --env prod --json")
def status(env: EnvOption, json: JsonOption = False) -> None:
    """What each connector and its tasks do, and why one has failed. Exit code 4 if any does not run."""
    from modules.connectors.status import status as ask

    project = find_project()
    environment = load_environment(project, env)
    client_platform(environment, project)
    states = ask(environment, project)
    if json:
        connectors = [{**asdict(each), "healthy": each.healthy} for each in states]
        print_json({"environment": environment.name, "connectors": connectors})
    elif states:
        _show(states)
    else:
        note(f"{environment.name} has no connectors: `infra sink --env {environment.name}` carries the events")
    if not all(each.healthy for each in states):
        raise typer.Exit(UNHEALTHY)


@app.command(
    epilog="Examples:  infra connect restart --env dev  ·  infra connect restart --env dev order-events --failed"
)
def restart(
    env: EnvOption,
    names: Annotated[list[str] | None, typer.Argument(help="Connectors, topics or sources; default all.")] = None,
    failed: Annotated[bool, typer.Option("--failed", help="Only what has failed.")] = False,
    json: JsonOption = False,
) -> None:
    """Start connectors and their tasks again; what they have carried is not carried again."""
    from modules.connectors.status import restart as start_again

    project = find_project()
    environment = load_environment(project, env)
    client_platform(environment, project)
    done = start_again(environment, project, tuple(names or ()), failed_only=failed)
    if json:
        print_json({"environment": environment.name, "restarted": done})
        return
    for name in done:
        stdout().print(f"restarted {name}", markup=False, highlight=False)
    if not done:
        note(f"{environment.name} has no connectors")


def _show(states: list[ConnectorState]) -> None:
    width = max(len(each.name) for each in states)
    for each in states:
        running = sum(task.state == "RUNNING" for task in each.tasks)
        tasks = f"  {running} of {len(each.tasks)} tasks" if each.tasks else ""
        lines = [f"{each.name:<{width}}  {each.state.lower():<10}{tasks}  ({each.role} {each.what}, {each.runner})"]
        lines += [f"  {each.error}"] if each.error else []
        lines += [
            f"  task {task.id} {task.state.lower()}: {task.error or 'no reason given'}"
            for task in each.tasks
            if task.state != "RUNNING"
        ]
        for line in lines:
            stdout().print(line, markup=False, highlight=False, soft_wrap=True)
