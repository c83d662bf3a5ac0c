"""Plans as artefacts, for `plan`, `deploy` and `show`: the key, the content, the place, and whether one still holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from modules.errors import ConfigError, PlanError

if TYPE_CHECKING:
    from cli._deployment import Target
    from modules.artefact.content import Content
    from modules.artefact.holds import Now
    from modules.artefact.keys import PlanKey
    from modules.artefact.package import Artefact
    from modules.artefact.store import Kept
    from modules.summary.model import Summary
    from modules.terraform.engine import Deployment
    from modules.terraform.plan import EnvironmentPlan

__all__ = [
    "KeyOption", "TargetOption", "compare", "content", "identity", "keep", "key_of", "open_approved", "require_holds",
    "say_kept", "say_targets", "summary_document",
]  # fmt: skip

KeyOption = Annotated[
    str | None,
    typer.Option(
        "--key",
        metavar="KEY",
        help="The plan's key: age1… (public), env:NAME or file:PATH of a private one, aws-kms:ALIAS_OR_ARN; "
        "default: INFRA_PLAN_KEY, then `plans` in the YAML.",
    ),
]
TargetOption = Annotated[
    list[str] | None,
    typer.Option("--target", metavar="STACK_OR_ADDRESS", help="Only these; for emergencies; may be repeated."),
]


def say_targets(targets: Sequence[str]) -> None:
    """A plan of a part is none of the environment."""
    if targets:
        from cli._output import note

        note(
            f"warning: --target leaves out everything but {', '.join(targets)} and what it needs: what is deployed "
            "then is not what the YAML says; plan and deploy without it as soon as you can"
        )


def key_of(target: Target, given: str | None, *, to_open: bool = False) -> PlanKey:
    """The key for this environment's plans.

    Raises:
        ConfigError, SecretError: there is none, or it is none.
    """
    from modules.artefact.keys import plan_key

    by_default = target.offline or target.environment.platform == "local"
    return plan_key(
        target.project, given=given, settings=target.environment.plans, by_default=by_default, to_open=to_open
    )


def content(target: Target, deployment: Deployment) -> Content:
    """What a plan of this deployment depends on."""
    from modules.artefact.content import content_of

    sources = [folder.source for folder in deployment.folders.values()]
    return content_of(target.environment, target.project, sources, deployment.command)


def identity(target: Target, deployment: Deployment) -> dict[str, str]:
    """Whose accounts and which cluster."""
    from modules.artefact.identity import identity_of

    sources = [folder.source for folder in deployment.folders.values()]
    cluster = {name: each.value for name, each in deployment.outputs("cluster").items() if not each.sensitive}
    return identity_of(target.environment, target.project, target.platform, sources, cluster)


def summary_document(summary: Summary) -> dict[str, Any]:
    """The review as it was shown, so that it is shown alike wherever the artefact is opened."""
    from modules.summary.markdown import to_markdown
    from modules.summary.text import to_lines

    return {
        "json": summary.to_json(),
        "lines": [list(line) for line in to_lines(summary)],
        "markdown": to_markdown(summary),
    }


def keep(
    target: Target,
    deployment: Deployment,
    planned: EnvironmentPlan,
    summary: Summary,
    *,
    key: PlanKey,
    place: str,
    known: tuple[Content, Mapping[str, str]],
    allow_destroy: Sequence[str] = (),
) -> dict[str, str]:
    """Write the artefact; returns what a program wants to know of it."""
    from modules.artefact.gather import gather
    from modules.artefact.store import write_artefact

    depends, whose = known
    artefact = gather(
        planned,
        deployment,
        target.environment,
        target.project,
        depends,
        whose,
        summary_document(summary),
        allow_destroy,
    )
    return {"artefact": write_artefact(artefact, key, place), "content_hash": depends.hash}


def say_kept(planned: EnvironmentPlan, kept: Mapping[str, str], place: str) -> None:
    """Where it is, and what comes next."""
    from cli._output import note

    where, hash_ = kept["artefact"], kept["content_hash"]
    note(f"plan kept, encrypted: {where}" + ("" if hash_ in where else f" (content {hash_})"))
    if planned.has_changes:
        offline = " --offline" if planned.offline else ""
        note(
            f"  → to be reviewed: `infra show {where}`; to be applied: "
            f"`infra deploy --env {planned.environment}{offline} --plan {place}`"
        )


def open_approved(target: Target, deployment: Deployment, place: str, given: str | None) -> tuple[Artefact, Kept, Now]:
    """The artefact at a place, and how things are here.

    Raises:
        PlanError: it is none, damaged, or for something else altogether.
        SecretError: the key does not open it.
    """
    from cli._output import note
    from modules.artefact.gather import states_of
    from modules.artefact.holds import Now, wrong_use
    from modules.artefact.store import find_artefact, manifest_of, newest_artefact, read_artefact

    name, depends = target.environment.name, content(target, deployment)
    try:
        kept = find_artefact(place, name, depends.hash)
    except PlanError as none:
        newest = newest_artefact(place, name, offline=target.offline)
        if newest is None:
            raise
        kept = newest
        note(f"{place}: {none.what}; what has moved since the newest one:")
    manifest = manifest_of(kept)
    now = Now(name, target.offline, depends.parts, states_of(deployment), {})
    if wrong := wrong_use(manifest.environment, manifest.offline, now):
        do = (
            "leave out --offline"
            if target.offline and not manifest.offline
            else f"plan for this: `infra plan --env {name} --out DIR`"
        )
        raise PlanError(wrong, where=str(kept), do=do)
    artefact = read_artefact(kept, key_of(target, given, to_open=True))
    return artefact, kept, Now(name, target.offline, now.content, now.states, identity(target, deployment))


def require_holds(artefact: Artefact, kept: Kept, now: Now) -> None:
    """Nothing, where the plan holds.

    Raises:
        PlanError: something has moved; all of it is named.
    """
    from modules.artefact.holds import still_holds

    if reasons := still_holds(artefact, now):
        again = f"`infra plan --env {now.environment}{' --offline' if now.offline else ''} --out DIR`"
        raise PlanError(
            f"the approved plan no longer holds: {reasons[0]}",
            where=str(kept),
            details=reasons[1:],
            do=f"nothing was touched; plan again, to be reviewed: {again}",
        )


def compare(target: Target, place: str, given: str | None, *, as_json: bool) -> bool:
    """Say whether an approved plan holds: nothing it was made from has moved, and a new plan comes out the same."""
    from cli._deployment import deployment_of
    from cli._output import note, print_json
    from cli._progress import live_progress
    from modules.artefact.holds import same_plan, still_holds
    from modules.artefact.store import manifest_of, refuse_applied
    from modules.terraform.engine import PlanRefusedError

    with live_progress() as progress:
        deployment = deployment_of(target, progress)
        artefact, kept, now = open_approved(target, deployment, place, given)
        reasons: tuple[str, ...] = ()
        try:
            refuse_applied(kept, manifest_of(kept), target.project)
            reasons = still_holds(artefact, now)
            if not reasons:
                reasons = same_plan(artefact.plan, deployment.plan(targets=artefact.plan.targets))
        except PlanRefusedError as refused:
            reasons = (f"a new plan is refused: {refused.what}",)
        except PlanError as error:
            if error.where != str(kept):
                raise
            reasons = (error.what,)
    if as_json:
        print_json(
            {
                "version": 1,
                "holds": not reasons,
                "reasons": list(reasons),
                "artefact": str(kept),
                "created": artefact.created,
            }
        )
        return not reasons
    if reasons:
        typer.echo(f"the plan of {artefact.created} no longer holds:")
        for line in reasons:
            typer.echo(f"  {line}")
        offline = " --offline" if target.offline else ""
        note(f"  → plan again: `infra plan --env {target.environment.name}{offline} --out DIR`")
    else:
        typer.echo(
            f"the plan of {artefact.created} holds: nothing it was made from has moved, and a new plan is the same"
        )
    return not reasons


def print_hash(target: Target, *, as_json: bool) -> None:
    """The content hash, without Terraform planning anything."""
    from cli._deployment import deployment_of
    from cli._output import print_json

    found = content(target, deployment_of(target, to_run=False))
    if as_json:
        print_json(
            {
                "version": 1,
                "environment": target.environment.name,
                "content_hash": found.hash,
                "parts": dict(found.parts),
            }
        )
    else:
        typer.echo(found.hash)


def make_key(path: Path) -> None:
    """A new key pair: the private key into the file, the public one on stdout."""
    from cli._output import note
    from modules.artefact.keys import new_identity

    typer.echo(new_identity(path))
    note(f"the private key is in {path} (0600): keep it where secrets are kept; it alone opens the plans")
    note("  → `plans: {recipients: [the key above], key: aws-sm:NAME}` in the YAML, or INFRA_PLAN_KEY")


def one_of(**given: object) -> None:
    """Options that exclude each other.

    Raises:
        ConfigError: several of them are given.
    """
    named = [f"--{name.replace('_', '-')}" for name, value in given.items() if value]
    if len(named) > 1:
        raise ConfigError(f"{named[0]} goes without {' and '.join(named[1:])}", do="leave one of them out")
