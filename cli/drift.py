"""`infra drift`: what was changed outside, is missing or nobody declared. Exit 0: nothing, 2: drift, 1: an error."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from cli._options import EnvOption, JsonOption, OfflineOption, YesOption

if TYPE_CHECKING:
    from cli._deployment import Target
    from modules.drift import DriftReport
    from modules.terraform.engine import Deployment
    from modules.terraform.plan import EnvironmentPlan

__all__ = ["app"]


class Look(NamedTuple):
    """What was compared, and what came out."""

    deployment: Deployment
    plan: EnvironmentPlan
    report: DriftReport


app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command(
    epilog="Examples:  infra drift --env prod  ·  infra drift -e prod --json | jq .counts  ·  infra drift -e dev "
    "--markdown drift.md  ·  infra drift -e dev --adopt --only 'topic *'  ·  infra drift -e dev --revert  ·  "
    "infra drift -e prod --history"
)
def drift(
    env: EnvOption = "local",
    json: JsonOption = False,
    markdown: Annotated[
        Path | None, typer.Option("--markdown", metavar="FILE", help="Write it as Markdown too, for a comment.")
    ] = None,
    adopt: Annotated[bool, typer.Option("--adopt", help="Write what was changed outside into the YAML.")] = False,
    revert: Annotated[bool, typer.Option("--revert", help="Plan the way back, and apply it once confirmed.")] = False,
    history: Annotated[
        bool, typer.Option("--history", help="When each drift was first seen here, and whether it went away.")
    ] = False,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="NAME", help="These only: a name or an address as shown, `*` for any part."),
    ] = None,
    ignore: Annotated[
        list[str] | None,
        typer.Option("--ignore", metavar="NAME", help="Leave these out of this run, beside `drift.ignore`."),
    ] = None,
    yes: YesOption = False,
    offline: OfflineOption = False,
) -> None:
    """Tell what was changed outside, is missing or nobody declared. Exit 0: nothing, 2: drift, 1: an error."""
    from cli._output import print_json
    from modules.errors import ConfigError

    if adopt and revert:
        raise ConfigError("what is there is either adopted or taken back", where="--adopt --revert", do="leave one out")
    if history:
        _history(env, as_json=json, offline=offline)
        return
    from cli._deployment import open_target

    target = open_target(env, offline=offline)
    look = _look(target, only or [], ignore or [])
    report = look.report
    if markdown is not None:
        _write(markdown, report)
    if not json:
        from cli._drift_view import show_report

        show_report(report)
    document = report.to_json()
    if adopt:
        from cli._drift_ways import adopt as write

        document["adopted"] = write(target, look.plan, report, yes=yes, json=json)
    elif revert and report.drifts:
        from cli._drift_ways import revert as take_back

        document["reverted"] = take_back(target, look.deployment, report, yes=yes, json=json)
    if json:
        print_json(document)
    raise typer.Exit(2 if report.drifts and not (adopt or revert) else 0)


def _look(target: Target, only: list[str], ignore: list[str]) -> Look:
    """Compares, and remembers it; `only` limits the report, not what is remembered."""
    from cli._deployment import deployment_of
    from cli._output import note
    from cli._progress import live_progress
    from modules.drift import find_drift
    from modules.drift.declared import declared_by
    from modules.drift.history import remember
    from modules.drift.ignored import leave_out, limited
    from modules.drift.managed import held_by

    with live_progress() as progress:
        deployment = deployment_of(target, progress)
        plan = deployment.plan(refresh_only=True)
    for stack in plan.stacks:
        if stack.plan_file is not None:
            stack.plan_file.unlink(missing_ok=True)  # it holds what the state holds, and nobody applies it
    found = find_drift(
        target.environment,
        target.project,
        target.platform,
        plan,
        held_by(deployment.root, deployment.stack_names),
        declared_by(deployment.waves),
        note,
    )
    report = remember(target.project, leave_out(found, ignore))
    return Look(deployment, plan, limited(report, only))


def _history(env: str, *, as_json: bool, offline: bool) -> None:
    from dataclasses import replace

    from cli._drift_view import show_history
    from cli._output import print_json
    from modules.drift.history import episodes, read_history
    from modules.environment import load_environment
    from modules.project import find_project

    project = replace(find_project(), offline=offline)
    load_environment(project, env)
    looks = read_history(project, env)
    found = episodes(looks)
    if as_json:
        print_json({"version": 1, "environment": env, "looks": len(looks), "drifts": [one.to_json() for one in found]})
    else:
        show_history(env, found, len(looks))


def _write(path: Path, report: DriftReport) -> None:
    from cli._output import note
    from modules.drift.document import to_markdown
    from modules.errors import ConfigError

    try:
        path.write_text(to_markdown(report), encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot write: {error.strerror}", where=str(path), do="name another file") from None
    note(f"written: {path}")
