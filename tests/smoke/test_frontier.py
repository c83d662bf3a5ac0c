"""Latency against cost: who is on the frontier, what a millisecond costs, and laptops apart."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from typer.testing import CliRunner

from cli.smoke import app
from cli.smoke_frontier import points_of
from modules.cost.overlay import project_book
from modules.cost.report import report
from modules.environment.loader import load_environment
from modules.errors import ConfigError
from modules.project import Project
from modules.smoke.frontier import Point, frontier, frontier_json
from modules.smoke.history import keep
from tests.smoke.runs import run_of

RUN = run_of(1200, name="base")


def point(name: str, milliseconds: float, monthly: str | None, *, stand_in: bool = False, exact: bool = True) -> Point:
    cost = None if monthly is None else Decimal(monthly)
    return Point(name, "x", milliseconds, cost, "USD", exact, stand_in, "200/s of 142 B", "2026-11-01T00:00:00+00:00")


def test_who_is_beaten_is_off_the_frontier_and_neighbours_say_what_a_millisecond_costs() -> None:
    found = frontier(
        [point("c", 500, "900"), point("a", 3000, "100"), point("b", 1000, "400"), point("d", 1200, "450")]
    )
    assert [one.environment for one in found.points] == ["a", "b", "d", "c"]
    assert [one.environment for one in found.best] == ["a", "b", "c"]
    assert [(step.saved_ms, step.more, step.per_ms) for step in found.steps] == [
        (2000, Decimal(300), Decimal("0.15")), (500, Decimal(500), Decimal(1)),
    ]  # fmt: skip


def test_laptops_never_meet_money_and_what_has_no_price_is_not_free() -> None:
    found = frontier([point("laptop", 5, "0", stand_in=True), point("a", 3000, "100"), point("odd", 10, None)])
    assert [one.environment for one in found.points] == ["a"] and found.steps == ()
    assert [one.environment for one in found.unpriced] == ["odd"]
    data = frontier_json(found, "row_visible", "p95")
    assert [each["monthly"] for each in data["stand_ins"]] == [None]


def test_a_step_between_costs_that_are_not_wholly_known_says_so() -> None:
    found = frontier([point("a", 3000, "100", exact=False), point("b", 1000, "400")])
    assert not found.steps[0].exact


@given(some.lists(some.tuples(some.integers(1, 9), some.integers(1, 9)), min_size=1, max_size=12))
def test_the_frontier_is_what_nothing_beats(places: list[tuple[int, int]]) -> None:
    """Beside the definition: no other point is as cheap and as fast, and better in one of both."""
    points = [point(str(index), ms, str(cost)) for index, (ms, cost) in enumerate(places)]
    best = {(one.milliseconds, one.monthly) for one in frontier(points).best}
    unbeaten = {
        (ms, Decimal(cost))
        for ms, cost in places
        if not any(a <= ms and b <= cost and (a, b) != (ms, cost) for a, b in places)
    }
    assert best == unbeaten


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    folder = tmp_path / "environments"
    folder.mkdir()
    workload = "workload: {ingress: 1GB/day, message_size: 1KiB}\n"
    for name, rest in {
        "local": "platform: local\n",
        "cheap": "platform: confluent\nconfluent: {tier: basic, region: us-east-1}\n",
        "fast": "platform: confluent\nconfluent: {tier: standard, region: us-east-1}\n",
    }.items():
        (folder / f"{name}.yaml").write_text(rest + workload)
    monkeypatch.setenv("INFRA_PROJECT", str(tmp_path))
    return Project(tmp_path)


def measured(project: Project, name: str, p95: float, *, day: int = 1, cost: dict[str, Any] | None = None) -> None:
    """Keep a run with that figure, as `infra smoke` does."""
    from cli._smoke_outputs import cost_of

    environment = load_environment(project, name)
    stages = {**RUN["stages"], "row_visible": {**RUN["stages"]["row_visible"], "p95_ms": p95}}
    document = {
        **RUN, "environment": name, "platform": environment.platform, "stand_in": environment.platform == "local",
        "started": f"2026-11-{day:02d}T10:00:00+00:00", "stages": stages,
    }  # fmt: skip
    keep(project, document, {"cost": cost or cost_of(project, environment)})


def test_each_environment_has_its_newest_figure_and_the_cost_that_infra_cost_reports(project: Project) -> None:
    measured(project, "cheap", 9000, day=1)
    measured(project, "cheap", 3000, day=2)
    measured(project, "local", 100)
    made = {one.environment: one for one in points_of(project, [], "row_visible", "p95")}
    assert set(made) == {"cheap", "local"}
    cheap = made["cheap"]
    known = report(load_environment(project, "cheap"), project_book(project)).total
    assert (cheap.milliseconds, cheap.runs, cheap.monthly, cheap.exact) == (3000, 2, known.least, known.exact)
    assert made["local"].stand_in


def test_a_variant_that_is_no_more_keeps_the_cost_of_when_it_was_measured(project: Project) -> None:
    measured(project, "cheap", 3000, day=1)
    file = project.environments / "cheap.yaml"
    file.write_text(file.read_text().replace("basic", "standard"))
    measured(project, "cheap", 1000, day=2)
    old, new = points_of(project, ["cheap"], "row_visible", "p95")
    assert old.variant.startswith("Confluent Basic") and new.variant.startswith("Confluent Standard")
    assert (old.as_measured, new.as_measured) == (True, False)
    assert old.monthly is not None and new.monthly is not None and old.monthly < new.monthly


def test_the_command_sets_clouds_against_money_and_the_laptop_apart(project: Project) -> None:
    measured(project, "cheap", 3000)
    measured(project, "fast", 1000)
    measured(project, "local", 100)
    done = CliRunner().invoke(app, ["frontier"], env={"COLUMNS": "120"})
    assert done.exit_code == 0
    clouds, laptop = done.output.split("Stand-in")
    assert "A → B: 2.00 s less for $" in clouds and "a millisecond" in clouds
    assert "local" not in clouds and "$" not in laptop and "no cloud's latency" in laptop


def test_json_and_page_have_the_same_values(project: Project, tmp_path: Path) -> None:
    measured(project, "cheap", 3000)
    measured(project, "fast", 1000)
    found = json.loads(CliRunner().invoke(app, ["frontier", "--json"]).output)
    assert [one["ms"] for one in found["points"]] == [3000, 1000]
    (step,) = found["steps"]
    costs = [Decimal(one["monthly"]) for one in found["points"]]
    assert Decimal(step["per_ms"]) == ((costs[1] - costs[0]) / 2000).quantize(Decimal("0.0001"))
    page = tmp_path / "frontier.html"
    CliRunner().invoke(app, ["frontier", "--html", str(page)])
    assert 'data-path="/points/1/ms"' in page.read_text()


def test_with_laptops_alone_it_says_that_there_is_nothing_to_set_against_money(project: Project) -> None:
    measured(project, "local", 100)
    output = CliRunner().invoke(app, ["frontier"]).output
    assert output.startswith("no cloud was measured from this machine yet") and "Stand-in" in output


def test_without_any_run_it_says_how_to_measure_one(project: Project) -> None:
    output = CliRunner().invoke(app, ["frontier"]).output
    assert output.strip() == "no run that knows row visible p95 is kept yet; measure one: infra smoke --env local"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--env", "chaep"], "there is no environment `chaep`"),
        (["--percentile", "p98"], "--percentile: there is no `p98`"),
    ],
)
def test_what_does_not_exist_is_refused(project: Project, arguments: list[str], words: str) -> None:
    done = CliRunner().invoke(app, ["frontier", *arguments])
    assert isinstance(done.exception, ConfigError) and words in str(done.exception)
