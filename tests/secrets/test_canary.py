"""A canary in every secret reference the model has: nothing that `infra` prints, writes or starts holds one.

The programs are real, Terraform too; plugins are simulated (`--offline`), and one provisioner says its secret aloud.
What a rehearsal does not read, `infra secrets check` does. The real platform's turn is in tests/integration.
"""

from __future__ import annotations

import importlib
import shutil
import tempfile
import typing
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from pydantic import BaseModel

from cli.main import main
from modules.environment import load_environment
from modules.environment.model import Environment
from modules.environment.types import SecretRefValue
from modules.errors import ApplyError
from modules.project import Project
from modules.secrets.references import walk
from tests.secrets.canary import Found, Hunter, Meant, Processes, password, private_key
from tests.terraform.conftest import bench
from tests.terraform.support import Workbench, data, shell

__all__ = ["bench"]

ENVIRONMENTS = Path(__file__).parents[2] / "environments"
TOPIC = "  order-events: {partitions: 1, key: order_id, value: {schema: schemas/order_events.avsc}}\n"
CONFLUENT = f"""\
platform: confluent
confluent: {{tier: basic, region: us-east-1, cloud_api_key: <text>, cloud_api_secret: <text>}}
plans: {{key: <age>}}
topics:
{TOPIC}  pg.public.orders: {{partitions: 1}}
connect: {{kind: kafka-connect, rest_url: "http://127.0.0.1:9", rest_credentials: <login>}}
sources:
  pg: {{kind: debezium-postgres, host: db.example.com, password: <text>, tables: {{public.orders: {{key: [id]}}}}}}
warehouse:
  preset: order-events
  account: {{organization: ACME, account: DEV, user: INFRA, private_key: <locked>, private_key_passphrase: <phrase>}}
  connector_private_key: <locked>
  connector_private_key_passphrase: <phrase>
  source_private_key: <key>
  users:
    SVC_LOADER: {{role: LOADER, private_key: <locked>, second_private_key: <locked>, passphrase: <phrase>}}
"""
MSK = f"""\
platform: msk
msk:
  mode: serverless
  region: us-east-1
  registry: {{kind: external, url: "https://registry.example.com", credentials: <login>}}
topics:
{TOPIC}warehouse: {{preset: order-events}}
"""
ELSEWHERE = {"redpanda.certificate": "takes aws-sm: only, and is read by AWS; tests/platforms refuses any other"}
MEANT = [Meant("project/kept/*", "the secrets' own files")]


@dataclass
class Sown:
    """A project full of canaries, and everything a run of it said."""

    root: Path
    canaries: dict[str, str] = field(default_factory=dict, repr=False)
    said: list[tuple[str, str]] = field(default_factory=list, repr=False)

    @property
    def project(self) -> Project:
        return Project(self.root / "project")

    def sow(self, text: str, monkeypatch: pytest.MonkeyPatch) -> str:
        """YAML with a reference in each `<kind>`'s place, variables and files by turns."""
        phrase = password("phrase")
        while "<" in text:
            before, _, rest = text.partition("<")
            kind, _, after = rest.partition(">")
            name = f"{kind}{len(self.canaries)}"
            value = phrase if kind == "phrase" else _value(kind, phrase)
            self.canaries[name] = value
            if len(self.canaries) % 2:
                monkeypatch.setenv(f"CANARY_{name.upper()}", _whole(kind, value))
                reference = f"env:CANARY_{name.upper()}"
            else:
                path = self.project.root / "kept" / name
                path.parent.mkdir(exist_ok=True)
                path.touch(0o600)
                path.write_text(_whole(kind, value))
                reference = f"'file:kept/{name}'"
            text = f"{before}{reference}{after}"
        return text


def _value(kind: str, phrase: str) -> str:
    if kind == "age":
        import pyrage

        return str(pyrage.x25519.Identity.generate())
    if kind in ("key", "locked"):
        return private_key(phrase if kind == "locked" else None)
    return password(kind)


def _whole(kind: str, value: str) -> str:
    import json

    return json.dumps({"username": "somebody", "password": value}) if kind == "login" else value


@pytest.fixture
def sown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sown]:
    sown = Sown(tmp_path)
    shutil.copytree(ENVIRONMENTS, tmp_path / "project" / "environments")
    for name, text in {"canary": CONFLUENT, "canarymsk": MSK}.items():
        (sown.project.environments / f"{name}.yaml").write_text(sown.sow(text, monkeypatch))
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setenv("INFRA_PROJECT", str(sown.project.root))
    monkeypatch.setenv("INFRA_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("CI", "true")
    for name in ("INFRA_TERRAFORM", "INFRA_PLAN_KEY", "INFRA_ENV"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    yield sown


def _paths(kind: object, path: tuple[str, ...] = ()) -> Iterator[str]:
    """Every place of the model that takes a secret reference; names that are chosen freely left out."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        for name, inner in kind.model_fields.items():
            yield from _paths(inner.annotation, (*path, inner.alias or name))
    elif kind is SecretRefValue:
        yield ".".join(path)
    else:
        for argument in typing.get_args(kind):
            yield from _paths(argument, path)


def test_each_secret_reference_of_the_model_has_a_canary_here(sown: Sown) -> None:
    planted = set()
    for name in ("canary", "canarymsk"):
        for path, _, used in walk(load_environment(sown.project, name)):
            named = [str(part) for part in path if part not in ("pg", "SVC_LOADER")]
            planted |= {".".join(named)} if used else set()
    assert planted == set(_paths(Environment)) - set(ELSEWHERE)


COMMANDS = [
    ("plan -e {env} --offline --out {out}/plan --markdown {out}/plan.md", {0, 2}),
    ("plan -e {env} --offline --json", {0, 2}),
    ("show {out}/plan --json", {0}),
    ("deploy -e {env} --offline --yes", {0}),
    ("guards -e {env} --json", {0, 1}),
    ("cost -e {env} --html {out}/cost.html", {0, 1, 3}),
    ("secrets check -e {env} --json", {0, 1}),
    ("state show -e {env} --json", {0}),
    ("ci init github", {0, 1}),
    ("doctor --json", {0, 1}),
]


def test_no_command_shows_keeps_or_passes_on_a_canary(sown: Sown, capfd: pytest.CaptureFixture[str]) -> None:
    hunter, found = Hunter(sown.canaries), list[Found]()
    (sown.root / "out").mkdir()
    with Processes() as seen:
        for line, codes in COMMANDS:
            command = line.format(env="canary", out=sown.root / "out").split()
            code = main(command)
            out, err = capfd.readouterr()
            assert code in codes and "unforeseen" not in err, (command, err)
            found += hunter.in_text(out, f"stdout of {line}") + hunter.in_text(err, f"stderr of {line}")
        assert main(["secrets", "check", "-e", "canarymsk"]) in (0, 1)
        found += hunter.in_text("".join(capfd.readouterr()), "secrets check")
    found += hunter.in_text(seen.text(), "arguments") + hunter.in_folder(sown.root, MEANT)
    assert found == []
    started = [limits for program, limits in seen.cores if "modules.terraform" in program]
    assert started and set(started) <= {"0 0", "1 1"}, "a program that holds secrets may leave a core dump"
    assert hunter.in_folder(sown.root), "the secrets' own files were not searched"


def test_a_failure_nobody_foresaw_keeps_no_canary_in_its_file(
    sown: Sown, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from modules.environment.secrets import resolve_secret

    def fails(_name: str) -> object:
        values = [
            resolve_secret(reference, sown.project)
            for _, reference, used in walk(load_environment(sown.project, "canary"))
            if used
        ]
        raise RuntimeError(f"login refused: {values!r} " + " ".join(values))

    monkeypatch.setattr(importlib, "import_module", fails)
    assert main(["plan", "-e", "canary"]) == 1
    hunter = Hunter(sown.canaries)
    out, err = capfd.readouterr()
    (log,) = (sown.root / "temporary").glob("infra-*.log")
    assert "login refused: " in log.read_text() and "(secret)" in log.read_text()
    assert log.stat().st_mode & 0o077 == 0
    assert hunter.in_text(out + err, "streams") + hunter.in_folder(sown.root, MEANT) == []


def test_what_a_provider_says_aloud_is_nowhere(bench: Workbench) -> None:
    secrets = {"key": private_key(), "word": password("word")}
    aloud = (
        "echo $TF_VAR_word; printf '%s' \"$TF_VAR_key\" | base64; printf '%s' \"$TF_VAR_key\"; env | grep CNRY; exit 1"
    )
    bench.stack(
        "one",
        {
            "variable": {name: {"type": "string", "ephemeral": True} for name in secrets},
            "resource": data(a={"provisioner": shell(aloud)}),
        },
    )
    deployment, hunter = bench.deployment(secrets=secrets), Hunter(secrets)
    with Processes() as seen, pytest.raises(ApplyError) as caught:
        deployment.apply(deployment.plan())
    said = str(caught.value) + repr(bench.progress.events) + repr(bench.progress.notes) + seen.text()
    assert hunter.in_text(said, "what was said") + hunter.in_folder(bench.root) == []
    assert "(secret)" in (bench.folder("one") / "apply.log").read_text()
