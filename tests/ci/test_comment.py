"""The comment on a pull request: found again, complete, and never longer than the service takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.main import main
from modules.ci.comment import LIMIT, comment, marker

PLAN = "<!-- infra plan dev -->\n### `dev`: 1 to create\n\n- `topics` `kafka_topic.topic`\n"
COST = "<!-- infra cost -->\n### Cost: no difference\n"


def test_plan_cost_and_what_a_merge_does_with_them() -> None:
    assert comment("dev", PLAN, COST, content_hash="0123456789abcdef", revision="fedcba9876543210") == (
        "<!-- infra plan dev -->\n"
        "### `dev`: 1 to create\n\n- `topics` `kafka_topic.topic`\n\n"
        "### Cost: no difference\n\n"
        "<sub>Plan `0123456789ab`: a merge applies exactly this, while it still holds. "
        "Revision `fedcba987654`.</sub>\n"
    )


def test_a_rehearsal_says_so() -> None:
    assert "Rehearsed with simulated providers" in comment("dev", PLAN, rehearsed=True)


def test_the_marker_is_the_first_line_and_stands_there_once() -> None:
    for text in (comment("dev", PLAN, COST), comment("dev", ""), comment("dev", marker("dev") + "\n" + PLAN)):
        assert text.splitlines()[0] == "<!-- infra plan dev -->"
        assert text.count("<!-- infra plan") == 1


def test_environments_whose_names_begin_alike_have_comments_of_their_own() -> None:
    assert not marker("dev-eu").startswith(marker("dev"))


@pytest.mark.parametrize("lines", [1, 2_000, 20_000])
@pytest.mark.parametrize("rows", [1, 2_000, 6_000])
def test_it_fits_whatever_the_size_and_closes_what_it_opened(lines: int, rows: int) -> None:
    plan = "<details><summary>all</summary>\n\n```diff\n" + "+ a topic of the plan\n" * lines + "```\n</details>\n"
    cost = "| item | price |\n| --- | --- |\n" + "| a broker | $1.00 |\n" * rows
    text = comment("dev", plan, cost, content_hash="ab" * 32)
    assert len(text) <= LIMIT
    assert text.count("```") % 2 == 0
    assert text.count("<details>") == text.count("</details>")
    assert "Plan `abababababab`" in text
    assert ("cut here" in text) == (len(plan) + len(cost) > LIMIT)
    assert "a topic of the plan" in text and "a broker" in text


def test_without_a_plan_it_says_so_and_shows_no_older_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cost = tmp_path / "cost.md"
    cost.write_text(COST)
    assert main(["ci", "comment", "--env", "dev", "--plan", str(tmp_path / "none.md"), "--cost", str(cost)]) == 0
    said = capsys.readouterr().out
    assert said.startswith("<!-- infra plan dev -->\n**There is no plan**") and "no difference" in said


def test_a_name_that_would_end_the_marker_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ci", "comment", "--env", "dev --> <img>", "--plan", str(tmp_path / "plan.md")]) == 1
    assert "--env: that is no environment's name" in capsys.readouterr().err


def test_a_plan_that_is_no_text_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = tmp_path / "plan.md"
    plan.write_bytes(b"\xff\xfe\x00")
    assert main(["ci", "comment", "--env", "dev", "--plan", str(plan)]) == 1
    assert "cannot be read: it is not UTF-8" in capsys.readouterr().err
