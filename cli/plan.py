"""`infra plan`: what a deploy would change. Exit 0: nothing, 2: something, 1: an error or a refusal."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli._options import AllowDestroyOption, EnvOption, JsonOption, OfflineOption

if TYPE_CHECKING:
    from cli._deployment import Target
    from modules.summary.model import Base
    from modules.terraform.progress import Progress

__all__ = ["app"]

app = typer.Typer(rich_markup_mode=None)


@app.command(
    epilog="Examples:  infra plan --env local  ·  infra plan -e prod --offline  ·  infra plan --json | jq .counts  ·  "
    "infra plan -e dev --offline --base main --markdown comment.md"
)
def plan(
    env: EnvOption = "local",
    json: JsonOption = False,
    offline: OfflineOption = False,
    base: Annotated[
        str,
        typer.Option(
            "--base",
            metavar="REVISION",
            help="With --offline: rehearse this git revision's YAML first, so that the plan shows what changes.",
        ),
    ] = "",
    markdown: Annotated[
        Path | None,
        typer.Option("--markdown", metavar="FILE", help="Also leave it as a pull request's comment; `-` is stdout."),
    ] = None,
    allow_destroy: AllowDestroyOption = None,
) -> None:
    """Show what a deploy would change, stack by stack. Exit 0: nothing, 2: changes, 1: an error."""
    from cli._deployment import deployment_of, open_target
    from cli._guarding import guard_report, say_guards
    from cli._plan_view import require_compatible, show_summary, write_markdown
    from cli._progress import live_progress
    from modules.errors import ConfigError
    from modules.summary import summarise
    from modules.terraform.engine import PlanRefusedError

    if base and not offline:
        raise ConfigError("--base is for a rehearsal", do="add --offline, or leave --base out to plan what is deployed")
    target = open_target(env, offline=offline)
    refusal: PlanRefusedError | None = None
    with live_progress() as progress, _against(target, base, progress) as (at, against, notes):
        try:
            planned = deployment_of(at, progress).plan()
        except PlanRefusedError as refused:
            refusal, planned = refused, refused.plan
        before = against.environment if against else None
        guarded = guard_report(planned, target, allow_destroy, base=before, folders=at.project)
    summary = summarise(
        planned,
        environment=target.environment,
        project=target.project,
        base=against,
        guards=guarded,
        notes=notes,
    )
    if markdown is not None:
        write_markdown(summary, markdown)
    if str(markdown) != "-":
        show_summary(summary, as_json=json)
    say_guards(guarded)
    if refusal:
        raise refusal
    guarded.require()
    require_compatible(summary)
    raise typer.Exit(2 if planned.has_changes else 0)


@contextlib.contextmanager
def _against(
    target: Target, revision: str, progress: Progress
) -> Iterator[tuple[Target, Base | None, tuple[str, ...]]]:
    """The target to plan with; with a base revision one in which that has been rehearsed."""
    if not revision:
        yield target, None, ()
        return
    from cli._deployment import deployment_of, rehearsal_of
    from modules.environment import Environment
    from modules.project import Project
    from modules.summary.base import rehearsed_base

    def deploy(project: Project, environment: Environment) -> None:
        deployment = deployment_of(rehearsal_of(project, environment), progress)
        deployment.apply(deployment.plan())

    with rehearsed_base(target.project, target.environment.name, revision, deploy, progress.note) as found:
        yield replace(target, project=found.project), found.base, found.notes
