"""The schema a source writes with: the one its topic has, where the table fits it, else the one the table gives.

A topic whose schema is declared in the YAML gets no other from here: what a deploy registers and what runs would
disagree. Where none is declared the table decides, and the registry says whether its new schema is compatible.
"""

from __future__ import annotations

import contextlib
import io
import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from modules.connectors.codec import glue, registry
from modules.connectors.source.columns import SourceColumn, avro_schema
from modules.connectors.source.settings import SourceSettings
from modules.errors import ConfigError, ServiceError
from modules.platforms.base import RegistryClient

__all__ = ["RowWriter", "derived_schema", "misfits", "writer_for"]

_NOT_FOUND = 404
_CONFLICT = 409


class RowWriter:
    """Rows as Snowflake's text → the bytes of a message."""

    def __init__(self, header: bytes, schema_id: int | str, schema: dict[str, Any], columns: Sequence[SourceColumn]):
        import fastavro

        self.schema_id = schema_id
        self._header = header
        self._schema: Any = fastavro.parse_schema(schema)
        self._columns = [(column.field, column.convert) for column in columns]

    def __call__(self, row: Sequence[str | None]) -> bytes:
        import fastavro

        record = {
            field: None if value is None else convert(value)
            for (field, convert), value in zip(self._columns, row, strict=True)
        }
        buffer = io.BytesIO()
        buffer.write(self._header)
        fastavro.schemaless_writer(buffer, self._schema, record)
        return buffer.getvalue()


@dataclass(frozen=True)
class _Found:
    """The newest schema of a subject."""

    id: int | str
    header: bytes
    schema: dict[str, Any]


def derived_schema(settings: SourceSettings, columns: Sequence[SourceColumn]) -> dict[str, Any]:
    """The schema the table gives by itself, named after it."""
    database, schema, name = settings.origin.lower().replace("$", "_").split(".")
    return avro_schema(columns, name, f"{database}.{schema}")


def writer_for(settings: SourceSettings, columns: Sequence[SourceColumn]) -> RowWriter:
    """What to write rows with; registers the table's schema where the topic has none, or an older one.

    Raises:
        ConfigError: the table does not fit the declared schema, or the registry finds the new one incompatible.
        ServiceError: the registry does not answer, or refuses.
    """
    found = _latest(settings.registry, settings.subject)
    wrong = misfits(found.schema, columns) if found else []
    if found and not wrong:
        return RowWriter(found.header, found.id, found.schema, columns)
    if settings.declared_schema:
        raise ConfigError(
            f"the table {settings.origin} does not fit the schema of topic {settings.source.topic}"
            if found
            else f"the schema of topic {settings.source.topic} is not registered yet",
            where=settings.declared_schema,
            details=wrong,
            do="`infra source --schema` prints the schema the table gives; put it there and run `infra deploy`"
            if found
            else "run `infra deploy`",
        )
    schema = derived_schema(settings, columns)
    if found:  # Avro compares records by name, so a new version keeps the old one's
        schema = {**schema, "name": found.schema["name"]}
        if "namespace" in found.schema:
            schema["namespace"] = found.schema["namespace"]
        elif "namespace" in schema:
            del schema["namespace"]
    made = _register(settings, schema, wrong, first=found is None)
    return RowWriter(made.header, made.id, schema, columns)


def misfits(schema: dict[str, Any], columns: Sequence[SourceColumn]) -> list[str]:
    """Why rows of these columns cannot be written with a schema, a line a field; none if they can."""
    if schema.get("type") != "record":
        return ["the topic's schema is no record"]
    fields = {field["name"]: field for field in schema["fields"]}
    wrong = [
        f"column {each.name}: the schema has no field `{each.field}`" for each in columns if each.field not in fields
    ]
    known = {column.field: column for column in columns}
    for name, field in fields.items():
        if name not in known:
            if "default" not in field:
                wrong.append(f"field `{name}`: the table has no such column, and the field has no default")
            continue
        column = known[name]
        branches = field["type"] if isinstance(field["type"], list) else [field["type"]]
        if _plain(column.avro) not in [_plain(each) for each in branches]:
            wrong.append(f"field `{name}`: {_shown(field['type'])} there, {_shown(column.field_type)} in the table")
        elif column.nullable and "null" not in branches:
            wrong.append(f"field `{name}`: column {column.name} may be NULL, the field may not be null")
    return wrong


def _plain(type_: Any) -> Any:
    """A type without what does not change its bytes' meaning."""
    if isinstance(type_, dict):
        kept = {key: value for key, value in type_.items() if key in ("type", "logicalType", "precision", "scale")}
        if kept.get("logicalType") == "decimal":
            kept.setdefault("scale", 0)
        return kept["type"] if set(kept) == {"type"} else kept
    return type_


def _shown(type_: Any) -> str:
    return type_ if isinstance(type_, str) else json.dumps(type_, separators=(", ", ": "))


def _latest(client: RegistryClient, subject: str) -> _Found | None:
    if client.kind == "glue":
        try:
            version, text = glue.latest(client, subject)
        except ServiceError as error:
            if "has no schema" in error.what:
                return None
            raise
        return _Found(str(version), glue.header(version), json.loads(text))
    from confluent_kafka.schema_registry.error import SchemaRegistryError

    try:
        latest = registry(client).get_latest_version(subject)
    except SchemaRegistryError as error:
        if error.http_status_code == _NOT_FOUND:
            return None
        raise _refusal(client, error) from None
    except Exception as error:
        raise _silence(client, error) from None
    schema = json.loads(latest.schema.schema_str)
    if latest.schema.references:
        raise ConfigError(
            f"the schema of {subject} refers to others, which a table's rows cannot",
            where=client.url,
            do="publish to a topic of its own",
        )
    return _Found(int(latest.schema_id), _confluent_header(int(latest.schema_id)), schema)


def _register(settings: SourceSettings, schema: dict[str, Any], wrong: list[str], *, first: bool) -> _Found:
    """Register the table's schema.

    Raises:
        ConfigError: it is incompatible.
        ServiceError: the registry refuses.
    """
    client, subject = settings.registry, settings.subject
    if client.kind == "glue":
        raise ConfigError(
            f"the Glue Schema Registry has no schema {subject} that fits the table, and a source registers none there",
            where=client.url,
            details=wrong,
            do="put what `infra source --schema` prints into a file, name it in the topic's `value`, then deploy",
        )
    from confluent_kafka.schema_registry import Schema
    from confluent_kafka.schema_registry.error import SchemaRegistryError

    text = json.dumps(schema, separators=(",", ":"))
    try:
        made = int(registry(client).register_schema(subject, Schema(text, "AVRO")))
        if first:
            _hold_to(client, subject)
    except SchemaRegistryError as error:
        if error.http_status_code == _CONFLICT:
            raise ConfigError(
                f"the schema that {settings.origin} gives now is not compatible with {subject}",
                where=client.url,
                details=[*wrong, " ".join(str(error.error_message).split())[:500]],
                do="undo the change of the table, or publish it to a new topic",
            ) from None
        if error.http_status_code in (401, 403):
            raise ServiceError(
                f"the Schema Registry does not let the source register {subject} "
                f"(HTTP {error.http_status_code}: {error.error_message})",
                where=client.url,
                do="put what `infra source --schema` prints into a file, name it in the topic's `value`, and run "
                "`infra deploy`",
            ) from None
        raise _refusal(client, error) from None
    except Exception as error:
        raise _silence(client, error) from None
    return _Found(made, _confluent_header(made), schema)


def _hold_to(client: RegistryClient, subject: str) -> None:
    """Have the registry check what follows, whatever its own default is; where only administrators may say so, that
    default stays."""
    from confluent_kafka.schema_registry.error import SchemaRegistryError

    with contextlib.suppress(SchemaRegistryError):
        registry(client).set_compatibility(subject_name=subject, level="BACKWARD")


def _confluent_header(schema_id: int) -> bytes:
    return struct.pack(">bI", 0, schema_id)


def _refusal(client: RegistryClient, error: Any) -> ServiceError:
    return ServiceError(
        f"the Schema Registry refused (HTTP {error.http_status_code}: {error.error_message})",
        where=client.url,
        do="check its user name, password and rights",
    )


def _silence(client: RegistryClient, error: Exception) -> ServiceError:
    # The client lets httpx's errors through when nobody answers.
    return ServiceError(
        f"the Schema Registry does not answer ({type(error).__name__}: {error})",
        where=client.url,
        do="start it (`infra local up` on a laptop) or check its address",
    )
