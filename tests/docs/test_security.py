"""What docs/security.md claims and no other test holds: modes of files, pinned files, where programs listen."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
INFRA = (sys.executable, "-c", "from cli.main import main; main()")


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project in which a stack of `dev` was deployed offline, under a umask that forbids nothing by itself."""
    root = tmp_path_factory.mktemp("security")
    shutil.copytree(ROOT / "environments", root / "environments")
    variables = {**os.environ, "INFRA_PROJECT": str(root), "PYTHONPATH": str(ROOT), "CI": "1"}
    command = [*INFRA, "deploy", "--env", "dev", "--offline", "--yes", "--target", "warehouse"]
    ran = subprocess.run(
        command, cwd=root, env=variables, capture_output=True, text=True, timeout=240, umask=0o000, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return root


def modes(folder: Path) -> dict[Path, int]:
    return {path: stat.S_IMODE(path.lstat().st_mode) for path in folder.rglob("*") if not path.is_symlink()}


def test_nobody_else_gets_into_an_environments_folder(deployed: Path) -> None:
    environment = deployed / ".infra" / "offline" / "env" / "dev"
    assert stat.S_IMODE(environment.stat().st_mode) == 0o700


def test_states_keys_backups_and_variables_are_their_owners_alone(deployed: Path) -> None:
    found = modes(deployed / ".infra")
    private = (".tfstate", ".backup", ".p8", ".tfvars.json", ".sqlite")
    held = {path: mode for path, mode in found.items() if path.is_file() and path.name.endswith(private)}
    assert {path.suffix for path in held} >= {".tfstate", ".p8", ".sqlite"}
    assert {str(path): oct(mode) for path, mode in held.items() if mode & 0o077} == {}


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_every_locked_package_has_a_version_and_hashes(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    assert len(lines) > 50
    assert [line[:60] for line in lines if not re.match(r"[\w.\[\],-]+==\S+.*--hash=sha256:[0-9a-f]{64}", line)] == []


def test_the_locks_are_installed_with_their_hashes() -> None:
    installs = [line for line in (ROOT / "Makefile").read_text(encoding="utf-8").splitlines() if "install" in line]
    assert [line for line in installs if ".lock" in line and "PIP" in line and "--require-hashes" not in line] == []


def test_actions_of_the_projects_own_workflows_stand_at_a_commit() -> None:
    files = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
    uses = [use for file in files for use in re.findall(r"uses: *(\S+)", file.read_text(encoding="utf-8"))]
    assert uses
    assert [use for use in uses if not re.search(r"@[0-9a-f]{40}$", use)] == []


def test_no_connection_is_made_without_checking_its_certificate() -> None:
    lax = re.compile(r"verify *= *False|CERT_NONE|check_hostname *= *False|ssl\._create_unverified|insecure_skip")
    files = [path for folder in ("cli", "modules", "stacks") for path in (ROOT / folder).rglob("*.py")]
    files = [path for path in files if "resources" not in path.parent.parts]
    assert [str(path) for path in files if lax.search(path.read_text(encoding="utf-8"))] == []


def test_programs_of_the_laptop_are_told_to_listen_on_loopback_only() -> None:
    """`tests/integration/test_local_platform.py` asks the running ones."""
    everywhere = re.compile(r"[\"'](0\.0\.0\.0|::)[\"']")
    files = (ROOT / "modules" / "local").rglob("*.py")
    assert [str(path) for path in files if everywhere.search(path.read_text(encoding="utf-8"))] == []


def test_each_test_that_the_page_names_is_there() -> None:
    named = re.findall(r"`(tests/[\w./]+)`", PAGE)
    assert len(named) >= 5
    assert [name for name in named if not (ROOT / name).exists()] == []
