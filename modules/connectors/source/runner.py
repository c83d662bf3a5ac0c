"""A source's main loop: look, read, publish, until told to stop.

The order at the start matters: first the producer's `init_transactions`, which ends what an earlier process left open,
then the place, which from then on nobody else can move.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from modules.connectors.running import write_status
from modules.connectors.source.metrics import Metrics, SourceStatus
from modules.connectors.source.place import Place, read_place
from modules.connectors.source.publisher import Publisher, TransactionAborted
from modules.connectors.source.schema import RowWriter, writer_for
from modules.connectors.source.settings import SourceSettings
from modules.connectors.source.snowflake import Session, Stopping
from modules.connectors.source.stream import StreamReader
from modules.connectors.source.table import Batch, Reader, TableReader
from modules.errors import ConfigError, SourceError

__all__ = ["Source", "SourceOptions", "open_reader"]

_REPORT_EVERY = 1.0
_COUNT_EVERY = 60.0
_DESCRIBE_EVERY = 5.0
_ABORTS = 20
"""Transactions in a row that may come to nothing."""


@dataclass(frozen=True)
class SourceOptions:
    """How long a run goes on and whom it tells."""

    once: bool = False
    """End when all rows that were there at the start are published."""
    from_start: bool = False
    """Begin with the first row, whatever the place."""
    max_seconds: float | None = None
    ready_file: Path | None = None
    """Written once the place is known."""
    status_file: Path | None = None
    """Written after each transaction and every second."""
    on_status: Callable[[SourceStatus], None] = lambda _status: None


class Source:
    """One process's source. `run` returns when asked to `stop`, or as the options say."""

    def __init__(self, settings: SourceSettings, options: SourceOptions | None = None) -> None:
        self._settings = settings
        self._options = options or SourceOptions()
        self._stop = threading.Event()
        self.metrics = Metrics()
        self._state = "starting"
        self._reported_at = self._counted_at = -1e9
        self._described_at = time.monotonic()

    def stop(self) -> None:
        """Ask `run` to finish its transaction and return. Safe from a signal handler."""
        self._stop.set()

    def run(self) -> SourceStatus:
        """Publish rows until told to stop.

        Raises:
            ConfigError: the table, its columns or its schema do not fit.
            ServiceError: a service cannot be reached, or refuses.
            SourceError: the source cannot go on.
        """
        settings, options = self._settings, self._options
        session = Session(settings, stopping=self._stop.is_set, on_retry=self.metrics.retried)
        publisher = Publisher(settings, stopping=self._stop.is_set, on_retry=self.metrics.retried)
        try:
            reader = open_reader(settings, session)
            write = self._writer(reader)
            publisher.start()
            place = self._place()
            reader.published(place)
            self._state = "running"
            if options.ready_file:
                write_status(options.ready_file, self.status())
            self._report(force=True)
            with contextlib.suppress(Stopping):
                self._loop(session, reader, write, publisher, place)
            self._state = "stopped"
        except Stopping:
            self._state = "stopped"
        finally:
            publisher.close()
            session.close()
            self._report(force=True)
        return self.status()

    def status(self) -> SourceStatus:
        source = self._settings.source
        return self.metrics.status(self._state, self._settings.name, self._settings.origin, source.topic)

    def _place(self) -> Place:
        settings, source = self._settings, self._settings.source
        key, column = source.key.upper(), source.column.upper() if source.column else None
        start = Place(settings.origin, source.mode, column, key)
        found = read_place(settings.kafka, settings.place_topic, settings.transactional_id)
        if self._options.from_start and source.mode == "stream":
            raise ConfigError(
                "a stream gives each change once, so there is no start to go back to",
                where=f"sources.{settings.name}",
                do="make the stream anew with SHOW_INITIAL_ROWS = TRUE to publish all rows again",
            )
        if found is None or self._options.from_start:
            found = start
        start.check(found, settings.place_topic, settings.name)
        self.metrics.place = found
        return found

    def _writer(self, reader: Reader) -> RowWriter:
        write = writer_for(self._settings, reader.columns)
        self.metrics.schema_id = write.schema_id
        return write

    def _loop(self, session: Session, reader: Reader, write: RowWriter, publisher: Publisher, place: Place) -> None:
        aborts = 0
        while not self._finished():
            if time.monotonic() - self._described_at > _DESCRIBE_EVERY:
                reader, write = self._again(session, reader, write)
            reader.look()
            self._count(reader)
            batch = reader.read(place)
            self.metrics.caught_up = batch is None
            if batch is None:
                if self._options.once and reader.drained(place):
                    return
                self._pause()
                continue
            while batch is not None and not self._finished():
                known, reader, write = reader, *self._again(session, reader, write)
                if reader is not known:
                    break  # what was read may lack a column the table has got meanwhile
                try:
                    place = self._publish(publisher, batch, write)
                    aborts = 0
                except TransactionAborted:
                    aborts += 1
                    self._aborted(aborts)
                reader.published(place)
                batch = reader.read(place)

    def _publish(self, publisher: Publisher, batch: Batch, write: RowWriter) -> Place:
        publisher.publish(batch, write)
        self.metrics.published(batch.place, len(batch.rows))
        self._report(force=self.metrics.transactions == 1)
        return batch.place

    def _aborted(self, times: int) -> None:
        self.metrics.aborted += 1
        if times >= _ABORTS:
            raise SourceError(
                f"Kafka has undone {times} transactions in a row ({self.metrics.last_problem})",
                where=self._settings.transactional_id,
                do="read Kafka's message; the source goes on behind the last committed row once the cause is gone",
            )
        self._stop.wait(min(0.1 * 2**times, 5.0))

    def _again(self, session: Session, reader: Reader, write: RowWriter) -> tuple[Reader, RowWriter]:
        """Take up columns the table has got meanwhile."""
        self._described_at = time.monotonic()
        if not reader.outdated():
            return reader, write
        new = open_reader(self._settings, session)
        if self.metrics.place is not None:
            new.published(self.metrics.place)
        return new, self._writer(new)

    def _count(self, reader: Reader) -> None:
        if time.monotonic() - self._counted_at > _COUNT_EVERY:
            self._counted_at = time.monotonic()
            self.metrics.unseen = reader.unseen()

    def _pause(self) -> None:
        source = self._settings.source
        seconds = source.poll.seconds
        if self._options.once:  # only for rows that have to settle
            seconds = min(seconds, max(source.settle.seconds / 4, 0.1))
        end = time.monotonic() + seconds
        while not self._finished() and (left := end - time.monotonic()) > 0:
            self._report()
            self._stop.wait(min(left, 0.5))

    def _finished(self) -> bool:
        most = self._options.max_seconds
        return self._stop.is_set() or (most is not None and self.metrics.seconds > most)

    def _report(self, *, force: bool = False) -> None:
        if force or time.monotonic() - self._reported_at >= _REPORT_EVERY:
            self._reported_at = time.monotonic()
            status = self.status()
            if self._options.status_file:
                write_status(self._options.status_file, status)
            self._options.on_status(status)


def open_reader(settings: SourceSettings, session: Session) -> Reader:
    """The reader of a source's table or stream, its columns known.

    Raises:
        ConfigError: there is no such column or key, or it does not do.
        SourceError: there is no such table, or it may not be read.
    """
    return StreamReader(settings, session) if settings.source.mode == "stream" else TableReader(settings, session)
