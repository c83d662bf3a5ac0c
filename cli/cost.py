"""`infra cost`: what an environment costs, and what the same workload costs elsewhere. Exit 3: over its budget."""

from __future__ import annotations

import difflib
import importlib
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from cli._cost_compare import show_comparison, show_options
from cli._cost_out import CsvOption, HtmlOption, not_before, one_format, write_report
from cli._cost_prices import CurrencyOption, PricesOption, book_for
from cli._cost_view import show_explanation, show_report
from cli._options import EnvOption, JsonOption
from cli._output import print_json, stdout
from modules.cost.compare import Comparison, grown
from modules.cost.compare import compare as compared
from modules.cost.formats import (
    comparison_csv,
    comparison_json,
    comparison_markdown,
    lines_json,
    report_csv,
    report_json,
    report_markdown,
)
from modules.cost.report import find_line, report, report_on
from modules.cost.strict import refuse_unknown
from modules.environment.loader import load_environment
from modules.errors import InfraError
from modules.project import find_project

if TYPE_CHECKING:
    from modules.environment.model import Environment

__all__ = ["app", "comparison_json", "comparison_table"]

OVER_BUDGET = 3

SUBCOMMANDS = {
    "whatif": "What it would cost with other settings: one value, or a range with a plot.",
    "diff": "What a change adds: two revisions, two environments, or the files against a revision.",
    "actual": "What was billed, beside what was estimated.",
    "advise": "What could be saved: each change with its amount, its risk and the YAML.",
    "prices": "What the price book says: items with unit, region, price, source and age.",
    "refresh": "Read prices anew from vendors' lists, and write them as a dated overlay.",
    "resources": "What the resources of any Terraform plan, state or stack cost by being there.",
}
"""Commands in files of their own, `cost_<name>.py`, each loaded only when it is called: a function that is named as the
command is, and its `EPILOG`. Those of this file are `app.command`s."""


class CostGroup(TyperGroup):
    """The commands of this file, and those of `SUBCOMMANDS`."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [*super().list_commands(ctx), *SUBCOMMANDS]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """A stand-in that carries the help text, enough for listings and completion, where the file is another."""
        help_text = SUBCOMMANDS.get(cmd_name)
        if help_text is None:
            return super().get_command(ctx, cmd_name)
        return TyperCommand(cmd_name, help=help_text, short_help=help_text)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that was asked for, imported now."""
        name = args[0]
        if name in SUBCOMMANDS:
            module = importlib.import_module(f"cli.cost_{name}")
            own = typer.Typer(rich_markup_mode=None, add_completion=False)
            own.command(name, epilog=module.EPILOG)(getattr(module, name))
            return name, typer.main.get_command(own), args[1:]
        if super().get_command(ctx, name) is None:
            close = difflib.get_close_matches(name, self.list_commands(ctx), n=1)
            hint = f"did you mean `infra cost {close[0]}`?" if close else "see `infra cost --help` for the list"
            raise InfraError(f"there is no command `cost {name}`", do=hint)
        return super().resolve_command(ctx, args)


app = typer.Typer(cls=CostGroup, rich_markup_mode=None, invoke_without_command=True, add_completion=False)

MarkdownOption = Annotated[bool, typer.Option("--markdown", help="Print Markdown, for a pull request.")]
StrictOption = Annotated[
    bool, typer.Option("--strict", help="Fail (exit 1) where a line of this environment has no known price.")
]


@app.callback(
    epilog="Examples:  infra cost --env dev  ·  infra cost --env dev --html cost.html  ·  infra cost compare -e dev · "
    "infra cost explain warehouse --env dev"
)
def cost(
    ctx: typer.Context,
    env: EnvOption = "local",
    json: JsonOption = False,
    markdown: MarkdownOption = False,
    csv: CsvOption = False,
    html: HtmlOption = None,
    strict: StrictOption = False,
    prices: PricesOption = None,
    currency: CurrencyOption = "",
) -> None:
    """What an environment costs a month, line by line, from list prices with their source. Exit 3: over budget."""
    if ctx.invoked_subcommand is not None:
        not_before(ctx.invoked_subcommand, json=json, markdown=markdown, csv=csv, html=html is not None)
        if strict:
            raise InfraError("--strict stands before the command", do="write it behind")
        ctx.obj = env
        return
    form = one_format(json=json, markdown=markdown, csv=csv)
    environment = _environment(env)
    book = book_for(find_project(), ctx)
    made = report(environment, book)
    if html:
        write_report(html, made, grown(compared(environment, book), environment, book))
    if form == "json":
        print_json(report_json(made))
    elif form == "markdown":
        typer.echo(report_markdown(made))
    elif form == "csv":
        typer.echo(report_csv(made), nl=False)
    elif not html:
        show_report(made, stdout())
    if strict:
        refuse_unknown(made)
    _leave(made.budget is not None and made.budget.over)


@app.command(
    epilog="Examples:  infra cost compare  ·  infra cost compare -e dev --html platforms.html  ·  "
    "infra cost compare -e dev --json | jq '.options[].title'"
)
def compare(
    ctx: typer.Context,
    env: EnvOption = "",
    json: JsonOption = False,
    markdown: MarkdownOption = False,
    csv: CsvOption = False,
    html: HtmlOption = None,
    strict: StrictOption = False,
    prices: PricesOption = None,
    currency: CurrencyOption = "",
) -> None:
    """The environment's workload on every platform, Snowflake beside each, cheapest first."""
    form = one_format(json=json, markdown=markdown, csv=csv)
    environment = _environment(env or ctx.obj)
    book = book_for(find_project(), ctx)
    made = grown(compared(environment, book), environment, book)
    if html:
        write_report(html, None, made)
    if form == "json":
        print_json(comparison_json(made))
    elif form == "markdown":
        typer.echo(comparison_markdown(made))
    elif form == "csv":
        typer.echo(comparison_csv(made), nl=False)
    elif not html:
        show_comparison(made, stdout())
    if strict and made.chosen:
        refuse_unknown(made.chosen.report)
    budget = made.chosen.report.budget if made.chosen else None
    _leave(budget is not None and budget.over)


@app.command(
    epilog="Examples:  infra cost explain --env dev  ·  infra cost explain snowflake.warehouse --env dev  ·  "
    "infra cost explain brokers --env dev --platform msk-express"
)
def explain(
    ctx: typer.Context,
    line: Annotated[str, typer.Argument(help="A line's id, or its end (`warehouse`); without it all lines.")] = "",
    env: EnvOption = "",
    platform: Annotated[
        str, typer.Option("--platform", metavar="OPTION", help="As it would be on another one, such as msk-serverless.")
    ] = "",
    json: JsonOption = False,
    prices: PricesOption = None,
    currency: CurrencyOption = "",
) -> None:
    """One line in full: formula, inputs, price, source, date."""
    environment, book = _environment(env or ctx.obj), book_for(find_project(), ctx)
    made = report_on(platform, environment, book) if platform else report(environment, book)
    lines = (find_line(made, line),) if line else made.estimate.lines
    if json:
        print_json(lines_json(lines))
        return
    show_explanation(made, lines, stdout())


def comparison_table(comparison: Comparison) -> None:
    """The table of a comparison alone, for `infra demo`."""
    show_options(comparison, stdout())


def _environment(name: str) -> Environment:
    return load_environment(find_project(), name)


def _leave(over: bool) -> None:
    if over:
        raise typer.Exit(OVER_BUDGET)
