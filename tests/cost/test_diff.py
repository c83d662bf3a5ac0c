"""`infra cost diff`: in a repository of its own, with real git."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from modules.project import Project
from modules.revisions import at_revision
from tests.cost.support import project_with, run

Capture = pytest.CaptureFixture[str]
Patch = pytest.MonkeyPatch

MSK = """\
platform: msk
msk: {broker_type: kafka.m7g.large, brokers: 3}
topics: {events: {partitions: 6, retention: 7d, value: {schema: schemas/order_events.avsc}, sink: {table: A.B.EVENTS}}}
connect: {kind: sink}
"""
OVERLAY = """\
sources: {own: {what: our contract, read: 2026-11-01}}
items: [{id: msk.kafka.m7g.large, price: 0.100, source: own, confidence: A}]
"""


class Repository:
    """A project in a git repository, changed and committed step by step."""

    def __init__(self, folder: Path, inside: str = "") -> None:
        self.folder = folder
        self.project = folder / inside
        project_with(self.project, "dev", MSK)
        self.git("init", "-q", "-b", "main")
        self.commit("first")
        self.git("tag", "v1.0")

    def git(self, *arguments: str) -> str:
        name = ("-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false")
        done = subprocess.run(["git", *name, *arguments], cwd=self.folder, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def write(self, name: str, text: str) -> None:
        path = self.project / "environments" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def commit(self, message: str) -> None:
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)

    def state(self) -> tuple[str, str, list[str]]:
        """What reading revisions must leave alone: HEAD, the index and work tree, the files."""
        files = sorted(str(each) for each in self.folder.rglob("*") if ".git" not in each.parts)
        return self.git("rev-parse", "HEAD"), self.git("status", "--porcelain"), files


@pytest.fixture(autouse=True)
def no_git_of_the_machine(monkeypatch: Patch) -> Iterator[None]:
    """No settings of a person's, and no repository around the temporary folder, have a say."""
    for name in [each for each in os.environ if each.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    yield


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "r")


def changes(out: str, environment: str = "dev") -> dict[str, dict[str, object]]:
    found = next(each for each in json.loads(out)["environments"] if each["environment"] == environment)
    return {each["id"]: each for each in found["lines"]}


def test_the_files_against_a_revision_show_what_is_not_committed_yet(
    repository: Repository, monkeypatch: Patch, capsys: Capture
) -> None:
    repository.write("dev.yaml", MSK.replace("brokers: 3", "brokers: 6"))
    before = repository.state()
    code, out, err = run(monkeypatch, capsys, repository.project, "cost", "diff", "main", "--env", "dev", "--json")
    assert (code, err) == (0, "")
    brokers = changes(out)["msk.brokers"]
    # 3 more brokers × 730 h × $0.204
    assert brokers["difference"] == {"monthly": "446.76", "at_least": "446.76", "at_most": "446.76"}
    assert json.loads(out)["before"] == "main"
    assert json.loads(out)["after"] == "working tree"
    assert repository.state() == before


def test_without_words_it_is_the_last_commit_against_the_files(
    repository: Repository, monkeypatch: Patch, capsys: Capture
) -> None:
    code, out, _ = run(monkeypatch, capsys, repository.project, "cost", "diff")
    assert code == 0
    assert "no difference between HEAD and working tree" in out
    repository.write("dev.yaml", MSK.replace("brokers: 3", "brokers: 6"))
    _, out, _ = run(monkeypatch, capsys, repository.project, "cost", "diff")
    assert "Cost of dev" in out
    assert "+$446.76" in out


def test_two_revisions_without_an_environment_compare_all_that_either_has(
    repository: Repository, monkeypatch: Patch, capsys: Capture
) -> None:
    repository.write("old.yaml", MSK)
    repository.write("same.yaml", MSK)
    repository.commit("two more")
    (repository.project / "environments" / "old.yaml").unlink()
    repository.write("new.yaml", MSK)
    repository.write("dev.yaml", MSK.replace("brokers: 3", "brokers: 6"))
    repository.commit("moved")
    code, out, _ = run(monkeypatch, capsys, repository.project, "cost", "diff", "main~1", "main", "--json")
    found = {each["environment"]: each for each in json.loads(out)["environments"]}
    assert code == 0
    assert {name: each["change"] for name, each in found.items()} == {
        "dev": "changed",
        "new": "added",
        "old": "removed",
        "same": "same",
    }
    assert found["new"]["before"] is None
    assert found["old"]["after"] is None
    new, old = (Decimal(found[name]["difference"]["monthly"]) for name in ("new", "old"))
    assert new == -old > 0
    assert Decimal(json.loads(out)["difference"]["monthly"]) == Decimal(found["dev"]["difference"]["monthly"])


def test_what_base_changes_is_seen_in_every_environment_that_extends_it(
    repository: Repository, monkeypatch: Patch, capsys: Capture
) -> None:
    repository.write("base.yaml", MSK)
    for name in ("dev", "prod"):
        repository.write(f"{name}.yaml", "extends: base\n")
    repository.commit("base")
    repository.write("base.yaml", MSK.replace("brokers: 3", "brokers: 6"))
    _, out, _ = run(monkeypatch, capsys, repository.project, "cost", "diff", "--json")
    assert [each["change"] for each in json.loads(out)["environments"]] == ["changed", "changed"]


def test_three_dots_compare_with_where_a_branch_left(
    repository: Repository, monkeypatch: Patch, capsys: Capture
) -> None:
    repository.git("checkout", "-q", "-b", "feature")
    repository.write("dev.yaml", MSK.replace("brokers: 3", "brokers: 6"))
    repository.commit("more brokers")
    repository.git("checkout", "-q", "main")
    repository.write("dev.yaml", MSK.replace("m7g.large", "m7g.xlarge"))
    repository.commit("larger brokers, on main alone")
    _, out, _ = run(monkeypatch, capsys, repository.project, "cost", "diff", "main...feature", "--json")
    assert changes(out)["msk.brokers"]["difference"]["monthly"] == "446.76"  # type: ignore[index]
    _, out, _ = run(monkeypatch, capsys, repository.project, "cost", "diff", "main..feature", "--json")
    # 6 × $0.204 after 3 × $0.408: the same amount, but of other brokers
    assert changes(out)["msk.brokers"]["difference"]["monthly"] == "0"  # type: ignore[index]


def test_two_environments_and_a_revision_of_one(repository: Repository, monkeypatch: Patch, capsys: Capture) -> None:
    repository.write("prod.yaml", MSK.replace("brokers: 3", "brokers: 6"))
    code, out, _ = run(monkeypatch, capsys, repository.project, "cost", "diff", "dev", "prod", "--json")
    assert code == 0
    assert json.loads(out)["environments"][0]["environment"] == "dev → prod"
    assert changes(out, "dev → prod")["msk.brokers"]["difference"]["monthly"] == "446.76"  # type: ignore[index]
    code, out, _ = run(monkeypatch, capsys, repository.project, "cost", "diff", "v1.0:dev", "prod", "--json")
    assert json.loads(out)["environments"][0]["before"]["label"] == "dev at v1.0"
    assert changes(out, "dev → prod")["msk.brokers"]["difference"]["monthly"] == "446.76"  # type: ignore[index]


def test_a_word_that_is_both_is_the_environment_unless_one_is_named(
    repository: Repository, monkeypatch: Patch, capsys: Capture
) -> None:
    repository.git("branch", "dev")
    repository.write("prod.yaml", MSK.replace("brokers: 3", "brokers: 6"))
    _, out, _ = run(monkeypatch, capsys, repository.project, "cost", "diff", "dev", "prod", "--json")
    assert json.loads(out)["environments"][0]["environment"] == "dev → prod"
    repository.write("dev.yaml", MSK.replace("brokers: 3", "brokers: 9"))
    _, out, _ = run(monkeypatch, capsys, repository.project, "cost", "diff", "dev", "--env", "dev", "--json")
    assert json.loads(out)["before"] == "dev"
    assert changes(out)["msk.brokers"]["difference"]["monthly"] == "893.52"  # type: ignore[index]


def test_each_side_has_the_prices_of_its_own_files(repository: Repository, monkeypatch: Patch, capsys: Capture) -> None:
    repository.write("prices/2026-11-01.yaml", OVERLAY)
    code, out, _ = run(monkeypatch, capsys, repository.project, "cost", "diff", "HEAD", "--env", "dev", "--json")
    brokers = changes(out)["msk.brokers"]
    assert code == 0
    assert list(changes(out)) == ["msk.brokers"], "no other line uses that price"
    assert brokers["repriced"] is True
    # 3 × 730 h × ($0.100 − $0.204)
    assert brokers["difference"]["monthly"] == "-227.76"  # type: ignore[index]


def test_a_project_in_a_folder_of_the_repository(tmp_path: Path, monkeypatch: Patch, capsys: Capture) -> None:
    repository = Repository(tmp_path / "r", "teams/data")
    (repository.folder / "environments").mkdir()
    (repository.folder / "environments" / "dev.yaml").write_text("platform: local\n")
    repository.commit("another project at the top")
    repository.write("dev.yaml", MSK.replace("brokers: 3", "brokers: 6"))
    code, out, _ = run(monkeypatch, capsys, repository.project, "cost", "diff", "v1.0", "--json")
    assert code == 0
    assert changes(out)["msk.brokers"]["difference"]["monthly"] == "446.76"  # type: ignore[index]


def test_a_revision_is_read_byte_for_byte_and_leaves_nothing_behind(repository: Repository) -> None:
    repository.write(".gitattributes", "*.yaml export-ignore text eol=crlf\n")
    repository.write("schemas/odd name é.avsc", '{"type": "string"}\n')
    repository.commit("attributes")
    with at_revision(Project(repository.project), "HEAD") as found:
        assert found.environments.joinpath("dev.yaml").read_bytes() == MSK.encode()
        assert found.environments.joinpath("schemas", "odd name é.avsc").exists()
        folder = found.root
    assert not folder.exists()


def test_an_environment_that_used_to_be_invalid_does_not_hide_the_others(
    repository: Repository, monkeypatch: Patch, capsys: Capture
) -> None:
    repository.write("odd.yaml", MSK + "brockers: 3\n")
    repository.commit("a key that is none")
    repository.write("odd.yaml", MSK)
    repository.write("dev.yaml", MSK.replace("brokers: 3", "brokers: 6"))
    code, out, err = run(monkeypatch, capsys, repository.project, "cost", "diff", "HEAD", "--json")
    assert code == 0
    assert changes(out)["msk.brokers"]["difference"]["monthly"] == "446.76"  # type: ignore[index]
    assert json.loads(out)["not_compared"][0]["environment"] == "odd"
    assert "brockers" in err
    code, _, err = run(monkeypatch, capsys, repository.project, "cost", "diff", "HEAD", "--env", "odd")
    assert code == 1
    assert "error: HEAD:environments/odd.yaml: environment `odd` has a problem, as it is in revision `HEAD`" in err


def test_an_environment_that_one_side_lacks_is_new_or_gone_as_a_whole(
    repository: Repository, monkeypatch: Patch, capsys: Capture
) -> None:
    repository.write("prod.yaml", MSK)
    repository.commit("a new one")
    code, out, err = run(monkeypatch, capsys, repository.project, "cost", "diff", "v1.0", "--env", "prod", "--json")
    assert (code, err) == (0, "")
    (new,) = json.loads(out)["environments"]
    assert (new["environment"], new["change"], new["before"]) == ("prod", "added", None)
    assert {each["change"] for each in new["lines"]} == {"added"}
    _, out, _ = run(monkeypatch, capsys, repository.project, "cost", "diff", "v1.0", "--env", "prod")
    assert out.splitlines()[0].endswith(" a month, all of it new: v1.0 has no such environment")
    _, out, _ = run(monkeypatch, capsys, repository.project, "cost", "diff", "main", "v1.0", "--env", "prod")
    assert out.splitlines()[0].endswith(" a month less: v1.0 has no such environment")


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (["nope"], "`nope` is neither an environment nor a git revision", "dev, or a branch, a tag or a commit"),
        (["v1.0", "nope"], "`nope` is neither an environment nor a git revision", "dev, or a branch"),
        (["v1.0:prod", "dev"], "revision `v1.0` has no environment `prod`", "it has dev"),
        (["nope:dev", "dev"], "git knows no revision `nope`", "a branch, a tag or a commit"),
        (["nope..main"], "git knows no revision `nope`", "a branch, a tag or a commit"),
        (["nope...main"], "git knows no revision `nope`", "a branch, a tag or a commit"),
        (["dev"], "`dev` is an environment; compare it with what?", "`main --env dev`"),
        (["dev", "main"], "`dev` is an environment and `main` a revision", "write `main:dev`"),
        (["main", "main"], "both sides are the same: main and main", "name two that may differ"),
        (["main:dev", "v1.0", "--env", "prod"], "name two environments for one side", "give one of them"),
        ([":dev", "dev"], "`:dev` is half of REVISION:ENVIRONMENT", "`main:dev`"),
        (["a", "b", "c"], "two sides, not 3: a b c", "name one or two"),
        (["main", "--json", "--csv"], "one of --json, --markdown and --csv", "choose one"),
        (["--env", "nope", "main"], "revision `main` has no environment `nope`", "it has dev"),
    ],
)
def test_what_is_wrong_is_said_with_what_to_write(
    repository: Repository, monkeypatch: Patch, capsys: Capture, words: list[str], message: str, hint: str
) -> None:
    code, out, err = run(monkeypatch, capsys, repository.project, "cost", "diff", *words)
    assert (code, out) == (1, "")
    assert err.startswith("error: ")
    assert message in err
    assert hint in err
    assert "fatal" not in err


def test_a_shallow_clone_says_how_to_get_the_rest(
    repository: Repository, tmp_path: Path, monkeypatch: Patch, capsys: Capture
) -> None:
    repository.write("dev.yaml", MSK.replace("brokers: 3", "brokers: 6"))
    repository.commit("more brokers")
    clone = tmp_path / "clone"
    command = ["git", "clone", "-q", "--depth", "1", repository.folder.as_uri(), str(clone)]
    subprocess.run(command, check=True, capture_output=True)
    for word in ("main~1:dev", "main~1..main"):
        code, _, err = run(monkeypatch, capsys, clone, "cost", "diff", word, *(["dev"] if ":" in word else []))
        assert code == 1
        assert "git knows no revision `main~1`" in err
        assert "this clone is shallow: `git fetch --unshallow` brings the rest" in err


def test_the_environment_may_stand_before_the_command_and_the_shells_own_is_no_choice(
    repository: Repository, monkeypatch: Patch, capsys: Capture
) -> None:
    repository.write("prod.yaml", MSK)
    repository.commit("prod")
    for name in ("dev", "prod"):
        repository.write(f"{name}.yaml", MSK.replace("brokers: 3", "brokers: 6"))
    _, out, _ = run(monkeypatch, capsys, repository.project, "cost", "--env", "prod", "diff", "main", "--json")
    assert [each["environment"] for each in json.loads(out)["environments"]] == ["prod"]
    from cli.main import main

    monkeypatch.setenv("INFRA_ENV", "prod")
    assert main(["cost", "diff", "main", "--json"]) == 0
    assert [each["environment"] for each in json.loads(capsys.readouterr().out)["environments"]] == ["dev", "prod"]


def test_over_budget_on_the_later_side_leaves_with_3(
    repository: Repository, monkeypatch: Patch, capsys: Capture
) -> None:
    repository.write("dev.yaml", MSK + "budget: {monthly: 700 USD}\n")
    repository.commit("a budget that holds")
    assert run(monkeypatch, capsys, repository.project, "cost", "diff", "v1.0")[0] == 0
    repository.write("dev.yaml", MSK.replace("brokers: 3", "brokers: 6") + "budget: {monthly: 700 USD}\n")
    code, out, _ = run(monkeypatch, capsys, repository.project, "cost", "diff", "HEAD", "--markdown")
    assert code == 3
    assert "over budget" in out
    assert run(monkeypatch, capsys, repository.project, "cost", "diff", "HEAD", "v1.0")[0] == 0


def test_a_revision_before_the_project_has_no_environments(tmp_path: Path, monkeypatch: Patch, capsys: Capture) -> None:
    folder = tmp_path / "r"
    folder.mkdir()
    (folder / "readme").write_text("first")
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.com"]
    for arguments in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "start"], ["tag", "start"]):
        subprocess.run([*git, *arguments], cwd=folder, check=True)
    project_with(folder, "dev", MSK)
    code, _, err = run(monkeypatch, capsys, folder, "cost", "diff", "start")
    assert code == 1
    assert "revision `start` has no `environments` folder" in err


def test_outside_a_repository_environments_can_be_compared_and_revisions_cannot(
    tmp_path: Path, monkeypatch: Patch, capsys: Capture
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    project = project_with(tmp_path / "p", "dev", MSK)
    (project / "environments" / "prod.yaml").write_text(MSK.replace("brokers: 3", "brokers: 6"))
    code, out, _ = run(monkeypatch, capsys, project, "cost", "diff", "dev", "prod")
    assert code == 0
    assert "+$446.76" in out
    for words in (["main"], [], ["main..dev"]):
        code, _, err = run(monkeypatch, capsys, project, "cost", "diff", *words)
        assert code == 1
        assert "the project is in no git repository" in err


def test_without_git_it_says_so(repository: Repository, monkeypatch: Patch, capsys: Capture, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    code, _, err = run(monkeypatch, capsys, repository.project, "cost", "diff", "main")
    assert code == 1
    assert "git, which is not installed here" in err


def test_a_word_is_never_an_option_of_gits(repository: Repository, monkeypatch: Patch, capsys: Capture) -> None:
    code, _, err = run(monkeypatch, capsys, repository.project, "cost", "diff", "--", "--output=x")
    assert code == 1
    assert "`--output=x` is neither an environment nor a git revision" in err


def test_markdown_fits_a_comment_and_folds_what_is_small(
    repository: Repository, monkeypatch: Patch, capsys: Capture
) -> None:
    text = MSK.replace("msk: {broker_type: kafka.m7g.large, brokers: 3}", "production: true")
    text = text.replace("platform: msk", "platform: redpanda")
    for number in range(60):
        repository.write(f"team-{number:02}.yaml", MSK)
    repository.commit("teams")
    for number in range(60):
        repository.write(f"team-{number:02}.yaml", text)
    code, out, _ = run(monkeypatch, capsys, repository.project, "cost", "diff", "--markdown")
    assert code == 0
    assert len(out) < 65_536
    assert out.startswith("### Cost: ")
    assert "<details><summary>" in out
    assert "no difference: dev" in out
