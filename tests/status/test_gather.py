"""Collectors together: one that fails leaves the others, and what follows from two of them."""

from __future__ import annotations

import re
import threading
from dataclasses import fields
from typing import Any

from modules.connectors.status import ConnectorState, TaskState
from modules.environment.model import Environment
from modules.errors import ServiceError
from modules.status import readings
from modules.status.document import to_json
from modules.status.gather import Status, Watch, combine
from modules.status.lag import Positions, group_lag
from modules.status.readings import Channel, Missing, Part, TopicState
from modules.status.rules import Finding
from tests.status.sources import NOW, REPOSITORY


class Fake:
    def __init__(self, name: str, answer: Any) -> None:
        self.name = name
        self._answer = answer

    def read(self) -> Part:
        found: Part = self._answer()
        return found

    def close(self) -> None:
        pass


def test_one_that_fails_or_hangs_leaves_the_others(environment: Environment) -> None:
    held = threading.Event()

    def refused() -> Part:
        raise ServiceError("it says no", where="there", do="ask again")

    def unforeseen() -> Part:
        raise RuntimeError("who knows")

    def hangs() -> Part:
        held.wait(30)
        return Part()

    parts = [
        Fake("good", lambda: Part(missing=(Missing("a", "b"),))),
        Fake("refused", refused),
        Fake("unforeseen", unforeseen),
        Fake("hangs", hangs),
    ]
    watch = Watch(environment, parts, seconds=0.5)
    try:
        status = watch.look()
        again = watch.look()
    finally:
        held.set()
    assert status.found.missing == (
        Missing("a", "b"),
        Missing("refused", "there: it says no", "ask again"),
        Missing("unforeseen", "RuntimeError: who knows"),
        Missing("hangs", "no answer in 0.5 s"),
    )
    assert again.found.missing == status.found.missing, "and is not asked twice at once"


def test_a_poisoned_message_at_the_end_is_dealt_with_though_it_has_no_token() -> None:
    still = Positions(1, {0: 10}, {0: 0}, {0: 10})
    part = combine(
        Part(
            topics=(TopicState("t", 1, 1, (), (), {0: 10}),),
            lags=(group_lag("g", "t", still, still),),
            channels=(Channel("t", "A.B.T", 0, 8),),
        )
    )
    assert (part.channels[0].behind, part.tables[0].freshness_seconds) == (0, 0.0)


def test_freshness_is_the_age_of_the_oldest_event_without_a_row() -> None:
    now = Positions(1, {0: 10}, {0: 0}, {0: 4})
    part = combine(
        Part(
            topics=(TopicState("t", 1, 1, (), (), {0: 10}),),
            lags=(group_lag("g", "t", now, now, waiting_seconds=12.0),),
            channels=(Channel("t", "A.B.T", 0, 5),),
        )
    )
    assert (part.tables[0].behind, part.tables[0].freshness_seconds) == (4, 12.0)


def test_every_field_of_the_json_is_documented() -> None:
    documented = set(re.findall(r"`([a-z_]+)`", (REPOSITORY / "docs" / "status.md").read_text().split("## JSON")[1]))
    records = [
        readings.Age, readings.Broker, readings.Channel, readings.Credits, readings.DeadLetters, readings.GroupLag,
        readings.Measured, readings.Missing, readings.Part, readings.PartitionLag, readings.Reached, readings.Reason,
        readings.Registry, readings.Table, readings.TopicState, ConnectorState, TaskState, Finding,
    ]  # fmt: skip
    written = {each.name for record in records for each in fields(record)}
    top = to_json(Status("e", "local", NOW, 0.1, Part(), (), ()))
    assert not (written | set(top)) - documented
