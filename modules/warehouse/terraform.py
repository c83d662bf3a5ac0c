"""Renders the Snowflake estate as Terraform resources of `snowflakedb/snowflake`."""

from __future__ import annotations

from collections.abc import Mapping

from modules.platforms.base import SnowflakeClient
from modules.resources.base import Stack
from modules.resources.expressions import each, literal
from modules.resources.snowflake import (
    SnowflakeAccountRole,
    SnowflakeDatabase,
    SnowflakeGrantAccountRole,
    SnowflakeGrantPrivilegesToAccountRole,
    SnowflakeProvider,
    SnowflakeSchema,
    SnowflakeServiceUser,
    SnowflakeTable,
    SnowflakeTable_Column,
    SnowflakeWarehouse,
)
from modules.warehouse.estate import Column, Estate, Grant, Table

__all__ = ["declare_estate", "declare_provider"]


def declare_provider(stack: Stack, admin: SnowflakeClient) -> None:
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
        preview_features_enabled=["snowflake_table_resource"],
    )


def declare_estate(stack: Stack, estate: Estate, public_keys: Mapping[str, str]) -> None:
    """Everything in the estate; `public_keys` holds each service user's RSA public key (one line, no PEM headers)."""
    warehouse = SnowflakeWarehouse(
        stack,
        "warehouse",
        name=estate.warehouse.name,
        warehouse_size=estate.warehouse.size,
        auto_suspend=estate.warehouse.auto_suspend,
        auto_resume="true",
        initially_suspended=True,
        comment=estate.warehouse.comment,
    )
    databases = SnowflakeDatabase(stack, "database", for_each=list(estate.databases), name=each.key)
    containers: list[SnowflakeDatabase | SnowflakeSchema] = [databases]
    if estate.schemas:
        schemas = {
            f"{database}.{schema}": {"database": database, "name": schema} for database, schema in estate.schemas
        }
        containers.append(
            SnowflakeSchema(
                stack,
                "schema",
                for_each=schemas,
                database=each.value("database"),
                name=each.value("name"),
                depends_on=[databases],
            )
        )
    tables = [_table(stack, table, containers) for table in estate.tables]
    roles = SnowflakeAccountRole(stack, "role", for_each=list(estate.roles), name=each.key)
    users = {
        user.name: {
            "key": public_keys[user.name],
            "role": user.default_role,
            "warehouse": user.default_warehouse,
            "comment": user.comment,
        }
        for user in estate.users
    }
    SnowflakeServiceUser(
        stack,
        "service_user",
        for_each=users,
        name=each.key,
        rsa_public_key=each.value("key"),
        default_role=each.value("role"),
        default_warehouse=each.value("warehouse"),
        comment=each.value("comment"),
        depends_on=[roles, warehouse],
    )
    members = {f"{role} to {user}": {"role": role, "user": user} for role, user in estate.role_members}
    SnowflakeGrantAccountRole(
        stack,
        "membership",
        for_each=members,
        role_name=each.value("role"),
        user_name=each.value("user"),
        depends_on=[roles, "snowflake_service_user.service_user"],
    )
    _grants(stack, estate.grants, [roles, warehouse, *containers, *tables])


def _table(stack: Stack, table: Table, containers: list[SnowflakeDatabase | SnowflakeSchema]) -> SnowflakeTable:
    return SnowflakeTable(
        stack,
        f"{table.database}_{table.schema}_{table.name}".lower().replace("$", "_"),
        database=table.database,
        schema=table.schema,
        name=table.name,
        comment=table.comment,
        column=[_column(column) for column in table.columns],
        depends_on=containers,
    )


def _column(column: Column) -> SnowflakeTable_Column:
    rendered: SnowflakeTable_Column = {"name": column.name, "type": column.type, "nullable": column.nullable}
    if column.comment:
        rendered["comment"] = literal(column.comment)
    return rendered


_Depends = list[SnowflakeAccountRole | SnowflakeWarehouse | SnowflakeDatabase | SnowflakeSchema | SnowflakeTable]


def _grants(stack: Stack, grants: tuple[Grant, ...], depends_on: _Depends) -> None:
    """One resource for each kind of object, since the kinds differ in their blocks."""
    account_objects = {grant.key: _values(grant) for grant in grants if grant.object_type in ("DATABASE", "WAREHOUSE")}
    schemas = {grant.key: _values(grant) for grant in grants if grant.object_type == "SCHEMA"}
    schema_objects = {
        grant.key: _values(grant) for grant in grants if grant.object_type not in ("DATABASE", "WAREHOUSE", "SCHEMA")
    }
    if account_objects:
        SnowflakeGrantPrivilegesToAccountRole(
            stack,
            "on_account_object",
            for_each=account_objects,
            account_role_name=each.value("role"),
            privileges=each.value("privileges"),
            on_account_object={"object_type": each.value("type"), "object_name": each.value("name")},
            depends_on=depends_on,
        )
    if schemas:
        SnowflakeGrantPrivilegesToAccountRole(
            stack,
            "on_schema",
            for_each=schemas,
            account_role_name=each.value("role"),
            privileges=each.value("privileges"),
            on_schema={"schema_name": each.value("name")},
            depends_on=depends_on,
        )
    if schema_objects:
        SnowflakeGrantPrivilegesToAccountRole(
            stack,
            "on_schema_object",
            for_each=schema_objects,
            account_role_name=each.value("role"),
            privileges=each.value("privileges"),
            on_schema_object={"object_type": each.value("type"), "object_name": each.value("name")},
            depends_on=depends_on,
        )


def _values(grant: Grant) -> dict[str, object]:
    return {
        "role": grant.role,
        "privileges": list(grant.privileges),
        "type": grant.object_type,
        "name": grant.object_name,
    }
