"""`infra cost refresh`: prices read anew from vendors' lists, shown beside the book's, written as a dated overlay."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli._options import JsonOption
from cli._output import is_quiet, note, print_json, stdout
from modules.errors import InfraError, PriceError

if TYPE_CHECKING:
    from rich.console import Console

    from modules.cost.book import PriceBook
    from modules.cost.refresh import Change, Refreshed
    from modules.project import Project

__all__ = ["EPILOG", "refresh"]

EPILOG = (
    "Examples:  infra cost refresh --aws --dry-run  ·  infra cost refresh --aws-file AmazonMSK.json  ·  "
    "infra cost refresh --confluent prices.json  ·  infra cost refresh --snowflake-credit 2.35 --edition enterprise"
)

_KINDS = {"same": "confirmed", "changed": "changed", "new": "new"}


def refresh(
    aws: Annotated[bool, typer.Option("--aws", help="Ask AWS's price list, with the shell's credentials.")] = False,
    aws_file: Annotated[
        list[Path] | None,
        typer.Option(
            "--aws-file", metavar="FILE", help="A downloaded offer file of AWS's price list; may be repeated."
        ),
    ] = None,
    confluent: Annotated[
        Path | None,
        typer.Option("--confluent", metavar="FILE", help="What `confluent billing price list -o json` printed."),
    ] = None,
    snowflake_credit: Annotated[
        str, typer.Option("--snowflake-credit", metavar="USD", help="What a Snowflake credit costs you.")
    ] = "",
    edition: Annotated[
        str, typer.Option("--edition", help="The credit's edition: standard, enterprise, business_critical or vps.")
    ] = "standard",
    region: Annotated[
        list[str] | None,
        typer.Option("--region", help="The region to read; may be repeated. Default: those of the environments."),
    ] = None,
    network: Annotated[
        str, typer.Option("--network", help="Confluent: internet, private-link, peered-vpc or transit-gateway.")
    ] = "internet",
    availability: Annotated[str, typer.Option("--availability", help="Confluent: low or high.")] = "low",
    accept: Annotated[
        bool, typer.Option("--accept", help="Take prices, too, that moved further than anyone would believe.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change, and write nothing.")] = False,
    json: JsonOption = False,
) -> None:
    """Read prices anew and write them to environments/prices/<date>-<vendor>.yaml, which every report then uses.

    What moved by more than three times is held back until --accept, and said.
    """
    from modules.cost.overlay import project_book
    from modules.cost.refresh import compare
    from modules.cost.stale import today
    from modules.project import find_project

    project, day = find_project(), today()
    book = project_book(project)
    regions = region or _regions(project)
    made: list[Refreshed] = []
    if aws or aws_file:
        made.append(_aws(book, regions, aws, aws_file or []))
    if confluent is not None:
        from modules.cost.refresh.confluent import read_confluent

        one = _only(regions, "--confluent", "the list is of one region and does not say which")
        made.append(compare("confluent", book, *read_confluent(confluent, one, day, network, availability)))
    if snowflake_credit:
        from modules.cost.refresh.snowflake import credit_price

        found = credit_price(book, _dollars(snowflake_credit), edition, regions, day)
        made.append(compare("snowflake", book, found))
    if not made:
        raise PriceError(
            "nothing to read prices from", do="give --aws, --aws-file FILE, --confluent FILE or --snowflake-credit USD"
        )
    written = {} if dry_run else _write(project, made, accept)
    if json:
        print_json(_document(made, accept, written))
        return
    for each in made:
        _show(each, accept, stdout())
        _tell(each, accept, written.get(each.vendor))


def _aws(book: PriceBook, regions: list[str], api: bool, files: list[Path]) -> Refreshed:
    from modules.cost.refresh import Found, Problem, compare
    from modules.cost.refresh.aws import read_records
    from modules.cost.stale import today

    found: list[Found] = []
    problems: list[Problem] = []
    for region in regions:
        records = []
        if api:
            from modules.cost.refresh.aws_api import ask, client

            note(f"asking AWS's price list about {region}")
            records += [*ask(client(), book, region, lambda text: None if is_quiet() else note(f"  {text}"))]
        for file in files:
            from modules.cost.refresh.aws_file import read_offer_file

            records += [*read_offer_file(file, region)]
        one, strange = read_records(records, book, region, today().isoformat() if api else "")
        found += one
        problems += strange
    return compare("aws", book, found, problems)


def _regions(project: Project) -> list[str]:
    """Where the project's environments run; us-east-1 where none says."""
    from modules.cost.catalog import region_of
    from modules.environment.loader import list_environments, load_environment

    found = []
    for name in list_environments(project):
        try:
            environment = load_environment(project, name)
        except InfraError:
            continue
        if environment.platform != "local":
            found.append(region_of(environment))
    return list(dict.fromkeys(found)) or ["us-east-1"]


def _only(regions: list[str], option: str, why: str) -> str:
    if len(regions) != 1:
        raise PriceError(f"{option}: {why}", do=f"give one --region, such as {regions[0]}")
    return regions[0]


def _dollars(text: str) -> Decimal:
    try:
        amount = Decimal(text.removeprefix("$"))
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite():
        raise PriceError(f"`{text}` is not a price", where="--snowflake-credit", do="give dollars, such as 2.35")
    return amount


def _write(project: Project, made: list[Refreshed], accept: bool) -> dict[str, Path]:
    from modules.cost.refresh.write import earlier, overlay_path, overlay_text, write_overlay
    from modules.cost.stale import today

    written = {}
    for each in made:
        taken = each.taken(accept)
        if taken:
            file = overlay_path(project.environments / "prices", today(), each.vendor)
            found = tuple(change.found for change in taken)
            write_overlay(file, overlay_text(each.vendor, (*earlier(file, found), *found)))
            written[each.vendor] = file
    return written


def _show(refreshed: Refreshed, accept: bool, console: Console) -> None:
    """A row for each price that is not as it was."""
    from rich import box
    from rich.table import Table

    if not refreshed.moved:
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for name in ("item", "region", ">book", ">now", ">change", ""):
        table.add_column(name.lstrip(">"), justify="right" if name.startswith(">") else "left", overflow="fold")
    for change in refreshed.moved:
        mark = f"[yellow]! {change.doubt}{'' if accept else ': held back'}[/]" if change.doubt else ""
        table.add_row(change.found.item, change.found.region, *_moved(change), mark)
    console.print(table)


def _moved(change: Change) -> tuple[str, str, str]:
    from modules.cost.refresh.changes import tiers_words

    old = tiers_words(change.old.tiers) if change.old is not None and change.old.known else "unknown"
    percent = f"{change.percent:+.1f} %" if change.percent is not None else "new" if change.kind == "new" else ""
    return old, tiers_words(change.found.tiers), percent


def _tell(refreshed: Refreshed, accept: bool, file: Path | None) -> None:
    count = {kind: sum(1 for each in refreshed.changes if each.kind == kind) for kind in _KINDS}
    note(f"{refreshed.vendor}: " + ", ".join(f"{number} {_KINDS[kind]}" for kind, number in count.items()))
    together: dict[tuple[str, str], list[str]] = {}
    for problem in refreshed.problems:
        together.setdefault((problem.what, problem.region), []).append(problem.item or refreshed.vendor)
    for (what, region), items in together.items():
        note(f"  · {region}: {what}: {', '.join(items)}")
    held = () if accept else refreshed.doubted
    if held:
        note(f"  {len(held)} held back: check them against the vendor's page, then add --accept")
    note(f"  written: {file}" if file else "  nothing written")


def _document(made: list[Refreshed], accept: bool, written: dict[str, Path]) -> dict[str, Any]:
    return {
        "schema": "infra.cost.refresh/1",
        "vendors": [
            {
                "vendor": each.vendor,
                "written": str(written[each.vendor]) if each.vendor in written else None,
                "prices": [_change(change, accept) for change in each.changes],
                "problems": [
                    {"item": problem.item, "region": problem.region, "what": problem.what} for problem in each.problems
                ],
            }
            for each in made
        ],
    }


def _change(change: Change, accept: bool) -> dict[str, Any]:
    old = change.old.tiers if change.old is not None and change.old.known else None
    return {
        "item": change.found.item,
        "region": change.found.region,
        "kind": change.kind,
        "book": None if old is None else [_tier(tier) for tier in old],
        "now": [_tier(tier) for tier in change.found.tiers],
        "percent": None if change.percent is None else f"{change.percent:.2f}",
        "doubt": change.doubt or None,
        "held_back": bool(change.doubt) and not accept,
        "record": change.found.record,
        "read": change.found.source.read,
    }


def _tier(tier: Any) -> dict[str, str | None]:
    return {"price": f"{tier.price:f}", "up_to": None if tier.up_to is None else f"{tier.up_to:f}"}
