"""The Snowflake estate as an environment's YAML says it: one section for each kind of object, by name.

What a preset adds is `warehouse_presets.py`'s work, what is wrong with it `warehouse_checks.py`'s. Objects in a schema
are named `DATABASE.SCHEMA.NAME`, database roles `DATABASE.ROLE`, all in upper case.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from modules.environment.section import Section
from modules.environment.types import Duration, DurationValue, SecretRef, Whole

__all__ = [
    "AccountRole", "ColumnSettings", "Database", "DatabaseRole", "DynamicTable", "ExternalVolume", "GrantSettings",
    "IcebergTable", "NetworkPolicy", "NetworkRule", "OwnershipSettings", "Pipe", "ResourceMonitor", "SchemaSettings",
    "ServiceUser", "Size", "SnowflakeAccount", "Stage", "StorageIntegration", "TableSettings", "TagUse", "View",
    "VirtualWarehouse", "VolumeLocation", "Warehouse", "days",
]  # fmt: skip

Size = Literal["XSMALL", "SMALL", "MEDIUM", "LARGE", "XLARGE"]
_DAY = 86_400_000


class SnowflakeAccount(Section):
    """A real account; the local platform fills in its own."""

    organization: str = Field(description="The account identifier's part before the `-`.")
    account: str = Field(description="The account identifier's part after the `-`.")
    user: str = Field(description="Whom Terraform logs in as.")
    private_key: SecretRef = Field(description="That user's private key (PKCS#8 PEM), as a reference.")
    private_key_passphrase: SecretRef | None = Field(None, description="With an encrypted key: its passphrase.")
    role: str = Field("ACCOUNTADMIN", description="The role Terraform works in.")


class SchemaSettings(Section):
    """A schema; with `access_roles` it gets `<SCHEMA>_READ`, `<SCHEMA>_WRITE` and `<SCHEMA>_OWNER` in its database."""

    transient: bool = Field(False, description="No fail-safe: cheaper, and nothing Snowflake's support can bring back.")
    managed_access: bool = Field(False, description="Only the schema's owner grants on what is in it.")
    retention: Duration | None = Field(None, description="Time travel, whole days; default: the database's.")
    access_roles: bool = Field(True, description="Database roles that read, write and own what is in it.")
    comment: str | None = Field(None, description="What it is for.")


class Database(Section):
    """A database; PUBLIC is one of its schemas whether it is named or not."""

    transient: bool = Field(False, description="No fail-safe: cheaper, and nothing Snowflake's support can bring back.")
    retention: Duration | None = Field(None, description="Time travel, whole days up to 90; default: the account's.")
    schemas: dict[str, SchemaSettings] = Field(default_factory=dict, description="By name.")
    comment: str | None = Field(None, description="What it is for.")


class ColumnSettings(Section):
    """A column of a table."""

    type: str = Field(description="As Snowflake writes it: NUMBER(12,2), VARCHAR, TIMESTAMP_NTZ(6).", min_length=1)
    nullable: bool = Field(True, description="Whether a row may leave it out.")
    comment: str | None = Field(None, description="What it holds.")


class TableSettings(Section):
    """A table; one that is a topic's sink has its columns from the topic's schema unless they are written."""

    columns: dict[str, ColumnSettings] = Field(
        default_factory=dict, description="By name, in order; default for a sink's table: the topic's fields."
    )
    cluster_by: list[str] = Field(default_factory=list, description="Columns or expressions it is clustered by.")
    schema_evolution: bool = Field(False, description="Whether a connector may add columns by itself.")
    change_tracking: bool = Field(False, description="Whether streams and dynamic tables may follow its changes.")
    retention: Duration | None = Field(None, description="Time travel, whole days; default: the schema's.")
    masked: dict[str, str] = Field(
        default_factory=dict, description="Column → masking policy DATABASE.SCHEMA.POLICY that exists already."
    )
    comment: str | None = Field(None, description="What it holds.")


class View(Section):
    """A view."""

    query: str = Field(description="Its SELECT; objects by their full names.", min_length=1)
    secure: bool = Field(False, description="Hides its query from those who only may read it.")
    comment: str | None = Field(None, description="What it shows.")


class DynamicTable(Section):
    """A query's result that Snowflake keeps up to date."""

    query: str = Field(description="Its SELECT; objects by their full names.", min_length=1)
    target_lag: str = Field(
        description="How old it may be, as 5m (60s at least), or `downstream`: when one that reads it needs it.",
        pattern=r"^([0-9]+(s|m|h|d)|downstream)$",
    )
    warehouse: str = Field(description="The virtual warehouse that refreshes it.")
    refresh_mode: Literal["AUTO", "FULL", "INCREMENTAL"] = Field("AUTO", description="How it is refreshed.")
    comment: str | None = Field(None, description="What it holds.")


class VirtualWarehouse(Section):
    """A virtual warehouse: the compute that queries run on."""

    size: Size | None = Field(None, description="Default: `warehouse.size`.")
    auto_suspend: Duration | None = Field(None, description="Default: `warehouse.auto_suspend`.")
    resource_monitor: str | None = Field(None, description="The monitor that limits its credits.")
    statement_timeout: Duration | None = Field(None, description="Longest run of a query; default: the account's.")
    queue_timeout: Duration | None = Field(None, description="Longest wait of a query; default: the account's.")
    min_clusters: Whole = Field(1, ge=1, le=10, description="More than one needs the Enterprise edition.")
    max_clusters: Whole = Field(1, ge=1, le=10, description="More than one needs the Enterprise edition.")
    scaling_policy: Literal["STANDARD", "ECONOMY"] = Field("STANDARD", description="When clusters are added.")
    comment: str | None = Field(None, description="Who uses it.")


class ResourceMonitor(Section):
    """A limit on credits; each warehouse names its own."""

    credits: Whole = Field(ge=1, description="What may be used in a period.")
    frequency: Literal["DAILY", "WEEKLY", "MONTHLY", "YEARLY", "NEVER"] = Field("MONTHLY", description="The period.")
    notify_at: list[Whole] = Field(default_factory=lambda: [80], description="Percentages that are told.")
    suspend_at: Whole | None = Field(100, description="The percentage that lets no further query start.")
    suspend_now_at: Whole | None = Field(None, description="The percentage that ends queries as they run.")
    notify_users: list[str] = Field(default_factory=list, description="Users (people) who are told besides.")


class AccountRole(Section):
    """A role people and services take."""

    inherits: list[str] = Field(default_factory=list, description="Roles, and database roles (`DB.ROLE`), it includes.")
    warehouses: list[str] = Field(default_factory=list, description="Virtual warehouses it may use.")
    granted_to: list[str] = Field(default_factory=lambda: ["SYSADMIN"], description="Roles that include it.")
    comment: str | None = Field(None, description="Who takes it.")


class DatabaseRole(Section):
    """A role within a database, beside those that every schema brings."""

    inherits: list[str] = Field(default_factory=list, description="Database roles of the same database it includes.")
    comment: str | None = Field(None, description="What it may do.")


class GrantSettings(Section):
    """Privileges beyond those that access roles and the connector's role have."""

    to: str = Field(description="A role, or a database role as `DATABASE.ROLE`.")
    privileges: list[str] = Field(description="As Snowflake names them: SELECT, USAGE, CREATE TABLE.", min_length=1)
    on: str = Field(
        description="`table D.S.T`, `schema D.S`, `warehouse W`, `all tables in D.S`, `future views in D.S`, `account`."
    )


class OwnershipSettings(Section):
    """Who owns an object other than the role that makes it."""

    to: str = Field(description="A role, or a database role as `DATABASE.ROLE`.")
    on: str = Field(description="`table D.S.T`, `schema D.S`, `future tables in D.S` …")


class ServiceUser(Section):
    """A program's user: it logs in with a key pair and has no password."""

    role: str = Field(description="The role it takes.")
    further_roles: list[str] = Field(default_factory=list, description="Roles it may take besides.")
    warehouse: str | None = Field(None, description="The virtual warehouse it uses unless it says another.")
    network_policy: str | None = Field(None, description="From where it may log in.")
    private_key: SecretRef | None = Field(
        None, description="Its private key; default: made by the CLI and kept under .infra (0600)."
    )
    second_private_key: SecretRef | None = Field(None, description="A second key, that also logs in.")
    passphrase: SecretRef | None = Field(None, description="With encrypted keys: their passphrase.")
    comment: str | None = Field(None, description="What it does.")


class NetworkRule(Section):
    """Addresses, as one thing that policies refer to."""

    type: Literal["IPV4", "AWSVPCEID", "AZURELINKID", "HOST_PORT"] = Field("IPV4", description="What `values` are.")
    mode: Literal["INGRESS", "INTERNAL_STAGE", "EGRESS"] = Field("INGRESS", description="Which way.")
    values: list[str] = Field(description="CIDR blocks, VPC endpoint ids, or hosts with ports.", min_length=1)
    comment: str | None = Field(None, description="Whose addresses these are.")


class NetworkPolicy(Section):
    """From where users that have it may log in."""

    allowed_rules: list[str] = Field(default_factory=list, description="Network rules, DATABASE.SCHEMA.RULE.")
    blocked_rules: list[str] = Field(default_factory=list, description="Network rules; these win.")
    allowed_cidrs: list[str] = Field(default_factory=list, description="Addresses and CIDR blocks.")
    blocked_cidrs: list[str] = Field(default_factory=list, description="Addresses and CIDR blocks; these win.")
    comment: str | None = Field(None, description="Whom it is for.")


class StorageIntegration(Section):
    """A trust between Snowflake and S3, so that no stage holds a key."""

    role_arn: str = Field(
        description="The IAM role Snowflake takes.", pattern=r"^arn:aws[\w-]*:iam::[0-9]{12}:role/.+$"
    )
    allowed_locations: list[str] = Field(description="As s3://bucket/path/.", min_length=1)
    blocked_locations: list[str] = Field(default_factory=list, description="As s3://bucket/path/.")
    external_id: str | None = Field(None, description="The trust policy's external id; default: Snowflake makes one.")
    enabled: bool = Field(True, description="Whether stages may use it.")
    comment: str | None = Field(None, description="What it reaches.")


class VolumeLocation(Section):
    """Where an external volume keeps its files."""

    base_url: str = Field(description="As s3://bucket/path/.", pattern=r"^s3(gov|china)?://.+$")
    role_arn: str = Field(
        description="The IAM role Snowflake takes.", pattern=r"^arn:aws[\w-]*:iam::[0-9]{12}:role/.+$"
    )
    external_id: str | None = Field(None, description="The trust policy's external id; default: Snowflake makes one.")
    kms_key_id: str | None = Field(None, description="Encrypts with this key of KMS; default: S3's own.")


class ExternalVolume(Section):
    """Storage of one's own for Iceberg tables."""

    locations: dict[str, VolumeLocation] = Field(description="By name.", min_length=1)
    allow_writes: bool = Field(True, description="Whether Snowflake may write there.")
    comment: str | None = Field(None, description="What it is for.")


class Stage(Section):
    """Files: in S3 with `url`, else in Snowflake."""

    url: str | None = Field(None, description="As s3://bucket/path/.", pattern=r"^s3(gov|china)?://.+$")
    storage_integration: str | None = Field(None, description="With `url`: how it is reached.")
    directory: bool = Field(False, description="Whether its files can be listed by a query.")
    comment: str | None = Field(None, description="What is in it.")


class Pipe(Section):
    """Loads a stage's files as they come; Snowflake's own `<TABLE>-STREAMING` pipes need no entry."""

    copy_statement: str = Field(description="COPY INTO DATABASE.SCHEMA.TABLE FROM @DATABASE.SCHEMA.STAGE …")
    auto_ingest: bool = Field(False, description="Loads when S3 tells of a new file.")
    sns_topic: str | None = Field(None, description="With `auto_ingest`: the SNS topic that tells of files.")
    comment: str | None = Field(None, description="What it loads.")


class IcebergTable(Section):
    """A table whose files are in an external volume, kept by Snowflake's catalogue."""

    columns: dict[str, ColumnSettings] = Field(description="By name, in order.", min_length=1)
    external_volume: str = Field(description="Where its files are.")
    base_location: str = Field(description="Its folder in the volume.")
    cluster_by: list[str] = Field(default_factory=list, description="Columns or expressions it is clustered by.")
    comment: str | None = Field(None, description="What it holds.")


class TagUse(Section):
    """A tag that exists already, on objects of the estate."""

    tag: str = Field(description="DATABASE.SCHEMA.TAG that exists already.")
    value: str = Field(description="Its value.")
    on: list[str] = Field(description="`table D.S.T`, `schema D.S`, `warehouse W`, `database D` …", min_length=1)


class Warehouse(Section):
    """The Snowflake estate: a preset, and what this environment adds to it or has otherwise."""

    preset: Literal["order-events", "none"] = Field(
        "order-events", description="What is there from the start; none: only what the topics' sinks need."
    )
    without: list[str] = Field(
        default_factory=list,
        description="What of the preset is not wanted, as `roles.ANALYST` or `databases.ANALYTICS`.",
    )
    engine: Literal["terraform", "sql", "pulumi"] = Field("terraform", description="What makes them.")
    size: Size = Field("XSMALL", description="The virtual warehouses' size.")
    auto_suspend: Duration = Field(DurationValue(60_000), description="Idle time after which they stop costing.")
    monthly_credits: Whole = Field(100, ge=1, description="The preset's limit on what its warehouses use in a month.")
    allowed_cidrs: list[str] = Field(
        default_factory=list, description="From where the preset's service user may log in; default: from anywhere."
    )
    account: SnowflakeAccount | None = Field(None, description="The Snowflake account; local brings its own.")
    connector_private_key: SecretRef | None = Field(
        None, description="Key of SVC_KAFKA_CONNECTOR; default: made by the CLI and kept under .infra (0600)."
    )
    connector_private_key_passphrase: SecretRef | None = Field(
        None, description="With an encrypted key: its passphrase."
    )
    source_private_key: SecretRef | None = Field(
        None, description="Key of SVC_KAFKA_SOURCE, which reads `sources`; default: made by the CLI and kept as above."
    )
    databases: dict[str, Database] = Field(default_factory=dict, description="By name.")
    tables: dict[str, TableSettings] = Field(default_factory=dict, description="By DATABASE.SCHEMA.NAME.")
    views: dict[str, View] = Field(default_factory=dict, description="By DATABASE.SCHEMA.NAME.")
    dynamic_tables: dict[str, DynamicTable] = Field(default_factory=dict, description="By DATABASE.SCHEMA.NAME.")
    iceberg_tables: dict[str, IcebergTable] = Field(default_factory=dict, description="By DATABASE.SCHEMA.NAME.")
    warehouses: dict[str, VirtualWarehouse] = Field(default_factory=dict, description="By name.")
    resource_monitors: dict[str, ResourceMonitor] = Field(default_factory=dict, description="By name.")
    roles: dict[str, AccountRole] = Field(default_factory=dict, description="By name.")
    database_roles: dict[str, DatabaseRole] = Field(default_factory=dict, description="By DATABASE.ROLE.")
    grants: list[GrantSettings] = Field(default_factory=list, description="Beyond what roles have by themselves.")
    ownership: list[OwnershipSettings] = Field(default_factory=list, description="Owners other than the maker.")
    users: dict[str, ServiceUser] = Field(default_factory=dict, description="Service users, by name.")
    network_rules: dict[str, NetworkRule] = Field(default_factory=dict, description="By DATABASE.SCHEMA.NAME.")
    network_policies: dict[str, NetworkPolicy] = Field(default_factory=dict, description="By name.")
    storage_integrations: dict[str, StorageIntegration] = Field(default_factory=dict, description="By name.")
    external_volumes: dict[str, ExternalVolume] = Field(default_factory=dict, description="By name.")
    stages: dict[str, Stage] = Field(default_factory=dict, description="By DATABASE.SCHEMA.NAME.")
    pipes: dict[str, Pipe] = Field(default_factory=dict, description="By DATABASE.SCHEMA.NAME.")
    tags: list[TagUse] = Field(default_factory=list, description="Tags that exist already, put on objects.")


def days(retention: DurationValue | None) -> int | None:
    """Time travel as Snowflake counts it."""
    return None if retention is None else retention.milliseconds // _DAY
