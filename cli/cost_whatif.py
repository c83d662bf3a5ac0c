"""`infra cost whatif`: what an environment would cost if its YAML said something else, for a value or a range."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli._cost_out import CsvOption, HtmlOption, one_format
from cli._cost_prices import CurrencyOption, PricesOption, book_for
from cli._options import EnvOption, JsonOption
from cli._output import note, print_json, stdout
from modules.errors import ConfigError
from modules.project import find_project

if TYPE_CHECKING:
    from modules.cost.diff import Diff
    from modules.cost.sweep import Sweep

__all__ = ["EPILOG", "whatif"]

EPILOG = (
    "Examples:  infra cost whatif -e dev --set workload.ingress=10GB/day --set platform=msk  ·  "
    "infra cost whatif -e dev --over workload.ingress=1GB/day..10TB/day --compare  ·  "
    "infra cost whatif -e prod --over msk.brokers=3..12 --over workload.ingress=10GB/day..1TB/day --points 5"
)

_MOST_POINTS = 10_000
OVER_BUDGET = 3


def whatif(
    ctx: typer.Context,
    sets: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A key of the YAML, by its dotted path; may be repeated."),
    ] = None,
    over: Annotated[
        list[str] | None,
        typer.Option("--over", metavar="KEY=A..B", help="A range of a key, or a list A,B,C; twice: a grid."),
    ] = None,
    points: Annotated[
        int,
        typer.Option("--points", metavar="N", show_default=False, help="Values of a range; default 25, 7 in a grid."),
    ] = 0,
    compare: Annotated[bool, typer.Option("--compare", help="With --over: every platform and mode.")] = False,
    env: EnvOption = "",
    json: JsonOption = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown (without --over).")] = False,
    csv: CsvOption = False,
    html: HtmlOption = None,
    prices: PricesOption = None,
    currency: CurrencyOption = "",
) -> None:
    """What an environment would cost if its YAML said something else. Nothing is written.

    With --set the difference line by line, exit 3 where the result is over the budget; with --over the cost over a
    range of values, as a plot. A range of rates, sizes or durations goes in even ratios, others in even steps.
    """
    form = one_format(json=json, markdown=markdown, csv=csv)
    if not sets and not over:
        raise ConfigError(
            "nothing is changed", where="infra cost whatif",
            do="give --set workload.ingress=10GB/day, or --over workload.ingress=1GB/day..10TB/day",
        )  # fmt: skip
    project, name = find_project(), env or ctx.obj
    book = book_for(project, ctx)
    if not over:
        _refuse(compare=compare, points=points, html=html)
        from modules.cost.whatif import what_if

        made = what_if(project, name, sets or [], book)
        _show_difference(made, form)
        budget = made.after.report.budget if made.after.report else None
        if budget is not None and budget.over:
            raise typer.Exit(OVER_BUDGET)
        return
    if markdown:
        raise ConfigError("a sweep has no Markdown", where="--markdown", do="take --csv, --json or --html")
    _check_points(points)
    from modules.cost.sweep import sweep

    found = sweep(
        project, name, over, book, settings=sets or [], points=points or (7 if len(over) > 1 else 25),
        every_option=compare,
    )  # fmt: skip
    _show_sweep(found, form, html)


def _refuse(*, compare: bool, points: int, html: Path | None) -> None:
    """What goes with --over alone."""
    given = {"--compare": compare, "--points": bool(points), "--html": html is not None}
    for option, is_given in given.items():
        if is_given:
            raise ConfigError(f"{option} goes with --over", do="add --over workload.ingress=1GB/day..10TB/day, say")


def _check_points(points: int) -> None:
    if points and not 2 <= points <= _MOST_POINTS:
        raise ConfigError(f"cannot be {points}", where="--points", do=f"give a number from 2 to {_MOST_POINTS:,}")


def _show_difference(made: Diff, form: str) -> None:
    from modules.cost.diff import DiffSet
    from modules.cost.formats.diff import diff_csv, diff_json, diff_markdown

    found = DiffSet(made.before.label, made.after.label, (made,))
    if form == "json":
        print_json(diff_json(found))
    elif form == "markdown":
        typer.echo(diff_markdown(found))
    elif form == "csv":
        typer.echo(diff_csv(found), nl=False)
    else:
        from cli._cost_diff_view import show_diff

        show_diff(found, stdout())


def _show_sweep(found: Sweep, form: str, html: Path | None) -> None:
    from modules.cost.formats.whatif import sweep_csv, sweep_json, sweep_page

    if html is not None:
        from cli._files import write_page
        from modules.cost.stale import today

        write_page("--html", html, sweep_page(found, today()))
    if form == "json":
        print_json(sweep_json(found))
    elif form == "csv":
        typer.echo(sweep_csv(found), nl=False)
    elif html is None:
        from cli._cost_whatif_view import show_sweep

        show_sweep(found, stdout())
    if found.left_out and form:
        note(f"left out, since the environment cannot have them: {', '.join(value for value, _ in found.left_out)}")
