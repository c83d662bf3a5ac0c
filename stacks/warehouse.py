"""Snowflake: database, tables, warehouse, the connector's role, user and grants."""

from __future__ import annotations

from modules.cdk import App
from modules.environment.model import Environment
from modules.environment.secrets import resolve_secret
from modules.project import Project
from modules.resources.base import Stack
from modules.warehouse.connection import make_key_pair, public_key_of
from modules.warehouse.estate import CONNECTOR_USER, estate_of
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
        declare_provider(self, context.platform.snowflake_client("admin"))
        declare_estate(self, estate, {CONNECTOR_USER: _connector_public_key(context.environment, context.project)})
        self.output("tables", [f"{table.database}.{table.schema}.{table.name}" for table in estate.tables])
        self.output("connector_user", estate.users[0].name)
        self.output("connector_role", estate.users[0].default_role)


def _connector_public_key(environment: Environment, project: Project) -> str:
    """The public half of the connector's key; the pair is made on first use unless the YAML refers to one."""
    reference = environment.warehouse.connector_private_key
    if reference:
        return public_key_of(resolve_secret(reference, project))
    return make_key_pair(project.environment_state(environment.name) / "secrets" / "svc-kafka-connector.p8")
