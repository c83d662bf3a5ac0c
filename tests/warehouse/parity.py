"""The same estate made by different engines, each on a stand-in of its own, and what it left there."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modules.cdk import App
from modules.environment.loader import load_environment
from modules.environment.model import Environment
from modules.local.standin.dump import catalogue
from modules.platforms.base import SnowflakeClient
from modules.project import Project
from modules.resources.base import Stack
from modules.terraform.engine import Deployment, Options
from modules.terraform.providers import ProviderInstallation
from modules.terraform.source import StackSource
from modules.warehouse.build import estate_of
from modules.warehouse.estate import Estate
from modules.warehouse.keys import PublicKeys, public_keys
from modules.warehouse.sql import Catalogue, Difference, Roles, apply, difference, read_live, wanted
from modules.warehouse.terraform import declare_estate, declare_provider
from tests.standin.harness import ROOT, StandIn, run

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Declared:
    """An environment's estate in a project of the test's own."""

    project: Project
    environment: Environment
    estate: Estate
    keys: Mapping[str, PublicKeys]

    @property
    def wanted(self) -> Catalogue:
        return wanted(self.estate, self.keys)


def declared(folder: Path, file: Path, name: str = "parity") -> Declared:
    """The environment in `file`, with the schemas of the project, below `folder`."""
    environments = folder / "environments"
    environments.mkdir(parents=True, exist_ok=True)
    for each in (ROOT / "environments").iterdir():
        link = environments / each.name
        if each.is_dir() and not link.exists():
            link.symlink_to(each)
    (environments / f"{name}.yaml").write_text(file.read_text())
    project = Project(folder)
    environment = load_environment(project, name)
    estate = estate_of(environment, project.environments)
    return Declared(project, environment, estate, public_keys(environment, project))


def synthesised(declared: Declared, admin: SnowflakeClient, out: Path) -> StackSource:
    """The Terraform engine's stack for the estate, with this login."""
    out.mkdir(parents=True)
    app = App(outdir=str(out))
    stack = Stack(app, "warehouse")
    declare_provider(stack, admin, declared.estate)
    declare_estate(stack, declared.estate, declared.keys)
    app.synth()
    return StackSource("warehouse", out / "stacks" / "warehouse" / "cdk.tf.json")


def governed(standin: StandIn) -> None:
    """The tag and the masking policy that the rich estate refers to: those who govern data make them."""
    with closing(standin.connect()) as connection:
        run(connection, "CREATE DATABASE IF NOT EXISTS GOVERN")
        run(connection, "CREATE SCHEMA IF NOT EXISTS GOVERN.RULES")
        run(connection, "CREATE TAG IF NOT EXISTS GOVERN.RULES.COST")
        run(
            connection,
            "CREATE MASKING POLICY IF NOT EXISTS GOVERN.RULES.HIDE AS (V VARCHAR) RETURNS VARCHAR -> '***'",
        )
        # Whoever makes tables has to see and apply them; that is for those who govern data to allow.
        run(connection, "GRANT USAGE ON DATABASE GOVERN TO ROLE SYSADMIN")
        run(connection, "GRANT USAGE ON SCHEMA GOVERN.RULES TO ROLE SYSADMIN")
        run(connection, "GRANT APPLY ON TAG GOVERN.RULES.COST TO ROLE SYSADMIN")
        run(connection, "GRANT APPLY ON MASKING POLICY GOVERN.RULES.HIDE TO ROLE SYSADMIN")


def by_terraform(declared: Declared, standin: StandIn, plugins: ProviderInstallation, folder: Path) -> Deployment:
    """Applies the estate with Terraform; the deployment, for planning again or destroying."""
    source = synthesised(declared, standin.client(), folder / "cdktf.out")
    secrets = {"snowflake_admin_private_key": standin.admin_key.read_text()}
    deployment = Deployment(Project(folder), "parity", [source], plugins, Options(secrets=secrets, parallelism=32))
    governed(standin)
    deployment.apply(deployment.plan())
    return deployment


def by_sql(declared: Declared, standin: StandIn, roles: Roles | None = None) -> int:
    """Applies what differs; how many statements that took."""
    roles = roles or Roles.one("ACCOUNTADMIN")
    governed(standin)
    with closing(standin.connect()) as connection:
        found = difference(declared.wanted, read_live(connection, declared.wanted))
        return apply(connection, roles.lend(found.statements), roles)


def differing(declared: Declared, standin: StandIn) -> Difference:
    """How a stand-in differs from the estate, as the SQL engine sees it."""
    with closing(standin.connect()) as connection:
        return difference(declared.wanted, read_live(connection, declared.wanted))


def dumped(standin: StandIn) -> dict[str, Any]:
    """The whole account."""
    with closing(standin.connect()) as connection:
        return catalogue(standin.url, connection.rest.token)
