from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from modules.doctor import CHECKS, REMOTE, Finding, examine, machine
from modules.errors import ConfigError
from modules.local import artifacts
from modules.project import Project

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    shutil.copytree(REPOSITORY / "environments", tmp_path / "environments")
    return Project(tmp_path)


def findings(project: Project, *names: str, environment: str | None = None) -> dict[str, Finding]:
    return {finding.check: finding for finding in examined(project, *names, environment=environment)}


def examined(project: Project, *names: str, environment: str | None = None) -> list[Finding]:
    """By these checks, or by all."""
    checks = {name: check for name, check in CHECKS.items() if not names or name in names}
    remote = {name: check for name, check in REMOTE.items() if name in names}
    return list(examine(project, environment, checks=checks, remote=remote))


def write(project: Project, name: str, text: str) -> None:
    (project.environments / f"{name}.yaml").write_text(text)


def test_every_finding_that_is_not_ok_says_what_to_do(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INFRA_JAVA", "/nothing/here")
    monkeypatch.setenv("JSII_NODE", "/nothing/here")
    monkeypatch.setenv("INFRA_TERRAFORM", "/nothing/here")
    monkeypatch.setenv("INFRA_CACHE", str(project.root / "empty"))
    found = findings(project)
    assert {name for name, finding in found.items() if finding.state == "fail"} == {"java", "node", "terraform"}
    assert found["downloads"].state == "warn"
    assert all(finding.do for finding in found.values() if finding.state != "ok")
    assert found["python"].state == "ok"


def test_a_broken_environment_is_shown_with_file_and_line(project: Project) -> None:
    write(project, "odd", "extends: base\nplatform: local\nlokal: {}\n")
    found = findings(project, "environment")
    assert found["environment local"].state == "ok"
    assert found["environment odd"].state == "fail"
    assert "odd.yaml:3" in " ".join([found["environment odd"].text, *found["environment odd"].details])


def test_an_unknown_environment_is_an_error_of_its_own(project: Project) -> None:
    with pytest.raises(ConfigError, match="prdo"):
        list(examine(project, "prdo"))


def test_a_secret_that_does_not_resolve_is_named_by_its_path(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = "cloud_api_key: env:INFRA_TEST_KEY, cloud_api_secret: env:INFRA_TEST_SECRET"
    write(project, "cloud", f"extends: base\nplatform: confluent\nconfluent: {{{keys}}}\n")
    monkeypatch.setenv("INFRA_TEST_KEY", "hidden-value")
    monkeypatch.delenv("INFRA_TEST_SECRET", raising=False)
    good, bad = examined(project, "secrets", environment="cloud")
    assert (good.state, bad.state) == ("ok", "fail")
    assert good.text.startswith("confluent.cloud_api_key: env:INFRA_TEST_KEY")
    assert bad.text.startswith("confluent.cloud_api_secret: ")
    assert "hidden-value" not in repr([good, bad])


def test_a_port_of_the_yaml_in_use_is_told_before_it_hurts(project: Project) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        write(project, "busy", f"extends: base\nplatform: local\nlocal: {{kafka_port: {port}}}\n")
        assert findings(project, "ports", environment="busy")["ports"].state == "fail"
    assert findings(project, "ports", environment="busy")["ports"].state == "ok"


def test_a_damaged_download_is_found(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = project.root / "cache"
    monkeypatch.setenv("INFRA_CACHE", str(cache))
    pinned = artifacts.load_lock()["kafka"].files[0]
    planted = cache / "maven" / pinned.path
    planted.parent.mkdir(parents=True)
    planted.write_bytes(b"!" * pinned.size)
    found = findings(project, "downloads")["downloads"]
    assert found.state == "fail"
    assert found.details == (pinned.coordinate,)


def test_a_full_disk_and_little_memory_fail(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(project.root)
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda folder: usage._replace(free=1_000_000))
    memory = machine.psutil.virtual_memory()
    monkeypatch.setattr(machine.psutil, "virtual_memory", lambda: memory._replace(available=1_000_000))
    found = findings(project, "disk", "memory")
    assert found["disk"].state == found["memory"].state == "fail"


def test_a_clock_that_runs_behind_is_told(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    assert findings(project, "clock")["clock"].state == "ok"
    monkeypatch.setattr(machine.time, "time", lambda: 1_000_000_000.0)
    assert findings(project, "clock")["clock"].state == "fail"


@pytest.mark.parametrize(("java", "code"), [("", 0), ("/nothing/here", 1)])
def test_the_command_exits_1_when_a_check_fails(project: Project, java: str, code: int) -> None:
    import os

    ran = subprocess.run(
        [sys.executable, "-c", "import sys; from cli.main import main; sys.exit(main())", "doctor", "--json"],
        cwd=project.root, env={**os.environ, "INFRA_JAVA": java}, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert ran.returncode == code, ran.stderr
    document = json.loads(ran.stdout)
    assert (document["version"], document["ok"], document["environment"]) == (1, not code, None)
    assert {entry["check"] for entry in document["findings"]} >= {"python", "disk", "java", "terraform", "clock"}
    assert "Traceback" not in ran.stderr


def test_secrets_of_a_platform_the_environment_is_not_on_are_not_asked_for(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("CONFLUENT_CLOUD_API_KEY", "CONFLUENT_CLOUD_API_SECRET"):
        monkeypatch.delenv(name, raising=False)
    text = "extends: base\nplatform: {}\nnetwork: {{domain: a.example.com, zone_id: Z0123456789ABC}}\n"
    found = {}
    for platform in ("msk", "confluent"):
        (project.environments / "other.yaml").write_text(text.format(platform))
        found[platform] = [each.text for each in examined(project, "secrets", environment="other")]
    assert not any("confluent" in each for each in found["msk"])
    assert sum("confluent.cloud_api" in each for each in found["confluent"]) == 2


def test_for_a_named_environment_its_stacks_are_made_and_their_plugins_checked(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from cli.main import main

    monkeypatch.chdir(project.root)
    monkeypatch.delenv("INFRA_PLUGIN_DIR", raising=False)
    code = main(["doctor", "--env", "local", "--json"])
    document = json.loads(capsys.readouterr().out)
    assert (code, document["ok"], document["environment"]) == (0, True, "local")
    (plugins,) = [each for each in document["findings"] if each["check"] == "providers"]
    assert plugins["text"] == "3 plugins that come along, as the stacks and classes want them"
