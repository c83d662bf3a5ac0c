"""One partition's life: where reading begins, what is dead-lettered, what is done when.

The warehouse is a real HTTP server; Kafka is a list, since only positions matter here. The whole with a real broker is
in tests/integration.
"""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from modules.connectors.codec import PoisonError
from modules.connectors.sink.deadletter import DeadLetter
from modules.connectors.sink.metrics import Metrics
from modules.connectors.sink.partition import Done, PartitionWriter, Tools
from modules.connectors.sink.rows import Message
from modules.connectors.sink.settings import Batching, SinkSettings
from modules.connectors.sink.snowpipe import Snowpipe
from modules.errors import SinkError
from tests.sink.fake_snowpipe import FakeSnowpipe

NAME = "sink-order-events.order-events.0"


class JsonCodec:
    def decode(self, data: bytes) -> dict[str, Any]:
        try:
            record: dict[str, Any] = json.loads(data)
        except ValueError as error:
            raise PoisonError("undecodable", str(error)) from None
        return record


class Log:
    """A partition: its messages, what the group remembers, and the dead-letter topic."""

    def __init__(self, fake: FakeSnowpipe, settings: SinkSettings) -> None:
        self.fake = fake
        self.messages: list[Message] = []
        self.dead: list[DeadLetter] = []
        self.kept: tuple[int, str] | None = None
        self.looked_up: list[tuple[int, int]] = []
        self.settings = settings
        self.metrics = Metrics()

    def put(self, *values: bytes | None) -> None:
        for value in values:
            self.messages.append(Message(0, len(self.messages), b"k", value, len(self.messages)))

    def rows(self, count: int) -> None:
        self.put(*(json.dumps({"n": len(self.messages) + index}).encode() for index in range(count)))

    # What the writer sees of the world.
    def send(self, letters: list[DeadLetter]) -> None:
        self.dead += letters

    def committed(self, _partition: int) -> Done | None:
        return Done.parse(*self.kept) if self.kept else None

    def bounds(self, _partition: int) -> tuple[int, int]:
        return 0, len(self.messages)

    def find(self, _partition: int, first: int, last: int, _expected: int | None) -> list[Message]:
        self.looked_up.append((first, last))
        present = {row["RECORD_METADATA"]["offset"] for row in self.fake.rows}
        rows = [m for m in self.messages[first : last + 1] if m.value is not None and not m.value.startswith(b"!")]
        return [message for message in rows if message.offset not in present]

    def writer(self) -> PartitionWriter:
        tools: Any = Tools(
            self.settings,
            Snowpipe(self.settings),
            JsonCodec(),
            self,
            self,
            self.metrics,
            self.committed,
            self.bounds,  # type: ignore[arg-type]
        )
        return PartitionWriter(tools, 0, NAME)

    def keep(self, writer: PartitionWriter) -> None:
        """What a commit to Kafka keeps."""
        assert writer.done is not None
        self.kept = (writer.done.offset, writer.done.metadata)

    def begin(self, writer: PartitionWriter) -> None:
        """Open, and feed from where the writer says."""
        writer.step()
        assert writer.state == "opened"
        writer.run()
        for message in self.messages[writer.start :]:
            writer.offer(message)

    def confirm(self, writer: PartitionWriter) -> None:
        status = Snowpipe(self.settings).channel_statuses([NAME])
        writer.learn(writer.epoch, status.get(NAME))
        writer.step()

    def offsets(self) -> list[int]:
        return [row["RECORD_METADATA"]["offset"] for row in self.fake.rows]

    def dead_offsets(self) -> list[int]:
        return [letter.message.offset for letter in self.dead]


@pytest.fixture
def log(fake: FakeSnowpipe, settings: SinkSettings) -> Log:
    return Log(fake, settings)


def flush(writer: PartitionWriter) -> None:
    while writer.due(time.monotonic(), hurry=True):
        writer.step()


def test_all_messages_become_rows_and_are_done_only_when_committed(log: Log) -> None:
    log.fake.commit_at_once = False
    log.rows(10)
    writer = log.writer()
    log.begin(writer)
    flush(writer)
    log.confirm(writer)
    assert writer.done is not None and writer.done.offset == 0
    assert not writer.idle
    log.fake.commit()
    log.confirm(writer)
    assert writer.done.offset == 10
    assert writer.idle
    assert log.offsets() == list(range(10))


def test_reading_begins_after_the_committed_token_whatever_kafka_says(log: Log) -> None:
    log.rows(10)
    first = log.writer()
    log.begin(first)
    flush(first)
    # A crash here: the warehouse has all ten, Kafka knows nothing.
    second = log.writer()
    log.rows(5)
    log.begin(second)
    assert second.start == 10
    flush(second)
    assert log.offsets() == list(range(15))


def test_rows_that_were_not_committed_before_a_crash_are_read_again(log: Log) -> None:
    log.rows(4)
    first = log.writer()
    log.begin(first)
    flush(first)
    log.fake.commit_at_once = False
    log.rows(4)
    for message in log.messages[4:]:
        first.offer(message)
    flush(first)
    second = log.writer()
    log.fake.commit_at_once = True
    log.begin(second)
    assert second.start == 4
    flush(second)
    assert log.offsets() == list(range(8))


def test_a_channel_opened_by_another_client_is_reopened_and_nothing_doubles(log: Log) -> None:
    log.rows(6)
    writer = log.writer()
    log.begin(writer)
    flush(writer)
    log.fake.steal(NAME)
    log.rows(6)
    for message in log.messages[6:]:
        writer.offer(message)
    writer.step()
    assert writer.state == "opening"
    log.begin(writer)
    flush(writer)
    assert log.offsets() == list(range(12))
    assert log.metrics.reopenings == 1


def test_a_message_read_before_a_reopening_is_not_taken_after_it(log: Log) -> None:
    log.rows(3)
    writer = log.writer()
    writer.offer(log.messages[0])
    log.begin(writer)
    flush(writer)
    writer.offer(log.messages[1])
    assert not writer.due(time.monotonic(), hurry=True)


def test_poison_and_tombstones_go_to_the_dead_letter_topic_and_the_rest_to_the_table(log: Log) -> None:
    log.rows(2)
    log.put(b"!not json", None)
    log.rows(2)
    log.put(b"!at the end")
    writer = log.writer()
    log.begin(writer)
    flush(writer)
    log.confirm(writer)
    assert log.offsets() == [0, 1, 4, 5]
    assert [(letter.message.offset, letter.reason) for letter in log.dead] == [
        (2, "undecodable"),
        (3, "tombstone"),
        (6, "undecodable"),
    ]
    assert writer.done is not None and writer.done.offset == 7


def test_only_poison_moves_the_group_on_though_the_token_cannot_move(log: Log) -> None:
    log.put(b"!a", b"!b")
    writer = log.writer()
    log.begin(writer)
    flush(writer)
    assert writer.done is not None and writer.done.offset == 2
    log.keep(writer)
    again = log.writer()
    log.begin(again)
    flush(again)
    assert log.dead_offsets() == [0, 1]


def test_a_dead_letter_that_is_not_delivered_stops_the_token_before_it(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.put(b"!a")
    log.rows(2)
    writer = log.writer()
    log.begin(writer)

    def undeliverable(_letters: list[DeadLetter]) -> None:
        raise SinkError("the dead-letter topic did not take 1 of 1 messages")

    monkeypatch.setattr(log, "send", undeliverable)
    with pytest.raises(SinkError, match="did not take"):
        writer.step()
    assert log.fake.channels[NAME].committed is None


def test_refused_rows_are_dead_lettered_with_the_warehouses_words_before_they_are_done(log: Log) -> None:
    log.fake.refuse = lambda row: row["N"] in (3, 5)
    log.rows(8)
    writer = log.writer()
    log.begin(writer)
    flush(writer)
    log.confirm(writer)
    assert log.offsets() == [0, 1, 2, 4, 6, 7]
    assert log.dead_offsets() == [3, 5]
    assert {letter.reason for letter in log.dead} == {"refused-by-warehouse"}
    assert {letter.error for letter in log.dead} == {"Numeric value 'x' is not recognized"}
    assert writer.done == Done(8, log.fake.channels[NAME].created_ms, 2)


def test_refused_rows_of_before_a_crash_are_found_at_the_next_opening_and_only_once(log: Log) -> None:
    log.fake.refuse = lambda row: row["N"] in (3, 9)
    log.rows(8)
    first = log.writer()
    log.begin(first)
    flush(first)
    log.confirm(first)
    log.keep(first)
    log.rows(4)
    for message in log.messages[8:]:
        first.offer(message)
    flush(first)
    # A crash here: row 9 was refused, the token is past it, nobody has asked for the status yet.
    assert log.dead_offsets() == [3]
    second = log.writer()
    log.begin(second)
    assert log.dead_offsets() == [3, 9]
    assert log.looked_up[-1] == (8, 11)
    log.keep(second)
    third = log.writer()
    log.begin(third)
    assert log.dead_offsets() == [3, 9]


def test_nothing_is_looked_up_when_no_row_was_refused(log: Log) -> None:
    log.rows(8)
    first = log.writer()
    log.begin(first)
    flush(first)
    log.confirm(first)
    log.begin(log.writer())
    assert log.looked_up == []


def test_the_group_offset_of_a_channel_that_is_gone_is_not_believed(log: Log) -> None:
    log.rows(5)
    first = log.writer()
    log.begin(first)
    flush(first)
    log.confirm(first)
    log.keep(first)
    del log.fake.channels[NAME]
    time.sleep(0.002)
    second = log.writer()
    log.begin(second)
    assert second.start == 0
    flush(second)
    assert log.offsets() == list(range(5))


def test_an_offset_that_a_tool_has_set_is_not_believed(log: Log) -> None:
    log.rows(5)
    log.kept = (4, "")
    writer = log.writer()
    log.begin(writer)
    assert writer.start == 0


def test_a_token_past_the_end_of_the_partition_stops_the_sink(log: Log) -> None:
    log.rows(5)
    first = log.writer()
    log.begin(first)
    flush(first)
    log.messages.clear()
    with pytest.raises(SinkError, match="ends at 0"):
        log.writer().step()


def test_an_answer_lost_after_the_append_doubles_nothing(log: Log) -> None:
    log.rows(5)
    writer = log.writer()
    log.begin(writer)
    log.fake.failures = [(504, "GATEWAY_TIMEOUT", True)]
    writer.step()
    assert writer.state == "opening"
    log.begin(writer)
    assert writer.start == 5
    assert log.offsets() == list(range(5))


def test_a_status_asked_for_before_a_reopening_is_passed_over(log: Log) -> None:
    log.rows(5)
    writer = log.writer()
    log.begin(writer)
    flush(writer)
    old = writer.epoch
    log.fake.steal(NAME)
    log.rows(1)
    writer.offer(log.messages[5])
    writer.step()
    log.begin(writer)
    writer.learn(old, None)
    flush(writer)
    assert writer.state == "running"


def test_requests_stay_below_the_limit_of_bytes(log: Log, settings: SinkSettings) -> None:
    object.__setattr__(settings, "batching", Batching(linger=0.0, bytes=1_000, rows=10_000))
    log.put(*(json.dumps({"n": index, "pad": "x" * 200}).encode() for index in range(20)))
    log.put(json.dumps({"pad": "x" * 2_000}).encode())
    writer = log.writer()
    log.begin(writer)
    flush(writer)
    assert max(log.fake.bodies) <= 1_000
    assert log.offsets() == list(range(20))
    assert [letter.reason for letter in log.dead] == ["row-too-large"]


def test_a_full_buffer_asks_to_be_paused_and_a_half_empty_one_to_go_on(log: Log, settings: SinkSettings) -> None:
    object.__setattr__(settings, "batching", Batching(linger=0.0, rows=5, buffer_rows=10))
    log.rows(10)
    writer = log.writer()
    log.begin(writer)
    assert writer.full
    writer.step()
    assert not writer.full and writer.half_empty


def test_rows_wait_for_the_linger_unless_the_batch_is_full(log: Log, settings: SinkSettings) -> None:
    object.__setattr__(settings, "batching", Batching(linger=60.0, rows=5))
    log.rows(4)
    writer = log.writer()
    log.begin(writer)
    now = time.monotonic()
    assert not writer.due(now, hurry=False)
    assert writer.due(now + 61, hurry=False)
    log.rows(1)
    writer.offer(log.messages[4])
    assert writer.due(now, hurry=False)


@pytest.mark.parametrize("metadata", [None, "", "{}", "null", "[]", '{"channel": 1}', "not json"])
def test_foreign_metadata_is_no_memory(metadata: str | None) -> None:
    assert Done.parse(5, metadata) is None


def test_what_is_done_survives_its_metadata() -> None:
    done = Done(7, 1_700_000_000_000, 3)
    assert Done.parse(7, done.metadata) == done
    assert Done.parse(-1001, done.metadata) is None
