"""Snowflake: databases, tables, virtual warehouses, roles, service users and grants.

With another engine than Terraform (`warehouse.engine`) the stack makes nothing and has its outputs only; what Terraform
made before is taken out of its state and stays in the account.
"""

from __future__ import annotations

from modules.cdk import App
from modules.resources.base import Stack
from modules.terraform.state import read_state
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
        admin = context.platform.snowflake_client("admin")
        if context.environment.warehouse.engine == "terraform":
            declare_provider(self, admin, estate)
            declare_estate(self, estate, public_keys(context.environment, context.project))
        elif made := _made_by_terraform(context):
            declare_provider(self, admin, estate)
            self.forget(made)
        self.output("tables", [table.dotted for table in estate.tables])
        self.output("connector_user", CONNECTOR_USER)
        self.output("connector_role", CONNECTOR_ROLE)


def _made_by_terraform(context: Context) -> list[str]:
    """Addresses of what an earlier deploy has in this stack's state, without instance keys."""
    folder = context.project.environment_state(context.environment.name) / "warehouse"
    state = read_state(folder / "terraform.tfstate", simulated=context.project.offline)
    return [address.partition("[")[0] for address in state.addresses] if state else []
