"""A member that Kafka fences: by its own return after a broker was away it joins anew, by another sink it ends."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import KafkaError

from modules.connectors.sink import kafka
from modules.connectors.sink.kafka import Source
from modules.connectors.sink.settings import SinkSettings
from modules.environment.types import SecretRefValue
from modules.errors import SinkError
from modules.platforms.base import RegistryClient, SnowflakeClient
from modules.project import Project

FENCED = KafkaError(KafkaError.FENCED_INSTANCE_ID)
FATAL = KafkaError(
    KafkaError._FATAL, "Fatal error: Broker: Static consumer fenced by other consumer with same group.instance.id"
)
GONE = KafkaError(KafkaError._TRANSPORT)


class Member:
    """A consumer of the group as far as joining and leaving go."""

    def __init__(self) -> None:
        self.subscribed = self.closed = False

    def subscribe(self, topics: list[str], **callbacks: Any) -> None:
        self.subscribed = True

    def poll(self, timeout: float) -> None:
        assert not self.closed

    def incremental_assign(self, partitions: list[Any]) -> None: ...

    def close(self) -> None:
        self.closed = True


class Clock:
    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    its = Clock()
    monkeypatch.setattr(kafka, "time", its)
    return its


@pytest.fixture
def source(tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Callable[[], tuple[Source, list[Any]]]:
    def make() -> tuple[Source, list[Any]]:
        members: list[Any] = []
        lost: list[list[int]] = []
        settings = SinkSettings(
            "t", "D.S.T", "g", None, {}, RegistryClient("http://127.0.0.1:1"),
            SnowflakeClient("O", "A", "U", "R", SecretRefValue("env", "K"), "127.0.0.1"), "key", Project(tmp_path),
        )  # fmt: skip
        made = Source(settings, lambda _: None, lambda _: None, lost.append)
        monkeypatch.setattr(made, "_member", lambda partitions: members.append(Member()) or members[-1])
        made._join()
        return made, [members, lost]

    return make


@pytest.mark.parametrize("error", [FENCED, FATAL])
def test_after_a_broker_was_away_it_joins_anew_with_nothing_in_hand(source: Any, clock: Clock, error: Any) -> None:
    made, (members, lost) = source()
    made._assign(members[0], [type("P", (), {"partition": number})() for number in (0, 2)])
    made._on_error(GONE)
    clock.now += 5
    made._on_error(error)
    assert made.poll(0) == []
    assert (members[0].closed, members[1].subscribed, lost) == (True, True, [[0, 2]])


def test_without_a_broker_away_another_sink_took_over(source: Any, clock: Clock) -> None:
    made, (members, _) = source()
    made._on_error(FENCED)
    with pytest.raises(SinkError, match="another sink took over"):
        made.poll(0)
    assert len(members) == 1


def test_long_after_a_broker_was_away_it_is_another_sink_again(source: Any, clock: Clock) -> None:
    made, _ = source()
    made._on_error(GONE)
    clock.now += 61
    made._on_error(FENCED)
    with pytest.raises(SinkError, match="another sink took over"):
        made.poll(0)


def test_fenced_again_at_once_it_gives_way(source: Any, clock: Clock) -> None:
    made, (members, _) = source()
    made._on_error(GONE)
    made._on_error(FENCED)
    made.poll(0)
    clock.now += 3
    made._on_error(FENCED)
    with pytest.raises(SinkError, match="another sink took over"):
        made.poll(0)
    assert len(members) == 2
