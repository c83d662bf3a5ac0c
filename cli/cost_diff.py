"""`infra cost diff`: what a change adds to the bill, before it is made or merged."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Annotated

import typer

from cli._cost_prices import CurrencyOption, PricesOption, book_for
from cli._options import JsonOption
from cli._output import note, print_json, stdout
from modules.cost.between import compare_points, points_of
from modules.errors import ConfigError
from modules.project import find_project

if TYPE_CHECKING:
    from modules.cost.diff import DiffSet

__all__ = ["EPILOG", "diff"]

OVER_BUDGET = 3

EPILOG = (
    "Examples:  infra cost diff main  ·  infra cost diff main...HEAD --markdown  ·  "
    "infra cost diff v1.0 v1.1 -e prod  ·  infra cost diff dev prod  ·  infra cost diff main:dev dev"
)


def diff(
    ctx: typer.Context,
    sides: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[A [B]]",
            help="Environments, git revisions, A..B, A...B or REVISION:ENVIRONMENT. One revision: against the files as "
            "they are. None: the last commit against the files.",
        ),
    ] = None,
    env: Annotated[str, typer.Option("--env", "-e", help="One environment; default: all that either side has.")] = "",
    json: JsonOption = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown, for a pull request's comment.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print one row a line that differs.")] = False,
    prices: PricesOption = None,
    currency: CurrencyOption = "",
) -> None:
    """What a change adds: two git revisions or two environments, or the files as they are against a revision.

    Revisions are read from git without touching the files; each side is priced with the price files it has itself.
    Exit 3: an environment is over its budget on the later side.
    """
    if sum((json, markdown, csv)) > 1:
        raise ConfigError("one of --json, --markdown and --csv", do="choose one")
    words = sides or []
    if len(words) > 2:
        raise ConfigError(f"two sides, not {len(words)}: {' '.join(words)}", do="name one or two")
    project = find_project()
    before, after = points_of(project, words, env or _given(ctx))
    found = compare_points(project, before, after, functools.partial(book_for, ctx=ctx))
    _show(found, json=json, markdown=markdown, csv=csv)
    if any(each.over_budget for each in found.diffs):
        raise typer.Exit(OVER_BUDGET)


def _show(found: DiffSet, *, json: bool, markdown: bool, csv: bool) -> None:
    from modules.cost.formats.diff import diff_csv, diff_json, diff_markdown

    if json:
        print_json(diff_json(found))
    elif markdown:
        typer.echo(diff_markdown(found))
    elif csv:
        typer.echo(diff_csv(found), nl=False)
    else:
        from cli._cost_diff_view import show_diff

        show_diff(found, stdout())
    for name, why in found.unread:
        note(f"warning: {name} was not compared: {found.before} has it in a form that does not load: {why}")


def _given(ctx: typer.Context) -> str:
    """`infra cost --env E diff …`: the environment, where the command line names one (INFRA_ENV does not)."""
    above = ctx.parent
    source = above.get_parameter_source("env") if above else None
    return str(above.params["env"]) if above and source is not None and source.name == "COMMANDLINE" else ""
