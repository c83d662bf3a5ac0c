"""Waivers: how long they hold, what they cover, and what is said of those that no longer do anything."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from modules.environment.guards import Waiver
from modules.errors import ConfigError
from modules.guards import GuardReport, GuardsRefusedError
from modules.guards.facts import covers
from modules.guards.listing import listing
from tests.guards.cases import MSK, TOPIC, topic
from tests.guards.support import entry, judged, project_of

GONE = (entry("topics", TOPIC, "delete", topic()),)


def waived(root: Path, *waivers: str, today: date = date(2026, 11, 22)) -> GuardReport:
    lines = [*MSK, "guards:", "  waivers:", *(f"    - {{{each}}}" for each in waivers)]
    return judged(root, lines, *GONE, today=today)


ONE = f"guard: data-loss, address: '{TOPIC}', reason: moved in OPS-12, until: 2026-11-22, by: alice"


def test_a_waiver_lets_through_what_it_names_and_is_shown_with_it(tmp_path: Path) -> None:
    report = waived(tmp_path, ONE)
    assert report.refused == ()
    (result,) = report.waived
    assert result.severity == "refuse" and result.waiver is not None
    assert result.waiver.to_json() == {
        "guard": "data-loss",
        "address": TOPIC,
        "reason": "moved in OPS-12",
        "until": "2026-11-22",
        "by": "alice",
        "where": "environments/prod.yaml:7",
    }
    report.require()


@pytest.mark.parametrize(
    ("today", "holds"),
    [(date(2026, 11, 21), True), (date(2026, 11, 22), True), (date(2026, 11, 23), False), (date(2027, 1, 1), False)],
)
def test_a_waiver_holds_through_its_last_day_and_not_after_midnight(today: date, holds: bool, tmp_path: Path) -> None:
    assert (waived(tmp_path, ONE, today=today).refused == ()) is holds


def test_a_waiver_of_more_than_90_days_is_an_error_with_its_line(tmp_path: Path) -> None:
    assert waived(tmp_path, ONE, today=date(2026, 8, 24)).refused == ()
    other = "guard: budget, reason: later, until: 2027-11-22"
    with pytest.raises(ConfigError) as caught:
        waived(tmp_path, ONE, other, today=date(2026, 8, 23))
    assert str(caught.value).splitlines() == [
        "environments/prod.yaml:7: the waiver of data-loss runs until 2026-11-22, and one holds for 90 days at most",
        "  environments/prod.yaml:8: the waiver of budget runs until 2027-11-22",
        "  → write a day up to 2026-11-21, and look at it again then",
    ]


def test_an_expired_waiver_is_said_with_its_line_where_it_would_have_helped(tmp_path: Path) -> None:
    report = waived(tmp_path, ONE, today=date(2026, 11, 23))
    with pytest.raises(GuardsRefusedError) as caught:
        report.require()
    assert (
        f"environments/prod.yaml:7: the waiver of data-loss for {TOPIC} expired on 2026-11-22; "
        "what it let through counts again"
    ) in caught.value.details


def test_a_waiver_that_matches_nothing_any_more_is_said(tmp_path: Path) -> None:
    report = waived(
        tmp_path, ONE, "guard: data-loss, address: 'kafka_topic.topic[\"old\"]', reason: x, until: 2027-02-01"
    )
    (note,) = [each for each in report.notes if each.kind == "unused"]
    assert note.where == "environments/prod.yaml:8"
    assert note.message == (
        'the waiver of data-loss for kafka_topic.topic["old"] matches nothing in this plan: take it out once it is done'
    )


def test_of_two_waivers_the_longer_one_counts_and_none_is_called_unused(tmp_path: Path) -> None:
    longer = ONE.replace("2026-11-22", "2027-01-30")
    report = waived(tmp_path, ONE, longer)
    assert report.waived[0].waiver is not None and report.waived[0].waiver.until == date(2027, 1, 30)
    assert [each.kind for each in report.notes] == ["expires-soon"]


def test_a_waiver_that_ends_soon_is_said_and_one_that_does_not_is_not(tmp_path: Path) -> None:
    soon = waived(tmp_path, ONE.replace("2026-11-22", "2026-12-06"))
    assert [each.message for each in soon.notes] == [f"the waiver of data-loss for {TOPIC} expires on 2026-12-06"]
    assert waived(tmp_path, ONE.replace("2026-11-22", "2026-12-07")).notes == ()


@pytest.mark.parametrize(
    ("pattern", "address", "fits"),
    [
        (TOPIC, TOPIC, True),
        ('kafka_topic.topic["order-*"]', TOPIC, True),
        ("kafka_topic.*", TOPIC, True),
        ("*", TOPIC, True),
        ('kafka_topic.topic["o"]', TOPIC, False),  # brackets are no character class
        ("kafka_topic.topic[a-z]", "kafka_topic.topica", False),
        ("kafka_topic", TOPIC, False),
        ("kafka?topic.*", TOPIC, False),
    ],
)
def test_a_star_stands_for_anything_and_all_else_for_itself(pattern: str, address: str, fits: bool) -> None:
    assert covers(pattern, address) is fits


def test_a_waiver_of_one_guard_does_not_cover_another(tmp_path: Path) -> None:
    report = waived(tmp_path, "guard: retention-reduced, address: '*', reason: x, until: 2027-02-01")
    assert [each.id for each in report.refused] == ["data-loss"]


def test_infra_guards_puts_what_ends_first_at_the_top_and_marks_it(tmp_path: Path) -> None:
    ends = ("2027-02-10", "2026-11-21", "2026-11-30")
    lines = [f"    - {{guard: data-loss, address: '*', reason: x, until: {each}}}" for each in ends]
    project, environment = project_of(tmp_path, *MSK, "guards:", "  waivers:", *lines)
    found = listing(environment, project, date(2026, 11, 22))
    assert [(each.waiver.until.isoformat(), each.expired, each.soon) for each in found.waivers] == [
        ("2026-11-21", True, False),
        ("2026-11-30", False, True),
        ("2027-02-10", False, False),
    ]
    assert found.remarks == ("environments/prod.yaml:8: the waiver of data-loss expired on 2026-11-21: take it out",)


def test_a_waiver_is_data_with_a_day() -> None:
    assert Waiver(guard="budget", reason="x", until="2026-12-31").until == date(2026, 12, 31)
