"""`infra plan`: what a deploy would change. Exit 0: nothing, 2: something, 1: an error or a refusal."""

from __future__ import annotations

import typer

from cli._options import EnvOption, JsonOption, OfflineOption

__all__ = ["app"]

app = typer.Typer(rich_markup_mode=None)


@app.command(
    epilog="Examples:  infra plan --env local  ·  infra plan -e prod --offline  ·  infra plan --json | jq .counts"
)
def plan(env: EnvOption = "local", json: JsonOption = False, offline: OfflineOption = False) -> None:
    """Show what a deploy would change, stack by stack. Exit 0: nothing, 2: changes, 1: an error."""
    from cli._deployment import deployment_of, open_target
    from cli._plan_view import show_plan
    from cli._progress import live_progress
    from modules.terraform.engine import PlanRefusedError

    target = open_target(env, offline=offline)
    with live_progress() as progress:
        deployment = deployment_of(target, progress)
        refusal: PlanRefusedError | None = None
        try:
            planned = deployment.plan()
        except PlanRefusedError as refused:
            refusal, planned = refused, refused.plan
    show_plan(planned, as_json=json)
    if refusal:
        raise refusal
    raise typer.Exit(2 if planned.has_changes else 0)
