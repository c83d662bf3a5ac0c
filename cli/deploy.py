"""`infra deploy`: plan, show, confirm, apply in waves, then start what carries the data."""

from __future__ import annotations

import sys

import typer

from cli._options import EnvOption, JsonOption, OfflineOption, YesOption

__all__ = ["app"]

app = typer.Typer(rich_markup_mode=None)


@app.command(epilog="Examples:  infra deploy --env local  ·  infra deploy -e prod --offline --yes")
def deploy(
    env: EnvOption = "local", yes: YesOption = False, json: JsonOption = False, offline: OfflineOption = False
) -> None:
    """Plan, confirm, apply."""
    from cli._deployment import deployment_of, open_target, start_carrying
    from cli._estate import require_estate
    from cli._output import note, print_json
    from cli._plan_view import result_json, show_plan, show_result
    from cli._progress import live_progress
    from modules.errors import ConfigError
    from modules.terraform.engine import PlanRefusedError

    target = open_target(env, offline=offline)
    with live_progress() as progress:
        deployment = deployment_of(target, progress)
        refusal: PlanRefusedError | None = None
        try:
            planned = deployment.plan()
        except PlanRefusedError as refused:
            refusal, planned = refused, refused.plan
    if not json:
        show_plan(planned)
    if refusal:
        raise refusal
    require_estate(target)
    if planned.has_changes:
        if not yes:
            if json or not sys.stdin.isatty():
                raise ConfigError(
                    "there is nobody to confirm the plan", do="review it with `infra plan`, then add --yes"
                )
            typer.confirm(f"Rehearse this for {env}?" if offline else f"Apply this to {env}?", abort=True, err=True)
        with live_progress() as progress:
            deployment.use_progress(progress)
            result = deployment.apply(planned)
        if not json:
            show_result(result)
    else:
        result = None
        note("nothing to change")
    start_carrying(target)
    if json:
        print_json(result_json(planned, result))
