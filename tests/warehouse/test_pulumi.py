"""The Pulumi engine: the same resources and arguments as the Terraform engine's, and a project people can run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pulumi_snowflake", reason="the extra `pulumi` is not installed: pip install -e '.[pulumi]'")

from modules.environment.types import SecretRefValue
from modules.errors import ConfigError
from modules.platforms.base import SnowflakeClient
from modules.warehouse.connection import make_key_pair
from modules.warehouse.pulumi import write_project
from modules.warehouse.pulumi.program import declare_estate
from modules.warehouse.pulumi.run import declare_environment, preview_features
from modules.warehouse.terraform import preview_features as terraform_features
from tests.standin.harness import ROOT, StandIn
from tests.warehouse.parity import HERE, Declared, declared, differing, synthesised
from tests.warehouse.pulumi_parts import Recorded, comparable, record, terraform_resources

ADMIN = SnowflakeClient(
    "INFRA", "LOCAL", "INFRA_ADMIN", "ACCOUNTADMIN", SecretRefValue("env", "X"), "127.0.0.1", 1, "http"
)
PROVIDER = "pulumi:providers:snowflake"


@pytest.fixture(scope="module", params=("preset", "rich"))
def ours(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Declared:
    return declared(tmp_path_factory.mktemp("pulumi"), HERE / f"{request.param}.yaml")


def recorded(ours: Declared) -> list[Recorded]:
    import pulumi_snowflake as snowflake

    def program() -> None:
        declare_estate(ours.estate, ours.keys, snowflake.Provider("snowflake"))

    return record(program)


def test_pulumi_asks_for_what_terraform_asks_for_argument_for_argument(ours: Declared, tmp_path: Path) -> None:
    document = json.loads(synthesised(ours, ADMIN, tmp_path / "out").json_path.read_text())
    by_terraform = Counter((type_, comparable(arguments)) for type_, arguments in terraform_resources(document))
    resources = [each for each in recorded(ours) if each[0] != PROVIDER]
    by_pulumi = Counter((type_, comparable(inputs)) for type_, _, inputs in resources)
    assert sorted((by_terraform - by_pulumi).elements()) == [], "only Terraform asks for it"
    assert sorted((by_pulumi - by_terraform).elements()) == [], "only Pulumi asks for it"
    assert len({(type_, name) for type_, name, _ in resources}) == len(resources), "names are unique"


def test_a_name_in_pulumi_is_the_objects_own(ours: Declared) -> None:
    names = {(type_.rpartition(":")[2], name) for type_, name, _ in recorded(ours)}
    assert ("Table", "STREAMING.PUBLIC.ORDER_EVENTS") in names
    assert ("ServiceUser", "SVC_KAFKA_CONNECTOR") in names


def test_both_engines_enable_the_same_preview_features(ours: Declared) -> None:
    assert preview_features(ours.estate) == terraform_features(ours.estate)


def test_what_the_written_project_runs_logs_in_as_the_yaml_says_and_keeps_the_key_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = declared(tmp_path, HERE / "preset.yaml")
    make_key_pair(tmp_path / "admin.p8")
    pem = (tmp_path / "admin.p8").read_text().strip()
    monkeypatch.setenv("UNUSED_HERE", pem)
    made = record(lambda: declare_environment("parity", ours.project.root))
    (provider,) = [inputs for type_, _, inputs in made if type_ == PROVIDER]
    assert (provider["organizationName"], provider["user"], provider["authenticator"]) == (
        "INFRA", "INFRA_ADMIN", "SNOWFLAKE_JWT",
    )  # fmt: skip
    assert pem in json.dumps(provider["privateKey"]).replace("\\n", "\n")
    assert len(made) > len(ours.estate.grants)


def test_an_error_of_ours_is_pulumis_error_without_a_traceback(tmp_path: Path) -> None:
    import pulumi

    declared(tmp_path, HERE / "preset.yaml")
    with pytest.raises(pulumi.RunError, match="there is no environment"):
        record(lambda: declare_environment("nowhere", tmp_path))


def test_a_project_is_written_without_a_secret_and_written_anew(tmp_path: Path) -> None:
    ours = declared(tmp_path / "project", HERE / "preset.yaml")
    out = tmp_path / "project" / "pulumi" / "parity"
    first = write_project(ours.environment, ours.project, out)
    assert [file.name for file in first] == ["Pulumi.yaml", "__main__.py", "requirements.txt"]
    text = "".join(file.read_text() for file in first)
    assert str(tmp_path) not in text and "PRIVATE" not in text and ours.keys["SVC_KAFKA_CONNECTOR"].first not in text
    assert write_project(ours.environment, ours.project, out) == first
    (out / "Pulumi.yaml").write_text("name: somebody-elses\n")
    with pytest.raises(ConfigError, match="was not written by infra"):
        write_project(ours.environment, ours.project, out)


def test_the_written_program_runs(tmp_path: Path) -> None:
    """Under mocks, as `python __main__.py` would be run by Pulumi: in its folder, with nothing but the packages."""
    ours = declared(tmp_path / "project", HERE / "preset.yaml")
    out = tmp_path / "elsewhere"
    write_project(ours.environment, ours.project, out)
    make_key_pair(tmp_path / "admin.p8")
    program = (
        "import runpy, sys\n"
        "from tests.warehouse.pulumi_parts import record\n"
        "made = record(lambda: runpy.run_path(sys.argv[1], run_name='__main__'))\n"
        "print(len(made))\n"
    )
    environment = {**os.environ, "UNUSED_HERE": (tmp_path / "admin.p8").read_text(), "PYTHONPATH": str(ROOT)}
    ran = subprocess.run(
        [sys.executable, "-c", program, str(out / "__main__.py")],
        cwd=out, env=environment, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert int(ran.stdout) > 50


def test_nothing_else_imports_pulumi() -> None:
    program = (
        "import sys\n"
        "import cli.warehouse, cli.warehouse_pulumi, cli.warehouse_sql\n"
        "import modules.warehouse.sql, modules.warehouse.pulumi\n"
        "print([name for name in sys.modules if name.split('.')[0] in ('pulumi', 'pulumi_snowflake')])\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


@pytest.mark.skipif(
    not shutil.which("pulumi"), reason="no `pulumi` program on PATH: install it to run the engine itself"
)
def test_pulumi_itself_makes_the_estate_in_a_stand_in(own_standin: StandIn, tmp_path: Path) -> None:
    ours = declared(tmp_path / "project", HERE / "preset.yaml")
    out = tmp_path / "project" / "pulumi"
    write_project(ours.environment, ours.project, out)
    login = own_standin.client()
    (out / "__main__.py").write_text(_against(out / "__main__.py", login))
    environment = {
        **os.environ,
        "UNUSED_HERE": own_standin.admin_key.read_text(),
        "PULUMI_CONFIG_PASSPHRASE": "only for this test",
        "PULUMI_BACKEND_URL": f"file://{tmp_path}",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PYTHONPATH": str(ROOT),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }

    def pulumi(*arguments: str) -> None:
        ran = subprocess.run(
            ["pulumi", *arguments], cwd=out, env=environment, capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr

    pulumi("stack", "init", "test")
    pulumi("up", "--yes", "--non-interactive")
    assert differing(ours, own_standin).statements == ()
    pulumi("preview", "--expect-no-changes", "--non-interactive")
    with closing(own_standin.connect()) as connection:
        assert connection.cursor().execute("SHOW TABLES IN DATABASE STREAMING").fetchall()


def _against(program: Path, login: Any) -> str:
    """The program with the stand-in's address for the account's."""
    redirect = (
        "import modules.warehouse.pulumi.run as run\n"
        "from modules.environment.types import SecretRefValue\n"
        "from modules.platforms.base import SnowflakeClient\n"
        f"LOGIN = {login!r}\n"
        "class Platform:\n"
        "    def snowflake_client(self, role):\n"
        "        return LOGIN\n"
        "run.platform_for = lambda environment, project: Platform()\n"
    )
    return redirect + program.read_text()
