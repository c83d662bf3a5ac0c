"""From an environment to its catalogues: what it declares, what its account has, how the two differ."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

from modules.environment.model import Environment
from modules.platforms.base import Platform
from modules.project import Project
from modules.warehouse.build import estate_of
from modules.warehouse.connection import connect
from modules.warehouse.keys import public_keys
from modules.warehouse.sql.apply import apply
from modules.warehouse.sql.catalogue import Catalogue
from modules.warehouse.sql.difference import Difference, difference
from modules.warehouse.sql.live import read_live
from modules.warehouse.sql.roles import Roles
from modules.warehouse.sql.statement import Statement
from modules.warehouse.sql.wanted import wanted

__all__ = ["account_of", "apply_difference", "compare", "declared"]


_LOCAL = ("INFRA-LOCAL", "ACCOUNTADMIN")
_UNNAMED = ("not named yet (`warehouse.account`)", "ACCOUNTADMIN")


def account_of(environment: Environment) -> tuple[str, str]:
    """The account's identifier and the role the project works in there, for which nothing has to be up."""
    account = environment.warehouse.account
    if account:
        return f"{account.organization}-{account.account}", account.role
    return _LOCAL if environment.platform == "local" else _UNNAMED


def declared(environment: Environment, project: Project) -> Catalogue:
    """What the environment declares; key pairs nobody gave are made on first use.

    Raises:
        ConfigError: the YAML is wrong in a way that shows only with the schemas' files.
        SecretError: a service user's key cannot be read.
    """
    return wanted(estate_of(environment, project.environments), public_keys(environment, project))


def compare(
    environment: Environment, project: Project, platform: Platform, note: Callable[[str], None] | None = None
) -> Difference:
    """How the account differs from what the environment declares; only reads.

    Raises:
        ServiceError: Snowflake cannot be reached, or refuses.
    """
    should = declared(environment, project)
    with closing(connect(platform.snowflake_client("admin"), project)) as connection:
        return difference(should, read_live(connection, should, note))


def apply_difference(
    statements: list[Statement],
    project: Project,
    platform: Platform,
    roles: Roles,
    note: Callable[[int, Statement], None] | None = None,
) -> int:
    """Runs statements of `compare` in the account.

    Returns:
        How many.

    Raises:
        ApplyError: Snowflake refused one.
        ServiceError: it cannot be reached.
    """
    with closing(connect(platform.snowflake_client("admin"), project)) as connection:
        return apply(connection, statements, roles, note)
