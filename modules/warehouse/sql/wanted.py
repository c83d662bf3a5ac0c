"""The estate as a catalogue: what should be there, in the words of SQL. Pure; secrets are no part of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from modules.warehouse import estate as data
from modules.warehouse.estate import Estate
from modules.warehouse.keys import PublicKeys
from modules.warehouse.sql.catalogue import Catalogue, Column, Item, Member, Name, Right, Tagged
from modules.warehouse.sql.grants import OWNERSHIP
from modules.warehouse.sql.types import canonical

__all__ = ["wanted"]


def wanted(estate: Estate, public_keys: Mapping[str, PublicKeys]) -> Catalogue:
    """Everything the estate declares.

    Args:
        public_keys: of each service user.
    """
    items = [*_account(estate), *_containers(estate), *_users(estate, public_keys), *_in_schemas(estate)]
    return Catalogue.of(items, _rights(estate), _members(estate), _tags(estate))


def _account(estate: Estate) -> Iterator[Item]:
    for role in estate.roles:
        yield Item("ROLE", (role.name,), {"COMMENT": role.comment or ""})
    for monitor in estate.resource_monitors:
        yield Item("RESOURCE MONITOR", (monitor.name,), _monitor(monitor))
    for one in estate.warehouses:
        yield Item("WAREHOUSE", (one.name,), _warehouse(one))
    for policy in estate.network_policies:
        values: dict[str, Any] = {
            "ALLOWED_NETWORK_RULE_LIST": tuple(_parts(each) for each in policy.allowed_rules),
            "BLOCKED_NETWORK_RULE_LIST": tuple(_parts(each) for each in policy.blocked_rules),
            "ALLOWED_IP_LIST": policy.allowed_cidrs,
            "BLOCKED_IP_LIST": policy.blocked_cidrs,
            "COMMENT": policy.comment or "",
        }
        yield Item("NETWORK POLICY", (policy.name,), values)
    for integration in estate.storage_integrations:
        yield Item("STORAGE INTEGRATION", (integration.name,), _integration(integration))
    for volume in estate.external_volumes:
        places = tuple(
            (each.name, each.base_url, each.role_arn, each.external_id, each.kms_key_id) for each in volume.locations
        )
        values = {"STORAGE_LOCATIONS": places, "ALLOW_WRITES": volume.allow_writes, "COMMENT": volume.comment or ""}
        yield Item("EXTERNAL VOLUME", (volume.name,), values)


def _monitor(monitor: data.ResourceMonitor) -> dict[str, Any]:
    return {
        "CREDIT_QUOTA": monitor.credits,
        "FREQUENCY": monitor.frequency,
        "START_TIMESTAMP": "IMMEDIATELY",
        "NOTIFY_USERS": tuple(sorted(monitor.notify_users)),
        "NOTIFY": tuple(sorted(monitor.notify_at)),
        "SUSPEND": monitor.suspend_at,
        "SUSPEND_IMMEDIATE": monitor.suspend_now_at,
    }


def _warehouse(one: data.WarehouseSpec) -> dict[str, Any]:
    values: dict[str, Any] = {
        "WAREHOUSE_SIZE": one.size,
        "MAX_CLUSTER_COUNT": one.max_clusters,
        "SCALING_POLICY": one.scaling_policy,
        "AUTO_SUSPEND": one.auto_suspend,
        "AUTO_RESUME": True,
        "INITIALLY_SUSPENDED": True,
        "RESOURCE_MONITOR": one.resource_monitor,
        "COMMENT": one.comment or "",
    }
    return values | _given(
        MIN_CLUSTER_COUNT=one.min_clusters if one.max_clusters > 1 else None,
        STATEMENT_TIMEOUT_IN_SECONDS=one.statement_timeout,
        STATEMENT_QUEUED_TIMEOUT_IN_SECONDS=one.queue_timeout,
    )


def _integration(one: data.StorageIntegration) -> dict[str, Any]:
    values: dict[str, Any] = {
        "TYPE": "EXTERNAL_STAGE",
        "STORAGE_PROVIDER": "S3",
        "STORAGE_AWS_ROLE_ARN": one.role_arn,
        "ENABLED": one.enabled,
        "STORAGE_ALLOWED_LOCATIONS": one.allowed_locations,
        "STORAGE_BLOCKED_LOCATIONS": one.blocked_locations,
        "COMMENT": one.comment or "",
    }
    return values | _given(STORAGE_AWS_EXTERNAL_ID=one.external_id)


def _containers(estate: Estate) -> Iterator[Item]:
    for database in estate.databases:
        values: dict[str, Any] = {"TRANSIENT": database.transient, "COMMENT": database.comment or ""}
        values |= _given(DATA_RETENTION_TIME_IN_DAYS=database.retention_days)
        yield Item("DATABASE", (database.name,), values)
    for schema in estate.schemas:
        # PUBLIC is as transient as its database, which nobody has to declare.
        transient = {} if schema.name == "PUBLIC" and not schema.transient else {"TRANSIENT": schema.transient}
        values = {**transient, "MANAGED_ACCESS": schema.managed_access, "COMMENT": schema.comment or ""}
        values |= _given(DATA_RETENTION_TIME_IN_DAYS=schema.retention_days)
        yield Item("SCHEMA", (schema.database, schema.name), values)
    for role in estate.database_roles:
        yield Item("DATABASE ROLE", (role.database, role.name), {"COMMENT": role.comment or ""})


def _users(estate: Estate, public_keys: Mapping[str, PublicKeys]) -> Iterator[Item]:
    for user in estate.users:
        keys = public_keys[user.name]
        values: dict[str, Any] = {
            "DEFAULT_WAREHOUSE": user.default_warehouse,
            "DEFAULT_ROLE": user.default_role,
            "RSA_PUBLIC_KEY": keys.first,
            "TYPE": "SERVICE",
            "COMMENT": user.comment or "",
            "NETWORK_POLICY": user.network_policy,
        }
        # An empty second slot is not declared empty: a rotation may be using it.
        yield Item("USER", (user.name,), values | _given(RSA_PUBLIC_KEY_2=keys.second))


def _in_schemas(estate: Estate) -> Iterator[Item]:
    for rule in estate.network_rules:
        yield _object("NETWORK RULE", rule, {"TYPE": rule.type, "MODE": rule.mode, "VALUE_LIST": rule.values})
    for table in estate.tables:
        values: dict[str, Any] = {
            "CLUSTER_BY": table.cluster_by,
            "ENABLE_SCHEMA_EVOLUTION": table.schema_evolution,
            "CHANGE_TRACKING": table.change_tracking,
            **_given(DATA_RETENTION_TIME_IN_DAYS=table.retention_days),
        }
        yield _object("TABLE", table, values, _columns(table.columns))
    for iceberg in estate.iceberg_tables:
        values = {
            "CLUSTER_BY": iceberg.cluster_by,
            "EXTERNAL_VOLUME": iceberg.external_volume,
            "CATALOG": "SNOWFLAKE",
            "BASE_LOCATION": iceberg.base_location,
        }
        yield _object("ICEBERG TABLE", iceberg, values, _columns(iceberg.columns))
    for view in estate.views:
        yield _object("VIEW", view, {"SECURE": view.secure, "QUERY": view.query}, level=view.level)
    for dynamic in estate.dynamic_tables:
        values = {
            "TARGET_LAG": dynamic.target_lag,
            "WAREHOUSE": dynamic.warehouse,
            "INITIALIZE": "ON_CREATE",
            "REFRESH_MODE": dynamic.refresh_mode,
            "QUERY": dynamic.query,
        }
        yield _object("DYNAMIC TABLE", dynamic, values, level=dynamic.level)
    for stage in estate.stages:
        values = {"DIRECTORY": stage.directory, **_given(URL=stage.url, STORAGE_INTEGRATION=stage.storage_integration)}
        yield _object("STAGE", stage, values)
    for pipe in estate.pipes:
        values = {"AUTO_INGEST": pipe.auto_ingest, "AWS_SNS_TOPIC": pipe.sns_topic, "QUERY": pipe.copy_statement}
        yield _object("PIPE", pipe, values)


def _object(
    kind: str, one: data.SchemaObject, values: Mapping[str, Any], columns: tuple[Column, ...] = (), level: int = 0
) -> Item:
    name = (one.database, one.schema, one.name)
    return Item(kind, name, {**values, "COMMENT": one.comment or ""}, columns, level=level)


def _columns(columns: Iterable[data.Column]) -> tuple[Column, ...]:
    return tuple(
        Column(
            each.name,
            canonical(each.type),
            each.nullable,
            each.comment or "",
            _parts(each.masking_policy) if each.masking_policy else None,
        )
        for each in columns
    )


def _rights(estate: Estate) -> Iterator[Right]:
    for grant in estate.grants:
        for privilege in grant.privileges:
            yield Right(_role(grant.role), privilege, grant.object_type, grant.object_name, grant.scope)
    for owner in estate.ownership:
        yield Right(_role(owner.role), OWNERSHIP, owner.object_type, owner.object_name, owner.scope)


def _members(estate: Estate) -> Iterator[Member]:
    for grant in estate.role_grants:
        if grant.to_role is not None:
            yield Member(_role(grant.role), grant.to_role.kind, _role(grant.to_role))
        elif grant.to_user is not None:
            yield Member(_role(grant.role), "USER", (grant.to_user,))


def _tags(estate: Estate) -> Iterator[Tagged]:
    for use in estate.tags:
        for name in use.objects:
            yield Tagged(_parts(use.tag), use.object_type, name, use.value)


def _role(role: data.RoleRef) -> Name:
    return (role.database, role.name) if role.database else (role.name,)


def _parts(dotted: str) -> Name:
    return tuple(dotted.split("."))


def _given(**values: Any) -> dict[str, Any]:
    """Without what is not declared."""
    return {key: value for key, value in values.items() if value is not None}
