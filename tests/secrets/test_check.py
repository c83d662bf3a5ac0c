"""`infra secrets check`: every reference with its place and state, secrets in clear by file and line, never a value."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from cli.main import main
from modules.environment import load_environment
from modules.findings import Finding
from modules.project import OUTPUTS_FILE, Project
from modules.secrets import Checked, check_secrets
from tests.environment.conftest import Write, write

__all__ = ["write"]

SECRET = "hunter2-the-value"
CLOUD = "extends: base\nplatform: confluent\nconfluent:\n  cloud_api_key: {}\n  cloud_api_secret: env:THE_SECRET\n"


def checked(project: Project, name: str = "dev") -> tuple[dict[str, Checked], list[Finding]]:
    references, besides = check_secrets(load_environment(project, name), project)
    found = [each for one in references for each in one.findings]
    assert SECRET not in repr([references, besides, found, [each.to_json() for each in references]])
    return {each.path: each for each in references}, [*found, *besides]


def keep(project: Project, name: str, text: str = SECRET, mode: int = 0o600) -> Path:
    path = project.root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


@pytest.fixture(autouse=True)
def variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THE_SECRET", SECRET)
    monkeypatch.delenv("CONFLUENT_CLOUD_API_KEY", raising=False)


def test_each_reference_is_told_with_its_line_and_whether_it_resolves(write: Write) -> None:
    project = write(dev=CLOUD.format("env:NOT_SET_ANYWHERE"))
    references, findings = checked(project)
    good, bad = references["confluent.cloud_api_secret"], references["confluent.cloud_api_key"]
    assert (good.resolves, good.where, good.reference) == (True, "environments/dev.yaml:5", "env:THE_SECRET")
    assert (bad.resolves, bad.where) == (False, "environments/dev.yaml:4")
    (failure,) = [each for each in findings if each.state == "fail"]
    assert failure.text == "confluent.cloud_api_key: the environment variable NOT_SET_ANYWHERE is not set"
    assert failure.do == "export NOT_SET_ANYWHERE"


def test_a_default_reference_is_told_as_one(write: Write) -> None:
    references, _ = checked(write(dev="extends: base\nplatform: confluent\n"))
    assert references["confluent.cloud_api_key"].where == "environments/dev.yaml (default)"


def test_a_files_mode_and_age_are_told_and_one_open_to_everyone_fails(write: Write) -> None:
    project = write(dev=CLOUD.format("file:keys/cloud"))
    path = keep(project, "keys/cloud")
    long_ago = datetime.now(UTC) - timedelta(days=500)
    os.utime(path, (long_ago.timestamp(), long_ago.timestamp()))
    references, findings = checked(project)
    assert references["confluent.cloud_api_key"].mode == "0600"
    assert f"it was not changed since {long_ago:%Y-%m-%d}" in next(f.text for f in findings if f.state == "warn")
    path.chmod(0o644)
    references, findings = checked(project)
    assert (references["confluent.cloud_api_key"].mode, references["confluent.cloud_api_key"].resolves) == (
        "0644",
        False,
    )
    (failure,) = [each for each in findings if each.state == "fail"]
    assert failure.do == f"chmod 600 {path}"


def certificate(ends: datetime) -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "here")])
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(ends - timedelta(days=400)).not_valid_after(ends).sign(key, hashes.SHA256())
    )  # fmt: skip
    return made.public_bytes(Encoding.PEM).decode()


@pytest.mark.parametrize(
    ("days", "state", "words"), [(-2, "fail", "it ended on"), (12, "warn", "in 11 days"), (90, "ok", "resolves")]
)
def test_a_certificate_or_token_that_ends_is_told(write: Write, days: int, state: str, words: str) -> None:
    ends = datetime.now(UTC) + timedelta(days=days)
    token = jwt.encode({"exp": int(ends.timestamp())}, SECRET * 3, algorithm="HS256")
    for text in (json.dumps({"certificate": certificate(ends)}), token):
        project = write(dev=CLOUD.format("file:keys/cloud"))
        keep(project, "keys/cloud", text)
        references, findings = checked(project)
        its = references["confluent.cloud_api_key"]
        assert its.expires and abs((its.expires - ends).total_seconds()) < 2
        (finding,) = [each for each in findings if each.text.startswith("confluent.cloud_api_key")]
        assert finding.state == state
        assert words in finding.text


def test_a_reference_for_another_platform_is_unused_and_not_asked_for(write: Write) -> None:
    text = "extends: base\nplatform: local\nconfluent: {cloud_api_key: env:NOT_SET_ANYWHERE}\n"
    references, findings = checked(write(dev=text))
    its = references["confluent.cloud_api_key"]
    assert (its.used, its.resolves) == (False, None)
    assert [each.state for each in findings] == ["warn"]
    assert findings[0].details == ("environments/dev.yaml:3",)


def test_credentials_that_a_deploy_recorded_are_checked_too(write: Write) -> None:
    project = write(dev="extends: base\nplatform: local\n")
    folder = project.environment_state("dev")
    folder.mkdir(parents=True)
    outputs = {"cluster": {"credentials": {"sink": "file:keys/sink.json", "consumer": "arn:aws:iam::1:role/x"}}}
    (folder / OUTPUTS_FILE).write_text(json.dumps(outputs))
    references, findings = checked(project)
    assert references["cluster.credentials.sink"].where == "outputs of stack cluster"
    assert [each.state for each in findings] == ["fail"]


def test_keys_of_the_clis_own_that_others_may_read_fail(write: Write) -> None:
    project = write(dev="extends: base\nplatform: local\n")
    path = keep(project, ".infra/env/dev/secrets/connector.p8", mode=0o640)
    path.parent.chmod(0o700)
    _, findings = checked(project)
    (failure,) = [each for each in findings if each.state == "fail"]
    assert failure.text.startswith(
        ".infra/env/dev/secrets/connector.p8: others on this machine may read it (mode 0640)"
    )
    assert failure.do == f"chmod 600 {path}"


def test_an_environment_without_references_says_so_and_the_laptops_is_the_default(
    write: Write, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project = write(local="extends: base\nplatform: local\n")
    monkeypatch.setenv("INFRA_PROJECT", str(project.root))
    monkeypatch.delenv("INFRA_ENV", raising=False)
    assert main(["secrets", "check"]) == 0
    said = capsys.readouterr()
    assert said.out == "✓ secret: environments/local.yaml: no secret references, so none to resolve\n"
    assert said.err == "all is well\n"


def git(project: Project, *arguments: str) -> None:
    given = ("-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "init.defaultBranch=main")
    subprocess.run(["git", *given, *arguments], cwd=project.root, check=True, capture_output=True)


def test_a_secrets_file_that_git_keeps_fails_and_one_it_does_not_ignore_warns(write: Write) -> None:
    project = write(dev=CLOUD.format("file:keys/cloud"))
    keep(project, "keys/cloud")
    git(project, "init")
    _, findings = checked(project)
    assert "git does not ignore the secret's file" in next(each.text for each in findings if each.state == "warn")
    git(project, "add", "keys/cloud")
    _, findings = checked(project)
    assert "git keeps the secret's file" in next(each.text for each in findings if each.state == "fail")
    git(project, "rm", "--cached", "keys/cloud")
    (project.root / ".gitignore").write_text("keys/\n")
    _, findings = checked(project)
    assert all(each.state == "ok" for each in findings)


def run(project: Project, *arguments: str) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-c", "import sys; from cli.main import main; sys.exit(main())"]
    return subprocess.run(
        [*program, "secrets", "check", *arguments], cwd=project.root, capture_output=True, text=True, timeout=120
    )


def test_the_command_exits_1_shows_the_line_and_never_the_value(write: Write) -> None:
    project = write(dev=CLOUD.format("env:THE_SECRET") + f"tags: {{password: {SECRET}}}\n")
    ran = run(project, "--env", "dev", "--json")
    assert ran.returncode == 1, ran.stderr
    document = json.loads(ran.stdout)
    assert (document["version"], document["ok"]) == (1, False)
    assert {each["path"]: each["resolves"] for each in document["references"]} == {
        "confluent.cloud_api_key": True, "confluent.cloud_api_secret": True,
    }  # fmt: skip
    (failure,) = [each for each in document["findings"] if each["state"] == "fail"]
    assert failure["text"] == "environments/dev.yaml:6: a password or key (17 characters)"
    plain = run(project, "--env", "dev")
    assert plain.returncode == 1
    assert "✗ in clear: environments/dev.yaml:6" in plain.stdout
    assert SECRET not in ran.stdout + ran.stderr + plain.stdout + plain.stderr
