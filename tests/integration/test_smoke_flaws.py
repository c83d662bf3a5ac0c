"""Lost, duplicated, reordered and corrupted messages, injected between two topics of a real broker, counted exactly.

The run sends to one topic and receives from another; in between, a relay carries each message over and does to some of
them what a pipeline must never do. What it did is what the run has to find.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from modules.smoke.engine import Engine, Transports
from modules.smoke.figures import StageResult, results
from modules.smoke.kafka import KafkaReceiving, KafkaSending
from modules.smoke.load import LoadPlan
from modules.smoke.transport import SEQUENCE_HEADER, monotonic
from tests.integration.conftest import RunningPlatform
from tests.smoke.virtual import Numbered

pytestmark = [pytest.mark.platform, pytest.mark.timeout(300)]

FRONT, BACK = "flaws-in", "flaws-out"
COUNT, WARMUP = 2000, 100
RUN = "f1a350000000"


@dataclass
class Misdeeds:
    """Which events the relay mistreats, by number."""

    lose: set[int] = field(default_factory=set)
    double: set[int] = field(default_factory=set)
    corrupt: set[int] = field(default_factory=set)
    delay_past_next: set[int] = field(default_factory=set)
    """Passed on only after the next event with the same key."""


class EvilRelay(threading.Thread):
    """Carries messages from one topic's only partition to the other's, in order but for what it is told to do."""

    def __init__(self, settings: dict[str, Any], misdeeds: Misdeeds) -> None:
        super().__init__()
        self.stop = threading.Event()
        self.carried = 0
        self._misdeeds = misdeeds
        self._kept: dict[bytes, Any] = {}
        self._producer = Producer({**settings, "linger.ms": 0, "acks": "all"})
        self._consumer = Consumer({**settings, "group.id": "evil", "enable.auto.commit": False})
        _, end = self._consumer.get_watermark_offsets(TopicPartition(FRONT, 0), timeout=10)
        self._consumer.assign([TopicPartition(FRONT, 0, end)])

    def run(self) -> None:
        while not self.stop.is_set():
            message = self._consumer.poll(0.05)
            if message is not None and message.error() is None:
                self._carry(message)
                self._producer.poll(0)
                self.carried += 1
        self._producer.flush()
        self._consumer.close()

    def _carry(self, message: Any) -> None:
        number, misdeeds = int(dict(message.headers())[SEQUENCE_HEADER]), self._misdeeds
        if number in misdeeds.lose:
            return
        if number in misdeeds.delay_past_next:
            self._kept[message.key()] = message
            return
        value = message.value()
        self._pass(message, value + b"!" if number in misdeeds.corrupt else value)
        if number in misdeeds.double:
            self._pass(message, value)
        kept = self._kept.pop(message.key(), None)
        if kept is not None:
            self._pass(kept, kept.value())

    def _pass(self, message: Any, value: bytes) -> None:
        self._producer.produce(BACK, value, message.key(), partition=0, headers=message.headers())


@pytest.fixture(scope="module")
def settings(local_platform: RunningPlatform) -> Iterator[dict[str, Any]]:
    from modules.platforms import platform_for

    found = platform_for(local_platform.environment, local_platform.project).kafka_client("admin")
    admin = AdminClient(found)
    for made in admin.create_topics([NewTopic(FRONT, 1, 1), NewTopic(BACK, 1, 1)]).values():
        made.result(20)
    yield found
    for gone in admin.delete_topics([FRONT, BACK]).values():
        gone.result(20)


def consumed_through(settings: dict[str, Any], misdeeds: Misdeeds) -> StageResult:
    """A whole run over the relay; what it found at `consumed`.

    The deadline comes when the relay has done its work and nothing more arrives, however slow the machine is.
    """
    relay = EvilRelay(settings, misdeeds)
    sending, receiving = KafkaSending(settings, FRONT, RUN, 600), KafkaReceiving(settings, BACK, RUN, "test")
    jumped = 0
    idle: list[int] = []

    def watch() -> None:
        nonlocal jumped
        arrived = engine.ledger.stages["consumed"].arrived
        if relay.carried < plan.total or (idle and idle[-1] != arrived):
            idle.clear()
        idle.append(arrived)
        if len(idle) == 20:
            jumped = 2000 * 10**9

    try:
        receiving.ready(20)
        relay.start()
        plan = LoadPlan(rate=1000, count=COUNT, warmup=WARMUP)
        transports = Transports(Numbered(), sending, receiving)
        engine = Engine(plan, 1000 * 10**9, transports, clock=lambda: monotonic() + jumped)
        engine.run(watch)
    finally:
        relay.stop.set()
        relay.join()
        receiving.close()
        sending.close()
    acknowledged, consumed = results(engine.ledger, engine.deadline)
    assert (acknowledged.summary.n, acknowledged.summary.lost) == (COUNT, 0)
    return consumed


def test_lost_doubled_reordered_and_corrupted_messages_are_each_counted_exactly(settings: dict[str, Any]) -> None:
    # `Numbered` has ten keys in turn, so the next event of a key is ten later. None of the sets meets another.
    misdeeds = Misdeeds(
        lose=set(range(203, 1900, 97)),
        double=set(range(205, 1900, 83)) - set(range(203, 1900, 97)),
        corrupt={301, 702, 1404},
        delay_past_next={401, 812, 1203, 1504, 1715},
    )
    for one in (misdeeds.corrupt, misdeeds.delay_past_next):
        misdeeds.lose -= one | {number + 10 for number in one}
        misdeeds.double -= one | {number + 10 for number in one}
    consumed = consumed_through(settings, misdeeds)
    assert consumed.summary.lost == len(misdeeds.lose)
    assert consumed.summary.n == COUNT - len(misdeeds.lose)
    assert consumed.duplicated == len(misdeeds.double)
    assert consumed.out_of_order == len(misdeeds.delay_past_next)
    assert consumed.corrupted == len(misdeeds.corrupt)


def test_a_relay_that_does_its_work_is_found_to_do_it(settings: dict[str, Any]) -> None:
    consumed = consumed_through(settings, Misdeeds(lose={3}, double={4}, corrupt={5}))  # of the warm-up: not measured
    assert (consumed.summary.n, consumed.summary.lost) == (COUNT, 0)
    assert (consumed.duplicated, consumed.out_of_order, consumed.corrupted) == (0, 0, 0)
