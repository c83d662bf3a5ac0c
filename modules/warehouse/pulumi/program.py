"""The estate as resources of pulumi_snowflake: the same objects and arguments as the Terraform engine's.

An object has its full name as its Pulumi name. What waits for what is said by kind, as in
`modules/warehouse/terraform`: Snowflake's names do not refer to resources, so Pulumi could not see it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi_snowflake as snowflake

from modules.warehouse.estate import Estate, ResourceMonitor, VolumeLocation, WarehouseSpec, quoted
from modules.warehouse.keys import PublicKeys
from modules.warehouse.pulumi.grants import declare_grants, declare_role_grants
from modules.warehouse.pulumi.objects import declare_schema_objects
from modules.warehouse.pulumi.resources import Made, Maker

__all__ = ["declare_estate"]


def declare_estate(estate: Estate, public_keys: Mapping[str, PublicKeys], provider: Any) -> None:
    """Everything in the estate, through one provider; `public_keys` holds each service user's."""
    make = Maker(provider)
    volumes = [_volume(make, volume) for volume in estate.external_volumes]
    integrations = _integrations(make, estate)
    warehouses = _warehouses(make, estate)
    containers = _containers(make, estate, volumes)
    policies = _network(make, estate, containers)
    roles = _roles(make, estate, containers)
    users = _users(make, estate, public_keys, [*roles, *warehouses, *policies])
    declare_role_grants(make, estate, [*roles, *users])
    objects = declare_schema_objects(make, estate, [*containers, *warehouses, *integrations, *volumes])
    declare_grants(make, estate, [*roles, *containers, *warehouses, *integrations, *volumes], objects)


def _warehouses(make: Maker, estate: Estate) -> Made:
    monitors = [_monitor(make, monitor) for monitor in estate.resource_monitors]
    return [*monitors, *(_warehouse(make, one, monitors) for one in estate.warehouses)]


def _monitor(make: Maker, monitor: ResourceMonitor) -> Any:
    return make(
        snowflake.ResourceMonitor,
        monitor.name,
        name=monitor.name,
        credit_quota=monitor.credits,
        frequency=monitor.frequency,
        start_timestamp="IMMEDIATELY",
        notify_triggers=list(monitor.notify_at) or None,
        suspend_trigger=monitor.suspend_at,
        suspend_immediate_trigger=monitor.suspend_now_at,
        notify_users=list(monitor.notify_users) or None,
    )


def _warehouse(make: Maker, one: WarehouseSpec, depends_on: Made) -> Any:
    several = one.max_clusters > 1
    return make(
        snowflake.Warehouse,
        one.name,
        depends_on,
        name=one.name,
        warehouse_size=one.size,
        auto_suspend=one.auto_suspend,
        auto_resume="true",
        initially_suspended=True,
        resource_monitor=one.resource_monitor,
        statement_timeout_in_seconds=one.statement_timeout,
        statement_queued_timeout_in_seconds=one.queue_timeout,
        min_cluster_count=one.min_clusters if several else None,
        max_cluster_count=one.max_clusters if several else None,
        scaling_policy=one.scaling_policy if several else None,
        comment=one.comment or None,
    )


def _containers(make: Maker, estate: Estate, volumes: Made) -> Made:
    databases = [
        make(
            snowflake.Database,
            one.name,
            name=one.name,
            is_transient=one.transient or None,
            data_retention_time_in_days=one.retention_days,
            comment=one.comment or None,
        )
        for one in estate.databases
    ]
    schemas = [
        make(
            snowflake.Schema,
            one.dotted,
            [*databases, *volumes],
            database=one.database,
            name=one.name,
            is_transient="true" if one.transient else None,
            with_managed_access="true" if one.managed_access else None,
            data_retention_time_in_days=one.retention_days,
            comment=one.comment or None,
        )
        for one in estate.schemas
        if not one.comes_with_database
    ]
    return [*databases, *schemas]


def _network(make: Maker, estate: Estate, containers: Made) -> Made:
    rules = [
        make(
            snowflake.NetworkRule,
            rule.dotted,
            containers,
            database=rule.database,
            schema=rule.schema,
            name=rule.name,
            type=rule.type,
            mode=rule.mode,
            value_lists=list(rule.values),
            comment=rule.comment or None,
        )
        for rule in estate.network_rules
    ]
    policies = [
        make(
            snowflake.NetworkPolicy,
            policy.name,
            rules,
            name=policy.name,
            allowed_network_rule_lists=_rules(policy.allowed_rules),
            blocked_network_rule_lists=_rules(policy.blocked_rules),
            allowed_ip_lists=list(policy.allowed_cidrs) or None,
            blocked_ip_lists=list(policy.blocked_cidrs) or None,
            comment=policy.comment or None,
        )
        for policy in estate.network_policies
    ]
    return [*rules, *policies]


def _rules(names: tuple[str, ...]) -> list[str] | None:
    return [quoted(*name.split(".")) for name in names] or None


def _roles(make: Maker, estate: Estate, containers: Made) -> Made:
    roles = [
        make(snowflake.AccountRole, role.name, name=role.name, comment=role.comment or None) for role in estate.roles
    ]
    database_roles = [
        make(
            snowflake.DatabaseRole,
            role.dotted,
            containers,
            database=role.database,
            name=role.name,
            comment=role.comment or None,
        )
        for role in estate.database_roles
    ]
    return [*roles, *database_roles]


def _users(make: Maker, estate: Estate, public_keys: Mapping[str, PublicKeys], depends_on: Made) -> Made:
    return [
        make(
            snowflake.ServiceUser,
            user.name,
            depends_on,
            name=user.name,
            rsa_public_key=public_keys[user.name].first,
            rsa_public_key2=public_keys[user.name].second,
            default_role=user.default_role,
            default_warehouse=user.default_warehouse,
            network_policy=user.network_policy,
            comment=user.comment or None,
        )
        for user in estate.users
    ]


def _integrations(make: Maker, estate: Estate) -> Made:
    return [
        make(
            snowflake.StorageIntegrationAws,
            one.name,
            name=one.name,
            enabled=one.enabled,
            storage_provider="S3",
            storage_aws_role_arn=one.role_arn,
            storage_aws_external_id=one.external_id,
            storage_allowed_locations=list(one.allowed_locations),
            storage_blocked_locations=list(one.blocked_locations) or None,
            comment=one.comment or None,
        )
        for one in estate.storage_integrations
    ]


def _volume(make: Maker, volume: Any) -> Any:
    return make(
        snowflake.ExternalVolume,
        volume.name,
        name=volume.name,
        allow_writes="true" if volume.allow_writes else "false",
        comment=volume.comment or None,
        storage_locations=[_location(location) for location in volume.locations],
    )


def _location(location: VolumeLocation) -> dict[str, Any]:
    rendered = {
        "storage_location_name": location.name,
        "storage_provider": "S3",
        "storage_base_url": location.base_url,
        "storage_aws_role_arn": location.role_arn,
    }
    if location.external_id:
        rendered["storage_aws_external_id"] = location.external_id
    if location.kms_key_id:
        rendered |= {"encryption_type": "AWS_SSE_KMS", "encryption_kms_key_id": location.kms_key_id}
    return rendered
