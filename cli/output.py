"""`infra output`: the outputs of an environment's stacks, read from their states."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer

from cli._options import EnvOption, JsonOption, OfflineOption

__all__ = ["app"]

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command(
    epilog="Examples:  infra output --env local  ·  infra output topics --json  ·  infra output -e prod --offline"
)
def output(
    stack: Annotated[str | None, typer.Argument(help="One stack only.")] = None,
    env: EnvOption = "local",
    json: JsonOption = False,
    offline: OfflineOption = False,
) -> None:
    """Print an environment's outputs; sensitive ones are not shown."""
    from cli._output import note, print_json
    from modules.environment import load_environment
    from modules.errors import ConfigError
    from modules.project import find_project
    from modules.simulated import LABEL
    from modules.terraform.backend import mount_states, stacks_with_state
    from modules.terraform.state import read_state

    project = replace(find_project(), offline=offline)
    mount_states(load_environment(project, env), project)
    root = project.environment_state(env)
    read = {name: read_state(root / name / "terraform.tfstate", simulated=offline) for name in stacks_with_state(root)}
    found = {name: state.outputs for name, state in read.items() if state is not None and not state.empty}
    if stack is not None and stack not in found:
        there = ", ".join(found) or "none"
        raise ConfigError(f"stack {stack} has no outputs in {env}", do=f"stacks applied: {there}")
    shown = {name: values for name, values in found.items() if stack in (None, name)}
    plain = {
        name: {key: None if value.sensitive else value.value for key, value in values.items()}
        for name, values in shown.items()
    }
    if offline:
        note(LABEL)
    if json:
        print_json({"offline": True, **plain} if offline else plain)
        return
    if not plain:
        command = f"infra deploy --env {env}{' --offline' if offline else ''}"
        note(f"environment {env} was never deployed; `{command}` does that")
    for name, values in plain.items():
        for key, value in values.items():
            print(f"{name}.{key} = {'(sensitive)' if value is None else value}")
