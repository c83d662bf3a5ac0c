"""`infra plan`: what a deploy would change. Exit 0: nothing, 2: something, 1: an error or a refusal."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli._options import AllowDestroyOption, EnvOption, JsonOption, OfflineOption
from cli._plans import KeyOption, TargetOption

if TYPE_CHECKING:
    from cli._deployment import Target
    from modules.environment import Environment
    from modules.project import Project
    from modules.summary.model import Base, Summary
    from modules.terraform.progress import Progress

__all__ = ["app"]

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command(
    epilog="Examples:  infra plan --env local  ·  infra plan -e prod --offline  ·  infra plan --json | jq .counts  ·  "
    "infra plan -e dev --offline --base main --markdown comment.md  ·  infra plan -e prod --out plans/  ·  "
    "infra plan -e prod --compare plans/"
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
    target: TargetOption = None,
    out: Annotated[
        str,
        typer.Option(
            "--out",
            metavar="DIR",
            help="Keep the plan, encrypted, for `infra deploy --plan`; DIR/ or s3://BUCKET/PREFIX holds many.",
        ),
    ] = "",
    compare: Annotated[
        str,
        typer.Option(
            "--compare", metavar="DIR", help="Whether a kept plan still holds. Exit 0: it does, 2: it does not."
        ),
    ] = "",
    key: KeyOption = None,
    content_hash: Annotated[
        bool, typer.Option("--hash", help="Only print the hash of the content that a plan is found by.")
    ] = False,
    new_key: Annotated[
        Path | None,
        typer.Option(
            "--new-key", metavar="FILE", help="Only make a key pair: the private key into FILE, the public on stdout."
        ),
    ] = None,
) -> None:
    """Show what a deploy would change, stack by stack. Exit 0: nothing, 2: changes, 1: an error."""
    from cli import _plans
    from cli._deployment import open_target
    from modules.errors import ConfigError

    _plans.one_of(new_key=new_key, hash=content_hash, compare=compare, out=out, base=base)
    _plans.one_of(compare=compare, target=target, markdown=markdown)
    if new_key is not None:
        _plans.make_key(new_key)
        return
    if base and not offline:
        raise ConfigError("--base is for a rehearsal", do="add --offline, or leave --base out to plan what is deployed")
    how = _How(json, base, markdown, tuple(allow_destroy or ()), tuple(target or ()), out, key)
    if base and _only_in_the_base(env):
        raise typer.Exit(2 if _plan_gone(env, how) else 0)
    opened = open_target(env, offline=offline, states=not content_hash)
    if content_hash:
        _plans.print_hash(opened, as_json=json)
        return
    if compare:
        raise typer.Exit(0 if _plans.compare(opened, compare, key, as_json=json) else 2)
    _plans.say_targets(target or ())
    raise typer.Exit(2 if _plan(opened, how) else 0)


@dataclass(frozen=True)
class _How:
    """What `infra plan` is told besides the environment; see its options."""

    json: bool
    base: str
    markdown: Path | None
    allow_destroy: tuple[str, ...]
    targets: tuple[str, ...]
    out: str
    key: str | None


def _plan(target: Target, how: _How) -> bool:
    """Plan, show, keep; whether there are changes."""
    from cli import _plans
    from cli._deployment import deployment_of
    from cli._guarding import guard_report
    from cli._plan_view import require_compatible
    from cli._progress import live_progress
    from modules.summary import summarise
    from modules.terraform.engine import PlanRefusedError

    # What may be missing for keeping it is said before the time for planning is spent.
    key = _plans.key_of(target, how.key) if how.out else None
    refusal: PlanRefusedError | None = None
    with live_progress() as progress, _against(target, how.base, progress) as (at, against, notes):
        deployment = deployment_of(at, progress)
        known = (_plans.content(at, deployment), _plans.identity(at, deployment)) if key else None
        try:
            planned = deployment.plan(targets=how.targets)
        except PlanRefusedError as refused:
            refusal, planned = refused, refused.plan
        before = against.environment if against else None
        guarded = guard_report(planned, target, how.allow_destroy, base=before, folders=at.project)
    summary = summarise(
        planned,
        environment=target.environment,
        project=target.project,
        base=against,
        guards=guarded,
        notes=notes,
    )
    kept: dict[str, str] = {}
    if key and known and not (refusal or guarded.refused or summary.refusals):
        kept = _plans.keep(
            target, deployment, planned, summary, key=key, place=how.out, known=known, allow_destroy=how.allow_destroy
        )
    _show(summary, how, **kept)
    if kept:
        _plans.say_kept(planned, kept, how.out)
    if refusal:
        raise refusal
    guarded.require()
    require_compatible(summary)
    return planned.has_changes


def _show(summary: Summary, how: _How, **kept: str) -> None:
    """On stdout, and as the Markdown that was asked for."""
    from cli._output import print_json
    from cli._plan_view import show_summary, write_markdown

    if how.markdown is not None:
        write_markdown(summary, how.markdown)
    if how.json and str(how.markdown) != "-":
        print_json({**summary.to_json(), **kept})
    elif str(how.markdown) != "-":
        show_summary(summary)


def _only_in_the_base(name: str) -> bool:
    """Whether the files have no such environment, so that the base alone may."""
    from modules.environment.loader import list_environments
    from modules.project import find_project

    return name not in list_environments(find_project())


def _plan_gone(name: str, how: _How) -> bool:
    """An environment that the change takes away: what a destroy of it would do."""
    from cli._deployment import deployment_of, rehearsal_of
    from cli._guarding import guard_report
    from cli._output import note
    from cli._progress import live_progress
    from modules.project import find_project
    from modules.simulated import LABEL
    from modules.summary import summarise
    from modules.summary.base import rehearsed_gone

    note(LABEL)
    with (
        live_progress() as progress,
        rehearsed_gone(find_project(), name, how.base, _deploy(progress), progress.note) as found,
    ):
        assert found.base is not None
        target = rehearsal_of(found.project, found.base.environment)
        planned = deployment_of(target, progress).plan(destroy=True, targets=how.targets)
        guarded = guard_report(planned, target, how.allow_destroy, folders=found.project)
        summary = summarise(
            planned,
            environment=target.environment,
            project=found.project,
            base=found.base,
            guards=guarded,
            notes=found.notes,
        )
    _show(summary, how)
    guarded.require()
    return planned.has_changes


def _deploy(progress: Progress) -> Callable[[Project, Environment], None]:
    """Rehearses an environment in the project that it is given."""
    from cli._deployment import deployment_of, rehearsal_of

    def deploy(project: Project, environment: Environment) -> None:
        deployment = deployment_of(rehearsal_of(project, environment), progress)
        deployment.apply(deployment.plan())

    return deploy


@contextlib.contextmanager
def _against(
    target: Target, revision: str, progress: Progress
) -> Iterator[tuple[Target, Base | None, tuple[str, ...]]]:
    """The target to plan with; with a base revision one in which that has been rehearsed."""
    if not revision:
        yield target, None, ()
        return
    from modules.summary.base import rehearsed_base

    with rehearsed_base(target.project, target.environment.name, revision, _deploy(progress), progress.note) as found:
        yield replace(target, project=found.project), found.base, found.notes
