"""Canary secrets on the real local platform: an environment's whole life, and no canary where none should be.

Searched are stdout and stderr of every command, every file below the project (logs of services and of Terraform, kept
plans, states and their backups, journals, reports, temporary files, the home folder) and what is new in the cache, and
the arguments of every process of the run, services in Java and plugins included, sampled while it runs. What is left
out is listed in `canary_parts.MADE` and below (`KEPT`) with the reason, and has mode 0600.

The short form is at the end of `test_bad_input.py`, whose platform it shares.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from modules.environment import load_environment
from modules.local import extras, postgres
from modules.local.endpoints import load_endpoints, secret_file
from modules.platforms import platform_for
from modules.project import Project
from modules.warehouse.connection import connect, load_private_key
from tests.integration.canary_aborts import abort_everything, declare
from tests.integration.canary_parts import Hunt, hunting
from tests.integration.conftest import new_project
from tests.integration.kafka_connect_parts import postgres_programs, until
from tests.secrets.canary import Meant, password, private_key

pytestmark = [pytest.mark.platform, pytest.mark.soak, pytest.mark.timeout(1800)]

KEPT = Meant("kept/*", "the secrets' own files, to which the YAML refers")
YAML = """\
extends: base
platform: local
connect: {{kind: {kind}}}
plans: {{key: "file:kept/plan-key"}}
topics:
  order-events: {{partitions: 2}}
  copied: {{partitions: 1}}
{topics}
sources:
  copies:
    {{kind: snowflake, table: STREAMING.PUBLIC.ORDER_EVENTS, mode: timestamp, column: EVENT_TIME, key: EVENT_ID,
    topic: copied}}
{sources}
warehouse:
  preset: order-events
  connector_private_key: file:kept/connector.p8
  connector_private_key_passphrase: env:CANARY_PHRASE
  source_private_key: file:kept/source.p8
  users:
    SVC_LOADER:
      role: LOADER
      private_key: file:kept/loader.p8
      second_private_key: env:CANARY_SECOND
      passphrase: env:CANARY_PHRASE
"""
PROGRAMS = (
    "kafka.Kafka", "quarkus-run.jar", "modules.local.standin", "modules.local.plugins.kafka",
    "modules.local.plugins.snowflake", "modules.terraform.child apply", "modules.terraform.log_keeper", "jsii-runtime",
)  # fmt: skip
CAPTURE_TOPICS = "  shop.public.orders: {partitions: 1, key: id}"
CAPTURE = "  shop: {kind: debezium-postgres, tables: {public.orders: {key: [id]}}}"
APPLICATION = "produces: [copied]\nconsumes: [order-events]\nenvironments: [local]\n"


@pytest.fixture(params=["sink", "kafka-connect"])
def hunt(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hunt]:
    kind = str(request.param)
    if kind == "kafka-connect" and postgres_programs() is None:
        pytest.skip("no PostgreSQL: install the extra `cdc`, or a PostgreSQL 14 or newer")
    (tmp_path / "project").mkdir()
    project = new_project(tmp_path / "project")
    captured = kind == "kafka-connect"
    text = YAML.format(kind=kind, topics=CAPTURE_TOPICS if captured else "", sources=CAPTURE if captured else "")
    (project.environments / "local.yaml").write_text(text)
    applications = project.environments / "applications"
    applications.mkdir(exist_ok=True)
    (applications / "billing.yaml").write_text(APPLICATION)
    planted = _plant(project, monkeypatch)
    with hunting(project, KEPT, planted=planted) as hunt:
        try:
            yield hunt
        finally:
            hunt("local down")
            extras.wipe(project)


def _plant(project: Project, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Secrets behind every kind of reference a laptop's environment has; keys also as they are once opened."""
    import pyrage

    phrase = password("phrase")
    files = {
        "plan-key": str(pyrage.x25519.Identity.generate()),
        "connector.p8": private_key(phrase),
        "source.p8": private_key(),
        "loader.p8": private_key(phrase),
    }
    for name, value in files.items():
        _keep(project.root / "kept" / name, value)
    variables = {"CANARY_PHRASE": phrase, "CANARY_SECOND": private_key(phrase)}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    locked = {name: value for name, value in {**files, **variables}.items() if "ENCRYPTED" in value}
    opened = {f"{name}, opened": _opened(value, phrase) for name, value in locked.items()}
    return {**files, **variables, **opened}


def _keep(path: Path, value: str) -> None:
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.touch(0o600)
    path.write_text(value)


def _opened(pem: str, phrase: str) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = load_private_key(pem, "a test", phrase)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def test_a_whole_life_leaves_no_canary_anywhere(hunt: Hunt) -> None:
    root = hunt.project.root
    (root / "out").mkdir()
    _begin(hunt)
    _carry(hunt)
    _look_after(hunt)
    _fail(hunt)
    abort_everything(hunt)
    hunt("deploy -e local --yes")
    hunt("state backups -e local", 0, 1)
    hunt("destroy -e local --yes")
    hunt("local status --json")
    hunt("local down")
    assert hunt.open_files() == []
    assert hunt.found() == []
    assert hunt.cores() == []
    _is_a_search(hunt)


def _is_a_search(hunt: Hunt) -> None:
    """What found nothing did look: the kinds of programs and files are there, and the secrets' own files are found."""
    assert hunt.seen is not None
    captures = ("ConnectDistributed", "postgres -D") if _captures(hunt) else ()
    for word in (*PROGRAMS, *captures):
        # `infra` itself is seen before its first line of code; what it starts inherits what that sets.
        limits = {limit for program, limit in hunt.seen.cores if word in program}
        assert limits and limits <= {"0 0", "1 1"}, (word, limits)
    files = {str(path.relative_to(hunt.project.root)) for path in hunt.project.root.rglob("*") if path.is_file()}
    for word in ("logs/kafka.log", "logs/registry.log", "terraform.tfstate", "backups/", "out/smoke.html", "manifest"):
        assert any(word in each for each in files), word
    kept = hunt.meant
    hunt.meant = ()
    assert {hit.place.split("/")[0] for hit in hunt.found()} >= {"kept", ".infra"}
    hunt.meant = kept


def _begin(hunt: Hunt) -> None:
    """From nothing to a deployed environment, by a kept plan."""
    hunt("doctor -e local", 0, 1)
    hunt("local up --json")
    if _captures(hunt):
        _psql(hunt, "CREATE TABLE orders (id int PRIMARY KEY, word text); INSERT INTO orders VALUES (1, 'a');")
    hunt("validate", 0, 1)
    hunt("secrets check -e local --json", 0, 1)
    hunt("plan -e local --json --markdown out/plan.md", 2)
    hunt("plan -e local --out out/plan", 2)
    hunt("plan -e local --compare out/plan")
    hunt("show out/plan --json")
    hunt("show out/plan")
    hunt("deploy -e local --plan out/plan")
    hunt("output -e local --json")
    hunt("doctor -e local --json", 0, 1)


def _carry(hunt: Hunt) -> None:
    """Events, rows, a measured run, and keys that change meanwhile."""
    hunt("produce -e local --topic order-events --count 300")
    if _captures(hunt):
        hunt("connect status -e local --json", 0, 1)
        _psql(hunt, "UPDATE orders SET word = 'b' WHERE id = 1;")
    else:
        hunt("sink -e local --instance other --until-caught-up --max-seconds 60 --json")
    until(lambda: _rows(hunt) >= 300, lambda: hunt("status -e local --json", 0, 5).out, 120)
    hunt("source -e local --source copies --once --json")
    load = "--count 100 --warmup 10 --rate 50"
    hunt(f"smoke -e local {load} --html out/smoke.html --junit out/smoke.xml --openmetrics out/smoke.prom --json", 0, 4)
    hunt("smoke history -e local --json", 0, 1)
    for user in ("SVC_KAFKA_CONNECTOR", "SVC_LOADER"):
        # The loader's two keys are both the YAML's, so its other slot is not free.
        ran = hunt(f"warehouse rotate-key -e local --user {user} --json", 0, 1)
        assert (ran.code == 0) == (user == "SVC_KAFKA_CONNECTOR"), ran.err
    _replant(hunt)


def _replant(hunt: Hunt) -> None:
    """What a rotation has made is a canary too, also as it is once opened."""
    new = (hunt.project.root / "kept" / "connector.p8").read_text()
    assert "ENCRYPTED" in new and new.strip() in hunt.canaries.values()
    hunt.canaries["rotated, opened"] = _opened(new, os.environ["CANARY_PHRASE"])


def _look_after(hunt: Hunt) -> None:
    """Everything that only looks, a change from outside and its way back, a change under Terraform's own trace."""
    hunt("status -e local --openmetrics", 0, 5)
    hunt("status -e local", 0, 5)
    hunt("guards -e local --json", 0, 1)
    hunt("state show -e local --json")
    hunt("unlock -e local", 0, 1)
    hunt("warehouse sql -e local", 0, 1)
    hunt("warehouse pulumi -e local --out out/pulumi", 0, 1)
    hunt("cost -e local --html out/cost.html", 0, 1, 3)
    hunt("ci init github", 0, 1)
    hunt("local logs kafka")
    with connect(_platform(hunt).snowflake_client("admin"), hunt.project) as session, session.cursor() as cursor:
        cursor.execute("COMMENT ON TABLE STREAMING.PUBLIC.ORDER_EVENTS IS 'by hand'")
    hunt("drift -e local --json --markdown out/drift.md", 0, 2)
    declare(hunt, "traced")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TF_LOG", "trace")
        patch.setenv("TF_LOG_PATH", str(hunt.project.root / "out" / "trace.log"))
        hunt("plan -e local", 2)
        patch.delenv("TF_LOG_PATH")
        hunt("deploy -e local --yes")


def _fail(hunt: Hunt) -> None:
    """Files that are none, and logins that are refused: the errors name the place and not the value."""
    kept = hunt.project.root / "kept"
    hunt.canaries |= {"wrong": password("wrong"), "a stranger's": private_key()}
    wrong, stranger = hunt.canaries["wrong"], hunt.canaries["a stranger's"]
    for bad in _bad_secrets(hunt):
        with _instead(hunt, kept / "connector.p8", bad), _instead(hunt, kept / "source.p8", bad):
            hunt("plan -e local", 1)
            hunt("secrets check -e local", 0, 1)
            hunt("source -e local --source copies --once", 1)
    with _instead(hunt, kept / "connector.p8", lambda path: path.write_text(wrong)):
        hunt("doctor -e local", 0, 1)
        hunt("warehouse rotate-key -e local --user SVC_KAFKA_CONNECTOR", 1)
    with _instead(hunt, kept / "plan-key", lambda path: path.write_text(f"AGE-SECRET-KEY-{wrong}")):
        hunt("show out/plan")  # what is in clear, and for whom the rest is
        hunt("deploy -e local --plan out/plan", 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CANARY_PHRASE", wrong)
        hunt("plan -e local", 1)
        hunt("warehouse rotate-key -e local --user SVC_KAFKA_CONNECTOR", 1)
    _pasted(hunt)
    source, carry = "source -e local --source copies --once --max-seconds 20", "smoke -e local --count 5 --warmup 0"
    look, make = ("status -e local", "doctor -e local"), ("plan -e local", "deploy -e local --yes")
    refused = {
        secret_file(hunt.project, "kafka-admin.password"): (wrong, (*make, *look)),
        secret_file(hunt.project, "kafka-producer.password"): (wrong, ("produce -e local --count 1", carry)),
        secret_file(hunt.project, "snowflake-admin.p8"): (stranger, (*make, *look)),
        kept / "source.p8": (stranger, (source,)),
    }
    for file, (value, lines) in refused.items():
        with _instead(hunt, file, lambda path, value=value: path.write_text(value)):  # type: ignore[misc]
            for line in lines:
                hunt(line, 0, 1, 4, 5)
    hunt("local up")


def _bad_secrets(hunt: Hunt) -> list[Callable[[Path], Any]]:
    """What else may be in a secret's place."""
    wrong = hunt.canaries["wrong"]
    torn = hunt.canaries["source.p8"].replace("\n", "", 4)[:-90]
    return [
        lambda path: path.unlink(),
        lambda path: path.write_text(""),
        lambda path: path.write_text(wrong),
        lambda path: path.write_text(torn),
        lambda path: path.write_text(f'{{"private_key": "{wrong[:20]}", "p": ["{torn[:60]}"]}}'),
        lambda path: path.write_bytes(b"\xff\xfe" + wrong.encode()),
        lambda path: path.chmod(0o644),
        lambda path: (path.unlink(), path.mkdir()),
    ]


class _instead:
    """Something else in a file's place, for a while."""

    def __init__(self, hunt: Hunt, path: Path, change: Callable[[Path], Any]) -> None:
        self._hunt, self._path, self._change = hunt, path, change

    def __enter__(self) -> None:
        self._hunt.gathers = False
        self._before = self._path.read_bytes()
        self._change(self._path)

    def __exit__(self, *_: object) -> None:
        if self._path.is_dir():
            shutil.rmtree(self._path)
        self._path.touch(0o600)
        self._path.write_bytes(self._before)
        self._path.chmod(0o600)
        self._hunt.gathers = True


def _pasted(hunt: Hunt) -> None:
    """Secrets where their references should be. The YAML is a place where they are, but no error is."""
    file = hunt.project.environments / "local.yaml"
    text = file.read_text()
    pasted = hunt.canaries["pasted"] = password("pasted").replace("'", "")
    changed = text
    for reference in ("file:kept/connector.p8", "env:CANARY_PHRASE", '"file:kept/plan-key"'):
        assert reference in text
        changed = changed.replace(reference, f"'{pasted}'")
    file.write_text(changed)
    for line in ("validate", "plan -e local", "doctor -e local", "secrets check -e local", "fmt --check"):
        hunt(line, 0, 1)
    file.write_text(text)


def _captures(hunt: Hunt) -> bool:
    return "debezium" in (hunt.project.environments / "local.yaml").read_text()


def _platform(hunt: Hunt) -> Any:
    return platform_for(load_environment(hunt.project, "local"), hunt.project)


def _rows(hunt: Hunt) -> int:
    with connect(_platform(hunt).snowflake_client("admin"), hunt.project) as session, session.cursor() as cursor:
        ((count,),) = cursor.execute("SELECT count(*) FROM STREAMING.PUBLIC.ORDER_EVENTS").fetchall()  # type: ignore[union-attr]
        return int(count)


def _psql(hunt: Hunt, sql: str) -> None:
    programs = postgres_programs()
    assert programs is not None
    word = postgres.password_file(hunt.project).read_text()
    subprocess.run(
        [str(programs.folder / "psql"), "-h", "127.0.0.1", "-p", str(load_endpoints(hunt.project).postgres_port),
         "-U", postgres.CAPTURE_USER, "-v", "ON_ERROR_STOP=1", "-q", postgres.DATABASE],
        env={**os.environ, "PGPASSWORD": word}, input=sql, text=True, check=True, timeout=60,
    )  # fmt: skip
