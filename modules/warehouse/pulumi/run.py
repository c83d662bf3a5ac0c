"""What the `__main__.py` of a written Pulumi project calls: from the environment's YAML to resources."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pulumi
import pulumi_snowflake as snowflake

from modules.environment.loader import load_environment
from modules.environment.model import Environment
from modules.errors import InfraError
from modules.platforms import platform_for
from modules.platforms.base import SnowflakeClient
from modules.project import Project
from modules.warehouse.build import estate_of
from modules.warehouse.connection import plain_key
from modules.warehouse.estate import CONNECTOR_ROLE, CONNECTOR_USER, Estate
from modules.warehouse.keys import public_keys
from modules.warehouse.pulumi.program import declare_estate

__all__ = ["declare_environment", "preview_features"]


def declare_environment(name: str, root: Path) -> None:
    """The estate of one environment of the project in `root`, and the same outputs as the Terraform stack.

    Raises:
        pulumi.RunError: the environment's YAML is wrong or a secret cannot be resolved; Pulumi shows it without a
            traceback.
    """
    project = Project(root.resolve())
    try:
        environment = load_environment(project, name)
        _declare(environment, project)
    except InfraError as error:
        raise pulumi.RunError(str(error)) from None


def preview_features(estate: Estate) -> list[str]:
    """The provider's preview features this estate needs; the same as the Terraform engine's, which a test holds it to:
    importing that one would bring cdktf along."""
    needed = {
        "snowflake_dynamic_table_resource": estate.dynamic_tables,
        "snowflake_iceberg_table_resource": estate.iceberg_tables,
        "snowflake_pipe_resource": estate.pipes,
        "snowflake_table_resource": estate.tables,
    }
    return [name for name, objects in needed.items() if objects]


def _declare(environment: Environment, project: Project) -> None:
    estate = estate_of(environment, project.environments)
    client = platform_for(environment, project).snowflake_client("admin")
    provider = _provider(client, project, preview_features(estate))
    declare_estate(estate, public_keys(environment, project), provider)
    pulumi.export("tables", [table.dotted for table in estate.tables])
    pulumi.export("connector_user", CONNECTOR_USER)
    pulumi.export("connector_role", CONNECTOR_ROLE)


def _provider(client: SnowflakeClient, project: Project, features: list[str]) -> Any:
    """The administrator's login; the key is resolved now and is a secret to Pulumi, which encrypts it in its state."""
    key = plain_key(client.private_key, client.passphrase, project)
    return snowflake.Provider(
        "snowflake",
        organization_name=client.organization,
        account_name=client.account,
        user=client.user,
        role=client.role,
        authenticator="SNOWFLAKE_JWT",
        private_key=pulumi.Output.secret(key),
        host=client.host,
        port=client.port,
        protocol=client.protocol,
        params={"CLIENT_TELEMETRY_ENABLED": "false"},
        preview_features_enabled=features or None,
    )
