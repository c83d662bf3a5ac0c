"""`infra init`: whatever is answered gives files that load, cost what they say and can be rehearsed."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
import time
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from cli.main import main
from modules.cost.lines import money
from modules.cost.report import report
from modules.environment import load_environment
from modules.project import Project
from modules.scaffold import PLATFORMS, Answers, Scaffold, priced, to_fill_in
from modules.scaffold.files import IGNORED

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("INFRA_PROJECT", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("production", [False, True], ids=["dev", "prod"])
@pytest.mark.parametrize("option", PLATFORMS)
def test_every_choice_loads_as_it_was_answered_within_its_budget(option: str, production: bool, tmp_path: Path) -> None:
    answers = Answers("e", option, region="eu-west-1", project="shop", ingress="5GB/day", production=production)
    scaffold, found = priced(tmp_path, answers)
    environment = scaffold.load(tmp_path)
    assert (environment.platform, environment.project) == (answers.platform, "shop")
    assert environment.production is (production and option != "local")
    assert str(environment.workload.ingress) == "5GB/day"
    if option != "local":
        assert environment.budget is not None
        top = found.total.least if found.total.most is None else found.total.most
        assert environment.budget.monthly.amount >= top * Decimal("1.25")
        (line,) = [line for line in scaffold.files[scaffold.own].splitlines() if line.startswith("budget:")]
        budget, _, why = line.partition(" # ")
        assert budget == f"budget: {{monthly: {environment.budget.monthly}}}"
        assert money(top) in why
        assert why.endswith(", rounded up to 50")
        assert ("no known price" in why) is (found.total.most is None)
    # With the budget in it costs the same, and what is unknown within known ends cannot break it.
    priced_again = report(environment)
    assert priced_again.total == found.total
    assert priced_again.budget is None or not priced_again.budget.over
    assert priced_again.budget is None or priced_again.budget.maybe is (found.total.most is None)


def test_what_a_person_must_change_is_named_by_its_line(tmp_path: Path) -> None:
    scaffold, _ = priced(tmp_path, Answers("prod", "msk", production=True))
    left = to_fill_in(scaffold)
    assert [each.split(": ", 1)[1] for each in left] == [
        "who is told",
        "who may reach the brokers, CIDR blocks and security groups",
        "the registry becomes registry-streaming-prod.<domain>",
        "the Route 53 zone of that domain",
    ]
    lines = scaffold.files[scaffold.own].splitlines()
    assert all("# fill in: " in lines[int(each.split(":")[1]) - 1] for each in left)


def test_the_program_makes_a_project_of_an_empty_folder(folder: Path, capsys: Capture) -> None:
    assert main(["init", "dev", "--platform", "confluent", "--yes"]) == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert "created: environments/dev.yaml" in said.err
    ignored = (folder / ".gitignore").read_text()
    assert ignored.startswith(".infra/\n.infra-ci/\nplans/\n")
    assert load_environment(Project(folder), "dev").confluent.tier == "basic"
    assert main(["validate"]) == 0


def test_without_a_platform_the_cheapest_of_known_cost_is_taken(folder: Path, capsys: Capture) -> None:
    assert main(["init", "dev", "--yes", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["environment"]["option"] == "confluent-basic"
    assert document["monthly"].startswith(("$", "≥ $"))
    assert {"file": "environments/dev.yaml", "outcome": "created"} in document["files"]


def test_a_second_environment_keeps_what_all_share(folder: Path, capsys: Capture) -> None:
    assert main(["init", "dev", "--platform", "confluent", "--project", "shop", "--yes"]) == 0
    base = folder / "environments" / "base.yaml"
    base.write_text(base.read_text().replace("retention: 30d", "retention: 7d"))
    rest = "\n".join(each for each in IGNORED if each not in (".infra/", "plans/"))
    (folder / ".gitignore").write_text("build/\n/.infra\n/plans/")
    assert main(["init", "prod", "--platform", "msk", "--yes"]) == 0
    assert "kept as it is: environments/base.yaml" in capsys.readouterr().err
    prod = load_environment(Project(folder), "prod")
    assert (prod.project, prod.production, str(prod.topics["order-events"].retention)) == ("shop", True, "7d")
    assert "project:" not in (folder / "environments" / "prod.yaml").read_text()
    assert (folder / ".gitignore").read_text() == f"build/\n/.infra\n/plans/\n{rest}\n"
    assert main(["init", "test", "--platform", "local", "--yes"]) == 0
    assert ".gitignore" not in capsys.readouterr().err, "what it holds already is not written again"


def test_what_is_there_is_not_written_over(folder: Path, capsys: Capture) -> None:
    assert main(["init", "dev", "--platform", "local", "--yes"]) == 0
    mine = folder / "environments" / "dev.yaml"
    mine.write_text("extends: base\nplatform: local\n")
    capsys.readouterr()
    assert main(["init", "dev", "--platform", "msk", "--yes"]) == 1
    assert capsys.readouterr().err == (
        "error: environments/dev.yaml: there is such an environment already\n"
        "  → choose another name, look at it with --stdout, or add --force to replace it\n"
    )
    assert mine.read_text() == "extends: base\nplatform: local\n"
    assert main(["init", "dev", "--platform", "msk", "--yes", "--force"]) == 0
    assert load_environment(Project(folder), "dev").platform == "msk"


def test_stdout_writes_nothing(folder: Path, capsys: Capture) -> None:
    assert main(["init", "dev", "--platform", "redpanda", "--yes", "--stdout"]) == 0
    assert "platform: redpanda\n" in capsys.readouterr().out
    assert list(folder.iterdir()) == []


def test_workflows_come_along(folder: Path, capsys: Capture) -> None:
    words = ["init", "dev", "--platform", "confluent", "--ci", "github", "--yes"]
    assert main(words) == 1
    assert capsys.readouterr().err.startswith("error: --install: this project does not hold infra itself")
    assert list(folder.iterdir()) == [], "all files or none"
    assert main([*words, "--install", "pip install infra==1.0.0"]) == 0
    assert "pip install infra==1.0.0" in (folder / ".github/workflows/infra-plan.yml").read_text()
    assert (folder / "environments" / "dev.yaml").is_file()
    (folder / ".github/workflows/infra-plan.yml").write_text("mine")
    capsys.readouterr()
    assert main(["init", "prod", *words[2:], "--install", "pip install infra==1.0.0"]) == 1
    assert "3 files are there already, and are not what would be written" in capsys.readouterr().err.splitlines()[0]
    assert not (folder / "environments" / "prod.yaml").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "infra init: there is nobody to answer\n  → add --yes, and options for the answers"),
        (
            ["dev", "--platform", "kinesis", "--yes"],
            f"--platform: there is no platform `kinesis`\n  → choose one of: {', '.join(PLATFORMS)}",
        ),
        (
            ["dev", "--platform", "msk", "--region", "Frankfurt", "--yes"],
            "--region: `Frankfurt` is not a region of AWS\n  → give one, such as eu-central-1",
        ),
        (
            ["dev", "--platform", "msk", "--install", "pip install infra", "--yes"],
            "--install: it is for workflows, and none are written\n  → add --ci github or gitlab",
        ),
        (
            ["base", "--platform", "local", "--yes"],
            "NAME: `base` cannot be an environment's name\n"
            "  → use letters, digits, `-` and `_`, such as dev; `base` is what environments extend",
        ),
        (
            ["dev", "--platform", "local", "--ingress", "lots", "--yes"],
            "--ingress: expected a rate such as 1GB/day or 5MB/s, got 'lots'\n  → write it as the YAML has it",
        ),
        (
            ["dev", "--platform", "local", "--project", "My Shop", "--yes"],
            "--project: `My Shop` cannot be a project's name\n"
            "  → use up to 24 small letters, digits and `-`, a letter first",
        ),
    ],
)
def test_answers_that_cannot_be_are_said_and_nothing_is_written(
    folder: Path, capsys: Capture, words: list[str], said: str
) -> None:
    assert main(["init", *words]) == 1
    assert capsys.readouterr().err == f"error: {said}\n"
    assert list(folder.iterdir()) == []


def test_a_base_that_does_not_load_is_said_by_its_line(folder: Path, capsys: Capture) -> None:
    assert main(["init", "dev", "--platform", "local", "--yes"]) == 0
    base = folder / "environments" / "base.yaml"
    base.write_text(base.read_text().replace("partitions: 6", "partitions: many"))
    capsys.readouterr()
    assert main(["init", "prod", "--platform", "msk", "--yes"]) == 1
    assert "environments/base.yaml:6: topics.order-events.partitions: " in capsys.readouterr().err
    assert not (folder / "environments" / "prod.yaml").exists()


def test_a_person_is_asked_and_sees_what_it_costs(folder: Path) -> None:
    """In a terminal: each question has a default, the comparison is there before the platform is asked for."""
    answers = ["dev", "shop", "2GB/day", "", "eu-west-1", "redpanda", "n", "none", "y"]
    ours, theirs = pty.openpty()
    environment = {**os.environ, "COLUMNS": "120", "TERM": "dumb", "INFRA_PROJECT": str(folder)}
    program = [sys.executable, "-c", "import sys; from cli.main import main; sys.exit(main())", "init"]
    with subprocess.Popen(program, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, close_fds=True) as made:
        os.close(theirs)
        text, asked = "", 0
        until = time.monotonic() + 120
        while made.poll() is None and time.monotonic() < until:
            if select.select([ours], [], [], 0.1)[0]:
                try:
                    text += os.read(ours, 65536).decode()
                except OSError:
                    break
            elif asked < len(answers) and text.rstrip(" ").endswith(":") and text.count("]:") > asked:
                os.write(ours, answers[asked].encode() + b"\n")
                asked += 1
        if made.poll() is None:
            made.kill()
    os.close(ours)
    assert made.returncode == 0, text
    assert text.index("one workload on every platform, eu-west-1") < text.index("Platform [")
    environment_ = load_environment(Project(folder), "dev")
    assert (environment_.platform, environment_.project, environment_.redpanda.region) == (
        "redpanda",
        "shop",
        "eu-west-1",
    )
    assert str(environment_.workload.ingress) == "2GB/day"


def test_a_project_of_another_name_says_its_own(tmp_path: Path) -> None:
    answers = Answers("dev", "local", project="shop")
    scaffold = Scaffold.of(tmp_path, answers)
    for file, text in scaffold.files.items():
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(text)
    other = Scaffold.of(tmp_path, replace(answers, name="other", project="market"))
    assert "project: market\n" in other.files[other.own]
    assert other.load(tmp_path).project == "market"


def test_the_example_is_the_projects_own() -> None:
    root = Path(__file__).resolve().parents[2]
    shipped = (root / "environments" / "schemas" / "order_events.avsc").read_text()
    assert (root / "modules" / "scaffold" / "templates" / "order_events.avsc").read_text() == shipped


def test_a_file_where_a_folder_should_be_is_said(folder: Path, capsys: Capture) -> None:
    (folder / "environments").write_text("mine")
    assert main(["init", "dev", "--platform", "local", "--yes"]) == 1
    assert "environments/base.yaml: cannot be read: Not a directory" in capsys.readouterr().err
    assert (folder / "environments").read_text() == "mine"
