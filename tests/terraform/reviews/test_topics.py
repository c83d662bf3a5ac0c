"""Reviews of topics: partitions and replication."""

from __future__ import annotations

import pytest

from tests.terraform.plans import entry, findings, topic


def test_more_partitions_warn_that_keys_move() -> None:
    (finding,) = findings(entry("kafka_topic", ["update"], topic(), topic(partitions=12)))
    assert finding.severity == "warn"
    assert "12 instead of 6 partitions keys move to other partitions" in finding.message


@pytest.mark.parametrize("actions", [["update"], ["delete", "create"]])
def test_fewer_partitions_are_refused_with_the_reason_whatever_terraform_would_do(actions: list[str]) -> None:
    finding = findings(entry("kafka_topic", actions, topic(), topic(partitions=3), key="order-events"))[0]
    assert finding.severity == "refuse"
    assert finding.address == 'kafka_topic.this["order-events"]'
    assert "from 6 down to 3" in finding.message and "Kafka cannot remove partitions" in finding.message
    assert "keep partitions at 6" in (finding.do or "")


def test_confluents_topic_is_judged_alike() -> None:
    before, after = ({"topic_name": "t", "partitions_count": count} for count in (6, 3))
    (finding,) = findings(entry("confluent_kafka_topic", ["update"], before, after))
    assert finding.severity == "refuse"


def test_a_changed_replication_factor_warns() -> None:
    (finding,) = findings(entry("kafka_topic", ["update"], topic(), topic(replication_factor=1)))
    assert finding.severity == "warn" and "from 3 to 1" in finding.message


def test_retention_alone_is_nothing_to_talk_about() -> None:
    assert findings(entry("kafka_topic", ["update"], topic(), topic(config={"retention.ms": "1"}))) == []
