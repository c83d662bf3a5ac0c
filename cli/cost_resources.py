"""`infra cost resources`: what the resources of any Terraform plan, state or synthesised stack cost a month."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli._cost_prices import CurrencyOption, PricesOption, book_for
from cli._cost_table import fitted
from cli._cost_view import bullets
from cli._options import JsonOption
from cli._output import print_json, stdout
from modules.cost.formats.resources import blocks, resource_words, resources_json, resources_markdown
from modules.cost.lines import money
from modules.cost.resources import price_resources, read_documents
from modules.cost.words import footer
from modules.errors import ConfigError
from modules.project import Project, find_project

if TYPE_CHECKING:
    from rich.console import Console

    from modules.cost.book import Price
    from modules.cost.resources import Pricing

__all__ = ["EPILOG", "resources"]

EPILOG = (
    "Examples:  terraform show -json plan.tfplan > plan.json; infra cost resources plan.json  ·  "
    "infra cost resources terraform.tfstate --region eu-central-1  ·  infra cost resources .infra/env/dev --json"
)


def resources(
    ctx: typer.Context,
    path: Annotated[
        Path,
        typer.Argument(
            metavar="PATH",
            help="A plan's or a state's JSON (terraform show -json), a terraform.tfstate, a cdk.tf.json, or a folder.",
        ),
    ],
    region: Annotated[
        str, typer.Option("--region", help="The AWS region of resources that do not tell theirs; default: us-east-1.")
    ] = "",
    json: JsonOption = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown, for a pull request.")] = False,
    prices: PricesOption = None,
    currency: CurrencyOption = "",
) -> None:
    """What the AWS resources of a Terraform plan, a state or a synthesised stack cost by being there.

    What is billed by what goes through it is named with its price; free resources are counted, and what is not priced
    is named.
    """
    if json and markdown:
        raise ConfigError("one of --json and --markdown", do="choose one")
    found = price_resources(read_documents(path), book_for(_project(), ctx), region)
    if json:
        print_json(resources_json(found))
    elif markdown:
        typer.echo(resources_markdown(found))
    else:
        _show(found, stdout())


def _project() -> Project:
    """The project whose own prices count, or this folder: a plan may be anybody's."""
    try:
        return find_project()
    except ConfigError:
        return Project(Path.cwd())


def _show(found: Pricing, console: Console) -> None:
    from rich.markup import escape

    rows: list[Sequence[str] | None] = []
    for each in blocks(found):
        amount = f"[bold]{each.total}[/]" if each.lines else "by use"
        rows.append((f"[bold]{escape(each.address)}[/]{each.times}", "", "", "", amount))
        for line in each.lines:
            amount = f"[dim]{money(line.amount)}[/]" if line.amount is not None else "[yellow]unknown[/]"
            rows.append((f"  {line.what}", str(line.quantity), _short(line.price), line.confidence, amount))
        for price in each.by_use:
            use = f"[dim]by use, per {price.unit}[/]"
            rows.append((f"  {price.what}", use, _short(price), price.confidence, ""))
    rows.append(None)
    if found.before is not None:
        rows.append(("before", "", "", "", str(found.before)))
    rows.append(("[bold]total[/]", "", "", "", f"[bold]{found.total}[/]"))
    console.print(fitted(console, ("", ">quantity", ">price", "conf.", ">per month"), rows, (3, 2, 1)))
    bullets([escape(text) for text in resource_words(found)], console)
    if found.lines:
        console.print()
        for text in footer(found.lines):
            console.print(f"[dim]{text}[/]")


def _short(price: Price) -> str:
    """Without its unit, which the quantity beside it has; the JSON has all tiers."""
    if not price.known:
        return "unknown"
    if len(price.tiers) > 1:
        return f"{str(price).partition(' ')[0]}, by tiers"
    return str(price).replace(f" per {price.unit}", "")
