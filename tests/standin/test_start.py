"""Starting the stand-in: what is wrong is said in one line, with exit code 1."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.standin.harness import ROOT, StandIn


def failed_start(server: StandIn) -> str:
    done = subprocess.run(server.command(), cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert done.stdout == ""
    (line,) = done.stderr.strip().splitlines()
    return line


def test_a_port_in_use(standin: StandIn, tmp_path: Path) -> None:
    second = StandIn(tmp_path)
    second.port = standin.port
    assert f"127.0.0.1:{standin.port}: cannot listen: Address already in use" in failed_start(second)


def test_a_data_folder_another_one_uses(standin: StandIn, tmp_path: Path) -> None:
    second = StandIn(tmp_path)
    (tmp_path / "data").symlink_to(standin.folder / "data")
    assert "another Snowflake stand-in uses this data folder" in failed_start(second)


def test_a_data_folder_that_is_none(tmp_path: Path) -> None:
    server = StandIn(tmp_path)
    (tmp_path / "data").write_text("a file")
    assert "data folder is unusable" in failed_start(server)


def test_a_catalogue_that_is_none(tmp_path: Path) -> None:
    server = StandIn(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "catalog.sqlite").write_text("not a database at all, but long enough to be read as one" * 20)
    line = failed_start(server)
    assert "data folder is unusable" in line
    assert "infra local reset" in line


@pytest.mark.parametrize("content", ["", "rubbish", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"])
def test_an_unreadable_public_key(tmp_path: Path, content: str) -> None:
    server = StandIn(tmp_path)
    server.public.write_text(content)
    assert "this is not an RSA public key" in failed_start(server)


def test_a_missing_public_key(tmp_path: Path) -> None:
    server = StandIn(tmp_path)
    server.public.unlink()
    assert "cannot read the administrator's public key" in failed_start(server)


def test_it_listens_on_loopback_only(standin: StandIn) -> None:
    import psutil

    assert standin.process is not None
    listening = [c.laddr.ip for c in psutil.Process(standin.process.pid).net_connections() if c.status == "LISTEN"]
    assert listening == ["127.0.0.1"]
