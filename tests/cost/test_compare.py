"""The comparison as the load grows: what it says at 10 and 100 times is what an environment of that load costs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from modules.cost import compare, load_book
from modules.cost.catalog import OPTIONS, inputs_for, misfits, moved, option_of, sized
from modules.cost.compare import FACTORS, grown
from modules.cost.growth import Path as Along
from modules.cost.words import growth_words
from modules.environment.loader import load_environment
from modules.environment.model import Environment
from modules.project import Project
from tests.cost.support import ROOT, project_with, run

Capture = pytest.CaptureFixture[str]
Patch = pytest.MonkeyPatch

TEXT = """\
platform: msk
topics: {events: {partitions: 60, retention: 7d, value: {schema: schemas/order_events.avsc}, sink: {table: A.B.EVENTS}}}
connect: {kind: sink}
workload: {ingress: INGRESS}
"""


def environment(folder: Path, ingress: str = "1GB/day") -> Environment:
    root = project_with(folder, "e", TEXT.replace("INGRESS", ingress))
    return load_environment(Project(root), "e")


def test_every_platform_and_mode_is_there_once(tmp_path: Path) -> None:
    rows = compare(environment(tmp_path)).rows
    assert sorted(row.report.option for row in rows) == sorted(OPTIONS)
    assert {"confluent-enterprise", "confluent-freight", "confluent-dedicated"} <= {row.report.option for row in rows}


def test_fixed_and_usage_are_the_total_and_so_are_its_two_sides(tmp_path: Path) -> None:
    for row in compare(environment(tmp_path)).rows:
        its = row.report
        assert its.fixed.known + its.by_usage.known == its.total.known
        assert its.kafka.known + its.snowflake.known == its.total.known


def test_at_10_and_100_times_the_load_it_costs_what_an_environment_of_that_load_does(tmp_path: Path) -> None:
    base = environment(tmp_path)
    growth = grown(compare(base), base).growth
    assert growth is not None
    assert growth.factors == FACTORS == (1, 10, 100)
    for place, ingress in enumerate(("1GB/day", "10GB/day", "100GB/day")):
        rows = {row.report.option: row.report for row in compare(environment(tmp_path / str(place), ingress)).rows}
        for option, columns in growth.columns.items():
            if not columns[place].sized.changes and columns[place].total is not None:
                assert columns[place].total == rows[option].total, (option, ingress)


@pytest.mark.parametrize("factor", [3_000, 12_000, 40_000])
def test_where_the_given_size_is_too_small_it_is_priced_in_one_that_carries_the_load(
    tmp_path: Path, factor: int
) -> None:
    base = environment(tmp_path)
    usage = inputs_for(base, load_book()).usage.times(factor)
    resized = 0
    for option in OPTIONS.values():
        its = sized(option, usage, base)
        assert (own := option_of(its.environment)) is not None
        assert own.id == option.id, "another size of the same option"
        given = [each for each in misfits(option, usage, base) if not each.warns]
        if its.fits:
            assert not [each for each in option.check(usage, its.environment) if not each.warns]
            assert bool(its.changes) == bool(given)
            resized += bool(its.changes)
        else:
            assert given
        if not its.changes:
            assert its.environment == moved(base, option)
    assert resized


def test_options_change_places_at_the_loads_it_says(tmp_path: Path) -> None:
    base = environment(tmp_path)
    comparison = grown(compare(base), base)
    growth = comparison.growth
    assert growth is not None
    assert len(growth.crossovers) >= 3
    inputs = inputs_for(base, load_book())
    for crossing in growth.crossovers:
        over, under = (Along(OPTIONS[name], base, inputs) for name in (crossing.overtaker, crossing.overtaken))
        below, above = crossing.ingress * Decimal("0.998"), crossing.ingress * Decimal("1.0001")
        assert (over.cost(below) or 0) >= (under.cost(below) or 0)
        assert (over.cost(above) or 0) <= (under.cost(above) or 0)
        assert crossing.monthly == over.cost(crossing.ingress)
    places = [crossing.ingress for crossing in growth.crossovers]
    assert places == sorted(places)
    assert all(1 <= place / inputs.usage.bytes_per_second <= 100 for place in places)


def test_the_orders_at_the_columns_differ_by_exactly_the_crossovers_between_them(tmp_path: Path) -> None:
    """Replaying every crossover on the order at 1× gives the order at 100×."""
    base = environment(tmp_path)
    growth = grown(compare(base), base).growth
    assert growth is not None

    def order(place: int) -> list[str]:
        known = {name: columns[place].total for name, columns in growth.columns.items()}
        costs = {name: total.least for name, total in known.items() if total is not None and total.most is not None}
        return sorted(costs, key=lambda name: (costs[name], name))

    both = set(order(0)) & set(order(2))
    before, after = ([name for name in order(place) if name in both] for place in (0, 2))
    pairs = {(one, other) for at, one in enumerate(before) for other in before[at + 1 :]}
    for crossing in growth.crossovers:
        if {crossing.overtaker, crossing.overtaken} <= both:
            pairs.discard((crossing.overtaken, crossing.overtaker))
            pairs.add((crossing.overtaker, crossing.overtaken))
    assert pairs == {(one, other) for at, one in enumerate(after) for other in after[at + 1 :]}


def test_an_option_ends_where_no_size_of_it_carries_more(tmp_path: Path) -> None:
    base = environment(tmp_path, "5MB/s")
    comparison = grown(compare(base), base)
    growth = comparison.growth
    assert growth is not None
    reach = growth.reach["confluent-basic"]
    assert reach is not None
    # Basic: 50 eCKU of 5 MB/s in and 15 out, held against the peak
    peak = inputs_for(base, load_book()).usage.peak_to_mean
    assert Decimal("0.998") < reach * peak / (50 * 5 * 10**6) <= 1
    assert growth.columns["confluent-basic"][2].total is None
    assert any(text.startswith("Confluent Basic carries up to ") for text in growth_words(comparison))


def test_json_and_csv_and_markdown_have_the_growth_and_every_option(
    tmp_path: Path, monkeypatch: Patch, capsys: Capture
) -> None:
    project = project_with(tmp_path, "e", TEXT.replace("INGRESS", "1GB/day"))
    for form in ("--json", "--csv", "--markdown"):
        code, out, err = run(monkeypatch, capsys, project, "cost", "compare", "--env", "e", form)
        assert (code, err) == (0, "")
        for option in OPTIONS.values():
            assert option.name in out
        if form == "--json":
            assert json.loads(out)["growth"]["crossovers"]


@pytest.mark.parametrize("width", [80, 100, 120, 140])
def test_the_table_keeps_to_the_terminal_and_no_amount_is_cut(
    tmp_path: Path, monkeypatch: Patch, capsys: Capture, width: int
) -> None:
    from cli.main import main

    project = project_with(tmp_path, "e", TEXT.replace("INGRESS", "20GB/day"))
    monkeypatch.setenv("INFRA_PROJECT", str(project))
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("NO_COLOR", "1")
    assert main(["cost", "compare", "--env", "e"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= width
    head = next(line for line in lines if "fixed" in line)
    rows = [
        line for line in lines if any(f" {option.name} " in line[:26] and line[0] == " " for option in OPTIONS.values())
    ]
    assert len(rows) == len(OPTIONS)
    assert head.split()[-1] in ("100×", "tutorial")
    assert all(row.count("$") + row.count("✗") >= 6 for row in rows)


def test_the_comparison_starts_without_what_it_does_not_need() -> None:
    program = (
        "import sys\nfrom cli.main import main\nmain(['cost', 'compare', '--env', 'dev'])\n"
        "print(*[name for name in ('jinja2', 'plotext', 'hdrh', 'modules.charts', 'cli.cost_actual',"
        " 'modules.cost.sweep', 'modules.cost.refresh', 'modules.revisions') if name in sys.modules], file=sys.stderr)"
    )
    settings = {**os.environ, "INFRA_PROJECT": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=settings, cwd=ROOT)
    assert done.stderr.strip() == ""
