"""Confluent's wire format: a zero byte, the schema's id in four bytes, the Avro body."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from typing import Any

from modules.connectors.codec.base import UNKNOWN, PoisonError, SchemaCodec, TroubleError, read_record
from modules.errors import ServiceError
from modules.platforms.base import RegistryClient

__all__ = ["AvroCodec", "named_types", "registry"]

_HEADER = struct.Struct(">bI")
_UNKNOWN_SCHEMA = 40403
"""The registry's code for "there is no schema with that id"; 404 alone may come from a proxy on the way."""


def registry(client: RegistryClient) -> Any:
    """A Schema Registry client whose requests fail soon, so that the caller decides how long to go on trying."""
    from confluent_kafka.schema_registry import SchemaRegistryClient

    settings: dict[str, Any] = {"url": client.url, "timeout": 10, "max.retries": 1}
    if client.username:
        settings["basic.auth.user.info"] = f"{client.username}:{client.password or ''}"
    if client.ca_file:
        settings["ssl.ca.location"] = client.ca_file
    return SchemaRegistryClient(settings)


class AvroCodec(SchemaCodec[int]):
    """Confluent's wire format with Avro bodies, decoded with the writer's schema."""

    def __init__(
        self, client: RegistryClient, *, patience: float = 300.0, stopping: Callable[[], bool] = lambda: False
    ) -> None:
        super().__init__(client, patience=patience, stopping=stopping)
        self._registry = registry(client)

    def decode(self, data: bytes) -> dict[str, Any]:
        if len(data) < _HEADER.size:
            raise PoisonError("too-short", f"{len(data)} bytes, shorter than the five bytes of the schema id")
        magic, schema_id = _HEADER.unpack_from(data)
        if magic != 0:
            raise PoisonError("no-magic-byte", f"begins with byte {data[0]:#04x}, not with the magic byte 0x00")
        return read_record(data, _HEADER.size, self._schema(schema_id), str(schema_id))

    def _get(self, schema_id: int) -> Any:
        from confluent_kafka.schema_registry.error import SchemaRegistryError

        try:
            return self._parse(self._registry.get_schema(schema_id), schema_id)
        except SchemaRegistryError as error:
            if error.error_code == _UNKNOWN_SCHEMA:
                raise PoisonError(UNKNOWN, f"the registry has no schema with id {schema_id}") from None
            reason = f"HTTP {error.http_status_code}: {error.error_message}"
            if error.http_status_code in (401, 403):
                raise ServiceError(
                    f"the Schema Registry refused to show schema {schema_id} ({reason})",
                    where=self._url,
                    do="check its user name, password and rights",
                ) from None
            raise TroubleError(reason) from None

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


def named_types(registry: Any, schema: Any, named: dict[str, Any]) -> None:
    """Puts the types a registered schema refers to into `named`, deepest first."""
    import fastavro

    for reference in schema.references or ():
        other = registry.get_version(reference.subject, reference.version).schema
        named_types(registry, other, named)
        fastavro.parse_schema(json.loads(other.schema_str), named_schemas=named)
