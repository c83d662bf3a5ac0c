"""One partition's way into the warehouse: its channel, its buffer, and how far everything is dealt with.

The life of a partition, always one step at a time and never two at once:

1. **open** the channel. The warehouse answers with the last committed offset token T; reading goes on at T + 1. What
   lies between the offset this sink last reported as done and T may hold refused rows nobody has dead-lettered yet
   (a crash in between): the channel's error count against the remembered one tells, and `Refusals` finds them.
2. **flush**: decode the buffered messages; what cannot be decoded goes to the dead-letter topic and is delivered
   before the rest is appended, so the token never passes a message that is nowhere.
3. **confirm**: the warehouse has committed up to a token; refused rows in between go to the dead-letter topic; only
   then is the partition `done` up to there, and that is committed to Kafka, with the error count as its metadata.

The offset in Kafka decides nothing about rows, the token does; it serves lag monitors, remembers the error count, and
keeps a run of dead-lettered messages at the end from being read again. It is believed only for the very channel it
names. A stale channel means that someone else opened it: the buffer is dropped and step 1 starts over.
"""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from modules.connectors.codec import Codec, PoisonError
from modules.connectors.sink.deadletter import DeadLetter, DeadLetters
from modules.connectors.sink.metrics import Metrics
from modules.connectors.sink.refused import Refusals
from modules.connectors.sink.rows import Message, encode_row
from modules.connectors.sink.settings import SinkSettings
from modules.connectors.sink.snowpipe import ChannelStale, ChannelStatus, Snowpipe
from modules.errors import SinkError

__all__ = ["Done", "PartitionWriter", "Tools"]

State = Literal["opening", "opened", "running", "closed"]


@dataclass(frozen=True)
class Done:
    """Everything below `offset` is in the table or in the dead-letter topic, refused rows included.

    `channel` is the channel's creation time, `errors` its error count then.
    """

    offset: int
    channel: int
    errors: int

    @property
    def metadata(self) -> str:
        """What is kept beside the group's offset."""
        return json.dumps({"v": 1, "channel": self.channel, "errors": self.errors})

    @classmethod
    def parse(cls, offset: int, metadata: str | None) -> Done | None:
        """None when there is no offset, or someone else set it (a tool that resets groups writes no metadata)."""
        try:
            kept = json.loads(metadata or "")
            return cls(offset, int(kept["channel"]), int(kept["errors"])) if offset >= 0 else None
        except (ValueError, KeyError, TypeError):
            return None


@dataclass(frozen=True)
class Tools:
    """What all partitions of a sink share."""

    settings: SinkSettings
    snowpipe: Snowpipe
    codec: Codec
    letters: DeadLetters
    refusals: Refusals
    metrics: Metrics
    committed: Callable[[int], Done | None]
    """The group's offset of a partition, read from Kafka."""
    bounds: Callable[[int], tuple[int, int]]
    """First and next offset of a partition."""


class PartitionWriter:
    """`offer`, `due` and the properties are for the reading thread, `step` for a worker."""

    def __init__(self, tools: Tools, partition: int, channel: str) -> None:
        self._tools = tools
        self._limits = tools.settings.batching
        self.partition = partition
        self.channel = channel
        self.state: State = "opening"
        self.busy = False
        self.paused = True
        self.start = 0
        """Where reading begins; set by opening."""
        self.next_offset = 0
        """The offset to be read next."""
        self.done: Done | None = None
        self.epoch = 0
        """Counts openings, so that a status asked for before one is not taken for one after it."""
        self._lock = threading.Lock()
        self._buffer: deque[Message] = deque()
        self._buffer_bytes = 0
        self._oldest = 0.0
        self._pending: deque[tuple[int, int, int]] = deque()
        self._status: ChannelStatus | None = None
        self._continuation = ""

    # -- the reading thread ---------------------------------------------------------------------------------------

    def offer(self, message: Message) -> None:
        """Buffer a message; one that belongs to a position before the last seek is passed over."""
        with self._lock:
            if self.state != "running" or message.offset < self.next_offset:
                return
            if not self._buffer:
                self._oldest = time.monotonic()
            self._buffer.append(message)
            self._buffer_bytes += message.size
            self.next_offset = message.offset + 1

    def reached(self, end: int) -> bool:
        """The end of the partition; it can be past the last message, since a transaction's marker takes an offset.

        False when that was said of a position before the last opening.
        """
        with self._lock:
            if self.state != "running" or end < self.next_offset:
                return False
            self.next_offset = end
            return True

    def run(self) -> None:
        """Reading has been set to `start`."""
        with self._lock:
            self.next_offset = self.start
            self.state = "running"

    def learn(self, epoch: int, status: ChannelStatus | None) -> None:
        """The warehouse's word on the channel; None: it knows no such channel."""
        with self._lock:
            if epoch == self.epoch and self.state == "running":
                self._status = status or ChannelStatus(None, 0, 0, None, stale=True)

    def due(self, now: float, *, hurry: bool) -> bool:
        """Whether a step has something to do."""
        with self._lock:
            if self.state == "opening" or self._status is not None:
                return True
            if self.state != "running" or not self._buffer or self._waiting_rows() >= self._limits.uncommitted_rows:
                return False
            full = len(self._buffer) >= self._limits.rows or self._buffer_bytes >= self._limits.bytes
            return full or hurry or now - self._oldest >= self._limits.linger

    @property
    def full(self) -> bool:
        return len(self._buffer) >= self._limits.buffer_rows or self._buffer_bytes >= self._limits.buffer_bytes

    @property
    def half_empty(self) -> bool:
        return (
            len(self._buffer) <= self._limits.buffer_rows // 2 and self._buffer_bytes <= self._limits.buffer_bytes // 2
        )

    @property
    def waits_for_commit(self) -> bool:
        return bool(self._pending)

    @property
    def idle(self) -> bool:
        """Nothing buffered, nothing uncommitted, no step under way."""
        with self._lock:
            return not (self.busy or self._buffer or self._pending or self._status or self.state == "opening")

    def close(self) -> None:
        with self._lock:
            self.state = "closed"
            self._buffer.clear()
            self._pending.clear()

    # -- a worker -------------------------------------------------------------------------------------------------

    def step(self) -> None:
        """Do what is due: open, or confirm and flush.

        Raises:
            SinkError, ServiceError: the sink cannot go on.
            Stopping: the sink is asked to stop.
        """
        try:
            if self.state == "opening":
                self._open()
                return
            with self._lock:
                status, self._status = self._status, None
            if status is not None:
                self._confirm(status)
            self._flush()
        except ChannelStale as stale:
            self._tools.metrics.reopened(f"{self.channel}: {stale}")
            with self._lock:
                self._buffer.clear()
                self._buffer_bytes = 0
                self._pending.clear()
                self._status = None
                if self.state != "closed":
                    self.state = "opening"

    def _open(self) -> None:
        opened = self._tools.snowpipe.open_channel(self.channel)
        status = opened.status
        known = self.done or self._tools.committed(self.partition)
        first, end = self._tools.bounds(self.partition)
        if known is None or known.channel != status.created_ms or known.offset > end:
            # Nothing is known of this channel: all it has committed is looked at, if it ever refused anything.
            known = Done(first, status.created_ms, 0)
        committed = -1 if status.committed is None else status.committed
        if committed >= end:
            raise SinkError(
                f"the warehouse has rows up to offset {committed}, but the partition ends at {end}: Kafka has lost "
                "messages, or this is another topic of the same name",
                where=f"{self._tools.settings.topic}[{self.partition}], channel {self.channel}",
                do="put the messages back, or drop the channel if the topic was made anew",
            )
        if status.errors != known.errors and committed >= known.offset:
            grown = status.errors - known.errors
            self._dead_letter_refused(known.offset, committed, grown if grown > 0 else None, status.last_error)
        with self._lock:
            if self.state == "closed":
                return
            self.epoch += 1
            self._continuation = opened.continuation
            self.start = max(committed + 1, known.offset)
            self.done = Done(self.start, status.created_ms, status.errors)
            self.state = "opened"

    def _confirm(self, status: ChannelStatus) -> None:
        if status.stale:
            raise ChannelStale("the warehouse says that the channel must be opened again")
        assert self.done is not None
        committed = -1 if status.committed is None else status.committed
        upto, rows = self.done.offset, 0
        with self._lock:
            while self._pending and self._pending[0][0] <= committed:
                _, upto, count = self._pending.popleft()
                rows += count
        errors = self.done.errors
        if status.errors != errors and upto > self.done.offset:
            grown = status.errors - errors
            found = self._dead_letter_refused(
                self.done.offset, upto - 1, grown if grown > 0 else None, status.last_error
            )
            # Fewer than counted: the rest is in batches that are not committed yet, so they stay to be found.
            errors = errors + found if found < grown and self._pending else status.errors
        if upto > self.done.offset:
            self.done = Done(upto, self.done.channel, errors)
            self._tools.metrics.committed(rows)

    def _dead_letter_refused(self, first: int, last: int, expected: int | None, why: str | None) -> int:
        refused = self._tools.refusals.find(self.partition, first, last, expected)
        reason = why or "the warehouse gave no reason"
        self._send([DeadLetter(message, "refused-by-warehouse", reason) for message in refused])
        self._tools.metrics.refused(len(refused))
        return len(refused)

    def _flush(self) -> None:
        """Append what is buffered, one request after another while there is a full one."""
        batch = self._take()
        if not batch or self.state != "running":
            return
        rows, poison = self._encode(batch)
        self._send(poison)
        upto = batch[-1].offset + 1
        for index, (data, first, last, count) in enumerate(rows):
            after = rows[index + 1][1] if index + 1 < len(rows) else upto
            self._continuation = self._tools.snowpipe.append_rows(self.channel, self._continuation, data, first, last)
            self._tools.metrics.appended(count, len(data))
            with self._lock:
                self._pending.append((last, after, count))
        if not rows:
            self._nothing_to_append(upto)

    def _nothing_to_append(self, upto: int) -> None:
        """Only dead letters: they are done as soon as what was appended before them is."""
        assert self.done is not None
        with self._lock:
            if self._pending:
                token, _, count = self._pending.pop()
                self._pending.append((token, upto, count))
                return
        self.done = Done(upto, self.done.channel, self.done.errors)

    def _take(self) -> list[Message]:
        """The next batch, of at most the limits' rows and bytes."""
        with self._lock:
            batch: list[Message] = []
            size = 0
            while self._buffer and len(batch) < self._limits.rows:
                if batch and size + self._buffer[0].size > self._limits.bytes:
                    break
                message = self._buffer.popleft()
                size += message.size
                batch.append(message)
            self._buffer_bytes -= size
            self._oldest = time.monotonic()
            return batch

    def _encode(self, batch: list[Message]) -> tuple[list[tuple[bytes, int, int, int]], list[DeadLetter]]:
        """Requests as (rows, first offset, last offset, number of rows), and what cannot become a row."""
        requests: list[tuple[bytes, int, int, int]] = []
        poison: list[DeadLetter] = []
        lines: list[bytes] = []
        size = first = last = 0
        for message in batch:
            try:
                line = self._line(message)
            except PoisonError as error:
                poison.append(DeadLetter(message, error.reason, str(error)))
                continue
            if lines and size + len(line) > self._limits.bytes:
                requests.append((b"".join(lines), first, last, len(lines)))
                lines, size = [], 0
            if not lines:
                first = message.offset
            lines.append(line)
            size += len(line)
            last = message.offset
        if lines:
            requests.append((b"".join(lines), first, last, len(lines)))
        return requests, poison

    def _line(self, message: Message) -> bytes:
        if message.value is None:
            raise PoisonError("tombstone", "no value: a table of events has nothing to delete")
        line = encode_row(self._tools.codec.decode(message.value), self._tools.settings.topic, message)
        if len(line) > self._limits.bytes:
            raise PoisonError("row-too-large", f"{len(line)} bytes as a row, more than {self._limits.bytes}")
        return line

    def _send(self, letters: list[DeadLetter]) -> None:
        self._tools.letters.send(letters)
        self._tools.metrics.dead_lettered(len(letters))

    def _waiting_rows(self) -> int:
        return sum(count for _, _, count in self._pending)
