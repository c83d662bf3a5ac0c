"""Another engine than Terraform makes the estate: the stack keeps its outputs, and lets go of what Terraform made."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from cli._deployment import Target
from cli._estate import require_estate, say_who_makes_the_estate
from modules.cdk import App
from modules.environment import load_environment
from modules.environment.model import Environment
from modules.errors import ApplyError, SecretError, ServiceError
from modules.local.endpoints import LocalEndpoints, record_file
from modules.platforms import platform_for
from modules.platforms.declare import declarations_for
from modules.project import Project
from modules.resources.base import Stack
from modules.terraform.engine import Deployment
from modules.terraform.providers import ProviderInstallation
from modules.terraform.source import StackSource
from modules.warehouse.sql import Difference, Statement
from stacks import terraform_secrets
from stacks.context import Context
from stacks.warehouse import WarehouseStack

ROOT = Path(__file__).parents[2]


def environment_with(root: Path, engine: str) -> tuple[Project, Environment]:
    if not (root / "environments").exists():
        shutil.copytree(ROOT / "environments", root / "environments")
    (root / "environments" / "it.yaml").write_text(f"extends: local\nwarehouse: {{engine: {engine}}}\n")
    project = Project(root)
    record_file(project).parent.mkdir(parents=True, exist_ok=True)
    endpoints = LocalEndpoints("127.0.0.1:9092", "http://127.0.0.1:8081/apis/ccompat/v7", "127.0.0.1", 8085)
    record_file(project).write_text(endpoints.dump())
    return project, load_environment(project, "it")


def synthesised(root: Path, engine: str) -> dict[str, Any]:
    project, environment = environment_with(root, engine)
    platform = platform_for(environment, project)
    app = App(outdir=str(root / f"out-{engine}"))
    WarehouseStack(app, Context(environment, project, platform, declarations_for(environment, platform, project)))
    app.synth()
    found: dict[str, Any] = json.loads((root / f"out-{engine}/stacks/warehouse/cdk.tf.json").read_text())
    return found


@pytest.mark.parametrize("engine", ["sql", "pulumi"])
def test_the_stack_has_its_outputs_only(tmp_path: Path, engine: str) -> None:
    (tmp_path / f"out-{engine}").mkdir()
    found = synthesised(tmp_path, engine)
    assert set(found["output"]) == {"tables", "connector_user", "connector_role"}
    assert found["output"]["tables"]["value"] == [
        "STREAMING.PUBLIC.ORDER_EVENTS",
        "STREAMING.PUBLIC._INFRA_SMOKE",
    ]
    assert not {"resource", "provider", "variable", "removed"} & set(found)


def test_what_terraform_made_is_let_go_and_not_destroyed(tmp_path: Path) -> None:
    folder = tmp_path / ".infra" / "env" / "it" / "warehouse"
    folder.mkdir(parents=True)
    resources = [
        {
            "mode": "managed",
            "type": "snowflake_table",
            "name": "orders",
            "instances": [{"attributes": {}}],
        },
        {
            "mode": "managed",
            "type": "snowflake_database",
            "name": "database",
            "instances": [{"index_key": key, "attributes": {}} for key in ("STREAMING", "ANALYTICS")],
        },
    ]
    state = {"version": 4, "serial": 1, "lineage": "real", "terraform_version": "1.9.0", "outputs": {}}
    (folder / "terraform.tfstate").write_text(json.dumps({**state, "resources": resources}))
    (tmp_path / "out-sql").mkdir()
    found = synthesised(tmp_path, "sql")
    assert [(each["from"], each["lifecycle"]) for each in found["removed"]] == [
        ("snowflake_table.orders", {"destroy": False}),
        ("snowflake_database.database", {"destroy": False}),
    ]
    assert "snowflake" in found["provider"] and "resource" not in found


def test_terraform_forgets_what_a_stack_lets_go_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INFRA_CACHE", str(tmp_path / "cache"))
    (tmp_path / "environments").mkdir()
    left = tmp_path / "destroyed"
    gate = {"provisioner": [{"local-exec": {"when": "destroy", "command": f"touch {left}"}}]}

    def deployment(number: int, *, forget: bool) -> Deployment:
        out = tmp_path / f"out{number}"
        out.mkdir()
        app = App(outdir=str(out))
        stack = Stack(app, "warehouse")
        if forget:
            stack.forget(["terraform_data.gate"])
        else:
            stack.declare("resource", "terraform_data", "gate", gate)
        stack.output("tables", ["T"])
        app.synth()
        source = StackSource("warehouse", out / "stacks" / "warehouse" / "cdk.tf.json")
        return Deployment(Project(tmp_path), "it", [source], ProviderInstallation("official"))

    first = deployment(1, forget=False)
    first.apply(first.plan())
    second = deployment(2, forget=True)
    plan = second.plan()
    assert plan.counts == {"forget": 1}
    second.apply(plan)
    assert not left.exists() and second.plan().counts == {}


MISSING = Statement('CREATE DATABASE IF NOT EXISTS "D"', "Databases", "objects", "database D")
OTHERWISE = Statement("ALTER DATABASE \"D\" SET COMMENT = ''", "Databases", "objects", "database D")


def target(tmp_path: Path, engine: str) -> Target:
    project, environment = environment_with(tmp_path, engine)
    return Target(project, environment, platform_for(environment, project))


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (Difference(), "and is as declared"),
        (Difference((MISSING, OTHERWISE)), "2 differences from what is declared"),
        (ServiceError("nobody answers"), "is not known: nobody answers"),
    ],
)
def test_a_plan_says_who_makes_the_estate_and_how_it_stands(
    found: Difference | ServiceError,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def compare(*_: object) -> Difference:
        if isinstance(found, ServiceError):
            raise found
        return found

    monkeypatch.setattr("modules.warehouse.sql.compare", compare)
    say_who_makes_the_estate(target(tmp_path, "sql"))
    line = capsys.readouterr().err
    assert "`infra warehouse sql --env it --apply`" in line and said in line
    say_who_makes_the_estate(target(tmp_path, "terraform"))
    assert capsys.readouterr().err == ""


def test_a_deploy_needs_what_is_declared_to_be_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modules.warehouse.sql.compare", lambda *_: Difference((OTHERWISE, MISSING)))
    with pytest.raises(ApplyError, match="objects and grants missing: 1, the first: database D") as stopped:
        require_estate(target(tmp_path, "pulumi"))
    assert "infra warehouse pulumi --env it" in str(stopped.value.do)
    monkeypatch.setattr("modules.warehouse.sql.compare", lambda *_: Difference((OTHERWISE,)))
    require_estate(target(tmp_path, "sql"))


def test_who_deploys_beside_another_engine_needs_no_key_of_the_administrator(tmp_path: Path) -> None:
    account = "{organization: ORG, account: ACC, user: ADMIN, private_key: env:NOT_SET_ANYWHERE}"
    for engine, missing in (("terraform", 1), ("sql", 0)):
        project, _ = environment_with(tmp_path, engine)
        (tmp_path / "environments" / "cloud.yaml").write_text(
            f"extends: dev\nwarehouse: {{engine: {engine}, account: {account}}}\n"
        )
        environment = load_environment(project, "cloud")
        platform = platform_for(environment, project)
        assert sum("warehouse.account" in line for line in platform.missing_credentials()) == missing
        if missing:
            with pytest.raises(SecretError):
                terraform_secrets(platform, project, "warehouse")
        else:
            assert terraform_secrets(platform, project, "warehouse", engine=engine) == {}
            require_estate(Target(project, environment, platform))
