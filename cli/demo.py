"""`infra demo`: the whole pipeline on this machine, one stage after the other, each shown to work.

The stages are those a person would run by hand (`infra local up`, `deploy`, `produce`, a query, `plan`, `smoke`,
`cost compare`); this file only strings them together and keeps the score.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli._options import JsonOption
from cli._output import note, print_json, stdout

if TYPE_CHECKING:
    from cli._deployment import Target
    from modules.smoke import SmokeResult

__all__ = ["app"]

app = typer.Typer(rich_markup_mode=None, add_completion=False)

ENVIRONMENT = "local"
ROWS_SECONDS = 60.0


@dataclass
class Score:
    """What each stage found, in the order they ran."""

    stages: list[dict[str, Any]] = field(default_factory=list)

    @contextmanager
    def stage(self, name: str) -> Iterator[dict[str, Any]]:
        """Time a stage; its body fills in `found`. A stage that raises ends the demo with that error."""
        note(f"▸ {name}")
        entry: dict[str, Any] = {"stage": name, "ok": False, "found": ""}
        self.stages.append(entry)
        began = time.monotonic()
        try:
            yield entry
        finally:
            entry["seconds"] = round(time.monotonic() - began, 1)

    @property
    def green(self) -> bool:
        return all(stage["ok"] for stage in self.stages)


@app.command(epilog="Examples:  infra demo  ·  infra demo --events 5000 --rate 500  ·  infra demo --json")
def demo(
    events: Annotated[int, typer.Option("--events", min=1, help="Order events to send and query back.")] = 1000,
    rate: Annotated[float, typer.Option("--rate", min=1, help="Events a second during the smoke test.")] = 200,
    json: JsonOption = False,
) -> None:
    """Everything at once: local platform, deploy, produce, query, plan again, smoke, cost. Leaves the platform up."""
    from cli._services import show_progress
    from modules.environment import load_environment
    from modules.local.extras import asked
    from modules.local.platform import up
    from modules.project import find_project

    score = Score()
    project = find_project()
    environment = load_environment(project, ENVIRONMENT)
    with score.stage("local platform: Kafka, Schema Registry, Snowflake stand-in") as found:
        with show_progress() as progress:
            endpoints = up(project, environment.local, progress, asked(environment))
        found.update(ok=True, found=f"Kafka {endpoints.kafka_bootstrap}, all on loopback")
    target = _deploy(score)
    ids = _produce(score, target, events)
    _query(score, target, ids)
    _plan_again(score, target)
    smoke = _smoke(score, target, rate)
    report = _cost(score, target)
    _show(score, smoke, report, as_json=json)
    raise typer.Exit(0 if score.green else 1)


def _deploy(score: Score) -> Target:
    from cli._deployment import deployment_of, open_target, start_carrying
    from cli._progress import live_progress

    target = open_target(ENVIRONMENT)
    with score.stage("deploy: four stacks with Terraform, then the sink") as found:
        with live_progress() as progress:
            deployment = deployment_of(target, progress)
            planned = deployment.plan()
            result = deployment.apply(planned)
        start_carrying(target)
        added, changed = sum(each.added for each in result.stacks), sum(each.changed for each in result.stacks)
        found.update(ok=True, found=f"{added} added, {changed} changed, sink running")
    return target


def _produce(score: Score, target: Target, count: int) -> list[str]:
    """Send events and return their ids."""
    from cli.produce import Display
    from modules.producer import OrderEvents, produce

    ids: list[str] = []

    def remembered() -> Iterator[Mapping[str, Any]]:
        for event in OrderEvents(time.time_ns() % 1_000_000, start=datetime.now(UTC)):
            ids.append(str(event["event_id"]))
            yield event

    with score.stage(f"produce: {count:,} order events, Avro, acks=all") as found:
        with Display(count) as display:
            result = produce(target.environment, target.platform, remembered(), count=count, on_progress=display.update)
        found.update(ok=result.complete, found=f"{result.delivered:,} delivered, {result.failed} failed")
    return ids[:count]


def _query(score: Score, target: Target, ids: list[str]) -> None:
    """Ask the warehouse for these very events until all are rows, or a minute has gone."""
    from modules.warehouse.connection import connect

    table = next(topic.sink.table for topic in target.environment.topics.values() if topic.sink)
    with score.stage("query: the same events as rows in the warehouse") as found:
        deadline = time.monotonic() + ROWS_SECONDS
        connection = connect(target.platform.snowflake_client("admin"), target.project)
        try:
            while True:
                rows, distinct = _count(connection, table, ids)
                if distinct >= len(ids) or time.monotonic() > deadline:
                    break
                time.sleep(0.2)
        finally:
            connection.close()
        found.update(
            ok=rows == distinct == len(ids),
            found=f"{distinct:,} distinct rows of {len(ids):,}, {rows - distinct} twice",
        )


def _count(connection: Any, table: str, ids: list[str]) -> tuple[int, int]:
    """(rows, distinct rows) among the events with these ids."""
    rows = distinct = 0
    for start in range(0, len(ids), 1000):
        some = ids[start : start + 1000]
        marks = ", ".join(["%s"] * len(some))
        # The table's name comes from the checked YAML; the values are bound.
        query = f"SELECT COUNT(*), COUNT(DISTINCT EVENT_ID) FROM {table} WHERE EVENT_ID IN ({marks})"  # noqa: S608
        found = connection.cursor().execute(query, some).fetchone()
        rows, distinct = rows + int(found[0]), distinct + int(found[1])
    return rows, distinct


def _plan_again(score: Score, target: Target) -> None:
    from cli._deployment import deployment_of

    with score.stage("plan again: nothing left to change") as found:
        planned = deployment_of(target).plan()
        total = sum(planned.counts.values())
        found.update(ok=not planned.has_changes, found="no changes" if not total else f"{total} changes")


def _smoke(score: Score, target: Target, rate: float) -> SmokeResult:
    from cli._smoke_outputs import keep_run
    from cli.smoke import SmokeScreen
    from modules.smoke import LoadPlan, SmokeOptions, run_smoke
    from modules.smoke.document import to_json
    from modules.smoke.stats import duration

    with score.stage("smoke: latency from the intended send time to the queryable row") as found:
        options = SmokeOptions(LoadPlan(rate=rate, count=1000, warmup=200))
        with SmokeScreen() as screen:
            result = run_smoke(target.environment, target.project, target.platform, options, screen.show)
        keep_run(target.project, target.environment, to_json(result))
        visible = result.stage("row_visible").summary
        p50 = duration(visible.quantile("p50").nanoseconds)
        found.update(ok=result.met, found=f"SLOs {result.verdict.outcome}, {visible.n:,} rows measured, p50 {p50}")
    return result


def _cost(score: Score, target: Target) -> Any:
    from modules.cost import compare
    from modules.cost.overlay import project_book

    with score.stage("cost: the same workload on Confluent, MSK and Redpanda") as found:
        report = compare(target.environment, project_book(target.project))
        found.update(ok=True, found="list prices, see the table")
    return report


def _show(score: Score, smoke: SmokeResult, report: Any, *, as_json: bool) -> None:
    from cli.cost import comparison_json, comparison_table
    from modules.smoke.document import to_json
    from modules.smoke.report import to_text

    if as_json:
        print_json(
            {
                "version": 1,
                "green": score.green,
                "stages": score.stages,
                "smoke": to_json(smoke),
                "cost": comparison_json(report),
            }
        )
        return
    typer.echo("")
    typer.echo(to_text(smoke, stdout().width))
    typer.echo("")
    comparison_table(report)
    from rich.table import Table

    table = Table(title="infra demo", title_justify="left", box=None, pad_edge=False)
    table.add_column("")
    table.add_column("stage")
    table.add_column("found")
    table.add_column("seconds", justify="right")
    for stage in score.stages:
        mark = "[green]✔[/]" if stage["ok"] else "[red]✘[/]"
        table.add_row(mark, stage["stage"], stage["found"], f"{stage['seconds']:.1f}")
    stdout().print(table)
    note(
        "The platform stays up: `infra local status`. To leave nothing behind: "
        "`infra destroy --env local && infra local down`."
    )
