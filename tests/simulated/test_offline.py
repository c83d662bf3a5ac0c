"""`--offline` from the command line: a rehearsal in states of its own, labelled, never taken for the real thing."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cli.main import main
from modules.environment import load_environment
from modules.environment.secrets import resolve_secret
from modules.environment.types import SecretRefValue
from modules.errors import PlanError
from modules.project import Project
from modules.simulated import LABEL
from modules.simulated.mirror import simulated_plugins, write_simulated_mirror
from modules.simulated.offline import placeholder_secrets, without_secrets
from modules.terraform.providers import ProviderInstallation
from modules.terraform.source import StackSource
from modules.terraform.state import new_simulated_state, read_state

ENVIRONMENTS = Path(__file__).parents[2] / "environments"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    shutil.copytree(ENVIRONMENTS, tmp_path / "environments")
    monkeypatch.setenv("INFRA_PROJECT", str(tmp_path))
    monkeypatch.setenv("INFRA_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("INFRA_TERRAFORM", raising=False)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    return Project(tmp_path)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main([*arguments, "--offline"])
    out, err = capsys.readouterr()
    return code, out, err


def test_an_environment_is_rehearsed_from_plan_to_destroy_without_any_service(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, "plan", "--env", "local")
    assert code == 2
    assert out.splitlines()[0] == out.splitlines()[-1] == LABEL
    assert err.startswith(LABEL)

    code, out, _ = run(capsys, "deploy", "--env", "local", "--yes")
    assert code == 0
    assert out.count(LABEL) == 3
    assert "local: deployed (rehearsal)" in out

    code, out, err = run(capsys, "plan", "--env", "local", "--json")
    plan = json.loads(out)
    assert (code, plan["offline"], plan["has_changes"]) == (0, True, False)
    assert err.startswith(LABEL)

    code, out, err = run(capsys, "output", "--env", "local", "--json")
    assert (code, json.loads(out)["offline"]) == (0, True)
    assert json.loads(out)["topics"]["subjects"] == ["order-events-value", "_infra_smoke-value"]

    offline = project.state / "offline" / "env" / "local"
    assert [path.name for path in project.state.iterdir()] == ["offline"]
    assert (offline / "simulated.sqlite").stat().st_mode & 0o077 == 0
    _refuses_each_others_states(project, capsys)

    code, out, _ = run(capsys, "destroy", "--env", "local", "--yes", "--json")
    assert (code, json.loads(out)["offline"], json.loads(out)["result"]["offline"]) == (0, True, True)
    assert run(capsys, "plan", "--env", "local")[0] == 2


def _refuses_each_others_states(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    simulated = replace(project, offline=True).environment_state("local") / "topics" / "terraform.tfstate"
    stray = project.environment_state("local") / "topics" / "terraform.tfstate"
    stray.parent.mkdir(parents=True)
    shutil.copy(simulated, stray)
    code = main(["output", "--env", "local"])
    _, err = capsys.readouterr()
    assert code == 1
    assert "this state was made by an offline rehearsal" in err
    assert str(stray) in err
    shutil.rmtree(project.state / "env")

    kept = simulated.read_bytes()
    real = {**json.loads(kept), "lineage": "0f9d3c8e-6a2b-4d1c-9b7e-1a2b3c4d5e6f"}
    simulated.write_text(json.dumps(real))
    code, _, err = run(capsys, "plan", "--env", "local")
    assert code == 1
    assert "this state is of real resources" in err
    simulated.write_bytes(kept)


def test_a_state_says_itself_that_it_is_simulated(tmp_path: Path) -> None:
    state = tmp_path / "terraform.tfstate"
    state.write_bytes(new_simulated_state())
    read = read_state(state, simulated=True)
    assert read is not None
    assert read.simulated
    assert read.empty
    with pytest.raises(PlanError, match="made by an offline rehearsal"):
        read_state(state)


def test_nothing_but_the_mirror_is_asked_for_plugins(tmp_path: Path) -> None:
    write_simulated_mirror(tmp_path / "plugins", tmp_path / "store")
    installation = ProviderInstallation("simulated", tmp_path / "plugins")
    assert "direct" not in installation.cli_config()
    assert "plugin_cache_dir" not in installation.cli_config()
    assert set(installation.sources()) == {plugin.address for plugin in simulated_plugins(tmp_path / "store")}


def test_no_secret_is_read_in_a_rehearsal(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REAL_SECRET", "the real one")
    offline = replace(project, offline=True)
    assert "real" not in resolve_secret(SecretRefValue("env", "REAL_SECRET"), offline)
    assert resolve_secret(SecretRefValue("file", "/nowhere"), offline)


def test_the_connectors_key_of_the_yaml_is_left_alone(project: Project) -> None:
    path = project.environments / "dev.yaml"
    path.write_text(path.read_text() + "warehouse: {connector_private_key: 'env:REAL_KEY'}\n")
    environment = load_environment(project, "dev")
    assert environment.warehouse.connector_private_key is not None
    assert without_secrets(environment).warehouse.connector_private_key is None


def test_each_ephemeral_variable_gets_a_value_of_its_type(tmp_path: Path) -> None:
    variables: dict[str, Any] = {
        "password": {"type": "string", "ephemeral": True},
        "admin_private_key": {"ephemeral": True},
        "port": {"type": "number", "ephemeral": True},
        "headers": {"type": "map(string)", "ephemeral": True},
        "names": {"type": "list(string)", "ephemeral": True},
        "kept": {"type": "string", "ephemeral": True, "default": "as it is"},
        "plain": {"type": "string"},
        "cluster_key": {"type": "string", "ephemeral": True},
    }
    path = tmp_path / "cdk.tf.json"
    path.write_text(json.dumps({"variable": variables}))
    source = StackSource("topics", path, inputs={"cluster_key": ("cluster", "key")})
    made = placeholder_secrets([source], "topics")
    assert set(made) == {"password", "admin_private_key", "port", "headers", "names"}
    assert made["password"] == "simulated-password"
    assert made["admin_private_key"].startswith("-----BEGIN PRIVATE KEY-----")
    assert (made["port"], made["headers"], made["names"]) == ("1", "{}", "[]")
