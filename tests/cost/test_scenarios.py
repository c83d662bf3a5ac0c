"""A low and a high month beside the expected one: what reports and comparisons say of them."""

from __future__ import annotations

import re
from decimal import Decimal

from modules.cost.compare import compare
from modules.cost.formats.parts import body_json
from modules.cost.report import report
from modules.cost.words import caveats, scenario_words
from modules.environment.model import Environment
from tests.cost.test_usage import DBT, environment

LOW = {"ingress": "100MB/day", "warehouse_hours_per_day": 0}
HIGH = {"ingress": "50GB/day", "warehouse_hours_per_day": 24}


def scenarios(**more: object) -> Environment:
    return environment(
        budget={"monthly": "900 USD"},
        workload={"ingress": "1GB/day", "readers": [DBT], "low": LOW, "high": HIGH, **more},
    )


def test_a_report_says_what_a_low_and_a_high_month_come_to() -> None:
    found = report(scenarios())
    low, high = found.months
    assert (low.name, high.name) == ("low", "high")
    assert low.total.least < found.total.least < high.total.least
    # an XSMALL for 730 h is $1,460, dbt's 194.67 h are $389.33
    assert high.total.least - found.total.least > Decimal("1460") - Decimal("389.34")
    (months,) = [each for each in caveats(found) if each.startswith("a low month")]
    assert months == (
        f"a low month {low.total} (100 MB a day); expected {found.total} (1 GB a day); "
        f"a high month {high.total} (50 GB a day)"
    )


def test_a_month_that_is_over_the_budget_is_said() -> None:
    assert "a high month is over the budget of $900.00" in caveats(report(scenarios()))
    assert not any("over the budget" in each for each in caveats(report(scenarios(high=LOW | {"ingress": "1GB/day"}))))


def test_a_month_that_does_not_fit_is_said_though_the_expected_one_does() -> None:
    its = environment("confluent", workload={"ingress": "1GB/day", "high": {"ingress": "200TB/day"}})
    found = report(its)
    assert found.fits
    assert any(each.startswith("in a high month it does not fit: ") for each in caveats(found))


def test_a_month_has_the_lines_of_its_own_environment() -> None:
    """100 MB a day are 3.041667 GB a month × 0.0037 × 2.00 = $0.022508, and no warehouse."""
    low = report(scenarios()).months[0]
    alone = report(environment(workload=LOW))
    assert low.total == alone.total
    assert alone.ingest == Decimal("0.022508")
    assert alone.warehouses == 0


def test_a_comparison_says_which_options_are_cheapest_then() -> None:
    found = compare(scenarios())
    low, high = scenario_words(found)
    assert low.startswith("in a low month (100 MB a day) the cheapest are ")
    totals = {row.report.title: row.report.months[1].total for row in found.rows}
    assert high.startswith("in a high month (50 GB a day) the cheapest are ")
    named = re.findall(r"([A-Z][A-Za-z0-9 ]+?) (?:≥ )?\$", high.partition(" are ")[2])
    assert len(named) == 3
    assert [totals[name].least for name in named] == sorted(totals[name].least for name in named)
    assert scenario_words(compare(environment(workload={"ingress": "1GB/day"}))) == []


def test_the_json_has_their_totals_by_name() -> None:
    found = report(scenarios())
    told = body_json(found)["monthly"]["scenarios"]
    assert list(told) == ["low", "high"]
    assert Decimal(told["high"]["at_least"]) == found.months[1].total.least
    assert body_json(report(environment()))["monthly"]["scenarios"] == {}
