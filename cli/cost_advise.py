"""`infra cost advise`: what could be saved, each with its amount, its risk and the change of the YAML."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Annotated

import typer

from cli._cost_out import one_format
from cli._cost_prices import CurrencyOption, PricesOption, book_for
from cli._options import EnvOption, JsonOption, YesOption
from cli._output import note, print_json, stdout
from modules.errors import ConfigError

if TYPE_CHECKING:
    from modules.cost.advise import Advice, Saving
    from modules.cost.book import PriceBook
    from modules.project import Project

__all__ = ["EPILOG", "advise"]

EPILOG = (
    "Examples:  infra cost advise --env prod  ·  infra cost advise -e prod --min 20USD  ·  "
    "infra cost advise -e prod --apply 2"
)


def advise(
    ctx: typer.Context,
    env: EnvOption = "",
    floor: Annotated[
        str, typer.Option("--min", metavar="AMOUNT", help="Leave out what saves less a month, as 20USD.")
    ] = "1",
    apply: Annotated[
        int,
        typer.Option(
            "--apply",
            metavar="N",
            min=0,
            show_default=False,
            help="Show the Nth change (as listed with the same --min) and write it into the environment's file.",
        ),
    ] = 0,
    yes: YesOption = False,
    json: JsonOption = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown, for a pull request.")] = False,
    prices: PricesOption = None,
    currency: CurrencyOption = "",
) -> None:
    """What could be saved, largest first: each alone, with its risk and the change of the YAML, and all together.

    Every amount is the difference of two estimates, with the change and without. What a check of the environment
    refuses, or what the workload would not fit, is not advised.
    """
    from modules.cost.advise import advise as advised
    from modules.cost.formats.advice import advice_json, advice_markdown
    from modules.project import find_project

    form = one_format(json=json, markdown=markdown)
    project = find_project()
    book = book_for(project, ctx)
    made = advised(project, env or ctx.obj, book, _floor(floor, book))
    if apply:
        _apply(made, apply, project, yes=yes)
    elif form == "json":
        print_json(advice_json(made))
    elif form == "markdown":
        typer.echo(advice_markdown(made))
    else:
        from cli._cost_advise_view import show_advice

        show_advice(made, stdout())


def _floor(text: str, book: PriceBook) -> Decimal:
    """`20USD`, `20 EUR` or `20`, in the book's currency."""
    digits = text.strip().rstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz").strip()
    currency = text.strip()[len(digits) :].strip().upper() or book.currency
    try:
        amount = Decimal(digits.lstrip("$"))
    except InvalidOperation:
        amount = Decimal(-1)
    if not amount.is_finite() or amount < 0:
        raise ConfigError(f"`{text}` is no amount", where="--min", do="write one as 20USD")
    return book.convert(amount, currency, "--min")


def _apply(advice: Advice, number: int, project: Project, *, yes: bool) -> None:
    """Shows the change, asks, and writes it."""
    saving = _chosen(advice, number)
    typer.echo(saving.difference)
    note(f"risk: {saving.risk}")
    if saving.also:
        note(f"also: {saving.also}")
    for warning in (saving.breaks, *saving.near):
        if warning:
            note(f"warning: {warning}")
    assert saving.files is not None
    if not yes and not typer.confirm(f"Write this into {saving.files.shown}?", err=True):
        raise typer.Exit(1)
    try:
        saving.files.write(saving.edits)
    except OSError as error:
        raise ConfigError(
            f"cannot write the file: {error.strerror}", where=saving.files.shown, do="check its rights"
        ) from None
    note(f"written into {saving.files.shown}; `infra plan --env {advice.environment}` shows what a deploy would change")


def _chosen(advice: Advice, number: int) -> Saving:
    if number > len(advice.savings):
        there = f"there are {len(advice.savings)}" if advice.savings else "there is nothing to save"
        raise ConfigError(f"there is no saving {number}", where="--apply", do=f"{there}; list them without --apply")
    saving = advice.savings[number - 1]
    if not saving.edits:
        raise ConfigError(
            f"`{saving.title}` is a contract, not a change of the YAML", where="--apply", do=saving.also or None
        )
    return saving
