"""On a screen a plan's sentences are wrapped under themselves, addresses are not; a pipe gets whole lines."""

from __future__ import annotations

import pytest

from cli._plan_view import _wrapped

SENTENCE = "warning: topics, kafka_topic.t: with 12 instead of 6 partitions keys move to other partitions"
RIGHTS = "  + User:consumer (consumer): Read: group refunds-*, topic refunds, topic refunds.dlq, topic orders"
ADDRESS = '  + warehouse: snowflake_grant_ownership.owner["KAFKA_CONNECTOR table STREAMING.PUBLIC.REFUNDS"]'


def test_sentences_are_wrapped_under_themselves() -> None:
    assert _wrapped(SENTENCE, 60) == [
        "warning: topics, kafka_topic.t: with 12 instead of 6",
        "    partitions keys move to other partitions",
    ]
    assert _wrapped(RIGHTS, 80) == [
        "  + User:consumer (consumer): Read: group refunds-*, topic refunds, topic",
        "      refunds.dlq, topic orders",
    ]


@pytest.mark.parametrize("line", [ADDRESS, f"{ADDRESS}  (values known later)", ADDRESS.replace("+", "!") + " is gone"])
def test_an_address_stays_whole(line: str) -> None:
    assert _wrapped(line, 40) == [line]


@pytest.mark.parametrize("line", [SENTENCE, RIGHTS, ADDRESS])
def test_a_pipe_gets_whole_lines(line: str) -> None:
    assert _wrapped(line, 0) == [line]
