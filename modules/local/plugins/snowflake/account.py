"""Databases, schemas, warehouses, account roles and service users."""

from __future__ import annotations

from collections.abc import Sequence

from modules.local.plugins.protocol.resource import Diagnostic, PluginError, State
from modules.local.plugins.snowflake.client import Row
from modules.local.plugins.snowflake.names import literal, parse_name, qualified
from modules.local.plugins.snowflake.objects import Property, SqlObject

__all__ = ["DatabaseResource", "RoleResource", "SchemaResource", "ServiceUserResource", "WarehouseResource"]

_COMMENT = Property("comment", "COMMENT", column="comment")


class DatabaseResource(SqlObject):
    kind = "DATABASE"
    replace_on = frozenset({"is_transient"})
    unsupported = ("replication",)

    def create_prefix(self, planned: State) -> str:
        return "TRANSIENT" if planned["is_transient"] is True else ""

    def create(self, planned: State) -> State:
        made = super().create(planned)
        if planned["drop_public_schema_on_creation"] is True:
            self._session.run(f"DROP SCHEMA IF EXISTS {qualified(planned['name'], 'PUBLIC')}")
        return made

    def read_more(self, state: State, row: Row) -> State:
        transient = "TRANSIENT" in (row.get("options") or "")
        stated = state.get("is_transient")
        return {"is_transient": stated if transient is bool(stated) else transient}


class SchemaResource(SqlObject):
    kind = "SCHEMA"
    containers = ("database",)
    replace_on = frozenset({"database", "is_transient"})

    def create(self, planned: State) -> State:
        # Snowflake makes PUBLIC together with its database; declaring it means taking that one.
        if planned["name"] != "PUBLIC" or self.show((planned["database"], planned["name"])) is None:
            return super().create(planned)
        untouched = {**planned, "comment": None, "with_managed_access": None}
        return self.update({**untouched, **dict.fromkeys(self._parameters)}, planned)

    def create_prefix(self, planned: State) -> str:
        return "TRANSIENT" if planned["is_transient"] == "true" else ""

    def create_modifiers(self, planned: State) -> str:
        return "WITH MANAGED ACCESS" if planned["with_managed_access"] == "true" else ""

    def read_more(self, state: State, row: Row) -> State:
        options = row.get("options") or ""
        return {
            "is_transient": _switch(state.get("is_transient"), "TRANSIENT" in options),
            "with_managed_access": _switch(state.get("with_managed_access"), "MANAGED ACCESS" in options),
        }

    def update_more(self, prior: State, planned: State) -> None:
        before, after = (state["with_managed_access"] == "true" for state in (prior, planned))
        if before is not after:
            verb = "ENABLE" if after else "DISABLE"
            self._session.run(f"ALTER SCHEMA {self.name_of(planned)} {verb} MANAGED ACCESS")


def _size(text: str) -> str:
    """`X-Small`, `x-small` and `XSMALL` are one size."""
    compact = text.upper().replace("-", "").replace("_", "")
    return {"2XLARGE": "XXLARGE", "3XLARGE": "XXXLARGE", "4XLARGE": "X4LARGE"}.get(compact, compact)


def _bare(text: str) -> str:
    return parse_name(text)[0] if text else text


class WarehouseResource(SqlObject):
    kind = "WAREHOUSE"
    properties = (
        Property("warehouse_type", "WAREHOUSE_TYPE", column="type", default="STANDARD", normal=str.upper),
        Property(
            "warehouse_size",
            "WAREHOUSE_SIZE",
            column="size",
            default="XSMALL",
            normal=_size,
            unset="WAREHOUSE_SIZE = 'XSMALL'",
        ),
        Property("generation", "GENERATION"),
        Property("resource_constraint", "RESOURCE_CONSTRAINT"),
        Property("max_cluster_count", "MAX_CLUSTER_COUNT", "word", "max_cluster_count", "1"),
        Property("min_cluster_count", "MIN_CLUSTER_COUNT", "word", "min_cluster_count", "1"),
        Property("scaling_policy", "SCALING_POLICY", column="scaling_policy", default="STANDARD", normal=str.upper),
        Property("auto_suspend", "AUTO_SUSPEND", "word", "auto_suspend", "600"),
        Property("auto_resume", "AUTO_RESUME", "word", "auto_resume", "true", normal=str.lower),
        Property("initially_suspended", "INITIALLY_SUSPENDED", "word", alterable=False),
        Property("resource_monitor", "RESOURCE_MONITOR", "name", "resource_monitor", normal=_bare),
        _COMMENT,
        Property(
            "enable_query_acceleration",
            "ENABLE_QUERY_ACCELERATION",
            "word",
            "enable_query_acceleration",
            "false",
            normal=str.lower,
        ),
        Property(
            "query_acceleration_max_scale_factor",
            "QUERY_ACCELERATION_MAX_SCALE_FACTOR",
            "word",
            "query_acceleration_max_scale_factor",
            "8",
        ),
    )


class RoleResource(SqlObject):
    kind = "ROLE"
    resource = "snowflake_account_role"


def _key(text: str) -> str:
    """An RSA public key without PEM headers and line breaks."""
    lines = [line for line in text.split() if line and not line.startswith("-----")]
    return "".join(line for line in lines if line not in ("PUBLIC", "KEY-----", "BEGIN", "END"))


def _name(text: str) -> str:
    try:
        return qualified(*parse_name(text))
    except PluginError:
        return text


class ServiceUserResource(SqlObject):
    kind = "USER"
    resource = "snowflake_service_user"
    unsupported = ("default_workload_identity",)
    properties = (
        Property("login_name", "LOGIN_NAME", normal=str.upper),
        Property("display_name", "DISPLAY_NAME"),
        Property("email", "EMAIL", column="email"),
        Property("disabled", "DISABLED", "word", "disabled", "false", normal=str.lower),
        Property("days_to_expiry", "DAYS_TO_EXPIRY", "word"),
        Property("mins_to_unlock", "MINS_TO_UNLOCK", "word"),
        Property("default_warehouse", "DEFAULT_WAREHOUSE", "name", "default_warehouse", normal=_name),
        Property("default_namespace", "DEFAULT_NAMESPACE", "name", "default_namespace", normal=_name),
        Property("default_role", "DEFAULT_ROLE", "name", "default_role", normal=_name),
        Property("rsa_public_key", "RSA_PUBLIC_KEY", column="rsa_public_key", normal=_key),
        Property("rsa_public_key_2", "RSA_PUBLIC_KEY_2", column="rsa_public_key_2", normal=_key),
        _COMMENT,
    )

    def validate(self, config: State) -> Sequence[Diagnostic]:
        found = list(super().validate(config))
        option = config["default_secondary_roles_option"]
        if isinstance(option, str) and option.upper() not in ("DEFAULT", "NONE", "ALL"):
            found.append(
                Diagnostic(f"{option!r} is not DEFAULT, NONE or ALL", path=("default_secondary_roles_option",))
            )
        return found

    def create(self, planned: State) -> State:
        made = super().create(planned)
        self.update_more({"default_secondary_roles_option": None}, made)
        return {**made, "user_type": "SERVICE"}

    def create_modifiers(self, planned: State) -> str:
        return "TYPE = SERVICE"

    def show(self, parts: tuple[str, ...]) -> Row | None:
        row = super().show(parts)
        if row is None:
            return None
        # The keys themselves are only in DESCRIBE.
        described = {
            one["property"].lower(): one["value"] for one in self._session.rows(f"DESCRIBE USER {qualified(*parts)}")
        }
        return {**row, **{name: described.get(name) for name in ("rsa_public_key", "rsa_public_key_2")}}

    def read_more(self, state: State, row: Row) -> State:
        return {"user_type": "SERVICE"}

    def update(self, prior: State, planned: State) -> State:
        return {**super().update(prior, planned), "user_type": "SERVICE"}

    def update_more(self, prior: State, planned: State) -> None:
        option = "default_secondary_roles_option"
        if prior[option] == planned[option]:
            return
        wanted = (planned[option] or "DEFAULT").upper()
        roles = {"ALL": f"SET DEFAULT_SECONDARY_ROLES = ({literal('ALL')})", "NONE": "SET DEFAULT_SECONDARY_ROLES = ()"}
        change = roles.get(wanted, "UNSET DEFAULT_SECONDARY_ROLES")
        self._session.run(f"ALTER USER {self.name_of(planned)} {change}")


def _switch(stated: object, actual: bool) -> object:
    """A string argument that is true, false or not set."""
    if stated in (None, "default"):
        return "true" if actual else stated
    return stated if (stated == "true") is actual else str(actual).lower()
