"""`infra promote`: carry the pipeline of one environment over to another."""

from __future__ import annotations

import json as jsonlib
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli._options import JsonOption, YesOption

if TYPE_CHECKING:
    from modules.environment.promote import Difference

__all__ = ["app"]

app = typer.Typer(rich_markup_mode=None, add_completion=False)

_SIGNS = {"add": ("+", "green"), "change": ("~", "yellow"), "remove": ("-", "red")}


@app.command(
    epilog="Examples:  infra promote --from dev --to staging  ·  infra promote --from dev --to staging --only "
    "topics.clicks --write  ·  infra promote --from dev --to prod --only topics --only slo --json"
)
def promote(
    source: Annotated[str, typer.Option("--from", help="The environment that has it.")],
    target: Annotated[str, typer.Option("--to", help="The environment that shall have it.")],
    only: Annotated[
        list[str] | None,
        typer.Option("--only", help="Which keys; default: topics, and the estate's objects and rights."),
    ] = None,
    write: Annotated[bool, typer.Option("--write", help="Write it into the environment's YAML.")] = False,
    yes: YesOption = False,
    json: JsonOption = False,
) -> None:
    """Show what one environment's pipeline has that another's lacks, and write it there; exits 2 where they differ."""
    from cli._output import note, print_json
    from modules.environment.promote import PROMOTED, differences
    from modules.environment.promote import promote as carry
    from modules.errors import ConfigError
    from modules.project import find_project

    project = find_project()
    found = differences(project, source, target, only or PROMOTED)
    moving = [each for each in found if each.moves]
    if not json:
        _show(source, target, found)
    if write and moving:
        if not yes:
            if json or not sys.stdin.isatty():
                raise ConfigError("there is nobody to confirm", do="add --yes")
            typer.confirm(f"Write this to environments/{target}.yaml?", abort=True, err=True)
        carry(project, found, target)
        note(f"written to environments/{target}.yaml; `infra plan --env {target}` shows what it changes")
    if json:
        print_json(_document(source, target, found, written=write and bool(moving)))
    raise typer.Exit(2 if moving and not write else 0)


def _document(source: str, target: str, found: list[Difference], *, written: bool) -> dict[str, Any]:
    return {
        "version": 1,
        "from": source,
        "to": target,
        "written": written,
        "differences": [
            {"path": list(each.path), "kind": each.kind, "moves": each.moves, "from": each.source, "to": each.target,
             "where": str(each.place) if each.place else None}
            for each in found
        ],
    }  # fmt: skip


def _show(source: str, target: str, found: list[Difference]) -> None:
    from rich.markup import escape

    from cli._output import stdout

    console = stdout()
    moving, staying = ([each for each in found if each.moves is moves] for moves in (True, False))
    if not moving:
        console.print(f"{target} has everything that {source} has")
    for each in moving:
        sign, style = _SIGNS[each.kind]
        value = {"add": _text(each.source), "remove": f"{_text(each.target)} (taken out)"}.get(
            each.kind, f"{_text(each.target)} → {_text(each.source)}"
        )
        place = f"   [dim]{each.place}[/]" if each.place else ""
        console.print(f"[{style}]{sign} {escape(each.name)}[/]: {escape(value)}{place}", soft_wrap=True)
    if staying:
        names = ", ".join(dict.fromkeys(each.path[0] if len(each.path) < 3 else each.name for each in staying))
        console.print(f"[dim]each environment's own, left as it is: {escape(names)}[/]", soft_wrap=True)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else jsonlib.dumps(value, ensure_ascii=False)
