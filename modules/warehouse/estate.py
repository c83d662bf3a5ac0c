"""The Snowflake estate as data: what exists, who may do what. Renderers turn it into Terraform (later SQL, Pulumi).

The preset `order-events` is one database a sink table names, the tables with columns from their topics' Avro schemas, a
warehouse, a role for the connector, its service user, and grants that give the role no more than the sink needs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modules.environment.model import Environment
from modules.errors import ConfigError

__all__ = [
    "CONNECTOR_ROLE",
    "CONNECTOR_USER",
    "WAREHOUSE",
    "Column",
    "Estate",
    "Grant",
    "ServiceUser",
    "Table",
    "WarehouseSpec",
    "columns_from_avro",
    "estate_of",
]

CONNECTOR_ROLE = "KAFKA_CONNECTOR"
CONNECTOR_USER = "SVC_KAFKA_CONNECTOR"
WAREHOUSE = "STREAMING_WH"

_PLAIN_TYPES = {
    "string": "VARCHAR",
    "int": "NUMBER(10,0)",
    "long": "NUMBER(19,0)",
    "float": "FLOAT",
    "double": "FLOAT",
    "boolean": "BOOLEAN",
    "bytes": "BINARY",
    "enum": "VARCHAR",
    "fixed": "BINARY",
    "record": "VARIANT",
    "array": "VARIANT",
    "map": "VARIANT",
}
_LOGICAL_TYPES = {
    "timestamp-millis": "TIMESTAMP_NTZ(3)",
    "timestamp-micros": "TIMESTAMP_NTZ(6)",
    "local-timestamp-millis": "TIMESTAMP_NTZ(3)",
    "local-timestamp-micros": "TIMESTAMP_NTZ(6)",
    "date": "DATE",
    "time-millis": "TIME(3)",
    "time-micros": "TIME(6)",
    "uuid": "VARCHAR",
}


@dataclass(frozen=True)
class Column:
    name: str
    type: str
    nullable: bool = True
    comment: str | None = None


@dataclass(frozen=True)
class Table:
    database: str
    schema: str
    name: str
    columns: tuple[Column, ...]
    comment: str

    @property
    def qualified(self) -> str:
        """Quoted, as grants name it."""
        return f'"{self.database}"."{self.schema}"."{self.name}"'


@dataclass(frozen=True)
class WarehouseSpec:
    """A virtual warehouse; `auto_suspend` in seconds."""

    name: str
    size: str
    auto_suspend: int
    comment: str


@dataclass(frozen=True)
class ServiceUser:
    name: str
    default_role: str
    default_warehouse: str
    comment: str


@dataclass(frozen=True)
class Grant:
    """Privileges on one object to one account role."""

    role: str
    privileges: tuple[str, ...]
    object_type: str
    object_name: str

    @property
    def key(self) -> str:
        """Stable, readable address key: `KAFKA_CONNECTOR table STREAMING.PUBLIC.ORDER_EVENTS`."""
        return f"{self.role} {self.object_type.lower()} {self.object_name.replace(chr(34), '')}"


@dataclass(frozen=True)
class Estate:
    databases: tuple[str, ...]
    schemas: tuple[tuple[str, str], ...]
    """(database, schema) pairs other than PUBLIC, which a database brings along."""
    tables: tuple[Table, ...]
    warehouse: WarehouseSpec
    roles: tuple[str, ...]
    users: tuple[ServiceUser, ...]
    role_members: tuple[tuple[str, str], ...]
    """(role, user) pairs."""
    grants: tuple[Grant, ...]


def estate_of(environment: Environment, environments_folder: Path) -> Estate:
    """The estate an environment needs.

    Raises:
        ConfigError: two topics write to one table, or a sink's topic has no value schema.
    """
    tables = _tables(environment, environments_folder)
    schemas = {(table.database, table.schema): None for table in tables}
    databases = {database: None for database, _ in schemas}
    grants = [Grant(CONNECTOR_ROLE, ("USAGE",), "WAREHOUSE", WAREHOUSE)]
    grants += [Grant(CONNECTOR_ROLE, ("USAGE",), "DATABASE", database) for database in databases]
    grants += [Grant(CONNECTOR_ROLE, ("USAGE",), "SCHEMA", f'"{database}"."{schema}"') for database, schema in schemas]
    # INSERT writes rows; SELECT lets the sink find out which row of a batch the warehouse refused.
    grants += [Grant(CONNECTOR_ROLE, ("INSERT", "SELECT"), "TABLE", table.qualified) for table in tables]
    settings = environment.warehouse
    return Estate(
        databases=tuple(databases),
        schemas=tuple(pair for pair in schemas if pair[1] != "PUBLIC"),
        tables=tables,
        warehouse=WarehouseSpec(
            WAREHOUSE, settings.size, round(settings.auto_suspend.seconds), "Readers and the sink's look-ups."
        ),
        roles=(CONNECTOR_ROLE,),
        users=(ServiceUser(CONNECTOR_USER, CONNECTOR_ROLE, WAREHOUSE, "Writes topics into tables; key pair only."),),
        role_members=((CONNECTOR_ROLE, CONNECTOR_USER),),
        grants=tuple(grants),
    )


def columns_from_avro(schema: Mapping[str, Any], named: Mapping[str, Any] | None = None) -> tuple[Column, ...]:
    """Table columns for an Avro record: upper-case names, `RECORD_METADATA VARIANT` last.

    A union with null is a nullable column; a union of several other types is VARIANT.

    Args:
        named: types the schema uses and other files define, by full name.
    """
    types = {**(named or {}), **_relative(named or {}, schema.get("namespace"))}
    columns = [_column(field, types) for field in schema["fields"]]
    metadata = Column("RECORD_METADATA", "VARIANT", comment="Topic, partition, offset, key, time and headers.")
    return (*columns, metadata)


def _tables(environment: Environment, folder: Path) -> tuple[Table, ...]:
    tables: dict[str, Table] = {}
    for name, topic in environment.topics.items():
        if not topic.sink:
            continue
        if not topic.value:
            raise ConfigError(
                f"topic {name} has a sink but no value schema",
                where=environment.source,
                do=f"give topics.{name}.value a schema, or remove its sink",
            )
        target = topic.sink.table.upper()
        if target in tables:
            raise ConfigError(
                f"two topics write to the table {target}", where=environment.source, do="give each sink its own table"
            )
        database, schema, table = target.split(".")
        avro = json.loads((folder / topic.value.schema_).read_text())
        named = {
            type_: json.loads((folder / each.schema_).read_text()) for type_, each in topic.value.references.items()
        }
        tables[target] = Table(database, schema, table, columns_from_avro(avro, named), f"Rows of the topic {name}.")
    return tuple(tables.values())


def _relative(named: Mapping[str, Any], namespace: str | None) -> dict[str, Any]:
    """Types of the schema's own namespace, by the short names it may use."""
    prefix = f"{namespace}."
    return {name.removeprefix(prefix): each for name, each in named.items() if name.startswith(prefix)}


def _column(field: Mapping[str, Any], named: Mapping[str, Any]) -> Column:
    nullable, kind = _unwrap(field["type"])
    kind = named.get(kind, kind) if isinstance(kind, str) else kind
    return Column(field["name"].upper(), _snowflake_type(kind), nullable, field.get("doc"))


def _unwrap(kind: Any) -> tuple[bool, Any]:
    if not isinstance(kind, list):
        return False, kind
    others = [branch for branch in kind if branch != "null"]
    return len(others) < len(kind), others[0] if len(others) == 1 else "record"


def _snowflake_type(kind: Any) -> str:
    if isinstance(kind, str):
        return _PLAIN_TYPES.get(kind, "VARIANT")
    logical = kind.get("logicalType")
    if logical == "decimal":
        return f"NUMBER({kind['precision']},{kind.get('scale', 0)})"
    return _LOGICAL_TYPES.get(logical) or _snowflake_type(kind["type"])
