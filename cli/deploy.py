"""`infra deploy`: plan, show, confirm, apply in waves (or a reviewed plan), then start what carries the data."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import typer

from cli._options import AllowDestroyOption, EnvOption, JsonOption, OfflineOption, YesOption
from cli._plans import KeyOption, TargetOption

if TYPE_CHECKING:
    from cli._deployment import Target
    from modules.deployed import Deployed
    from modules.terraform.engine import ApplyResult, Deployment
    from modules.terraform.plan import EnvironmentPlan

__all__ = ["app"]

SMOKE_MISSED = 4

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command(
    epilog="Examples:  infra deploy --env local  ·  infra deploy -e dev --yes --smoke  ·  "
    "infra deploy -e prod --plan plans/  ·  infra deploy -e prod --offline --yes"
)
def deploy(
    env: EnvOption = "local",
    yes: YesOption = False,
    json: JsonOption = False,
    offline: OfflineOption = False,
    smoke: bool = typer.Option(False, "--smoke", help="Measure it afterwards; exit 4 when it misses an SLO."),
    plan: str = typer.Option(
        "", "--plan", metavar="DIR", help="Apply this reviewed plan (`infra plan --out`) as it is, without asking."
    ),
    key: KeyOption = None,
    allow_destroy: AllowDestroyOption = None,
    target: TargetOption = None,
) -> None:
    """Plan, confirm, apply; or apply a reviewed plan."""
    from cli import _plans
    from cli._deployment import deployment_of, open_target, start_carrying
    from cli._output import note, print_json
    from cli._plan_view import result_json
    from cli._progress import live_progress
    from modules.deployed import last_deployed, record_deploy
    from modules.errors import ConfigError

    if smoke and offline:
        raise ConfigError("a rehearsal has nothing to measure", where="--smoke", do="leave out --smoke or --offline")
    _plans.one_of(plan=plan, target=target)
    began, before = time.time(), None
    opened = open_target(env, offline=offline)
    _plans.say_targets(target or ())
    with live_progress() as progress:
        deployment = deployment_of(opened, progress)
    if plan:
        planned, result = _apply_reviewed(opened, deployment, plan, key, allow_destroy or (), as_json=json)
    else:
        planned, result = _plan_and_apply(
            opened, deployment, allow_destroy or (), tuple(target or ()), ask=not yes, as_json=json
        )
    if result is None:
        note("nothing to change")
    if planned.targets:
        # What carries events needs all of it, and only the whole is something to go back to.
        note(f"only a part was deployed, so the rest is as it was: `infra deploy --env {env}` brings it")
    else:
        start_carrying(opened)
    if not offline:
        before = last_deployed(opened.project, env)
        if not planned.targets:
            record_deploy(opened.project, env)
    measured, back = _smoke(opened, before, began, as_json=json) if smoke else (None, ())
    if json:
        found = {"smoke": measured, "way_back": list(back)} if smoke else {}
        print_json({**result_json(planned, result), **found})
    if back:
        raise typer.Exit(SMOKE_MISSED)


def _plan_and_apply(
    target: Target,
    deployment: Deployment,
    allow_destroy: Sequence[str],
    targets: tuple[str, ...],
    *,
    ask: bool,
    as_json: bool,
) -> tuple[EnvironmentPlan, ApplyResult | None]:
    """Plan, show, judge, confirm, apply."""
    from cli._estate import require_estate
    from cli._guarding import guard_report
    from cli._plan_view import show_summary
    from cli._progress import live_progress
    from modules.errors import ConfigError
    from modules.summary import summarise
    from modules.terraform.engine import PlanRefusedError

    with live_progress() as progress:
        deployment.use_progress(progress)
        refusal: PlanRefusedError | None = None
        try:
            planned = deployment.plan(targets=targets)
        except PlanRefusedError as refused:
            refusal, planned = refused, refused.plan
    guarded = guard_report(planned, target, allow_destroy, applying=True)
    if not as_json:
        show_summary(summarise(planned, environment=target.environment, project=target.project, guards=guarded))
    if refusal:
        raise refusal
    guarded.require()
    require_estate(target)
    if not planned.has_changes:
        return planned, None
    if ask:
        if as_json or not sys.stdin.isatty():
            raise ConfigError("there is nobody to confirm the plan", do="review it with `infra plan`, then add --yes")
        name = target.environment.name
        typer.confirm(
            f"Rehearse this for {name}?" if target.offline else f"Apply this to {name}?", abort=True, err=True
        )
    return planned, _apply(target, deployment, planned, allow_destroy, as_json=as_json)


def _apply_reviewed(
    target: Target, deployment: Deployment, place: str, key: str | None, allow_destroy: Sequence[str], *, as_json: bool
) -> tuple[EnvironmentPlan, ApplyResult | None]:
    """Apply a kept plan as it is: nothing is planned but what waits for the outputs of an earlier wave."""
    from cli import _plans
    from cli._estate import require_estate
    from cli._guarding import guard_report
    from cli._plan_view import show_plan
    from cli._progress import live_progress
    from modules.artefact.gather import put_back, states_of
    from modules.artefact.store import manifest_of, mark, refuse_applied
    from modules.errors import InfraError

    artefact, kept, now = _plans.open_approved(target, deployment, place, key)
    manifest = manifest_of(kept)
    refuse_applied(kept, manifest, target.project)
    _plans.require_holds(artefact, kept, now)
    allowed = (*artefact.allow_destroy, *allow_destroy)
    locks = {name: files.lock for name, files in artefact.files.items()}
    guarded = guard_report(artefact.plan, target, allowed, applying=True, reviewed=True, locks=locks)
    if not as_json:
        show_plan(artefact.plan, guards=guarded)
    guarded.require()
    require_estate(target)
    if not artefact.plan.has_changes:
        return artefact.plan, None
    with live_progress() as progress:
        deployment.use_progress(progress)
        planned = put_back(artefact, deployment, target.project)
    before = states_of(deployment)
    mark(kept, manifest, target.project, "begun")
    try:
        result = _apply(target, deployment, planned, allowed, as_json=as_json)
    except InfraError as error:
        moved = _moved(deployment, before)
        mark(kept, manifest, target.project, "failed" if moved else "untouched")
        if moved:
            again = f"`infra plan --env {target.environment.name}{' --offline' if target.offline else ''} --out DIR`"
            error.details = (*error.details, f"the reviewed plan is used up; to have what is left reviewed: {again}")
        raise
    mark(kept, manifest, target.project, "applied")
    return planned, result


def _moved(deployment: Deployment, before: Mapping[str, object]) -> bool:
    """Whether anything was written to a state since."""
    from modules.artefact.gather import states_of
    from modules.errors import InfraError

    try:
        return states_of(deployment) != before
    except InfraError:
        return True


def _apply(
    target: Target, deployment: Deployment, planned: EnvironmentPlan, allow_destroy: Sequence[str], *, as_json: bool
) -> ApplyResult:
    from cli._guarding import judge_later
    from cli._plan_view import show_result
    from cli._progress import live_progress

    deployment.use_judge(judge_later(target, allow_destroy))
    with live_progress() as progress:
        deployment.use_progress(progress)
        result = deployment.apply(planned)
    if not as_json:
        show_result(result)
    return result


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
