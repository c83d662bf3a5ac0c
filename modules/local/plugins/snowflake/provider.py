"""The provider block of `snowflakedb/snowflake`: the account and a login with a key pair."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from modules.local.plugins.network import listens
from modules.local.plugins.protocol.resource import Diagnostic, Provider, Resource, State
from modules.local.plugins.protocol.schema import load_schema, snapshot_path
from modules.local.plugins.protocol.values import has_unknown
from modules.local.plugins.snowflake.account import (
    DatabaseResource,
    RoleResource,
    SchemaResource,
    ServiceUserResource,
    WarehouseResource,
)
from modules.local.plugins.snowflake.account_objects import (
    ExternalVolumeResource,
    NetworkPolicyResource,
    ResourceMonitorResource,
    StorageIntegrationResource,
)
from modules.local.plugins.snowflake.attachments import (
    ExecuteResource,
    MaskingApplicationResource,
    NetworkPolicyAttachmentResource,
    PublicKeysResource,
    TagAssociationResource,
)
from modules.local.plugins.snowflake.client import Login, SnowflakeSession, unreachable
from modules.local.plugins.snowflake.grants import DatabaseRolePrivilegesResource, PrivilegesResource
from modules.local.plugins.snowflake.iceberg import IcebergTableResource
from modules.local.plugins.snowflake.memberships import DatabaseRoleMembershipResource, RoleMembershipResource
from modules.local.plugins.snowflake.objects import SqlObject
from modules.local.plugins.snowflake.ownership import OwnershipResource
from modules.local.plugins.snowflake.schema_objects import (
    DatabaseRoleResource,
    DynamicTableResource,
    ExternalStageResource,
    InternalStageResource,
    MaskingPolicyResource,
    NetworkRuleResource,
    PipeResource,
    StreamResource,
    TagResource,
    ViewResource,
)
from modules.local.plugins.snowflake.tables import TableResource

__all__ = ["SnowflakeProvider"]

_NEEDED = ("organization_name", "account_name", "user", "private_key", "host", "port", "protocol")


_OBJECTS: tuple[type[SqlObject], ...] = (
    DatabaseResource, DatabaseRoleResource, DynamicTableResource, ExternalStageResource, ExternalVolumeResource,
    IcebergTableResource, InternalStageResource, MaskingPolicyResource, NetworkPolicyResource, NetworkRuleResource,
    PipeResource, ResourceMonitorResource, RoleResource, SchemaResource, ServiceUserResource,
    StorageIntegrationResource, StreamResource, TagResource, ViewResource, WarehouseResource,
)  # fmt: skip
_PLAIN: dict[str, Callable[[SnowflakeSession], Resource]] = {
    "snowflake_execute": ExecuteResource,
    "snowflake_grant_account_role": RoleMembershipResource,
    "snowflake_grant_database_role": DatabaseRoleMembershipResource,
    "snowflake_grant_ownership": OwnershipResource,
    "snowflake_grant_privileges_to_account_role": PrivilegesResource,
    "snowflake_grant_privileges_to_database_role": DatabaseRolePrivilegesResource,
    "snowflake_network_policy_attachment": NetworkPolicyAttachmentResource,
    "snowflake_table": TableResource,
    "snowflake_table_column_masking_policy_application": MaskingApplicationResource,
    "snowflake_tag_association": TagAssociationResource,
    "snowflake_user_public_keys": PublicKeysResource,
}


class SnowflakeProvider(Provider):
    """The objects of one account."""

    def __init__(self) -> None:
        super().__init__(load_schema(snapshot_path("snowflake")))
        self._session = SnowflakeSession()
        blocks = self.schema.resources
        self._resources: dict[str, Resource] = {name: kind(self._session) for name, kind in _PLAIN.items()}
        for kind_of in _OBJECTS:
            # What a kind is called follows from the kind itself.
            name = kind_of.type_name()
            self._resources[name] = kind_of(self._session, blocks[name])

    @property
    def resources(self) -> Mapping[str, Resource]:
        return self._resources

    def validate_config(self, config: State) -> Sequence[Diagnostic]:
        authenticator = config["authenticator"]
        if isinstance(authenticator, str) and authenticator.upper() != "SNOWFLAKE_JWT":
            return (
                Diagnostic(
                    f"the {self.title} logs in with a key pair only, not with {authenticator!r}",
                    'Set authenticator = "SNOWFLAKE_JWT" and private_key, or use the official plugin '
                    "(`terraform.providers: official`).",
                    ("authenticator",),
                ),
            )
        return ()

    def configure(self, config: State) -> Sequence[Diagnostic]:
        if has_unknown([config[name] for name in _NEEDED]):
            return ()
        settings = {name: _setting(config, name) for name in (*_NEEDED, "role", "warehouse")}
        missing = [name for name in ("organization_name", "account_name", "user", "private_key") if not settings[name]]
        if missing:
            words = ", ".join(missing)
            detail = "Set it in the provider block, or SNOWFLAKE_<NAME> in the environment."
            return (Diagnostic(f"the {self.title} needs {words}", detail, (missing[0],)),)
        account = f"{settings['organization_name']}-{settings['account_name']}"
        login = Login(
            account=account,
            user=settings["user"],
            role=settings["role"],
            warehouse=settings["warehouse"],
            host=settings["host"] or f"{account.lower()}.snowflakecomputing.com",
            port=int(settings["port"] or 443),
            protocol=(settings["protocol"] or "https").lower(),
            private_key=settings["private_key"],
            parameters=config["params"] or {},
        )
        self._session.configure(login)
        return () if listens(login.host, login.port) else (unreachable(login.address, ("host",)),)

    def close(self) -> None:
        self._session.close()


def _setting(config: State, name: str) -> Any:
    value = config[name]
    return os.environ.get(f"SNOWFLAKE_{name.upper()}") if value is None else value
