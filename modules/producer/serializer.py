"""An event becomes the bytes that go to Kafka: checked against its schema field by field, in its registry's format.

The schema comes from the registry, where a deploy put it; nothing is registered here. A field with a default may be
left out, so that a compatible new field does not stop a producer that knows nothing of it. `fastavro.validate` says
only yes or no on a record, so each field is validated by itself: the error can then name it.
"""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Mapping
from typing import Any

from modules.connectors.codec import glue, named_types, registry
from modules.errors import ConfigError, ServiceError
from modules.platforms.base import RegistryClient

__all__ = ["EventSerializer"]


class EventSerializer:
    """Serializes values of one subject's latest schema. `schema_id` and `subject` say which.

    Raises:
        ServiceError: the registry does not answer, or has no such subject.
    """

    def __init__(self, client: RegistryClient, subject: str) -> None:
        import fastavro

        self.subject = subject
        text, named = self._read(client)
        self._schema: Any = fastavro.parse_schema(json.loads(text), named_schemas=named)
        if not isinstance(self._schema, dict) or self._schema.get("type") != "record":
            raise ConfigError(f"the schema of {subject} is not a record", where=client.url, do="register a record")
        self._fields: dict[str, Any] = {field["name"]: field for field in self._schema["fields"]}

    def _read(self, client: RegistryClient) -> tuple[str, dict[str, Any]]:
        """The latest schema's text and the types it refers to; its id is what messages begin with."""
        self.schema_id: int | str
        if client.kind == "glue":
            version, text = glue.latest(client, self.subject)
            self.schema_id, self._header = str(version), glue.header(version)
            return text, {}
        self.schema_id, text, named = _latest(client, self.subject)
        self._header = struct.pack(">bI", 0, self.schema_id)
        return text, named

    @property
    def schema(self) -> Mapping[str, Any]:
        """The record's schema, as fastavro parsed it."""
        return dict(self._schema)

    def __call__(self, event: Mapping[str, Any]) -> bytes:
        """The message's value.

        Raises:
            ConfigError: the event does not fit the schema; the field is named.
        """
        import fastavro

        buffer = io.BytesIO()
        buffer.write(self._header)
        try:
            if not fastavro.validate(event, self._schema, raise_errors=False):
                raise self._misfit(event)
            fastavro.schemaless_writer(buffer, self._schema, event, strict_allow_default=True)
        except ConfigError:
            raise
        except Exception as error:
            # fastavro's logical types raise what they meet: ValueError for a decimal's scale, TypeError, OverflowError.
            raise self._misfit(event, str(error)) from None
        return buffer.getvalue()

    def _misfit(self, event: Mapping[str, Any], otherwise: str = "it does not fit") -> ConfigError:
        problems = [f"{name}: not a field of the schema" for name in event if name not in self._fields]
        problems += [problem for name in self._fields if (problem := self._problem(name, event))]
        return ConfigError(
            f"an event does not fit the schema of {self.subject}: {problems[0] if problems else otherwise}",
            where=f"schema id {self.schema_id}",
            do="mend the event, or register a schema that allows it",
            details=problems[1:],
        )

    def _problem(self, name: str, event: Mapping[str, Any]) -> str | None:
        """What is wrong with one field, found by writing a record of only that field."""
        import fastavro

        field = self._fields[name]
        if name not in event:
            return None if "default" in field else f"{name}: missing"
        only = fastavro.parse_schema({"type": "record", "name": "Only", "fields": [field]}, named_schemas=self._named())
        try:
            if not fastavro.validate({name: event[name]}, only, raise_errors=False):
                return f"{name}: {_shown(event[name])} is not {_type_name(field['type'])}"
            fastavro.schemaless_writer(io.BytesIO(), only, {name: event[name]})
        except Exception as error:
            return f"{name}: {_shown(event[name])} is not {_type_name(field['type'])} ({error})"
        return None

    def _named(self) -> dict[str, Any]:
        return dict(self._schema.get("__named_schemas", {}))


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "…"


def _type_name(kind: Any) -> str:
    """A type as a person says it: `a decimal(12,2)`, `one of CREATED, PAID`, `null or string`."""
    if isinstance(kind, list):
        return " or ".join(_type_name(branch) for branch in kind)
    if not isinstance(kind, dict):
        return str(kind)
    if kind.get("logicalType") == "decimal":
        return f"decimal({kind['precision']},{kind.get('scale', 0)})"
    if kind.get("type") == "enum":
        return "one of " + ", ".join(kind["symbols"])
    return str(kind.get("logicalType") or kind.get("name") or kind.get("type"))


def _latest(client: RegistryClient, subject: str) -> tuple[int, str, dict[str, Any]]:
    """Id and text of the subject's latest schema, and the types it refers to."""
    from confluent_kafka.schema_registry.error import SchemaRegistryError

    try:
        named: dict[str, Any] = {}
        latest = registry(client).get_latest_version(subject)
        named_types(registry(client), latest.schema, named)
    except SchemaRegistryError as error:
        if error.http_status_code == 404:
            raise ServiceError(
                f"the Schema Registry has no subject {subject}",
                where=client.url,
                do="register it with `infra deploy`",
            ) from None
        do = "check its user name, password and rights" if error.http_status_code in (401, 403) else "try again later"
        raise ServiceError(
            f"the Schema Registry refused (HTTP {error.http_status_code}: {error.error_message})",
            where=client.url,
            do=do,
        ) from None
    except Exception as error:
        # The client lets httpx's errors through when nobody answers.
        raise ServiceError(
            f"the Schema Registry does not answer ({type(error).__name__}: {error})",
            where=client.url,
            do="start it (`infra local up` on a laptop) or check its address",
        ) from None
    return int(latest.schema_id), str(latest.schema.schema_str), named
