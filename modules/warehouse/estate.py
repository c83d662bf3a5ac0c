"""The Snowflake estate as data: what exists, who may do what. Renderers turn it into Terraform, SQL or Pulumi.

Everything is resolved here: presets merged, roles of schemas written out, columns known, sizes filled in (`build.py`
does that), so that a renderer decides nothing. Names are upper case and unquoted; `qualified` quotes them. The order
within a kind is stable. Snowflake's own objects (INFORMATION_SCHEMA, `<TABLE>-STREAMING` pipes) are never part of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = [
    "CONNECTOR_ROLE", "CONNECTOR_USER", "SOURCE_USER", "WAREHOUSE", "AccountRole", "Column", "Database", "DatabaseRole",
    "DynamicTable", "Estate", "ExternalVolume", "Grant", "IcebergTable", "NetworkPolicy", "NetworkRule", "Ownership",
    "Pipe", "ResourceMonitor", "RoleGrant", "RoleRef", "Schema", "SchemaObject", "ServiceUser", "Stage",
    "StorageIntegration", "Table", "TagUse", "View", "VolumeLocation", "WarehouseSpec", "quoted",
]  # fmt: skip

CONNECTOR_ROLE = "KAFKA_CONNECTOR"
CONNECTOR_USER = "SVC_KAFKA_CONNECTOR"
SOURCE_USER = "SVC_KAFKA_SOURCE"
WAREHOUSE = "STREAMING_WH"


def quoted(*parts: str) -> str:
    """A name as statements and grants have it: `"STREAMING"."PUBLIC"`."""
    return ".".join('"' + part.replace('"', '""') + '"' for part in parts)


@dataclass(frozen=True)
class Column:
    """`type` as Snowflake writes it; `masking_policy` as DATABASE.SCHEMA.POLICY, made elsewhere."""

    name: str
    type: str
    nullable: bool = True
    comment: str | None = None
    masking_policy: str | None = None


@dataclass(frozen=True)
class Database:
    """`retention_days`: time travel; None leaves the account's."""

    name: str
    transient: bool = False
    retention_days: int | None = None
    comment: str | None = None

    @property
    def qualified(self) -> str:
        return quoted(self.name)


@dataclass(frozen=True)
class Schema:
    database: str
    name: str
    transient: bool = False
    managed_access: bool = False
    retention_days: int | None = None
    comment: str | None = None

    @property
    def comes_with_database(self) -> bool:
        """PUBLIC as Snowflake makes it: nothing has to be done for it."""
        return self == Schema(self.database, "PUBLIC")

    @property
    def dotted(self) -> str:
        return f"{self.database}.{self.name}"

    @property
    def qualified(self) -> str:
        return quoted(self.database, self.name)


@dataclass(frozen=True, kw_only=True)
class SchemaObject:
    """In a schema."""

    database: str
    schema: str
    name: str
    comment: str | None = None

    @property
    def dotted(self) -> str:
        return f"{self.database}.{self.schema}.{self.name}"

    @property
    def qualified(self) -> str:
        return quoted(self.database, self.schema, self.name)


@dataclass(frozen=True, kw_only=True)
class Table(SchemaObject):
    """A table.

    Attributes:
        cluster_by: expressions, as written.
        schema_evolution: a connector may add columns; what it adds is no drift.
        topic: the topic whose events land here; None for any other table.
    """

    columns: tuple[Column, ...]
    cluster_by: tuple[str, ...] = ()
    schema_evolution: bool = False
    change_tracking: bool = False
    retention_days: int | None = None
    topic: str | None = None


@dataclass(frozen=True, kw_only=True)
class View(SchemaObject):
    """`query` is its SELECT; `level` is 0 for what reads no other view or dynamic table, else one more than those."""

    query: str
    secure: bool = False
    level: int = 0


@dataclass(frozen=True, kw_only=True)
class DynamicTable(SchemaObject):
    """`target_lag` as Snowflake has it (`5 minutes`), or DOWNSTREAM; `level` as in `View`."""

    query: str
    target_lag: str
    warehouse: str
    refresh_mode: str = "AUTO"
    level: int = 0


@dataclass(frozen=True, kw_only=True)
class IcebergTable(SchemaObject):
    """With Snowflake as its catalogue; `base_location` is its folder in the volume."""

    columns: tuple[Column, ...]
    external_volume: str
    base_location: str
    cluster_by: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Stage(SchemaObject):
    """In S3 with `url` (reached through `storage_integration`), else in Snowflake."""

    url: str | None = None
    storage_integration: str | None = None
    directory: bool = False


@dataclass(frozen=True, kw_only=True)
class Pipe(SchemaObject):
    copy_statement: str
    auto_ingest: bool = False
    sns_topic: str | None = None


@dataclass(frozen=True, kw_only=True)
class NetworkRule(SchemaObject):
    """`type`: IPV4, AWSVPCEID …; `mode`: INGRESS, INTERNAL_STAGE, EGRESS."""

    type: str
    mode: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class NetworkPolicy:
    """Rules as DATABASE.SCHEMA.RULE, addresses as CIDR blocks; what is blocked wins."""

    name: str
    allowed_rules: tuple[str, ...] = ()
    blocked_rules: tuple[str, ...] = ()
    allowed_cidrs: tuple[str, ...] = ()
    blocked_cidrs: tuple[str, ...] = ()
    comment: str | None = None


@dataclass(frozen=True)
class ResourceMonitor:
    """`credits` a period (`frequency`: MONTHLY …); the rest are percentages of it."""

    name: str
    credits: int
    frequency: str = "MONTHLY"
    notify_at: tuple[int, ...] = ()
    suspend_at: int | None = None
    suspend_now_at: int | None = None
    notify_users: tuple[str, ...] = ()


@dataclass(frozen=True)
class WarehouseSpec:
    """A virtual warehouse; `auto_suspend` and the time-outs in seconds, None leaves the account's."""

    name: str
    size: str
    auto_suspend: int
    comment: str | None = None
    resource_monitor: str | None = None
    statement_timeout: int | None = None
    queue_timeout: int | None = None
    min_clusters: int = 1
    max_clusters: int = 1
    scaling_policy: str = "STANDARD"


@dataclass(frozen=True)
class StorageIntegration:
    name: str
    role_arn: str
    allowed_locations: tuple[str, ...]
    blocked_locations: tuple[str, ...] = ()
    external_id: str | None = None
    enabled: bool = True
    comment: str | None = None


@dataclass(frozen=True)
class VolumeLocation:
    name: str
    base_url: str
    role_arn: str
    external_id: str | None = None
    kms_key_id: str | None = None


@dataclass(frozen=True)
class ExternalVolume:
    name: str
    locations: tuple[VolumeLocation, ...]
    allow_writes: bool = True
    comment: str | None = None


@dataclass(frozen=True)
class AccountRole:
    name: str
    comment: str | None = None


@dataclass(frozen=True)
class DatabaseRole:
    database: str
    name: str
    comment: str | None = None

    @property
    def dotted(self) -> str:
        return f"{self.database}.{self.name}"


@dataclass(frozen=True, order=True)
class RoleRef:
    """An account role (`database` is None) or a database role."""

    name: str
    database: str | None = None

    @classmethod
    def parse(cls, text: str) -> RoleRef:
        """`ANALYST`, or `ANALYTICS.MARTS_READ`."""
        first, _, second = text.partition(".")
        return cls(second, first) if second else cls(first)

    @property
    def dotted(self) -> str:
        return f"{self.database}.{self.name}" if self.database else self.name

    @property
    def qualified(self) -> str:
        return quoted(self.database, self.name) if self.database else quoted(self.name)

    @property
    def kind(self) -> Literal["ROLE", "DATABASE ROLE"]:
        """As GRANT writes it."""
        return "DATABASE ROLE" if self.database else "ROLE"


@dataclass(frozen=True)
class RoleGrant:
    """`role` is granted to another role, or to a user (`to_user`); exactly one of the two is given."""

    role: RoleRef
    to_role: RoleRef | None = None
    to_user: str | None = None

    @property
    def key(self) -> str:
        return f"{self.role.dotted} to {self.to_role.dotted if self.to_role else self.to_user}"


@dataclass(frozen=True)
class Grant:
    """Privileges to one role on one object, or on all or future objects of a kind in a schema or database.

    Attributes:
        object_type: in the singular: DATABASE, DYNAMIC TABLE, ACCOUNT.
        object_name: its parts, unquoted; with `all` and `future` those of what holds the objects; empty for ACCOUNT.
    """

    role: RoleRef
    privileges: tuple[str, ...]
    object_type: str
    object_name: tuple[str, ...]
    scope: Literal["one", "all", "future", "account"] = "one"

    @property
    def qualified(self) -> str:
        """The object's (or its container's) name, quoted."""
        return quoted(*self.object_name)

    @property
    def on(self) -> str:
        """What follows ON in a GRANT: `TABLE "D"."S"."T"`, `FUTURE TABLES IN SCHEMA "D"."S"`."""
        if self.scope == "account":
            return "ACCOUNT"
        if self.scope == "one":
            return f"{self.object_type} {self.qualified}"
        container = "SCHEMA" if len(self.object_name) == 2 else "DATABASE"
        return f"{self.scope.upper()} {self.object_type}S IN {container} {self.qualified}"

    @property
    def key(self) -> str:
        """Stable and readable: `KAFKA_CONNECTOR table STREAMING.PUBLIC.ORDER_EVENTS`."""
        return f"{self.role.dotted} {self._what}"

    @property
    def _what(self) -> str:
        name = ".".join(self.object_name)
        if self.scope == "account":
            return "account"
        kind = self.object_type.lower()
        return f"{kind} {name}" if self.scope == "one" else f"{self.scope} {kind}s in {name}"


@dataclass(frozen=True)
class Ownership:
    """An object's owner, where that is not the role that makes it; others keep theirs (COPY CURRENT GRANTS)."""

    role: RoleRef
    object_type: str
    object_name: tuple[str, ...]
    scope: Literal["one", "all", "future"] = "one"

    @property
    def grant(self) -> Grant:
        """The same as a grant, for its names."""
        return Grant(self.role, ("OWNERSHIP",), self.object_type, self.object_name, self.scope)


@dataclass(frozen=True)
class ServiceUser:
    """A program's user (TYPE = SERVICE, no password); its public keys are no part of the estate (`keys.py`)."""

    name: str
    default_role: str
    default_warehouse: str | None = None
    network_policy: str | None = None
    comment: str | None = None


@dataclass(frozen=True)
class TagUse:
    """A tag (DATABASE.SCHEMA.TAG, made elsewhere) on objects of one kind, by their parts."""

    tag: str
    value: str
    object_type: str
    objects: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, kw_only=True)
class Estate:
    """All of it, in an order in which nothing refers to what comes later but for grants."""

    databases: tuple[Database, ...] = ()
    schemas: tuple[Schema, ...] = ()
    """PUBLIC of every database among them."""
    resource_monitors: tuple[ResourceMonitor, ...] = ()
    warehouses: tuple[WarehouseSpec, ...] = ()
    network_rules: tuple[NetworkRule, ...] = ()
    network_policies: tuple[NetworkPolicy, ...] = ()
    storage_integrations: tuple[StorageIntegration, ...] = ()
    external_volumes: tuple[ExternalVolume, ...] = ()
    roles: tuple[AccountRole, ...] = ()
    database_roles: tuple[DatabaseRole, ...] = ()
    users: tuple[ServiceUser, ...] = ()
    role_grants: tuple[RoleGrant, ...] = ()
    tables: tuple[Table, ...] = ()
    iceberg_tables: tuple[IcebergTable, ...] = ()
    views: tuple[View, ...] = ()
    dynamic_tables: tuple[DynamicTable, ...] = ()
    stages: tuple[Stage, ...] = ()
    pipes: tuple[Pipe, ...] = ()
    grants: tuple[Grant, ...] = ()
    ownership: tuple[Ownership, ...] = ()
    tags: tuple[TagUse, ...] = ()
