"""`infra destroy`: list what would go, have the environment's name typed, take the stacks down in reverse order."""

from __future__ import annotations

import sys

import typer

from cli._options import EnvOption, JsonOption, OfflineOption, YesOption

__all__ = ["app"]

app = typer.Typer(rich_markup_mode=None)


@app.command(epilog="Examples:  infra destroy --env local  ·  infra destroy -e prod --offline --yes")
def destroy(
    env: EnvOption = "local", yes: YesOption = False, json: JsonOption = False, offline: OfflineOption = False
) -> None:
    """Take an environment down again, in reverse order, data included."""
    from cli._deployment import deployment_of, open_target, stop_carrying
    from cli._output import note, print_json
    from cli._plan_view import result_json, show_plan, show_result
    from cli._progress import live_progress
    from modules.errors import ConfigError

    target = open_target(env, offline=offline)
    with live_progress() as progress:
        deployment = deployment_of(target, progress)
        planned = deployment.plan(destroy=True)
    if not planned.has_changes:
        note(f"environment {env} holds nothing to destroy")
        stop_carrying(target)
        if json:
            print_json(result_json(planned, None))
        return
    if not json:
        show_plan(planned)
    if not yes:
        if json or not sys.stdin.isatty():
            raise ConfigError("there is nobody to confirm the destruction", do="add --yes if you mean it")
        what = "This rehearses the destruction above" if offline else "This destroys the data above"
        typed = typer.prompt(f"{what}. Type the environment's name ({env}) to go on", err=True)
        if typed.strip() != env:
            raise ConfigError("the name typed is not the environment's; nothing was destroyed")
    stop_carrying(target)
    with live_progress() as progress:
        deployment.use_progress(progress)
        result = deployment.apply(planned)
    if json:
        print_json(result_json(planned, result))
    else:
        show_result(result)
