"""The sink's main loop: read, hand to partitions, let workers append, commit to Kafka what is done.

One thread reads and is the only one to touch the consumer's assignment; a small pool does the steps of
`PartitionWriter`. A slow or absent warehouse fills the partitions' buffers, and a partition whose buffer is full is
paused, so memory stays bounded and the group membership stays alive.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from modules.connectors.codec import Codec, codec_for
from modules.connectors.running import write_status
from modules.connectors.sink.deadletter import DeadLetters
from modules.connectors.sink.kafka import Source
from modules.connectors.sink.metrics import Metrics, SinkStatus
from modules.connectors.sink.partition import PartitionWriter, Tools
from modules.connectors.sink.refused import Refusals, message_of
from modules.connectors.sink.settings import SinkSettings
from modules.connectors.sink.snowpipe import Snowpipe, Stopping

__all__ = ["Sink", "SinkOptions"]

_STATUS_EVERY = 0.1
_COMMIT_EVERY = 0.5
_REPORT_EVERY = 1.0
_WORKERS = 8
_DRAIN_SECONDS = 20.0


@dataclass(frozen=True)
class SinkOptions:
    """How long a run goes on and whom it tells."""

    until_caught_up: bool = False
    """End when every partition is at its end and everything is committed."""
    max_seconds: float | None = None
    ready_file: Path | None = None
    """Written once partitions are assigned and their channels open."""
    status_file: Path | None = None
    """Written at the first append and every second."""
    on_status: Callable[[SinkStatus], None] = lambda _status: None


class Sink:
    """One process's sink for one topic. `run` returns when asked to `stop`, or as the options say."""

    def __init__(self, settings: SinkSettings, options: SinkOptions | None = None, codec: Codec | None = None) -> None:
        self._settings = settings
        self._options = options or SinkOptions()
        self._stop = threading.Event()
        self._give_up = threading.Event()
        self.metrics = Metrics()
        self._codec = codec or codec_for(settings.registry, patience=settings.patience, stopping=self._give_up.is_set)
        self._writers: dict[int, PartitionWriter] = {}
        self._at_end: set[int] = set()
        self._committed: dict[int, int] = {}
        self._steps: dict[Future[None], PartitionWriter] = {}
        self._asked: Future[None] | None = None
        self._asked_at = self._committed_at = self._reported_at = 0.0
        self._assigned = self._ready = self._told_first = False
        self._state = "starting"

    def stop(self) -> None:
        """Ask `run` to write what is buffered and return. Safe from a signal handler."""
        self._stop.set()

    def run(self) -> SinkStatus:
        """Carry messages until told to stop.

        Raises:
            ServiceError: Kafka cannot be reached, or does not let the sink read the topic.
            SinkError: the sink cannot go on.
        """
        settings = self._settings
        source = Source(settings, self._on_assign, self._on_revoke, self._on_lost, stopping=self._give_up.is_set)
        snowpipe = Snowpipe(settings, stopping=self._give_up.is_set, on_retry=self.metrics.retried)
        letters = DeadLetters(settings.kafka, settings.topic, settings.dead_letter_topic, settings.patience)
        refusals = Refusals(settings, self._codec)
        self._source = source
        self._tools = Tools(
            settings, snowpipe, self._codec, letters, refusals, self.metrics, source.committed, source.bounds
        )
        self._pool = ThreadPoolExecutor(_WORKERS, thread_name_prefix="sink")
        try:
            source.subscribe()
            self._state = "running"
            while not self._finished():
                self._turn(self._poll_seconds())
            self._state = "stopping"
            self._drain(list(self._writers.values()))
            self._state = "stopped"
        finally:
            self._give_up.set()
            self._pool.shutdown(wait=True, cancel_futures=True)
            # A closed consumer cannot tell the lag any more.
            final = self.status()
            self._report(force=True)
            source.close()
            refusals.close()
            snowpipe.close()
        return final

    def status(self) -> SinkStatus:
        return self.metrics.status(
            self._state, self._settings.topic, self._settings.table, list(self._writers), self._lag()
        )

    # -- the loop -------------------------------------------------------------------------------------------------

    def _turn(self, timeout: float) -> None:
        for message in self._source.poll(timeout):
            writer = self._writers.get(message.partition())
            if writer is None:
                continue
            if message.error() is not None:
                if writer.reached(message.offset()):
                    self._at_end.add(writer.partition)
            else:
                writer.offer(message_of(message))
                self._at_end.discard(writer.partition)
        self._work(self._writers.values(), hurry=False)
        self._set_pauses()
        self._commit()
        self._report()

    def _work(self, writers: Iterable[PartitionWriter], *, hurry: bool) -> None:
        """Collect finished steps, begin reading where a channel has been opened, start the steps that are due."""
        self._collect()
        now = time.monotonic()
        for writer in writers:
            if writer.busy:
                continue
            if writer.state == "opened":
                self._source.read_from(writer.partition, writer.start)
                writer.run()
                writer.paused = False
                self._at_end.discard(writer.partition)
            if writer.due(now, hurry=hurry):
                writer.busy = True
                self._steps[self._pool.submit(writer.step)] = writer
        self._ask(now)

    def _collect(self) -> None:
        for step in [step for step in self._steps if step.done()]:
            writer = self._steps.pop(step)
            writer.busy = False
            error = step.exception()
            if error is not None and not isinstance(error, Stopping):
                raise error
        if self._asked is not None and self._asked.done():
            asked, self._asked = self._asked, None
            error = asked.exception()
            if error is not None and not isinstance(error, Stopping):
                raise error

    def _ask(self, now: float) -> None:
        """Ask the warehouse what it has committed, for all channels that wait for it, in one request."""
        if self._asked is None and now - self._asked_at >= _STATUS_EVERY:
            waiting = [(writer, writer.epoch) for writer in self._writers.values() if writer.waits_for_commit]
            if waiting:
                self._asked_at = now
                self._asked = self._pool.submit(self._learn, waiting)

    def _learn(self, waiting: list[tuple[PartitionWriter, int]]) -> None:
        statuses = self._tools.snowpipe.channel_statuses([writer.channel for writer, _ in waiting])
        for writer, epoch in waiting:
            writer.learn(epoch, statuses.get(writer.channel))

    def _set_pauses(self) -> None:
        full = [writer for writer in self._writers.values() if writer.state == "running" and not writer.paused]
        for writer in full:
            if writer.full:
                self._source.pause(writer.partition)
                writer.paused = True
        for writer in self._writers.values():
            if writer.state == "running" and writer.paused and writer.half_empty:
                self._source.resume(writer.partition)
                writer.paused = False

    def _commit(self, *, now: bool = False) -> None:
        """Tell Kafka what is done; waits for the answer only when `now`."""
        if not now and time.monotonic() - self._committed_at < _COMMIT_EVERY:
            return
        self._committed_at = time.monotonic()
        done = {
            writer.partition: writer.done
            for writer in self._writers.values()
            if writer.done is not None and writer.done.offset != self._committed.get(writer.partition)
        }
        if done and self._source.commit(done, wait=now):
            self._committed.update({partition: each.offset for partition, each in done.items()})

    def _poll_seconds(self) -> float:
        if any(writer.busy or not writer.idle for writer in self._writers.values()):
            return 0.005
        return 0.05

    def _finished(self) -> bool:
        options = self._options
        if self._stop.is_set():
            return True
        if options.max_seconds is not None and self.metrics.seconds > options.max_seconds:
            return True
        if not (options.until_caught_up and self._assigned):
            return False
        return all(
            writer.state == "running" and writer.idle and partition in self._at_end
            for partition, writer in self._writers.items()
        )

    def _lag(self) -> int | None:
        """Messages between what is done and the partitions' ends as last fetched."""
        if not self._writers or any(writer.done is None for writer in self._writers.values()):
            return None if not self._assigned or self._writers else 0
        lag = 0
        for writer in self._writers.values():
            assert writer.done is not None
            end = self._source.known_end(writer.partition)
            lag += max(max(end, writer.next_offset) - writer.done.offset, 0)
        return lag

    def _report(self, *, force: bool = False) -> None:
        """Tell those who watch: at the first append, and every second."""
        if not self._ready and self._assigned and all(w.state == "running" for w in self._writers.values()):
            self._ready = True
            force = True
            if self._options.ready_file:
                write_status(self._options.ready_file, self.status())
        if not self._told_first and self.metrics.first_append.is_set():
            self._told_first = force = True
        if force or time.monotonic() - self._reported_at >= _REPORT_EVERY:
            self._reported_at = time.monotonic()
            status = self.status()
            if self._options.status_file:
                write_status(self._options.status_file, status)
            self._options.on_status(status)

    # -- partitions come and go -----------------------------------------------------------------------------------

    def _on_assign(self, partitions: list[int]) -> None:
        for partition in partitions:
            self._writers[partition] = PartitionWriter(self._tools, partition, self._source.channel_name(partition))
        self._assigned = True

    def _on_revoke(self, partitions: list[int]) -> None:
        """Write what is buffered before another member takes over. If that takes too long the other one reads it."""
        leaving = [self._writers[partition] for partition in partitions if partition in self._writers]
        self._drain(leaving)
        self._on_lost(partitions)

    def _on_lost(self, partitions: list[int]) -> None:
        for partition in partitions:
            writer = self._writers.pop(partition, None)
            if writer is not None:
                writer.close()
            self._committed.pop(partition, None)
            self._at_end.discard(partition)

    def _drain(self, writers: list[PartitionWriter]) -> None:
        """Append and confirm all that is buffered, then commit."""
        deadline = time.monotonic() + _DRAIN_SECONDS
        opened = [writer for writer in writers if writer.state == "running"]
        while time.monotonic() < deadline and any(
            not writer.idle for writer in opened if writer.state == "running" or writer.busy
        ):
            self._work([writer for writer in opened if writer.state == "running"], hurry=True)
            time.sleep(0.005)
        self._commit(now=True)
