"""Confluent Cloud as the doctor sees it, a server on loopback answering in its place."""

from __future__ import annotations

import base64
import json
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from modules.doctor import REMOTE, Finding, examine
from modules.project import Project

REPOSITORY = Path(__file__).resolve().parents[2]
SECRET = "hunter2-of-confluent"


class _Cloud(BaseHTTPRequestHandler):
    answers: dict[str, Any] = {}  # noqa: RUF012
    asked: list[str] = []  # noqa: RUF012

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        self.asked.append(self.path)
        login = base64.b64decode(self.headers["Authorization"].partition(" ")[2]).decode()
        found = self.answers.get(parts.path, 404) if login == f"KEY:{SECRET}" else 401
        if callable(found):
            found = found(parse_qs(parts.query))
        code, body = (found, {}) if isinstance(found, int) else (200, found)
        payload = json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing on stderr."""


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("CONFLUENT_CLOUD_API_KEY", "KEY")
    monkeypatch.setenv("CONFLUENT_CLOUD_API_SECRET", SECRET)
    _Cloud.answers = {
        "/org/v2/organizations": {"data": [{"id": "o-1", "display_name": "Acme"}]},
        "/iam/v2/api-keys/KEY": {"spec": {"owner": {"id": "sa-1"}, "resource": {"id": "cloud", "kind": "Cloud"}}},
        "/iam/v2/role-bindings": {"data": [{"role_name": "OrganizationAdmin"}]},
        "/service-quota/v1/applied-quotas": {"data": []},
    }
    _Cloud.asked.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Cloud)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def project(tmp_path: Path) -> Project:
    shutil.copytree(REPOSITORY / "environments", tmp_path / "environments")
    return Project(tmp_path)


def examined(project: Project, check: str, url: str) -> list[Finding]:
    accounts = {f"n{number}": {} for number in range(4)}
    stacks = {"cluster": {"resource": {"confluent_service_account": accounts}}}
    found = list(
        examine(project, "dev", checks={}, remote={check: REMOTE[check]}, documents=lambda _e: stacks, confluent=url)
    )
    assert SECRET not in repr(found)
    return found


def test_the_keys_owner_and_organization_are_told_and_that_it_may_make_environments(
    project: Project, cloud: str
) -> None:
    who, may = examined(project, "confluent", cloud)
    assert (who.state, who.text) == ("ok", "organization Acme (o-1), key of sa-1")
    assert (may.check, may.state) == ("confluent permissions", "ok")
    assert any("principal=User%3Asa-1" in each for each in _Cloud.asked)


def test_an_owner_without_the_role_that_makes_environments_fails(project: Project, cloud: str) -> None:
    _Cloud.answers["/iam/v2/role-bindings"] = {"data": [{"role_name": "MetricsViewer"}]}
    _, may = examined(project, "confluent", cloud)
    assert may.state == "fail"
    assert "sa-1 has the roles MetricsViewer" in may.text
    assert may.do == "give sa-1 the role OrganizationAdmin, or use a key of an account that has it"


def test_roles_that_may_not_be_listed_are_not_guessed(project: Project, cloud: str) -> None:
    _Cloud.answers["/iam/v2/role-bindings"] = 403
    _, may = examined(project, "confluent", cloud)
    assert (may.state, may.text) == ("warn", "not known: the Cloud API key may not see it")


def test_a_clusters_key_is_no_cloud_api_key(project: Project, cloud: str) -> None:
    _Cloud.answers["/iam/v2/api-keys/KEY"] = {
        "spec": {"owner": {"id": "sa-1"}, "resource": {"id": "lkc-1", "kind": "Cluster"}}
    }
    (found,) = examined(project, "confluent", cloud)
    assert found.state == "fail"
    assert "the key is of lkc-1, not a Cloud API key" in found.text


def test_a_wrong_key_and_a_server_that_is_not_there_are_told(
    project: Project, cloud: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONFLUENT_CLOUD_API_KEY", "OTHER")
    (found,) = examined(project, "confluent", cloud)
    assert (found.state, found.text) == ("fail", "the Cloud API key is wrong")
    (found,) = examined(project, "confluent", "http://127.0.0.1:1")
    assert found.text.startswith("Confluent Cloud does not answer")
    monkeypatch.delenv("CONFLUENT_CLOUD_API_KEY")
    assert examined(project, "confluent", cloud) == []  # said once, by `secrets`


def quota(id_: str, limit: int, usage: int) -> dict[str, Any]:
    return {"id": id_, "display_name": id_.rpartition(".")[0], "applied_limit": limit, "usage": usage}


def test_quotas_of_the_organization_are_read_page_by_page(project: Project, cloud: str) -> None:
    first = {"data": [quota("iam.max_environments.per_org", 25, 3)],
             "metadata": {"next": f"{cloud}/service-quota/v1/applied-quotas?page_token=two"}}  # fmt: skip
    second = {"data": [quota("iam.max_service_accounts.per_org", 1000, 20)], "metadata": {}}
    pages = {"two": second}
    _Cloud.answers["/service-quota/v1/applied-quotas"] = lambda query: pages.get(
        query.get("page_token", [""])[0], first
    )
    (found,) = examined(project, "confluent quotas", cloud)
    assert (found.state, found.text) == ("ok", "room in all 2 quotas of the organization")
    second["data"] = [quota("iam.max_service_accounts.per_org", 22, 20)]
    (found,) = examined(project, "confluent quotas", cloud)
    assert (found.state, found.text) == ("fail", "iam.max_service_accounts: 4 needed, 20 of 22 in use")
