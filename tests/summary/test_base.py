"""A plan against the base revision: it shows the change, not everything; what it needs is gone afterwards."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from cli.main import main
from modules.environment.model import Environment
from modules.errors import ApplyError, ConfigError, InterruptedRun
from modules.project import Project
from modules.summary.base import rehearsed_base, rehearsed_gone
from modules.summary.shape import SCHEMA_FILE

SCHEMA = {"type": "record", "name": "Order", "fields": [{"name": "id", "type": "string"}]}
YAML = """\
platform: local
topics:
  orders:
    partitions: 3
    value: {schema: schemas/order.avsc, compatibility: BACKWARD}
warehouse: {engine: sql}
"""


def git(root: Path, *words: str) -> str:
    identity = ("-c", "user.name=test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", *identity, *words], cwd=root, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def commit(root: Path) -> str:
    git(root, "add", "environments")
    git(root, "commit", "-qm", "as it is")
    return git(root, "rev-parse", "HEAD")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A repository with one environment, committed; temporary folders of the run are below `scratch`."""
    project = tmp_path / "project"
    (project / "environments" / "schemas").mkdir(parents=True)
    (project / "environments" / "dev.yaml").write_text(YAML)
    (project / "environments" / "schemas" / "order.avsc").write_text(json.dumps(SCHEMA))
    git(project, "init", "-q", "-b", "main")
    commit(project)
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "scratch"))
    monkeypatch.setenv("INFRA_PROJECT", str(project))
    yield project
    assert list((tmp_path / "scratch").glob("infra-*")) == []
    assert not (project / ".infra").exists(), "the project's own rehearsals were touched"


def schema(*fields: dict[str, Any]) -> str:
    return json.dumps({**SCHEMA, "fields": [*SCHEMA["fields"], *fields]})


def edit(root: Path, old: str, new: str) -> None:
    file = root / "environments" / "dev.yaml"
    text = file.read_text()
    assert text.count(old) == 1
    file.write_text(text.replace(old, new))


def test_the_plan_shows_the_change_and_schemas_are_held_against_the_base(
    root: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """With real Terraform: a topic grows, and a field comes that breaks readers under the base's level, which the same
    change takes away."""
    edit(root, "partitions: 3", "partitions: 6")
    edit(root, "compatibility: BACKWARD", "compatibility: NONE")
    (root / "environments" / "schemas" / "order.avsc").write_text(schema({"name": "channel", "type": "string"}))
    comment = tmp_path / "comment.md"
    code = main(["plan", "--env", "dev", "--offline", "--base", "main", "--json", "--markdown", str(comment)])
    out, err = capsys.readouterr()
    document = json.loads(out)
    assert code == 1, err
    assert 'field "channel" has no default: BACKWARD needs one' in err
    assert "lower the subject's compatibility in a change of its own first" in err
    shape = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    assert [each.message for each in jsonschema.Draft202012Validator(shape).iter_errors(document)] == []
    assert document["counts"].get("create", 0) == 0 and document["counts"]["update"] >= 2
    changed = [each["address"] for stack in document["stacks"] for each in stack["changes"]]
    assert 'kafka_topic.topic["orders"]' in changed
    (orders,) = [each for each in document["schemas"] if each["subject"] == "orders-value"]
    assert (orders["verdict"], orders["level"], orders["new_level"]) == ("breaks", "BACKWARD", "NONE")
    assert orders["fields"] == ["+ channel string"]
    assert document["base"].startswith("main (")
    text = comment.read_text()
    assert text.startswith("<!-- infra plan dev -->") and "🛑" in text and "Created" not in text
    assert "base: dev as in main" in err and "is rehearsed first" in err


def rehearse(root: Path, revision: str, deploy: Any = lambda project, environment: None) -> tuple[Any, list[str]]:
    said: list[str] = []
    with rehearsed_base(Project(root), "dev", revision, deploy, said.append) as found:
        assert found.project.offline
        assert (found.project.environments / "dev.yaml").read_text() == (root / "environments" / "dev.yaml").read_text()
        assert not any((found.project.root / ".infra").glob("*")) or found.base
    return found, said


def test_the_base_is_deployed_as_it_was_and_planned_against_in_the_same_place(root: Path) -> None:
    first = git(root, "rev-parse", "HEAD")
    edit(root, "partitions: 3", "partitions: 6")
    seen: list[tuple[Path, int]] = []

    def deploy(project: Project, environment: Environment) -> None:
        seen.append((project.root, environment.topics["orders"].partitions))
        (project.environment_state("dev")).mkdir(parents=True)

    found, said = rehearse(root, "main", deploy)
    assert seen == [(found.project.root, 3)]
    assert found.base is not None and found.notes == ()
    assert found.base.label == f"main ({first[:7]})"
    assert found.base.environment.topics["orders"].partitions == 3
    assert found.base.schemas["orders-value"].level == "BACKWARD"
    assert said == [
        f"base: dev as in main ({first[:7]}) is rehearsed first",
        f"base: dev as in main ({first[:7]}) is there; now what changes",
    ]


def test_three_dots_mean_where_a_branch_left_the_other(root: Path) -> None:
    left = git(root, "rev-parse", "HEAD")
    git(root, "switch", "-qc", "change")
    edit(root, "partitions: 3", "partitions: 6")
    commit(root)
    git(root, "switch", "-q", "main")
    edit(root, "platform: local", "platform: local # meanwhile")
    commit(root)
    git(root, "switch", "-q", "change")
    found, _ = rehearse(root, "main...")
    assert found.base.label == f"{left[:7]}, where HEAD left main"


@pytest.mark.parametrize(
    ("before", "said"),
    [
        (None, "main ({at}) has no environment dev, so everything is shown as new"),
        ("platform: nowhere\n", "dev as in main ({at}) cannot be deployed (environments/dev.yaml:1"),
        ("platform: [\n", "dev as in main ({at}) cannot be deployed ("),
    ],
)
def test_a_base_without_the_environment_or_one_that_does_not_load_is_said(
    root: Path, before: str | None, said: str
) -> None:
    now = (root / "environments" / "dev.yaml").read_text()
    if before is None:
        (root / "environments" / "dev.yaml").rename(root / "environments" / "other.yaml")
    else:
        (root / "environments" / "dev.yaml").write_text(before)
    at = commit(root)
    (root / "environments" / "dev.yaml").write_text(now)
    found, notes = rehearse(root, "main")
    assert found.base is None
    assert found.notes[0].startswith(said.format(at=at[:7])), found.notes
    assert found.notes[0].endswith("so everything is shown as new")
    assert notes[-1] == f"base: {found.notes[0]}"


def test_a_base_that_does_not_deploy_leaves_nothing_to_plan_against(root: Path) -> None:
    def deploy(project: Project, environment: Environment) -> None:
        (project.environment_state("dev") / "topics").mkdir(parents=True)
        raise ApplyError("it failed half-way", where="stack topics")

    found, _ = rehearse(root, "HEAD", deploy)
    assert found.base is None
    assert "cannot be deployed (stack topics: it failed half-way), so everything is shown as new" in found.notes[0]


def test_an_environment_that_the_work_tree_has_no_more_is_rehearsed_as_the_base_has_it(root: Path) -> None:
    at = git(root, "rev-parse", "HEAD")[:7]
    (root / "environments" / "dev.yaml").rename(root / "environments" / "other.yaml")
    seen: list[str] = []

    def deploy(project: Project, environment: Environment) -> None:
        seen.append(environment.name)

    with rehearsed_gone(Project(root), "dev", "main", deploy, lambda text: None) as found:
        assert found.project.offline and (found.project.environments / "dev.yaml").is_file()
    assert seen == ["dev"] and found.base is not None
    assert found.notes[0] == f"dev is taken out of environments/, main ({at}) has it: shown is what goes with it"
    assert "`infra destroy --env dev`" in found.notes[1]
    with (
        pytest.raises(ConfigError, match="there is no environment `never` here, and main") as caught,
        rehearsed_gone(Project(root), "never", "main", deploy, lambda text: None),
    ):
        pass
    assert caught.value.do == "choose one of: other"


@pytest.mark.soak
def test_what_goes_with_a_deleted_environment_is_a_plan_of_its_destruction(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "environments" / "dev.yaml").rename(root / "environments" / "other.yaml")
    assert main(["plan", "--env", "dev", "--offline", "--base", "main", "--json"]) == 2
    document = json.loads(capsys.readouterr().out)
    assert set(document["counts"]) == {"delete"}
    assert "dev is taken out of environments/" in document["notes"][0]


def test_an_interrupt_is_none_of_the_bases_faults(root: Path) -> None:
    def deploy(project: Project, environment: Environment) -> None:
        raise InterruptedRun("interrupted")

    with pytest.raises(InterruptedRun), rehearsed_base(Project(root), "dev", "main", deploy, lambda text: None):
        pass


def test_a_revision_that_is_not_there_and_a_missing_offline_are_refused(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ConfigError, match="git knows no revision `nowhere`"):
        rehearse(root, "nowhere")
    assert main(["plan", "--env", "dev", "--base", "main"]) == 1
    assert "--base is for a rehearsal" in capsys.readouterr().err
