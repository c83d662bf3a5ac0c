"""Renders the Snowflake estate as Terraform resources of `snowflakedb/snowflake`.

One resource a kind over `for_each`, keyed by name; what has blocks in varying number (tables, volumes) gets a resource
each. Grants are in `terraform_grants.py`, what is in schemas in `terraform_objects.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modules.platforms.base import SnowflakeClient
from modules.resources.base import Resource, Stack
from modules.resources.expressions import each, literal
from modules.resources.snowflake import (
    SnowflakeAccountRole,
    SnowflakeDatabase,
    SnowflakeDatabaseRole,
    SnowflakeExternalVolume,
    SnowflakeExternalVolume_StorageLocation,
    SnowflakeNetworkPolicy,
    SnowflakeNetworkRule,
    SnowflakeProvider,
    SnowflakeResourceMonitor,
    SnowflakeSchema,
    SnowflakeServiceUser,
    SnowflakeStorageIntegrationAws,
    SnowflakeWarehouse,
)
from modules.warehouse.estate import WAREHOUSE, Estate, ExternalVolume, VolumeLocation, quoted
from modules.warehouse.keys import PublicKeys
from modules.warehouse.terraform_grants import declare_grants, declare_role_grants
from modules.warehouse.terraform_objects import declare_schema_objects, resource_id, said

__all__ = ["declare_estate", "declare_provider", "preview_features"]


def preview_features(estate: Estate) -> list[str]:
    """The provider's preview features this estate needs, by name."""
    needed = {
        "snowflake_dynamic_table_resource": estate.dynamic_tables,
        "snowflake_iceberg_table_resource": estate.iceberg_tables,
        "snowflake_pipe_resource": estate.pipes,
        "snowflake_table_resource": estate.tables,
    }
    return [name for name, objects in needed.items() if objects]


def declare_provider(stack: Stack, admin: SnowflakeClient, estate: Estate) -> None:
    """The provider, logged in with a key pair that comes as an ephemeral variable."""
    key = stack.variable("snowflake_admin_private_key", sensitive=True, ephemeral=True)
    SnowflakeProvider(
        stack,
        organization_name=admin.organization,
        account_name=admin.account,
        user=admin.user,
        role=admin.role,
        authenticator="SNOWFLAKE_JWT",
        private_key=key,
        host=admin.host,
        port=admin.port,
        protocol=admin.protocol,
        params={"CLIENT_TELEMETRY_ENABLED": "false"},
        preview_features_enabled=preview_features(estate) or None,
    )


def declare_estate(stack: Stack, estate: Estate, public_keys: Mapping[str, PublicKeys]) -> None:
    """Everything in the estate; `public_keys` holds each service user's RSA public keys (one line, no PEM headers)."""
    volumes = [_volume(stack, volume) for volume in estate.external_volumes]
    integrations = _integrations(stack, estate)
    warehouses = _warehouses(stack, estate)
    containers = _containers(stack, estate, volumes)
    policies = _network(stack, estate, containers)
    roles = _roles(stack, estate, containers)
    users = _users(stack, estate, public_keys, [*roles, *warehouses, *policies])
    declare_role_grants(stack, estate, [*roles, *users])
    objects = declare_schema_objects(stack, estate, [*containers, *warehouses, *integrations, *volumes])
    declare_grants(stack, estate, [*roles, *containers, *warehouses, *integrations, *volumes], objects)


def _warehouses(stack: Stack, estate: Estate) -> list[Resource]:
    monitors: list[Resource] = []
    if estate.resource_monitors:
        monitors.append(
            SnowflakeResourceMonitor(
                stack,
                "resource_monitor",
                for_each={
                    monitor.name: {
                        "credits": monitor.credits,
                        "frequency": monitor.frequency,
                        "notify": list(monitor.notify_at) or None,
                        "suspend": monitor.suspend_at,
                        "suspend_now": monitor.suspend_now_at,
                        "users": list(monitor.notify_users) or None,
                    }
                    for monitor in estate.resource_monitors
                },
                name=each.key,
                credit_quota=each.value("credits"),
                frequency=each.value("frequency"),
                start_timestamp="IMMEDIATELY",
                notify_triggers=each.value("notify"),
                suspend_trigger=each.value("suspend"),
                suspend_immediate_trigger=each.value("suspend_now"),
                notify_users=each.value("users"),
            )
        )
    if not estate.warehouses:
        return monitors
    stack.moved("snowflake_warehouse.warehouse", f'snowflake_warehouse.warehouse["{WAREHOUSE}"]')
    warehouses = SnowflakeWarehouse(
        stack,
        "warehouse",
        for_each={
            one.name: {
                "size": one.size,
                "auto_suspend": one.auto_suspend,
                "monitor": one.resource_monitor,
                "statement_timeout": one.statement_timeout,
                "queue_timeout": one.queue_timeout,
                "min_clusters": one.min_clusters if one.max_clusters > 1 else None,
                "max_clusters": one.max_clusters if one.max_clusters > 1 else None,
                "scaling_policy": one.scaling_policy if one.max_clusters > 1 else None,
                "comment": said(one.comment),
            }
            for one in estate.warehouses
        },
        name=each.key,
        warehouse_size=each.value("size"),
        auto_suspend=each.value("auto_suspend"),
        auto_resume="true",
        initially_suspended=True,
        resource_monitor=each.value("monitor"),
        statement_timeout_in_seconds=each.value("statement_timeout"),
        statement_queued_timeout_in_seconds=each.value("queue_timeout"),
        min_cluster_count=each.value("min_clusters"),
        max_cluster_count=each.value("max_clusters"),
        scaling_policy=each.value("scaling_policy"),
        comment=each.value("comment"),
        depends_on=monitors,
    )
    return [*monitors, warehouses]


def _containers(stack: Stack, estate: Estate, volumes: list[Resource]) -> list[Resource]:
    if not estate.databases:
        return []
    databases = SnowflakeDatabase(
        stack,
        "database",
        for_each={
            one.name: {
                "transient": one.transient or None,
                "retention": one.retention_days,
                "comment": said(one.comment),
            }
            for one in estate.databases
        },
        name=each.key,
        is_transient=each.value("transient"),
        data_retention_time_in_days=each.value("retention"),
        comment=each.value("comment"),
    )
    made = [schema for schema in estate.schemas if not schema.comes_with_database]
    if not made:
        return [databases]
    schemas = SnowflakeSchema(
        stack,
        "schema",
        for_each={
            one.dotted: {
                "database": one.database,
                "name": one.name,
                "transient": "true" if one.transient else None,
                "managed_access": "true" if one.managed_access else None,
                "retention": one.retention_days,
                "comment": said(one.comment),
            }
            for one in made
        },
        database=each.value("database"),
        name=each.value("name"),
        is_transient=each.value("transient"),
        with_managed_access=each.value("managed_access"),
        data_retention_time_in_days=each.value("retention"),
        comment=each.value("comment"),
        depends_on=[databases, *volumes],
    )
    return [databases, schemas]


def _network(stack: Stack, estate: Estate, containers: list[Resource]) -> list[Resource]:
    made: list[Resource] = []
    if estate.network_rules:
        made.append(
            SnowflakeNetworkRule(
                stack,
                "network_rule",
                for_each={
                    rule.dotted: {
                        "database": rule.database,
                        "schema": rule.schema,
                        "name": rule.name,
                        "type": rule.type,
                        "mode": rule.mode,
                        "values": [literal(value) for value in rule.values],
                        "comment": said(rule.comment),
                    }
                    for rule in estate.network_rules
                },
                database=each.value("database"),
                schema=each.value("schema"),
                name=each.value("name"),
                type=each.value("type"),
                mode=each.value("mode"),
                value_list=each.value("values"),
                comment=each.value("comment"),
                depends_on=containers,
            )
        )
    if estate.network_policies:
        made.append(
            SnowflakeNetworkPolicy(
                stack,
                "network_policy",
                for_each={
                    policy.name: {
                        "allowed_rules": _rules(policy.allowed_rules),
                        "blocked_rules": _rules(policy.blocked_rules),
                        "allowed": list(policy.allowed_cidrs) or None,
                        "blocked": list(policy.blocked_cidrs) or None,
                        "comment": said(policy.comment),
                    }
                    for policy in estate.network_policies
                },
                name=each.key,
                allowed_network_rule_list=each.value("allowed_rules"),
                blocked_network_rule_list=each.value("blocked_rules"),
                allowed_ip_list=each.value("allowed"),
                blocked_ip_list=each.value("blocked"),
                comment=each.value("comment"),
                depends_on=list(made),
            )
        )
    return made


def _rules(names: tuple[str, ...]) -> list[str] | None:
    return [quoted(*name.split(".")) for name in names] or None


def _roles(stack: Stack, estate: Estate, containers: list[Resource]) -> list[Resource]:
    made: list[Resource] = []
    if estate.roles:
        made.append(
            SnowflakeAccountRole(
                stack,
                "role",
                for_each={role.name: {"comment": said(role.comment)} for role in estate.roles},
                name=each.key,
                comment=each.value("comment"),
            )
        )
    if estate.database_roles:
        made.append(
            SnowflakeDatabaseRole(
                stack,
                "database_role",
                for_each={
                    role.dotted: {"database": role.database, "name": role.name, "comment": said(role.comment)}
                    for role in estate.database_roles
                },
                database=each.value("database"),
                name=each.value("name"),
                comment=each.value("comment"),
                depends_on=containers,
            )
        )
    return made


def _users(
    stack: Stack, estate: Estate, public_keys: Mapping[str, PublicKeys], depends_on: list[Resource]
) -> list[Resource]:
    if not estate.users:
        return []
    users: dict[str, Any] = {
        user.name: {
            "key": public_keys[user.name].first,
            "second_key": public_keys[user.name].second,
            "role": user.default_role,
            "warehouse": user.default_warehouse,
            "network_policy": user.network_policy,
            "comment": said(user.comment),
        }
        for user in estate.users
    }
    return [
        SnowflakeServiceUser(
            stack,
            "service_user",
            for_each=users,
            name=each.key,
            rsa_public_key=each.value("key"),
            rsa_public_key_2=each.value("second_key"),
            default_role=each.value("role"),
            default_warehouse=each.value("warehouse"),
            network_policy=each.value("network_policy"),
            comment=each.value("comment"),
            depends_on=depends_on,
        )
    ]


def _integrations(stack: Stack, estate: Estate) -> list[Resource]:
    if not estate.storage_integrations:
        return []
    return [
        SnowflakeStorageIntegrationAws(
            stack,
            "storage_integration",
            for_each={
                one.name: {
                    "role_arn": one.role_arn,
                    "allowed": [literal(place) for place in one.allowed_locations],
                    "blocked": [literal(place) for place in one.blocked_locations] or None,
                    "external_id": one.external_id,
                    "enabled": one.enabled,
                    "comment": said(one.comment),
                }
                for one in estate.storage_integrations
            },
            name=each.key,
            enabled=each.value("enabled"),
            storage_provider="S3",
            storage_aws_role_arn=each.value("role_arn"),
            storage_aws_external_id=each.value("external_id"),
            storage_allowed_locations=each.value("allowed"),
            storage_blocked_locations=each.value("blocked"),
            comment=each.value("comment"),
        )
    ]


def _volume(stack: Stack, volume: ExternalVolume) -> Resource:
    return SnowflakeExternalVolume(
        stack,
        resource_id(volume.name),
        name=volume.name,
        allow_writes="true" if volume.allow_writes else "false",
        comment=said(volume.comment),
        storage_location=[_location(location) for location in volume.locations],
    )


def _location(location: VolumeLocation) -> SnowflakeExternalVolume_StorageLocation:
    rendered: SnowflakeExternalVolume_StorageLocation = {
        "storage_location_name": location.name,
        "storage_provider": "S3",
        "storage_base_url": literal(location.base_url),
        "storage_aws_role_arn": location.role_arn,
    }
    if location.external_id:
        rendered["storage_aws_external_id"] = location.external_id
    if location.kms_key_id:
        rendered["encryption_type"] = "AWS_SSE_KMS"
        rendered["encryption_kms_key_id"] = location.kms_key_id
    return rendered
