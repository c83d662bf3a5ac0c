"""`infra deploy`: plan, show, confirm, apply in waves, then start what carries the data."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import typer

from cli._options import AllowDestroyOption, EnvOption, JsonOption, OfflineOption, YesOption

if TYPE_CHECKING:
    from cli._deployment import Target
    from modules.deployed import Deployed

__all__ = ["app"]

SMOKE_MISSED = 4

app = typer.Typer(rich_markup_mode=None)


@app.command(
    epilog="Examples:  infra deploy --env local  ·  infra deploy -e dev --yes --smoke  ·  "
    "infra deploy -e prod --offline --yes"
)
def deploy(
    env: EnvOption = "local",
    yes: YesOption = False,
    json: JsonOption = False,
    offline: OfflineOption = False,
    smoke: bool = typer.Option(False, "--smoke", help="Measure it afterwards; exit 4 when it misses an SLO."),
    allow_destroy: AllowDestroyOption = None,
) -> None:
    """Plan, confirm, apply."""
    from cli._deployment import deployment_of, open_target, start_carrying
    from cli._estate import require_estate
    from cli._guarding import guard_report, judge_later, say_guards
    from cli._output import note, print_json
    from cli._plan_view import result_json, show_plan, show_result
    from cli._progress import live_progress
    from modules.deployed import last_deployed, record_deploy
    from modules.errors import ConfigError
    from modules.terraform.engine import PlanRefusedError

    if smoke and offline:
        raise ConfigError("a rehearsal has nothing to measure", where="--smoke", do="leave out --smoke or --offline")
    began, before = time.time(), None
    target = open_target(env, offline=offline)
    with live_progress() as progress:
        deployment = deployment_of(target, progress)
        refusal: PlanRefusedError | None = None
        try:
            planned = deployment.plan()
        except PlanRefusedError as refused:
            refusal, planned = refused, refused.plan
    guarded = guard_report(planned, target, allow_destroy, applying=True)
    if not json:
        show_plan(planned, guards=guarded)
    say_guards(guarded)
    if refusal:
        raise refusal
    guarded.require()
    deployment.use_judge(judge_later(target, allow_destroy))
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
    if not offline:
        before = last_deployed(target.project, env)
        record_deploy(target.project, env)
    measured, back = _smoke(target, before, began, as_json=json) if smoke else (None, ())
    if json:
        found = {"smoke": measured, "way_back": list(back)} if smoke else {}
        print_json({**result_json(planned, result), **found})
    if back:
        raise typer.Exit(SMOKE_MISSED)


def _smoke(
    target: Target, before: Deployed | None, began: float, *, as_json: bool
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Measure what was deployed: the run's document, and the way back when it did not pass.

    Raises:
        InfraError: it could not be measured; the way back has been said.
    """
    from cli._output import note, stdout
    from cli._smoke_outputs import keep_run
    from cli.smoke import SmokeScreen
    from modules.deployed import new_backups, way_back
    from modules.errors import InfraError
    from modules.smoke import SmokeOptions, run_smoke
    from modules.smoke.document import to_json
    from modules.smoke.report import to_text

    name = target.environment.name

    def back() -> tuple[str, ...]:
        lines = way_back(target.project, name, before, new_backups(target.project, name, began))
        for line in ("the deploy stays as it is; the smoke test did not pass", *lines):
            note(line)
        return lines

    try:
        with SmokeScreen() as screen:
            result = run_smoke(target.environment, target.project, target.platform, SmokeOptions(), screen.show)
    except InfraError:
        back()
        raise
    document = to_json(result)
    if not as_json:
        typer.echo(to_text(result, stdout().width))
    keep_run(target.project, target.environment, document)
    return document, () if result.met else back()
