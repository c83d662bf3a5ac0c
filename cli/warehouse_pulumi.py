"""`infra warehouse pulumi`: a Pulumi project that declares an environment's Snowflake estate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli._options import EnvOption, JsonOption
from cli._output import note, print_json

__all__ = ["EPILOG", "pulumi"]

EPILOG = "Example:  infra warehouse pulumi --env prod --out pulumi/prod && cd pulumi/prod && pulumi preview"


def pulumi(
    env: EnvOption = "local",
    out: Annotated[Path, typer.Option("--out", help="The project's folder; it is made.")] = Path("pulumi"),
    json: JsonOption = False,
) -> None:
    """Write a Pulumi project that declares the Snowflake estate."""
    from modules.environment import load_environment
    from modules.project import find_project
    from modules.warehouse.pulumi import write_project

    project = find_project()
    environment = load_environment(project, env)
    written = write_project(environment, project, out)
    if json:
        print_json({"environment": env, "files": [str(file) for file in written]})
        return
    for file in written:
        print(file)
    note(f"next: pip install -r {out / 'requirements.txt'} beside infra, then `pulumi preview` in {out}")
    if environment.warehouse.engine != "pulumi":
        note(f"{environment.source}: warehouse.engine is `{environment.warehouse.engine}`: set it to `pulumi` as well")
