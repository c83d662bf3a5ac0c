"""`plan --out`, `show`, `plan --compare` and `deploy --plan` as a person meets them, rehearsed offline."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from cli.main import main
from modules.errors import ApplyError, StateLockedError
from modules.project import Project
from modules.terraform.engine import Deployment

ENVIRONMENTS = Path(__file__).parents[2] / "environments"
YAML = """\
platform: local
topics:
  orders: {partitions: 1}
warehouse: {engine: sql}
"""


class Ran:
    """What a command gave."""

    def __init__(self, capsys: pytest.CaptureFixture[str], *arguments: str) -> None:
        capsys.readouterr()
        self.code = main([*arguments])
        self.out, self.err = capsys.readouterr()
        assert "defect" not in self.err


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    environments = tmp_path / "here" / "environments"
    environments.mkdir(parents=True)
    (environments / "small.yaml").write_text(YAML)
    (environments / "other.yaml").write_text(YAML)
    monkeypatch.setenv("INFRA_PROJECT", str(tmp_path / "here"))
    monkeypatch.setenv("INFRA_CACHE", str(tmp_path / "cache"))
    for name in ("INFRA_TERRAFORM", "INFRA_PLAN_KEY", "INFRA_ENV"):
        monkeypatch.delenv(name, raising=False)
    return Project(tmp_path / "here")


def infra(capsys: pytest.CaptureFixture[str], command: str, *arguments: str, env: str = "small") -> Ran:
    return Ran(capsys, command, "--env", env, "--offline", *arguments)


def test_an_approved_plan_is_refused_while_a_byte_differs_and_applied_once_it_does_not(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = str(tmp_path / "plan")
    made = infra(capsys, "plan", "--out", place)
    assert made.code == 2
    kept, how = made.err.splitlines()[-2:]
    assert kept.startswith(f"plan kept, encrypted: {place} (content ")
    assert how == (
        f"  → to be reviewed: `infra show {place}`; to be applied: `infra deploy --env small --offline --plan {place}`"
    )

    yaml = project.environments / "small.yaml"
    yaml.write_text(f"{YAML} ")
    refused = infra(capsys, "deploy", "--plan", place)
    assert refused.code == 1
    assert refused.err.splitlines()[-2:] == [
        f"error: {place}: the approved plan no longer holds: environments/small.yaml was changed",
        "  → nothing was touched; plan again, to be reviewed: `infra plan --env small --offline --out DIR`",
    ]
    compared = infra(capsys, "plan", "--compare", place)
    assert (compared.code, compared.out.splitlines()[1]) == (2, "  environments/small.yaml was changed")

    yaml.write_text(YAML)
    compared = infra(capsys, "plan", "--compare", place, "--json")
    assert (compared.code, json.loads(compared.out)["holds"], json.loads(compared.out)["reasons"]) == (0, True, [])
    applied = infra(capsys, "deploy", "--plan", place)
    assert (applied.code, applied.out.splitlines()[-1]) == (0, "small: deployed (rehearsal)")
    planned = [line for line in applied.err.splitlines() if line.endswith(": planning")]
    assert planned == ["topics: planning", "connect: planning"]  # what waited for outputs, and nothing else

    again = infra(capsys, "deploy", "--plan", place)
    assert again.code == 1
    assert again.err.splitlines()[-2].startswith(f"error: {place}: the plan was applied already, 2")
    assert again.err.splitlines()[-1] == "  → see what is left to do: `infra plan --env small --offline`"
    assert infra(capsys, "plan").code == 0


def test_a_plan_is_for_one_environment_and_one_mode(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = str(tmp_path / "plan")
    assert infra(capsys, "plan", "--out", place).code == 2

    other = infra(capsys, "deploy", "--plan", place, env="other")
    assert other.err.splitlines()[-2:] == [
        f"error: {place}: it is a plan for environment small, not other",
        "  → plan for this: `infra plan --env other --out DIR`",
    ]
    target = infra(capsys, "deploy", "--plan", place, "--target", "topics")
    assert target.err.splitlines()[-2] == "error: --plan goes without --target"


def test_it_is_shown_with_its_key_and_named_without(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    place = str(tmp_path / "plan")
    planned = infra(capsys, "plan", "--out", place, "--json")
    shown = Ran(capsys, "show", place, "--json")
    document = json.loads(shown.out)
    assert shown.code == 0
    assert document["summary"] == {
        name: value for name, value in json.loads(planned.out).items() if name not in ("artefact", "content_hash")
    }
    assert document["manifest"]["content_hash"] == json.loads(planned.out)["content_hash"]
    hashed = infra(capsys, "plan", "--hash")
    assert (hashed.code, hashed.out.strip()) == (0, document["manifest"]["content_hash"])

    text = Ran(capsys, "show", place)
    assert text.out.splitlines()[0] == "environment        small (rehearsed offline)"
    assert "applied            not yet, as far as is known here" in text.out
    assert "  + topics: kafka_topic." in text.out
    assert Ran(capsys, "show", place, "--markdown", "-").out.startswith("<!-- infra plan small -->")

    shutil.rmtree(project.state)
    without = Ran(capsys, "show", place)
    assert without.code == 0
    assert "kafka_topic" not in without.out
    assert without.err.startswith("the rest is encrypted, for age1")
    assert Ran(capsys, "show", place, "--markdown", "-").code == 1
    refused = infra(capsys, "deploy", "--plan", place)
    assert "the plan was made elsewhere, and this project has no key to open it with" in refused.err


def test_another_checkout_finds_the_plan_for_its_content_in_a_bucket(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, bucket: str
) -> None:
    public = Ran(capsys, "plan", "--new-key", str(tmp_path / "key.txt")).out.strip()
    assert infra(capsys, "plan", "--out", bucket, "--key", public).code == 2

    there = tmp_path / "there"
    shutil.copytree(project.environments, there / "environments")
    monkeypatch.setenv("INFRA_PROJECT", str(there))
    applied = infra(capsys, "deploy", "--plan", bucket, "--key", f"file:{tmp_path / 'key.txt'}")
    assert applied.code == 0, applied.err
    state = replace(Project(there), offline=True).environment_state("small") / "topics" / "terraform.tfstate"
    assert "orders" in state.read_text()
    assert infra(capsys, "plan", "--out", bucket, "--key", public).code == 0

    (there / "environments" / "small.yaml").write_text(f"{YAML} ")
    refused = infra(capsys, "deploy", "--plan", bucket, "--key", f"file:{tmp_path / 'key.txt'}")
    assert refused.code == 1
    assert f"{bucket}: no plan of small was kept for this content (" in refused.err
    assert "the approved plan no longer holds: environments/small.yaml was changed" in refused.err


def test_a_deploy_that_came_to_nothing_leaves_the_plan_and_one_that_stopped_half_way_does_not(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    place = str(tmp_path / "plan")
    assert infra(capsys, "plan", "--out", place).code == 2

    def locked(self: Deployment, plan: object) -> None:
        raise StateLockedError("another run holds the environment")

    def half(self: Deployment, plan: object) -> None:
        state = self.folders["cluster"].state_file
        state.write_bytes(state.read_bytes().replace(b'"serial": 0', b'"serial": 1'))
        raise ApplyError("it stopped", details=["cluster: applied"])

    monkeypatch.setattr(Deployment, "apply", locked)
    assert "another run holds the environment" in infra(capsys, "deploy", "--plan", place).err
    assert "another run holds the environment" in infra(capsys, "deploy", "--plan", place).err

    monkeypatch.setattr(Deployment, "apply", half)
    stopped = infra(capsys, "deploy", "--plan", place)
    assert stopped.err.splitlines()[-1] == (
        "  the reviewed plan is used up; to have what is left reviewed: `infra plan --env small --offline --out DIR`"
    )
    assert "the plan was applied in part already, " in infra(capsys, "deploy", "--plan", place).err
