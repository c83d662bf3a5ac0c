"""`infra show`: a kept plan, for people: what its manifest says, and with its key what was reviewed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli._options import JsonOption
from cli._plans import KeyOption

if TYPE_CHECKING:
    from modules.artefact.keys import PlanKey
    from modules.artefact.package import Artefact, Manifest
    from modules.artefact.store import Kept

__all__ = ["app"]

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command(
    epilog="Examples:  infra show plan-dev  ·  infra show s3://plans/prod/3f…  ·  infra show plan-dev --markdown -  ·  "
    "infra show plan-dev --json | jq .manifest.content_hash"
)
def show(
    place: Annotated[
        str, typer.Argument(metavar="DIR", help="What `infra plan --out` wrote: a folder, or s3://BUCKET/PREFIX/….")
    ],
    json: JsonOption = False,
    markdown: Annotated[
        Path | None,
        typer.Option("--markdown", metavar="FILE", help="Leave it as a pull request's comment; `-` is stdout."),
    ] = None,
    key: KeyOption = None,
) -> None:
    """Show a kept plan. Without its key: what it is, for whom it is encrypted, how much it changes."""
    from cli._files import write_comment
    from cli._output import note, print_json
    from modules.artefact.store import applied_words, find_artefact, manifest_of, read_artefact
    from modules.errors import ConfigError

    kept = find_artefact(place, "", None)
    manifest = manifest_of(kept)
    opener = _key(manifest, key)
    artefact = read_artefact(kept, opener) if opener else None
    if markdown is not None:
        if artefact is None:
            raise ConfigError(
                f"the review is encrypted, for {manifest.readers}", where=str(kept), do="give its key: --key"
            )
        write_comment(markdown, str(artefact.summary["markdown"]))
    used = applied_words(kept, manifest)
    if json:
        print_json(_document(kept, manifest, artefact, used))
    elif str(markdown) != "-":
        for line in _head(manifest, artefact, used):
            typer.echo(line)
        _review(manifest, artefact)
    if artefact is None:
        note(f"the rest is encrypted, for {manifest.readers}: give its key (--key, or INFRA_PLAN_KEY)")


def _key(manifest: Manifest, given: str | None) -> PlanKey | None:
    """The key to open it with: as told, else that of the environment's YAML, else the project's own; None: no key."""
    import os

    from modules.artefact.keys import KEY_VARIABLE, plan_key
    from modules.environment import load_environment
    from modules.errors import ConfigError, SecretError
    from modules.project import Project, find_project

    try:
        project = find_project()
        settings = load_environment(project, manifest.environment).plans
    except ConfigError:
        project, settings = Project(Path.cwd()), None
    told = bool(given or os.environ.get(KEY_VARIABLE))
    try:
        found = plan_key(project, given=given, settings=settings, by_default=True, to_open=True)
        return found if told or manifest.encryption == found.to_json() else None
    except (ConfigError, SecretError):
        if told:
            raise
        return None


def _head(manifest: Manifest, artefact: Artefact | None, used: str | None) -> list[str]:
    revision = manifest.revision
    commit = "no git repository" if revision is None else str(revision.get("commit", ""))[:12]
    if revision and revision.get("changed"):
        commit += ", with changes in environments/ that were not committed"
    rows = [
        ("environment", manifest.environment + (" (rehearsed offline)" if manifest.offline else "")),
        ("made", f"{manifest.created}, from {commit}"),
        ("with", f"infra {manifest.tools.get('infra')}, {manifest.tools.get('Terraform')}"),
        ("content", manifest.content_hash),
        ("encrypted for", manifest.readers),
        ("applied", used or "not yet, as far as is known here"),
    ]
    if artefact is not None:
        rows += [(name, value) for name, value in artefact.identity.items()]
        if artefact.cost:
            rows.append(("a month costs", _cost(artefact.cost)))
    return [f"{name:<18} {value}" for name, value in rows]


def _cost(cost: Any) -> str:
    if cost.get("monthly") is None:
        return f"not known: {cost.get('why')}"
    amount = f"{float(cost['monthly']):,.2f}"
    least = f"${amount}" if cost["currency"] == "USD" else f"{amount} {cost['currency']}"
    return least if not cost.get("unknown") else f"at least {least}; {cost['unknown']} prices are not known"


def _review(manifest: Manifest, artefact: Artefact | None) -> None:
    from cli._output import stdout

    typer.echo()
    if artefact is None:
        for stack, counts in manifest.counts.items():
            listed = ", ".join(f"{number} {kind}" for kind, number in counts.items())
            typer.echo(f"{stack:<18} {listed or 'no changes'}")
        return
    console = stdout()
    for text, style in artefact.summary["lines"]:
        console.print(text, style=style or None, markup=False, soft_wrap=True)


def _document(kept: Kept, manifest: Manifest, artefact: Artefact | None, used: str | None) -> dict[str, Any]:
    document: dict[str, Any] = {"version": 1, "artefact": str(kept), "manifest": manifest.to_json(), "applied": used}
    if artefact is None:
        return {**document, "opened": False}
    return {
        **document,
        "opened": True,
        "identity": dict(artefact.identity),
        "content": dict(artefact.content),
        "states": {
            name: each and {"lineage": each.lineage, "serial": each.serial} for name, each in artefact.states.items()
        },
        "cost": artefact.cost,
        "allow_destroy": list(artefact.allow_destroy),
        "summary": artefact.summary["json"],
    }
