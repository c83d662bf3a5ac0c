"""Secrets are resolved from where their references point, and turn up nowhere else."""

from __future__ import annotations

import base64
import json
import os
import threading
import traceback
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from modules.environment import load_environment
from modules.environment.secrets import resolve_secret
from modules.environment.types import SecretRefValue
from modules.errors import ConfigError, SecretError
from modules.project import Project
from tests.environment.conftest import Write

SECRET = "hunter2-the-value"


def resolve(reference: str, project: Project) -> str:
    return resolve_secret(SecretRefValue.parse(reference), project)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def keep(path: Path, text: str | bytes, mode: int = 0o600) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    path.chmod(mode)


def test_a_variable_of_the_environment_is_read_when_asked(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THE_KEY", SECRET)
    assert resolve("env:THE_KEY", project) == SECRET
    monkeypatch.delenv("THE_KEY")
    with pytest.raises(SecretError, match="THE_KEY is not set") as caught:
        resolve("env:THE_KEY", project)
    assert caught.value.do == "export THE_KEY"


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o640])
def test_a_file_is_read_relative_to_the_project_without_its_last_newline(project: Project, mode: int) -> None:
    keep(project.root / "secrets" / "key", f"{SECRET}\r\n", mode)
    assert resolve("file:secrets/key", project) == SECRET
    assert resolve(f"file:{project.root}/secrets/key", project) == SECRET


def test_a_key_of_several_lines_stays_whole(project: Project) -> None:
    keep(project.root / "key.p8", "-----BEGIN\nabc\n-----END\n")
    assert resolve("file:key.p8", project) == "-----BEGIN\nabc\n-----END"


def test_a_file_in_the_home_folder_is_found(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(project.root))
    keep(project.root / "key", SECRET)
    assert resolve("file:~/key", Project(Path("/elsewhere"))) == SECRET
    with pytest.raises(SecretError, match="no such home folder"):
        resolve("file:~nobody-of-this-name/key", project)


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
@pytest.mark.parametrize("mode", [0o644, 0o604, 0o666])
def test_a_file_everyone_may_read_is_refused(project: Project, mode: int) -> None:
    keep(project.root / "key", SECRET, mode)
    with pytest.raises(SecretError, match="everyone on this machine may read") as caught:
        resolve("file:key", project)
    assert caught.value.do == f"chmod 600 {project.root / 'key'}"
    assert_silent(caught.value)


@pytest.mark.parametrize(
    ("content", "expected"), [(None, "No such file"), (b"\xff\xfe" + SECRET.encode(), "not text"), (b"\n", "empty")]
)
def test_a_file_that_cannot_be_used_is_told(project: Project, content: bytes | None, expected: str) -> None:
    if content is not None:
        keep(project.root / "key", content)
    with pytest.raises(SecretError, match=expected) as caught:
        resolve("file:key", project)
    assert caught.value.do
    assert_silent(caught.value)


def assert_silent(error: BaseException) -> None:
    """The secret is in none of the ways an error is shown."""
    shown = [str(error), repr(error), repr(error.args), *traceback.format_exception(error)]
    assert not any(SECRET in each for each in shown)


class _Manager(BaseHTTPRequestHandler):
    """Secrets Manager's GetSecretValue, as far as a client sees it."""

    secrets: dict[str, dict[str, str]] = {  # noqa: RUF012
        "text": {"SecretString": SECRET},
        "object": {"SecretString": json.dumps({"password": SECRET, "port": 5432, "empty": ""})},
        "binary": {"SecretBinary": base64.b64encode(SECRET.encode()).decode()},
        "arn:aws:secretsmanager:eu-west-3:123456789012:secret:text-AbCdEf": {"SecretString": SECRET},
    }
    asked: list[tuple[str, str]] = []  # noqa: RUF012

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        scope = self.headers["Authorization"].split("Credential=")[1].split("/")
        self.asked.append((self.headers["X-Amz-Target"], scope[2]))
        found = self.secrets.get(body["SecretId"])
        answer: dict[str, Any] = found or {"__type": "ResourceNotFoundException", "Message": "cannot find it"}
        payload = json.dumps(answer).encode()
        self.send_response(200 if found else 400)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing on stderr."""


@pytest.fixture
def manager(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, str]]]:
    """A server on loopback that boto3 talks to; gives what it was asked: (operation, region)."""
    _Manager.asked.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Manager)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    yield _Manager.asked
    server.shutdown()
    server.server_close()
    thread.join()


def test_secrets_manager_gives_text_or_one_value_of_an_object(project: Project, manager: list[tuple[str, str]]) -> None:
    assert resolve("aws-sm:text", project) == SECRET
    assert resolve("aws-sm:object#password", project) == SECRET
    assert resolve("aws-sm:object#port", project) == "5432"
    assert manager[0] == ("secretsmanager.GetSecretValue", "us-east-1")


def test_an_arn_says_the_region_itself(project: Project, manager: list[tuple[str, str]]) -> None:
    assert resolve("aws-sm:arn:aws:secretsmanager:eu-west-3:123456789012:secret:text-AbCdEf", project) == SECRET
    assert manager == [("secretsmanager.GetSecretValue", "eu-west-3")]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("nothing", "ResourceNotFoundException: cannot find it"),
        ("object#user", "has no key 'user'"),
        ("object#empty", "the secret is empty"),
        ("text#key", "has no key 'key'"),
        ("binary", "binary, not text"),
    ],
)
def test_what_secrets_manager_cannot_give_is_told(
    project: Project, manager: list[tuple[str, str]], name: str, expected: str
) -> None:
    with pytest.raises(SecretError, match=expected) as caught:
        resolve(f"aws-sm:{name}", project)
    assert caught.value.where == f"aws-sm:{name}"
    assert_silent(caught.value)


def test_no_region_is_told(project: Project, manager: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_REGION")
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(SecretError, match="region") as caught:
        resolve("aws-sm:text", project)
    assert "AWS_REGION" in str(caught.value.do)


@pytest.mark.parametrize(
    "line",
    [
        f"confluent: {{cloud_api_secret: {SECRET}}}",
        f"confluent: {{cloud_api_secret: [{SECRET}]}}",
        f"confluent: {{cloud_api_secret: {{value: {SECRET}}}}}",
        f"confluent: {{cloud_api_secert: {SECRET}}}",
        f"confluent: {{cloud_api_secret: 'env:{SECRET}'}}",
        f"warehouse: {{connector_private_key: '{SECRET}\n\n  more'}}",
        f"warehouse: {{account: {{private_key: {SECRET}}}}}",
        f"warehouse: {{account: {SECRET}}}",
        f"private_key: {SECRET}",
        f"confluent: {{cloud_api_secret: {SECRET}\n",
        f'confluent: {{cloud_api_secret: "{SECRET}\n',
        f"confluent:\n\tcloud_api_secret: {SECRET}",
    ],
)
def test_a_secret_written_into_the_yaml_is_refused_and_not_repeated(write: Write, line: str) -> None:
    project = write(dev=f"extends: base\nplatform: confluent\n{line}\n")
    with pytest.raises(ConfigError) as caught:
        load_environment(project, "dev")
    assert_silent(caught.value)


def test_an_environment_shows_references_only(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THE_KEY", SECRET)
    project = write(dev="extends: base\nplatform: confluent\nconfluent: {cloud_api_secret: env:THE_KEY}\n")
    environment = load_environment(project, "dev")
    assert environment.confluent.cloud_api_secret is not None
    assert resolve_secret(environment.confluent.cloud_api_secret, project) == SECRET
    assert SECRET not in f"{environment!r} {environment} {environment.model_dump_json(by_alias=True)}"
    assert json.loads(environment.model_dump_json())["confluent"]["cloud_api_secret"] == "env:THE_KEY"
