"""What Kafka and its dead-letter topics tell, and what is said when they refuse."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import KafkaError

from modules.environment.model import Environment
from modules.project import Project
from modules.status.dead_letters import DeadLettersCollector, reason_of, remember_seen
from modules.status.kafka import KafkaCollector
from modules.status.readings import DeadLetters, Missing, Part
from tests.status.sources import Ask


def read_kafka(environment: Environment, ask: Any) -> Part:
    return KafkaCollector(environment, ask, pause=lambda _: None).read()


def test_topics_replicas_and_lag_are_read(environment: Environment) -> None:
    part = read_kafka(environment, Ask())
    assert part.missing == () and part.brokers[0].controller
    assert [topic.name for topic in part.topics][-2:] == ["_infra_smoke", "_infra_smoke.dlq"], "last, not first"
    assert (part.topics[0].under_replicated, part.topics[0].events) == ((0,), 7)
    assert (part.lags[0].group, part.lags[0].lag) == ("sink-order-events", 4)
    assert part.lags[0].waiting_seconds == pytest.approx(30, abs=5)


def test_a_group_that_may_not_be_seen_names_the_right(environment: Environment) -> None:
    part = read_kafka(environment, Ask(committed=KafkaError.GROUP_AUTHORIZATION_FAILED))
    assert part.missing[0] == Missing(
        "lag of group sink-order-events", "User:admin may not see it", "Describe on group sink-order-events"
    )
    assert part.topics and not part.lags


def test_messages_that_may_not_be_read_leave_the_lag(environment: Environment) -> None:
    part = read_kafka(environment, Ask(messages=KafkaError.TOPIC_AUTHORIZATION_FAILED))
    assert part.missing == (Missing("how long events wait", "User:consumer may not see it", "Read on the topic"),)
    assert part.lags[0].lag == 4 and part.lags[0].waiting_seconds is None


def test_brokers_that_do_not_answer_are_down_not_missing_alone(environment: Environment) -> None:
    part = read_kafka(environment, Ask(metadata=KafkaError._TRANSPORT))
    assert [(each.what, each.up) for each in part.reached] == [("kafka", False)]
    assert "Kafka does not answer" in part.missing[0].why


def test_dead_letters_are_counted_with_their_reasons_and_clear_when_seen(
    environment: Environment, tmp_path: Path
) -> None:
    project = Project(tmp_path)
    collector: Any = DeadLettersCollector(environment, project, Ask())  # type: ignore[arg-type]
    letters = collector.read().dead_letters[0]
    assert (letters.topic, letters.count, letters.fresh) == ("order-events.dlq", 7, 2)
    assert (letters.reasons[0].reason, letters.reasons[0].error) == ("undecodable", "bad bytes")
    assert remember_seen(project, environment.name, [letters]) == 2
    assert collector.read().dead_letters[0].fresh == 0


def test_a_file_of_seen_ones_that_is_broken_makes_them_count_again(environment: Environment, tmp_path: Path) -> None:
    project = Project(tmp_path)
    remember_seen(project, environment.name, [DeadLetters("order-events.dlq", 7, 2, ends={0: 9})])
    (file,) = tmp_path.rglob("dead-letters-seen.json")
    file.write_text("{")
    collector: Any = DeadLettersCollector(environment, project, Ask())  # type: ignore[arg-type]
    assert collector.read().dead_letters[0].fresh == 2


def test_reasons_of_kafka_connect_are_read_too() -> None:
    told: list[tuple[str, bytes | None]] = [
        ("__connect.errors.stage", b"VALUE_CONVERTER"),
        ("__connect.errors.exception.class.name", b"org.apache.kafka.connect.errors.DataException"),
        ("__connect.errors.exception.message", b"Unknown magic byte!"),
    ]
    assert reason_of(told) == ("DataException in VALUE_CONVERTER", "Unknown magic byte!")
    assert reason_of([]) == ("no reason given", "the message has no headers that say why")
