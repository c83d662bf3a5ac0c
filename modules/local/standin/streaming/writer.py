"""The one thread that commits streamed rows: rows and offset token in one DuckDB transaction.

Appends that wait at the same time are committed together, so that small requests on several channels cost one fsync.
An append is answered after its commit; a kill at any moment leaves both its rows and its token, or neither.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import Any

from modules.local.standin.catalog import Catalog
from modules.local.standin.engine import CHANNELS, HIDDEN, Engine, duck_name
from modules.local.standin.streaming.channels import Channel, ChannelKey, StreamingError
from modules.local.standin.streaming.convert import Batch
from modules.local.standin.tokenizer import Name

__all__ = ["Append", "Writer"]

_GROUP_ROWS = 100_000


@dataclass
class Append:
    """Rows waiting to be committed; the future gives the channel as it is afterwards."""

    key: ChannelKey
    table_id: int
    continuation: str
    offset_token: str | None
    batch: Batch
    started: float
    done: Future[Channel] = field(default_factory=Future)


@dataclass
class _Task:
    """Something else to be done by the writer thread (open, drop)."""

    run: Callable[[], Any]
    done: Future[Any] = field(default_factory=Future)


class Writer:
    """Owns every channel's state."""

    def __init__(self, engine: Engine, catalog: Catalog) -> None:
        self._engine = engine
        self._catalog = catalog
        self._channels: dict[ChannelKey, Channel] = {}
        self._lock = threading.Lock()
        self._queue: queue.SimpleQueue[Append | _Task | None] = queue.SimpleQueue()
        self._cursor = engine.cursor()
        self._thread = threading.Thread(target=self._run, name="streaming-writer", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Finish what waits, then end."""
        self._queue.put(None)
        self._thread.join()

    # -- called by request threads -----------------------------------------------------------------------------------

    def append(self, append: Append) -> Channel:
        self._queue.put(append)
        return append.done.result()

    def open(self, key: ChannelKey, name: str, table_id: int, offset_token: str | None, given: bool) -> Channel:
        """Open or reopen: the client sequencer goes up, which makes tokens given before stale."""
        return self._do(lambda: self._open(key, name, table_id, offset_token, given))  # type: ignore[no-any-return]

    def drop(self, key: ChannelKey, table_id: int) -> bool:
        return bool(self._do(lambda: self._drop(key, table_id)))

    def commit(self, name: Name, change: Callable[[], tuple[Any, dict[ChannelKey, Channel]]]) -> None:
        """Rows for one table (an Arrow table) and several channels as they are with them, in one transaction.

        Args:
            change: gives both, or raises to leave all as it is; runs on the writer's thread, after every commit
                before it.
        """
        self._do(lambda: self._commit_rows(name, change))

    def find(self, key: ChannelKey, table_id: int) -> Channel | None:
        """The channel as committed."""
        with self._lock:
            channel = self._channels.get(key)
            if channel is None:
                with self._engine.cursor() as cursor:
                    channel = self._load(cursor, key)
                if channel is not None:
                    self._channels[key] = channel
        return channel if channel is not None and channel.table_id == table_id else None

    def _do(self, run: Callable[[], Any]) -> Any:
        task = _Task(run)
        self._queue.put(task)
        return task.done.result()

    # -- the writer thread -------------------------------------------------------------------------------------------

    def _run(self) -> None:
        ended = False
        while not ended:
            waiting = [self._queue.get()]
            rows = 0
            while rows < _GROUP_ROWS and not self._queue.empty():
                waiting.append(self._queue.get())
                last = waiting[-1]
                rows += last.batch.parsed if isinstance(last, Append) else 0
            ended = None in waiting
            group: list[Append] = []
            for item in waiting:
                if isinstance(item, Append) and all(item.key != other.key for other in group):
                    group.append(item)
                    continue
                self._commit(group)
                group = [item] if isinstance(item, Append) else []
                if isinstance(item, _Task):
                    self._finish(item)
            self._commit(group)

    @staticmethod
    def _finish(task: _Task) -> None:
        try:
            task.done.set_result(task.run())
        except BaseException as error:
            task.done.set_exception(error)

    def _commit(self, group: list[Append]) -> None:
        """One transaction for each database named; where that fails, one for each append."""
        by_database: dict[str, list[Append]] = {}
        for append in group:
            by_database.setdefault(append.key.database, []).append(append)
        for appends in by_database.values():
            try:
                self._transaction(appends)
            except Exception:
                for append in appends:
                    try:
                        self._transaction([append])
                    except Exception as error:
                        append.done.set_exception(error)

    def _transaction(self, appends: list[Append]) -> None:
        done: list[tuple[Append, Channel]] = []
        with self._engine.write_lock:
            self._cursor.execute("BEGIN")
            try:
                for append in appends:
                    channel = self._advance(append)
                    self._insert(append.key.table, append.batch.table)
                    self._store(append.key, channel)
                    done.append((append, channel))
                self._cursor.execute("COMMIT")
            except BaseException:
                self._cursor.execute("ROLLBACK")
                raise
        with self._lock:
            self._channels.update({append.key: channel for append, channel in done})
        for append, channel in done:
            append.done.set_result(channel)

    def _advance(self, append: Append) -> Channel:
        """The channel as it will be."""
        entity = self._catalog.get("TABLE", append.key.table)
        channel = self.find(append.key, append.table_id)
        if channel is None or entity is None or entity.id != append.table_id:
            raise StreamingError(
                400,
                "ERR_CHANNEL_DOES_NOT_EXIST_OR_IS_NOT_AUTHORIZED",
                "The channel does not exist or is not authorized. Please reopen the channel",
            )
        channel.accept(append.continuation)
        batch, errors = append.batch, len(append.batch.errors)
        changed = replace(
            channel,
            row_sequencer=channel.row_sequencer + 1,
            offset_token=append.offset_token if append.offset_token is not None else channel.offset_token,
            rows_inserted=channel.rows_inserted + batch.parsed - errors,
            rows_parsed=channel.rows_parsed + batch.parsed,
            rows_error_count=channel.rows_error_count + errors,
            latency_ms=int((time.monotonic() - append.started) * 1000),
        )
        if errors:
            last = max(batch.errors)
            changed.last_error_message = batch.errors[last]
            changed.last_error_offset_upper_bound = append.offset_token
            changed.last_error_timestamp = int(time.time() * 1000)
        return changed

    def _commit_rows(self, name: Name, change: Callable[[], tuple[Any, dict[ChannelKey, Channel]]]) -> None:
        rows, channels = change()
        with self._engine.write_lock:
            self._cursor.execute("BEGIN")
            try:
                self._insert(name, rows)
                for key, channel in channels.items():
                    self._store(key, channel)
                self._cursor.execute("COMMIT")
            except BaseException:
                self._cursor.execute("ROLLBACK")
                raise
        with self._lock:
            self._channels.update(channels)

    def _insert(self, name: Name, rows: Any) -> None:
        if rows.num_rows:
            self._cursor.register("_infra_rows", rows)
            try:
                target = duck_name(name)
                self._cursor.execute(f"INSERT INTO {target} SELECT * FROM _infra_rows")  # noqa: S608
            finally:
                self._cursor.unregister("_infra_rows")

    def _open(self, key: ChannelKey, name: str, table_id: int, offset_token: str | None, given: bool) -> Channel:
        channel = self.find(key, table_id)
        opened = replace(channel) if channel is not None else Channel.new(name, table_id)
        opened.client_sequencer += 1
        opened.row_sequencer = 0
        if given:
            opened.offset_token = offset_token
        self._save(key, opened)
        return opened

    def _drop(self, key: ChannelKey, table_id: int) -> bool:
        existed = self.find(key, table_id) is not None
        self._save(key, None)
        return existed

    def _save(self, key: ChannelKey, channel: Channel | None) -> None:
        with self._engine.write_lock:
            self._cursor.execute("BEGIN")
            try:
                self._store(key, channel)
                self._cursor.execute("COMMIT")
            except BaseException:
                self._cursor.execute("ROLLBACK")
                raise
        with self._lock:
            if channel is None:
                self._channels.pop(key, None)
            else:
                self._channels[key] = channel

    def _store(self, key: ChannelKey, channel: Channel | None) -> None:
        where = _channels_table(key.database)
        identity = [key.table[1], key.pipe, key.channel]
        if channel is not None:
            updated = self._cursor.execute(
                f"UPDATE {where} SET state = ?, table_name = ? "  # noqa: S608
                "WHERE schema_name = ? AND pipe_name = ? AND channel_name = ?",
                [channel.dump(), key.table[2], *identity],
            ).fetchall()
            if not updated[0][0]:
                self._cursor.execute(
                    f"INSERT INTO {where} VALUES (?, ?, ?, ?, ?)",  # noqa: S608
                    [*identity, key.table[2], channel.dump()],
                )
            return
        self._cursor.execute(
            f"DELETE FROM {where} WHERE schema_name = ? AND pipe_name = ? AND channel_name = ?",  # noqa: S608
            identity,
        )

    @staticmethod
    def _load(cursor: Any, key: ChannelKey) -> Channel | None:
        import json

        found = cursor.execute(
            f"SELECT state FROM {_channels_table(key.database)} "  # noqa: S608
            "WHERE schema_name = ? AND pipe_name = ? AND channel_name = ?",
            [key.table[1], key.pipe, key.channel],
        ).fetchone()
        return Channel(**json.loads(found[0])) if found else None


def _channels_table(database: str) -> str:
    return f"{duck_name((database, HIDDEN, CHANNELS))}"
