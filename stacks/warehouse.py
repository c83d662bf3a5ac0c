"""Snowflake: databases, tables, virtual warehouses, roles, service users and grants."""

from __future__ import annotations

from modules.cdk import App
from modules.resources.base import Stack
from modules.warehouse.build import estate_of
from modules.warehouse.estate import CONNECTOR_ROLE, CONNECTOR_USER
from modules.warehouse.keys import public_keys
from modules.warehouse.terraform import declare_estate, declare_provider
from stacks.context import Context

__all__ = ["WarehouseStack"]


class WarehouseStack(Stack):
    """Outputs `tables`, `connector_user` and `connector_role`."""

    needs: tuple[str, ...] = ()
    inputs: tuple[tuple[str, str], ...] = ()

    def __init__(self, app: App, context: Context) -> None:
        super().__init__(app, "warehouse")
        estate = estate_of(context.environment, context.project.environments)
        declare_provider(self, context.platform.snowflake_client("admin"), estate)
        declare_estate(self, estate, public_keys(context.environment, context.project))
        self.output("tables", [table.dotted for table in estate.tables])
        self.output("connector_user", CONNECTOR_USER)
        self.output("connector_role", CONNECTOR_ROLE)
