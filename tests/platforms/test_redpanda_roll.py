"""The steps between two brokers: what is to be done about a cluster that looks so."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from modules.platforms.redpanda_roll import Broker, ClearMaintenance, Decommission, Done, Health, View, Wait, next_step
from tests.platforms.redpanda_parts import MEMBERS, NAMES, WELL, WHOLE


def test_a_whole_cluster_is_done() -> None:
    assert next_step(WHOLE) == Done("the cluster is whole")


@pytest.mark.parametrize("started", [(), NAMES[:1], NAMES[:2]])
def test_until_all_seeds_are_started_there_is_no_cluster_to_wait_for(started: tuple[str, ...]) -> None:
    step = next_step(View(started, NAMES, None, None))
    assert isinstance(step, Done) and step.sure and "broker-3" in step.why


def test_silence_of_a_cluster_that_was_founded_is_no_forming() -> None:
    assert next_step(View(NAMES, NAMES, None, None)) == Wait("no broker answers")


def test_a_cluster_that_answers_is_looked_at_even_if_a_seed_is_missing() -> None:
    dead = (replace(MEMBERS[0], alive=False), *MEMBERS[1:])
    assert isinstance(next_step(View(NAMES[1:], NAMES, dead, WELL)), Wait)


def test_a_broker_that_is_not_back_is_waited_for() -> None:
    dead = (replace(MEMBERS[0], alive=False), *MEMBERS[1:])
    assert next_step(replace(WHOLE, brokers=dead)) == Wait("broker-1 has not joined")


def test_a_broker_the_others_hear_but_that_does_not_serve_yet_is_waited_for() -> None:
    view = replace(WHOLE, ready=frozenset(NAMES[1:]))
    assert next_step(view) == Wait("broker-1 is starting")


def test_an_id_the_others_still_believe_in_is_not_decommissioned() -> None:
    brokers = (*MEMBERS, Broker(3, "broker-1", alive=True))
    step = next_step(replace(WHOLE, brokers=brokers))
    assert step == Wait("broker-1 is back as id 3, id 0 is not given up by the others yet")


def test_a_broker_that_kept_its_disk_keeps_its_id_and_nothing_is_decommissioned() -> None:
    assert next_step(replace(WHOLE, before="broker-2", risks={})) == Done("the cluster is whole")


def ghost(**changes: Any) -> View:
    """Broker 1 is back as id 3; id 0 is what is left of it."""
    old = replace(MEMBERS[0], alive=False, **changes)
    brokers = (old, *MEMBERS[1:], Broker(3, "broker-1", alive=True))
    return replace(WHOLE, brokers=brokers, health=Health(healthy=False, under_replicated=4))


def test_an_id_whose_broker_is_back_under_another_is_decommissioned() -> None:
    assert next_step(ghost()) == Decommission(0, "broker-1 is back as id 3")


def test_a_ghost_leaves_maintenance_first_or_it_would_keep_the_only_place() -> None:
    assert next_step(ghost(maintenance=True)) == ClearMaintenance(0)


def test_a_ghost_is_not_decommissioned_twice() -> None:
    assert next_step(ghost(draining=True)) == Wait("id 0 is being decommissioned: its replicas move")


def test_a_ghost_is_kept_while_partitions_have_no_leader() -> None:
    step = next_step(replace(ghost(), health=Health(healthy=False, leaderless=2)))
    assert step == Wait("2 partitions have no leader; id 0 is kept until they do")


def test_two_ghosts_go_one_after_the_other_the_oldest_first() -> None:
    brokers = (
        *(replace(each, alive=False) for each in MEMBERS[:2]),
        MEMBERS[2],
        Broker(3, "broker-2", alive=True),
        Broker(4, "broker-1", alive=True),
    )
    view = replace(WHOLE, brokers=brokers)
    assert next_step(view) == Decommission(0, "broker-1 is back as id 4")
    after = tuple(replace(each, draining=True) if each.id == 0 else each for each in brokers)
    assert isinstance(next_step(replace(view, brokers=after)), Wait)
    gone = tuple(each for each in brokers if each.id != 0)
    assert next_step(replace(view, brokers=gone)) == Decommission(1, "broker-2 is back as id 3")


def test_a_dead_broker_nobody_replaced_is_never_decommissioned() -> None:
    stranger = (*MEMBERS, Broker(9, "broker-9", alive=False))
    step = next_step(replace(WHOLE, brokers=stranger))
    assert step == Wait("id 9 at broker-9 is down, and no broker came back in its place")


def test_a_live_broker_left_in_maintenance_is_taken_out_of_it() -> None:
    drained = (*MEMBERS[:2], replace(MEMBERS[2], maintenance=True))
    assert next_step(replace(WHOLE, brokers=drained)) == ClearMaintenance(2)


def test_a_broker_that_leaves_for_good_is_decommissioned_alive() -> None:
    four = (*MEMBERS, Broker(3, "broker-4", alive=True))
    view = replace(WHOLE, brokers=four, leaving=frozenset({"broker-4"}))
    assert next_step(view) == Decommission(3, "broker-4 leaves for good")
    moving = replace(view, brokers=(*MEMBERS, replace(four[3], draining=True)))
    assert isinstance(next_step(moving), Wait)
    assert next_step(replace(view, brokers=MEMBERS)) == Done("the cluster is whole")


@pytest.mark.parametrize(
    ("health", "words"),
    [
        (Health(False, leaderless=1), "1 partitions without a leader"),
        (Health(True, under_replicated=3), "3 partitions with too few replicas"),
        (Health(False, reasons=("nodes down",)), "nodes down"),
        (Health(False), "it does not say why"),
    ],
)
def test_an_unhealthy_cluster_is_waited_for(health: Health, words: str) -> None:
    assert next_step(replace(WHOLE, health=health)) == Wait(f"the cluster is not healthy: {words}")


@pytest.mark.parametrize("risk", ["unavailable", "full_acks_produce_unavailable"])
def test_a_broker_whose_stop_would_hurt_is_not_touched_yet(risk: str) -> None:
    step = next_step(replace(WHOLE, before="broker-2", risks={risk: 2}))
    assert isinstance(step, Wait) and step.why.startswith("broker-2 cannot stop yet: 2 partitions")


def test_what_topics_without_copies_chose_is_no_reason_to_wait() -> None:
    view = replace(WHOLE, before="broker-2", risks={"rf1_offline": 5, "acks1_data_loss": 1})
    assert isinstance(next_step(view), Done)


def test_a_broker_that_does_not_answer_its_probe_is_not_touched() -> None:
    assert isinstance(next_step(replace(WHOLE, before="broker-2", risks=None)), Wait)


def test_the_probe_of_a_broker_that_is_yet_to_be_made_is_not_asked() -> None:
    assert isinstance(next_step(replace(WHOLE, before="broker-4")), Done)
