"""`infra smoke frontier`: measured latency beside monthly cost, so that a reader sees what a millisecond costs.

Here latencies (`modules.smoke`) and costs (`modules.cost`) meet, which know nothing of each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli._options import JsonOption
from cli._output import note, print_json, stdout
from cli.smoke_history import PercentileOption, StageOption, checked_percentile, checked_stage
from modules.errors import InfraError

if TYPE_CHECKING:
    from modules.project import Project
    from modules.smoke.frontier import Point
    from modules.smoke.history import Entry

__all__ = ["EPILOG", "frontier", "points_of"]

EPILOG = (
    "Examples:  infra smoke frontier  ·  infra smoke frontier --stage acknowledged --percentile p99  ·  "
    "infra smoke frontier --env dev --env staging --json"
)


def frontier(
    env: Annotated[
        list[str] | None, typer.Option("--env", "-e", help="Only of these environments; may be repeated. Default: all.")
    ] = None,
    stage: StageOption = "row_visible",
    percentile: PercentileOption = "p95",
    json: JsonOption = False,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write it as a page (`-`: stdout).")
    ] = None,
) -> None:
    """Measured latency against monthly cost, of every environment and variant that was measured on this machine."""
    from modules.project import find_project
    from modules.smoke.frontier import frontier as sorted_out
    from modules.smoke.frontier import frontier_json

    stage, percentile = checked_stage(stage), checked_percentile(percentile)
    found = sorted_out(points_of(find_project(), env or [], stage, percentile))
    if html:
        from cli._files import write_page
        from modules.smoke.frontier_page import frontier_page

        write_page("--html", html, frontier_page(found, stage, percentile))
    if json:
        print_json(frontier_json(found, stage, percentile))
    elif not html:
        from cli._smoke_frontier_view import show_frontier

        show_frontier(found, stage, percentile, stdout())


def points_of(project: Project, only: Sequence[str], stage: str, percentile: str) -> list[Point]:
    """The newest run of each environment and variant that knows the figure, with what it costs.

    A variant that is what the environment is today costs what it costs today; an earlier one what it cost then.
    """
    from modules.environment.loader import list_environments, load_environment
    from modules.smoke.history import read_history

    known = list_environments(project)
    for name in only:
        if name not in known:
            load_environment(project, name)  # says that there is none, and what there is
    points: list[Point] = []
    for name in only or known:
        found = read_history(project, name)
        if found.damaged:
            note(f"warning: {found.file}: {len(found.damaged)} damaged lines are left out")
        if found.entries:
            points += _variants(project, name, found.entries, stage, percentile)
    return points


def _variants(project: Project, name: str, entries: Sequence[Entry], stage: str, percentile: str) -> list[Point]:
    from modules.smoke.history import value_of

    today = _cost_today(project, name)
    by_variant: dict[str, list[Entry]] = {}
    for entry in entries:
        if value_of(entry, stage, percentile) is not None:
            by_variant.setdefault(_variant(entry), []).append(entry)
    return [
        _point(name, variant, runs, today, stage, percentile) for variant, runs in by_variant.items()
    ]  # entries are oldest first, and so are each variant's


def _point(
    name: str, variant: str, runs: Sequence[Entry], today: dict[str, Any] | None, stage: str, percentile: str
) -> Point:
    from modules.smoke.frontier import Point
    from modules.smoke.history import value_of

    newest = runs[-1]
    same = today is not None and today["variant"] == variant
    cost = today if same else _kept(newest)
    value = value_of(newest, stage, percentile)
    assert value is not None
    return Point(
        environment=name,
        variant=variant,
        milliseconds=value,
        monthly=_amount(cost),
        currency=str(cost["currency"]) if cost else "USD",
        exact=bool(cost and cost["exact"]),
        stand_in=bool(newest["stand_in"]),
        load=f"{newest['rate']:,.10g}/s of {newest['event_bytes']:,.0f} B",
        started=str(newest["started"]),
        runs=len(runs),
        as_measured=not same,
        outcome=str(newest["outcome"]),
    )


def _variant(entry: Entry) -> str:
    cost = _kept(entry)
    return str(cost["variant"]) if cost else f"{entry['platform']}, {entry['carried_by']}"


def _kept(entry: Entry) -> dict[str, Any] | None:
    """What a run's line says of its cost, where that can be read."""
    cost = entry.get("cost")
    if (
        isinstance(cost, dict)
        and {"variant", "monthly", "exact", "currency"} <= set(cost)
        and _amount(cost) is not None
    ):
        return cost
    return None


def _amount(cost: dict[str, Any] | None) -> Decimal | None:
    try:
        found = Decimal(str(cost["monthly"])) if cost else None
    except InvalidOperation:
        return None
    return found if found is not None and found.is_finite() else None


def _cost_today(project: Project, name: str) -> dict[str, Any] | None:
    from cli._smoke_outputs import cost_of
    from modules.environment.loader import load_environment

    try:
        return cost_of(project, load_environment(project, name))
    except InfraError as error:
        note(f"warning: {name} cannot be priced as it is today: {error.what}")
        return None
