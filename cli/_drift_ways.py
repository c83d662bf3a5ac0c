"""The two ways on from drift: into the YAML (`--adopt`), or back to what the YAML says (`--revert`)."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cli._output import note

if TYPE_CHECKING:
    from cli._deployment import Target
    from modules.drift import DriftReport
    from modules.drift.adopt import Adopting
    from modules.terraform.engine import Deployment
    from modules.terraform.plan import EnvironmentPlan

__all__ = ["adopt", "revert"]


def adopt(target: Target, plan: EnvironmentPlan, report: DriftReport, *, yes: bool, json: bool) -> dict[str, Any]:
    """Shows the diff, asks, writes; then says what still differs, and prepares imports. The JSON of what was done.

    Raises:
        ConfigError: nobody confirms, or the result would not load.
    """
    from cli._output import stdout
    from modules.adoption import read_live
    from modules.drift.adopt import adoption_of, difference, write_adopting

    environment, project = target.environment, target.project
    live = None
    if not target.offline and any(each.type in ("topic", "subject") for each in report.of("unmanaged")):
        live = read_live(target.platform)
    adopting = adoption_of(report, environment, project, live)
    changes = difference(project, environment, adopting)
    if not json:
        console = stdout()
        console.print(changes, markup=False, highlight=False, soft_wrap=True, end="")
        for what, why in adopting.left:
            console.print(f"left as it is: {what}: {why}", markup=False, highlight=False, soft_wrap=True)
    document: dict[str, Any] = {
        "written": [],
        "diff": changes,
        "left": [{"what": what, "why": why} for what, why in adopting.left],
        "imports": {},
        "still": [],
    }
    if not changes:
        note("nothing of it can be written into the YAML" if report.drifts else "there is nothing to adopt")
        return document
    _confirm(f"Write this to environments/{environment.name}.yaml?", yes=yes, json=json)
    for path in write_adopting(project, environment, adopting):
        document["written"].append(str(path.relative_to(project.root)))
        note(f"written: {path.relative_to(project.root)}")
    document |= _settled(target, plan, adopting)
    if not document["still"]:
        more = ", which imports what was not declared" if document["imports"] else ""
        note(f"`infra plan --env {environment.name}` shows what it comes to; `infra deploy` does it{more}")
    return document


def _settled(target: Target, plan: EnvironmentPlan, adopting: Adopting) -> dict[str, Any]:
    """What still differs now that the YAML has changed, and the imports that wait for the next deploy."""
    from cli._deployment import deployment_of, open_target
    from modules.adoption import import_blocks, read_live
    from modules.drift.changes import drift_of_plan
    from modules.drift.declared import declared_by

    target = open_target(target.environment.name, offline=target.offline)
    deployment = deployment_of(target)
    keys = {key for key, _ in adopting.settings}
    left = drift_of_plan(plan, target.environment, declared_by(deployment.waves))
    still = [f"{drift.what}, {each.path}" for drift in left for each in drift.attributes if each.key in keys]
    for what in still:
        note(f"still differs: {what}: another setting of the YAML decides it")
    blocks: dict[str, dict[str, str]] = {}
    if not target.offline and any(key[0] == "topics" and len(key) <= 3 for key in keys):
        live = read_live(target.platform)
        cluster = {name: value.value for name, value in deployment.outputs("cluster").items()}
        found = {stack: import_blocks(items, live, cluster) for stack, items in deployment.undeployed().items()}
        blocks = {stack: addresses for stack, addresses in found.items() if addresses and stack != "cluster"}
        deployment.adopt(blocks)
    return {"imports": blocks, "still": still}


def revert(target: Target, deployment: Deployment, report: DriftReport, *, yes: bool, json: bool) -> dict[str, Any]:
    """Plans only what drifted, shows it, asks, applies. The JSON of what was done.

    Raises:
        ConfigError: nobody confirms.
        PlanRefusedError, GuardsRefusedError: a review or a guard refuses the way back.
    """
    from cli._plan_view import show_result, show_summary
    from cli._progress import live_progress
    from modules.drift.revert import way_back
    from modules.guards import GuardsRefusedError, check_guards
    from modules.summary import summarise

    way = way_back(report)
    for what, why in way.left:
        note(f"left as it is: {what}: {why}")
    document: dict[str, Any] = {
        "targets": list(way.targets),
        "left": [{"what": what, "why": why} for what, why in way.left],
        "plan": None,
        "result": None,
    }
    if not way.targets:
        note("there is nothing that a deploy could take back")
        return document
    with live_progress() as progress:
        deployment.use_progress(progress)
        planned = deployment.plan(targets=way.targets)
    guards = check_guards(planned, environment=target.environment, project=target.project, applying=True)
    summary = summarise(_quiet(planned), environment=target.environment, project=target.project, guards=guards)
    document["plan"] = planned.to_json()
    if not json:
        show_summary(summary)
    if guards.refused:
        raise GuardsRefusedError(guards)
    if not planned.has_changes:
        note("nothing to change: the YAML says by now what is there")
        return document
    _confirm(f"Apply this to {target.environment.name}?", yes=yes, json=json)
    with live_progress() as progress:
        deployment.use_progress(progress)
        result = deployment.apply(planned)
    document["result"] = result.to_json()
    if not json:
        show_result(result)
    return document


def _quiet(plan: EnvironmentPlan) -> EnvironmentPlan:
    """Without Terraform's warning about targets, which are what was asked for here."""
    stacks = (
        replace(each, warnings=tuple(one for one in each.warnings if "targeting" not in one.summary))
        for each in plan.stacks
    )
    return replace(plan, stacks=tuple(stacks), targets=())


def _confirm(question: str, *, yes: bool, json: bool) -> None:
    import typer

    from modules.errors import ConfigError

    if yes:
        return
    if json or not sys.stdin.isatty():
        raise ConfigError("there is nobody to confirm", do="review it, then add --yes")
    typer.confirm(question, abort=True, err=True)
