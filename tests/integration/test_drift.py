"""Drift on the local platform: what is changed outside through the services' own clients is found, all of it, and on an
untouched environment there is none. One environment, deployed once.

The suite makes all kinds of changes at once; one by one, each taken back, and fifty looks at an untouched environment
are in the long form.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.conftest import new_project
from tests.integration.drift_parts import CHANGES, HARMLESS, Change, Hand
from tests.integration.program import Infra, Ran

pytestmark = [pytest.mark.platform, pytest.mark.timeout(900)]

UNTOUCHED_LOOKS = 50


@pytest.fixture(scope="module")
def infra(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Infra]:
    infra = Infra(new_project(tmp_path_factory.mktemp("drift")))
    try:
        assert infra("local", "up").code == 0
        deployed = infra("deploy", "--env", "local", "--yes")
        assert deployed.code == 0, deployed.err
        yield infra
    finally:
        infra("local", "down")


@pytest.fixture(scope="module")
def hand(infra: Infra) -> Hand:
    return Hand(infra.project)


def look(infra: Infra, *arguments: str) -> Ran:
    ran = infra("drift", "--env", "local", "--json", *arguments)
    assert ran.code in (0, 2), ran.err
    return ran


def named(document: Any) -> set[tuple[str, ...]]:
    """(kind, what), and of changes (kind, what, attribute)."""
    found: set[tuple[str, ...]] = set()
    for each in document["drifts"]:
        what = (each["kind"], f"{each['type']} {each['name']}")
        found |= {(*what, attribute["path"]) for attribute in each["attributes"]} if each["attributes"] else {what}
    return found


def test_on_an_untouched_environment_there_is_no_drift(infra: Infra, hand: Hand) -> None:
    assert infra("produce", "--env", "local", "--count", "200").code == 0
    for change in HARMLESS:
        change.do(hand)
    ran = look(infra)
    assert (ran.code, ran.json["drifts"], ran.json["unlisted"]) == (0, [], [])
    assert ran.json["looked_at"] == ["cluster", "warehouse", "topics", "connect"]
    ignored = {(each["type"], each["name"]): each["rule"] for each in ran.json["ignored"]}
    assert ignored["topic", "__consumer_offsets"] == "kafka-internal"
    assert ignored["role", "SYSADMIN"] == "snowflake-roles"


def test_every_kind_of_outside_change_is_found_and_nothing_else(infra: Infra, hand: Hand) -> None:
    assert len(CHANGES) >= 20
    for change in CHANGES:
        change.do(hand)
    ran = look(infra)
    assert ran.code == 2
    assert named(ran.json) == {change.found for change in CHANGES}
    dropped = next(each for each in ran.json["drifts"] if each["name"] == "ANALYTICS.MARTS")
    assert 'snowflake_view.view["ANALYTICS.MARTS.ORDER_EVENTS_CURRENT"]' in dropped["with_it"]


@pytest.mark.soak
def test_the_outside_changes_are_adopted_or_taken_back_and_then_there_is_no_drift(infra: Infra, hand: Hand) -> None:
    """After the test before this one."""
    adopted = look(infra, "--adopt", "--yes").json["adopted"]
    assert adopted["still"] == [] and "environments/local.yaml" in adopted["written"]
    look(infra, "--revert", "--yes")
    for each in look(infra).json["drifts"]:
        take_away(hand, each)
    assert infra("deploy", "--env", "local", "--yes").code == 0
    assert look(infra).code == 0
    assert infra.plan().code == 0


@pytest.mark.soak
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.name)
def test_one_kind_of_outside_change_is_found_and_taken_back(infra: Infra, hand: Hand, change: Change) -> None:
    """After the tests before this one, which leave the environment as it is declared."""
    change.do(hand)
    ran = look(infra)
    assert named(ran.json) == {change.found}
    if change.found[0] == "unmanaged":
        take_away(hand, ran.json["drifts"][0])
    elif change.name == "partitions added":
        assert infra("drift", "--env", "local", "--adopt", "--yes").code == 0
    else:
        assert infra("drift", "--env", "local", "--revert", "--yes").code == 0
    left = look(infra)
    assert left.code == 0, left.out


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_fifty_looks_at_an_untouched_environment_report_nothing(infra: Infra) -> None:
    """After the tests before this one, with events flowing in between."""
    for number in range(UNTOUCHED_LOOKS):
        if number % 10 == 0:
            assert infra("produce", "--env", "local", "--count", "200").code == 0
        ran = look(infra)
        assert (ran.code, ran.json["drifts"], ran.json["unlisted"]) == (0, [], []), f"look {number}: {ran.out}"


def take_away(hand: Hand, drift: Any) -> None:
    """By the command that the report says, where it is SQL."""
    assert drift["kind"] == "unmanaged", drift
    if drift["type"] not in ("topic", "ACL", "subject"):
        hand.sql(drift["by_hand"])
        return
    found = ("unmanaged", f"{drift['type']} {drift['name']}")
    undo = next(change.undo for change in CHANGES if change.found == found)
    assert undo is not None
    undo(hand)
