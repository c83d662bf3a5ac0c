"""`infra providers`: mirror, lock and check as a person runs them, on a real environment's stacks."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from modules.providers.check import snapshot_versions
from modules.providers.packages import this_system
from tests.providers.support import zipped

REPOSITORY = Path(__file__).resolve().parents[2]
HERE = this_system()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    shutil.copytree(REPOSITORY / "environments", root / "environments", ignore=shutil.ignore_patterns("locks"))
    return root


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str


@pytest.fixture
def infra(project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """Runs the program in this process: cdktf takes seconds to load, and is loaded once so."""
    from cli.main import main

    monkeypatch.chdir(project)
    monkeypatch.delenv("INFRA_PROJECT", raising=False)

    def run(*arguments: str, plugins: Path | None = None) -> Ran:
        monkeypatch.delenv("INFRA_PLUGIN_DIR", raising=False)
        if plugins:
            monkeypatch.setenv("INFRA_PLUGIN_DIR", str(plugins))
        code = main(arguments)
        told = capsys.readouterr()
        assert "defect" not in told.err
        return Ran(code, told.out, told.err)

    return run


def plant_real_names(mirror: Path) -> Path:
    """Packages of the names and versions that `dev` needs; what is in them is never run."""
    for address, version in snapshot_versions().items():
        name = address.rpartition("/")[2]
        if name in ("confluent", "snowflake"):
            zipped(mirror / address / f"terraform-provider-{name}_{version}_{HERE}.zip", version, name, name)
    return mirror


def test_a_lock_is_written_checked_and_carried_with_a_mirror(tmp_path: Path, infra: Callable[..., Ran]) -> None:
    plugins = plant_real_names(tmp_path / "plugins")
    locked = infra("providers", "lock", "--env", "dev", plugins=plugins)
    assert locked.code == 0, locked.err
    assert locked.out.startswith(f"environments/locks/dev.lock.hcl: 2 providers for {HERE}\n")

    after = infra("providers", "check", "--env", "dev", "--json", plugins=plugins)
    assert after.code == 0, after.out
    states = {(each["check"], each["state"]) for each in json.loads(after.out)["findings"]}
    assert states == {("schema", "ok"), ("lock", "ok"), ("mirror", "ok")}

    target = tmp_path / "carried"
    mirrored = infra("providers", "mirror", str(target), "--env", "dev", "--json", "--from", str(plugins))
    document = json.loads(mirrored.out)
    assert [(each["platform"], each["from"]) for each in document["packages"]] == [(HERE, str(plugins))] * 2
    assert all((target / each["path"]).is_file() for each in document["packages"])


def test_what_cannot_be_asked_for_is_told(tmp_path: Path, infra: Callable[..., Ran]) -> None:
    ran = infra("providers", "lock", "--env", "local")
    assert ran.code == 1
    assert "environment local uses the plugins that come along: there is nothing to mirror or lock" in ran.err
    ran = infra("providers", "mirror", str(tmp_path / "m"), "--env", "dev", "--platform", "Linux")
    assert ran.code == 1
    assert "`Linux` is no system" in ran.err
    ran = infra("providers", "check", "--env", "dev", plugins=tmp_path / "nowhere")
    assert ran.code == 1
    assert "is not a folder" in ran.err
