"""What the codecs share: the interface, schemas that are asked for once, waiting for a registry, Avro bodies."""

from __future__ import annotations

import io
import random
import threading
import time
from collections.abc import Callable, Hashable
from typing import Any, Generic, Protocol, TypeVar

from modules.errors import InfraError, ServiceError
from modules.platforms.base import RegistryClient

__all__ = ["Codec", "PoisonError", "SchemaCodec", "TroubleError", "read_record"]

Id = TypeVar("Id", bound=Hashable)

UNKNOWN = "unknown-schema-id"
"""The reason of a message whose schema the registry does not have."""

_UNKNOWN_FOR_SECONDS = 1.0


class PoisonError(Exception):
    """A message nobody can ever decode. `reason` is a word for machines, the text is for people."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class TroubleError(Exception):
    """The registry did not answer, or not with a schema; it may later. The text says how."""


class Codec(Protocol):
    """Bytes to record. Safe to call from several threads."""

    def decode(self, data: bytes) -> dict[str, Any]:
        """The record.

        Raises:
            PoisonError: it cannot be decoded, now or later.
            ServiceError: what is needed to decode it cannot be reached.
        """


class SchemaCodec(Generic[Id]):
    """A codec whose messages name the schema they were written with.

    Args:
        client: where the registry is.
        patience: seconds to wait for a registry that does not answer.
        stopping: asked while waiting; true ends the wait at once.
    """

    silent = (
        "the Schema Registry",
        "start it (`infra local up` on a laptop), then start the sink again: nothing is lost",
    )
    """Who does not answer, and what to do then."""

    def __init__(
        self, client: RegistryClient, *, patience: float = 300.0, stopping: Callable[[], bool] = lambda: False
    ) -> None:
        self._url = client.url
        self._patience = patience
        self._stopping = stopping
        self._schemas: dict[Id, Any] = {}
        self._unknown: dict[Id, tuple[float, PoisonError]] = {}
        self._lock = threading.Lock()

    def _get(self, schema_id: Id) -> Any:
        """The parsed schema, asked for once.

        Raises:
            PoisonError: there is none, or none that can be used.
            InfraError: the registry refuses, and will go on refusing.
            TroubleError: it does not answer; any other error counts as such.
        """
        raise NotImplementedError

    def _schema(self, schema_id: Id) -> Any:
        """The parsed schema, kept once it was found."""
        return self._schemas.get(schema_id) or self._load(schema_id)

    def _load(self, schema_id: Id) -> Any:
        with self._lock:
            if schema_id in self._schemas:
                return self._schemas[schema_id]
            since, unknown = self._unknown.get(schema_id, (-1e9, None))
            if unknown is not None and time.monotonic() - since < _UNKNOWN_FOR_SECONDS:
                raise PoisonError(unknown.reason, str(unknown))
            schema = self._wait_for(schema_id)
            self._schemas[schema_id] = schema
            return schema

    def _wait_for(self, schema_id: Id) -> Any:
        """The parsed schema; waits out a registry that is down."""
        deadline = time.monotonic() + self._patience
        pause = 0.2
        while True:
            try:
                return self._get(schema_id)
            except PoisonError as error:
                if error.reason == UNKNOWN:
                    self._unknown[schema_id] = (time.monotonic(), error)
                raise
            except InfraError:
                raise
            except TroubleError as error:
                reason = str(error)
            except Exception as error:
                # Clients let their transport's own errors through when nobody answers.
                reason = f"{type(error).__name__}: {error}"
            if self._stopping() or time.monotonic() > deadline:
                raise ServiceError(f"{self.silent[0]} does not answer ({reason})", where=self._url, do=self.silent[1])
            time.sleep(pause * random.uniform(0.5, 1.0))
            pause = min(pause * 2, 2.0)


def read_record(data: bytes, start: int, schema: Any, name: str) -> dict[str, Any]:
    """The Avro record that is in `data` from `start` to its end. `name` is the schema's, for people.

    Raises:
        PoisonError: there is none.
    """
    import fastavro

    body = io.BytesIO(data)
    body.seek(start)
    try:
        record = fastavro.schemaless_reader(body, schema, None)
    except Exception as error:
        # fastavro raises whatever the bytes lead it into: EOFError, IndexError, ValueError, UnicodeDecodeError …
        reason = f"{type(error).__name__}: {error}".rstrip(": ")
        raise PoisonError("undecodable", f"not a value of schema {name} ({reason})") from None
    if body.tell() != len(data):
        raise PoisonError("undecodable", f"{len(data) - body.tell()} bytes too many for schema {name}")
    if not isinstance(record, dict):
        raise PoisonError("not-a-record", f"schema {name} is not a record")
    return record
