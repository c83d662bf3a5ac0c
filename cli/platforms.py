"""`infra platforms`: the decision table for an environment's workload."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from cli._options import EnvOption, JsonOption

if TYPE_CHECKING:
    from modules.choice import Choice, Decision

__all__ = ["app"]

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command(epilog="Examples:  infra platforms  ·  infra platforms --env prod  ·  infra platforms --json")
def platforms(env: EnvOption = "local", json: JsonOption = False) -> None:
    """What each platform costs for this environment's workload, what it asks of people, lacks and is best for."""
    from cli._output import print_json
    from modules.choice import decide
    from modules.cost.overlay import project_book
    from modules.environment import load_environment
    from modules.project import find_project

    project = find_project()
    decision = decide(load_environment(project, env), project_book(project))
    if json:
        print_json(_document(decision))
        return
    _show(decision)


def _document(decision: Decision) -> dict[str, Any]:
    return {
        "version": 1,
        "environment": decision.environment,
        "region": decision.region,
        "cheapest": decision.cheapest.option if decision.cheapest else None,
        "options": [_option(each) for each in decision.choices],
    }


def _option(choice: Choice) -> dict[str, Any]:
    month = choice.month
    return {
        "option": choice.option,
        "title": choice.title,
        "chosen": choice.chosen,
        "monthly_usd": {
            "known": str(month.known), "least": str(month.least),
            "most": None if month.most is None else str(month.most), "exact": month.exact,
        },
        "operational_burden": choice.traits.burden,
        "aws_integration": choice.traits.aws,
        "schema_registry": choice.traits.registry,
        "scaling": choice.traits.scaling,
        "limits": list(choice.traits.limits),
        "best_for": choice.traits.best_for,
        "does_not_fit": list(choice.misfits),
        "lacks": list(choice.lacks),
        "source": choice.traits.source,
    }  # fmt: skip


def _show(decision: Decision) -> None:
    from rich.table import Table

    from cli._output import stdout

    console = stdout()
    console.print(f"[bold]{decision.environment}: where this workload can run, {decision.region}[/]")
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("", "platform"):
        table.add_column(name, no_wrap=True)
    table.add_column("a month", justify="right", no_wrap=True)
    for name in ("burden", "registry", "best for"):
        table.add_column(name)
    for each in decision.choices:
        traits = each.traits
        row = (_mark(each), each.title, str(each.month), traits.burden, traits.registry, traits.best_for)
        table.add_row(*row, style="dim" if each.misfits else "")
    console.print(table)
    for each in decision.choices:
        traits = each.traits
        console.print(f"\n{_mark(each)} [bold]{each.title}[/]")
        for name, text in (
            ("you run", traits.you_run),
            ("AWS", traits.aws),
            ("scaling", traits.scaling),
            ("limits", "; ".join(traits.limits)),
        ):
            console.print(f"    [dim]{name:<8}[/] {text}", soft_wrap=True)
        for text in each.misfits:
            console.print(f"    [red]does not fit:[/] {text}", soft_wrap=True)
        for text in each.lacks:
            console.print(f"    [yellow]lacks:[/] {text}", soft_wrap=True)
    console.print()
    if decision.cheapest:
        best = decision.cheapest
        console.print(f"Cheapest of those that fit, lack nothing and have a known price: {best.title}, {best.month}.")
    if decision.chosen:
        console.print("▸ this environment's choice: `platform:` in its YAML; `infra cost compare` has the prices.")
    console.print("! lacks something the YAML asks for   ✗ cannot carry the workload   ≥ part of the price is unknown")


def _mark(choice: Choice) -> str:
    if choice.misfits:
        return "✗"
    return "▸" if choice.chosen else ("!" if choice.lacks else " ")
