"""Scripts of the generated `.gitlab-ci.yml` that talk to GitLab, run against a server that answers as its API does:
notes of a merge request, and the generic package registry where plans are kept under their content hash."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from modules.ci import Options, pipeline, render
from modules.project import Project

ROOT = Path(__file__).parents[2]
HASH = "ab" * 32

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="GitLab's scripts call curl")


class GitLab:
    """The two parts of the API, with the token each wants in the header each wants it in."""

    def __init__(self) -> None:
        self.notes: list[dict[str, Any]] = []
        self.packages: dict[str, bytes] = {}
        self.refused: list[str] = []
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                owner.answer(self, "GET")

            def do_POST(self) -> None:
                owner.answer(self, "POST")

            def do_PUT(self) -> None:
                owner.answer(self, "PUT")

            def log_message(self, format: str, *arguments: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/api/v4"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def answer(self, request: BaseHTTPRequestHandler, method: str) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length", 0)))
        path = urlsplit(request.path).path.removeprefix("/api/v4/projects/7/")
        if path.startswith("packages/generic/"):
            code, answer = self.package(method, path, body, request.headers.get("JOB-TOKEN"))
        else:
            code, answer = self.note(method, path, body, request.headers.get("PRIVATE-TOKEN"))
        request.send_response(code)
        request.send_header("Content-Length", str(len(answer)))
        request.end_headers()
        request.wfile.write(answer)

    def package(self, method: str, path: str, body: bytes, token: str | None) -> tuple[int, bytes]:
        if token != "job-secret":
            self.refused.append(path)
            return 401, b""
        if method == "PUT":
            self.packages[path] = body
            return 201, b"{}"
        return (200, self.packages[path]) if path in self.packages else (404, b"")

    def note(self, method: str, path: str, body: bytes, token: str | None) -> tuple[int, bytes]:
        if token != "comment-secret":
            self.refused.append(path)
            return 401, b""
        if method == "GET":
            return 200, json.dumps(self.notes).encode()
        text = parse_qs(body.decode())["body"][0]
        if method == "POST":
            self.notes.append({"id": len(self.notes) + 1, "body": text})
        else:
            self.notes[int(path.rpartition("/")[2]) - 1]["body"] = text
        return 201, b"{}"


@pytest.fixture
def gitlab() -> Iterator[GitLab]:
    made = GitLab()
    try:
        yield made
    finally:
        made.server.shutdown()
        made.server.server_close()
        made.thread.join()


@pytest.fixture
def job(tmp_path: Path, gitlab: GitLab) -> Iterator[Any]:
    """Runs a job's script as a runner's bash does, with a stand-in for `infra` that leaves what a real one would."""
    shutil.copytree(ROOT / "environments", tmp_path / "environments")
    text = render("gitlab", pipeline(Project(tmp_path), ("dev",), Options(install="true")))[".gitlab-ci.yml"]
    jobs = yaml.safe_load(text)
    at = tmp_path / "ci"
    for each in ("comment", "drift", "plan"):
        (at / each).mkdir(parents=True)
    tools = tmp_path / "bin"
    tools.mkdir()
    stand_in = tools / "infra"
    stand_in.write_text(
        f"#!{sys.executable}\n"
        "import pathlib, sys\n"
        "given = sys.argv[1:]\n"
        f"log = pathlib.Path({str(tmp_path / 'calls')!r})\n"
        "log.open('a').write(' '.join(given) + '\\n')\n"
        "if '--hash' in given: print('ab' * 32)\n"
        "for option in ('--markdown', '--out'):\n"
        "    if option in given and given[0] != 'cost':\n"
        "        place = pathlib.Path(given[given.index(option) + 1])\n"
        "        if option == '--out':\n"
        "            place.mkdir(exist_ok=True); place = place / 'plan.age'\n"
        "        place.write_text('sealed')\n"
        f"if given[0] == 'deploy' and pathlib.Path({str(tmp_path / 'refuse')!r}).exists(): sys.exit(1)\n"
        "sys.exit(2 if given[0] == 'plan' and '--hash' not in given else 0)\n"
    )
    stand_in.chmod(0o755)

    def run(name: str) -> subprocess.CompletedProcess[str]:
        script = "\n".join(line for line in jobs[name]["script"] if not line.startswith("git fetch"))
        environment = {
            "PATH": f"{tools}:{os.environ['PATH']}", "HOME": str(tmp_path), "LANG": "C.UTF-8",
            "INFRA_CI": str(at), "CI_API_V4_URL": gitlab.url, "CI_PROJECT_ID": "7", "CI_MERGE_REQUEST_IID": "3",
            "CI_JOB_TOKEN": "job-secret", "INFRA_COMMENT_TOKEN": "comment-secret",
        }  # fmt: skip
        return subprocess.run(
            ["bash", "-eo", "pipefail", "-c", script],
            cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip

    yield run


def test_a_comment_is_written_once_and_renewed_after_that(job: Any, gitlab: GitLab, tmp_path: Path) -> None:
    gitlab.notes.append({"id": 1, "body": "looks good"})
    file = tmp_path / "ci" / "comment" / "dev.md"
    for text in ("1 to create & 100 % mine", "2 to create"):
        file.write_text(f"<!-- infra plan dev -->\n{text}\n")
        done = job("comment")
        assert done.returncode == 0, done.stderr
    assert [each["body"] for each in gitlab.notes] == ["looks good", "<!-- infra plan dev -->\n2 to create\n"]
    assert gitlab.refused == []


def test_a_plan_is_kept_under_its_hash_and_the_deploy_finds_it(job: Any, gitlab: GitLab, tmp_path: Path) -> None:
    done = job("plan-dev")
    assert done.returncode == 0, done.stderr
    (package,) = gitlab.packages
    assert package == f"packages/generic/infra-plan-dev/{HASH}/plan.tar"
    done = job("deploy-dev")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "ci" / "reviewed" / "plan.age").read_text() == "sealed"
    last = (tmp_path / "calls").read_text().splitlines()[-1]
    assert last == f"deploy --env dev --plan {tmp_path}/ci/reviewed --yes --smoke"


def test_without_a_reviewed_plan_the_deploy_stops_and_leaves_one_for_review(
    job: Any, gitlab: GitLab, tmp_path: Path
) -> None:
    done = job("deploy-dev")
    assert done.returncode == 1
    assert "No plan of this content was reviewed for dev" in done.stderr
    assert list(gitlab.packages) == [f"packages/generic/infra-plan-dev/{HASH}/plan.tar"]
    assert "deploy" not in (tmp_path / "calls").read_text()
    assert job("deploy-dev").returncode == 0  # the retry, after it was reviewed


def test_where_the_reviewed_plan_is_refused_what_is_left_is_planned_for_review(
    job: Any, gitlab: GitLab, tmp_path: Path
) -> None:
    assert job("plan-dev").returncode == 0
    (kept,) = gitlab.packages.items()
    (tmp_path / "refuse").touch()
    done = job("deploy-dev")
    assert done.returncode == 1
    assert "The reviewed plan of dev was refused or stopped half-way" in done.stderr
    assert list(gitlab.packages) == [kept[0]]
    planned = [
        line for line in (tmp_path / "calls").read_text().splitlines() if line.startswith("plan --env dev --out")
    ]
    assert len(planned) == 2
    (tmp_path / "refuse").unlink()
    assert job("deploy-dev").returncode == 0  # the retry, after it was reviewed


def test_no_script_puts_a_token_into_an_argument(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "environments", tmp_path / "environments")
    text = render("gitlab", pipeline(Project(tmp_path), (), Options(install="true")))[".gitlab-ci.yml"]
    for line in text.splitlines():
        if "_TOKEN" in line and "$" in line and "curl" in line:
            assert "printf 'header = " in line and "curl --config -" in line, line  # a builtin, and standard input
            assert line.partition("curl")[2].count("_TOKEN") == 0, line
