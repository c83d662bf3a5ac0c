"""Turns a message's bytes into a record: one small interface, one class a wire format.

Confluent's format (a zero byte, the schema's id, the Avro body) is what Confluent, Apicurio and Redpanda speak; another
format, such as Glue's, is another `Codec`. A message that can never be decoded is a `PoisonError`; a registry that
cannot be reached is not the message's fault and is waited for.
"""

from __future__ import annotations

import io
import json
import random
import struct
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

from modules.errors import ServiceError
from modules.platforms.base import RegistryClient

__all__ = ["AvroCodec", "Codec", "PoisonError", "registry"]

_HEADER = struct.Struct(">bI")
_UNKNOWN_SCHEMA = 40403
"""The registry's code for "there is no schema with that id"; 404 alone may come from a proxy on the way."""


class PoisonError(Exception):
    """A message nobody can ever decode. `reason` is a word for machines, the text is for people."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Codec(Protocol):
    """Bytes to record. Safe to call from several threads."""

    def decode(self, data: bytes) -> dict[str, Any]:
        """The record.

        Raises:
            PoisonError: it cannot be decoded, now or later.
            ServiceError: what is needed to decode it cannot be reached.
        """


def registry(client: RegistryClient) -> Any:
    """A Schema Registry client whose requests fail soon, so that the caller decides how long to go on trying."""
    from confluent_kafka.schema_registry import SchemaRegistryClient

    settings: dict[str, Any] = {"url": client.url, "timeout": 10, "max.retries": 1}
    if client.username:
        settings["basic.auth.user.info"] = f"{client.username}:{client.password or ''}"
    if client.ca_file:
        settings["ssl.ca.location"] = client.ca_file
    return SchemaRegistryClient(settings)


class AvroCodec:
    """Confluent's wire format with Avro bodies, decoded with the writer's schema.

    Args:
        client: where the registry is.
        patience: seconds to wait for a registry that does not answer.
        stopping: asked while waiting; true ends the wait at once.
    """

    def __init__(
        self, client: RegistryClient, *, patience: float = 300.0, stopping: Callable[[], bool] = lambda: False
    ) -> None:
        self._url = client.url
        self._registry = registry(client)
        self._patience = patience
        self._stopping = stopping
        self._schemas: dict[int, Any] = {}
        self._unknown: dict[int, float] = {}
        self._lock = threading.Lock()

    def decode(self, data: bytes) -> dict[str, Any]:
        import fastavro

        if len(data) < _HEADER.size:
            raise PoisonError("too-short", f"{len(data)} bytes, shorter than the five bytes of the schema id")
        magic, schema_id = _HEADER.unpack_from(data)
        if magic != 0:
            raise PoisonError("no-magic-byte", f"begins with byte {data[0]:#04x}, not with the magic byte 0x00")
        schema = self._schemas.get(schema_id) or self._load(schema_id)
        body = io.BytesIO(data)
        body.seek(_HEADER.size)
        try:
            record = fastavro.schemaless_reader(body, schema, None)
        except Exception as error:
            # fastavro raises whatever the bytes lead it into: EOFError, IndexError, ValueError, UnicodeDecodeError …
            reason = f"{type(error).__name__}: {error}".rstrip(": ")
            raise PoisonError("undecodable", f"not a value of schema {schema_id} ({reason})") from None
        if body.tell() != len(data):
            raise PoisonError("undecodable", f"{len(data) - body.tell()} bytes too many for schema {schema_id}")
        if not isinstance(record, dict):
            raise PoisonError("not-a-record", f"schema {schema_id} is not a record")
        return record

    def _load(self, schema_id: int) -> Any:
        with self._lock:
            if schema_id in self._schemas:
                return self._schemas[schema_id]
            if time.monotonic() - self._unknown.get(schema_id, -1e9) < 1.0:
                raise _unknown_schema(schema_id)
            schema = self._fetch(schema_id)
            self._schemas[schema_id] = schema
            return schema

    def _fetch(self, schema_id: int) -> Any:
        """The parsed schema; waits out a registry that is down."""
        from confluent_kafka.schema_registry.error import SchemaRegistryError

        deadline = time.monotonic() + self._patience
        pause = 0.2
        while True:
            try:
                return self._parse(self._registry.get_schema(schema_id), schema_id)
            except SchemaRegistryError as error:
                if error.error_code == _UNKNOWN_SCHEMA:
                    self._unknown[schema_id] = time.monotonic()
                    raise _unknown_schema(schema_id) from None
                reason = f"HTTP {error.http_status_code}: {error.error_message}"
                if error.http_status_code in (401, 403):
                    raise ServiceError(
                        f"the Schema Registry refused to show schema {schema_id} ({reason})",
                        where=self._url,
                        do="check its user name, password and rights",
                    ) from None
            except PoisonError:
                raise
            except Exception as error:
                # The client lets httpx's own errors through when nobody answers.
                reason = f"{type(error).__name__}: {error}"
            if self._stopping() or time.monotonic() > deadline:
                raise ServiceError(
                    f"the Schema Registry does not answer ({reason})",
                    where=self._url,
                    do="start it (`infra local up` on a laptop), then start the sink again: nothing is lost",
                )
            time.sleep(pause * random.uniform(0.5, 1.0))
            pause = min(pause * 2, 2.0)

    def _parse(self, schema: Any, schema_id: int) -> Any:
        import fastavro

        if schema.schema_type != "AVRO":
            raise PoisonError("not-avro", f"schema {schema_id} is {schema.schema_type}, not Avro")
        named: dict[str, Any] = {}
        named_types(self._registry, schema, named)
        try:
            return fastavro.parse_schema(json.loads(schema.schema_str), named_schemas=named)
        except Exception as error:
            raise PoisonError("bad-schema", f"schema {schema_id} is unusable: {error}") from None


def _unknown_schema(schema_id: int) -> PoisonError:
    return PoisonError("unknown-schema-id", f"the registry has no schema with id {schema_id}")


def named_types(registry: Any, schema: Any, named: dict[str, Any]) -> None:
    """Puts the types a registered schema refers to into `named`, deepest first."""
    import fastavro

    for reference in schema.references or ():
        other = registry.get_version(reference.subject, reference.version).schema
        named_types(registry, other, named)
        fastavro.parse_schema(json.loads(other.schema_str), named_schemas=named)
