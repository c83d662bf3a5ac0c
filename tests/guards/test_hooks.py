"""A project's own guards: asked in a process of their own; one that does not answer refuses the plan."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from textwrap import dedent

import pytest

from modules.guards import GuardReport, GuardResult
from tests.guards.cases import MSK, TOPIC, topic
from tests.guards.support import entry, judged

PLAN = (entry("topics", TOPIC, "create", None, topic()),)


def asked(root: Path, code: str | None, *more: str, hook: str = "guards/own.py:check") -> GuardReport:
    """What comes of a hook with this code; None writes no file."""
    if code is not None:
        (root / "guards").mkdir(exist_ok=True)
        (root / "guards" / "own.py").write_text(dedent(code).lstrip("\n"))
    settings = ", ".join([f"hooks: ['{hook}']", *more])
    return judged(root, [*MSK, f"guards: {{{settings}}}"], *PLAN)


def only(report: GuardReport) -> GuardResult:
    (found,) = report.refused
    return found


def test_a_hook_sees_every_change_with_its_values_and_the_environment(tmp_path: Path) -> None:
    report = asked(
        tmp_path,
        """
        def check(plan, environment):
            for stack in plan["stacks"]:
                for change in stack["changes"]:
                    if change["after"]["name"] in environment["topics"]:
                        yield {
                            "id": "naming", "stack": stack["stack"], "address": change["address"],
                            "message": f"{environment['name']}: {change['kind']} of {change['after']['partitions']}",
                            "fix": "call it otherwise", "severity": "warn",
                        }
        """,
    )
    (found,) = report.warned
    assert (found.id, found.stack, found.address) == ("hook:naming", "topics", TOPIC)
    assert (found.message, found.fix) == ("prod: create of 6", "call it otherwise")
    assert found.where == "guards/own.py:1"
    assert report.refused == () and "guards/own.py:check" in report.checked


def test_a_finding_may_be_an_object_and_refuses_unless_it_says_otherwise(tmp_path: Path) -> None:
    report = asked(
        tmp_path,
        """
        from dataclasses import dataclass

        @dataclass
        class Finding:
            message: str

        def check(plan, environment):
            print("a hook may print")
            return [Finding("no deploys on a Sunday")]
        """,
    )
    found = only(report)
    assert (found.id, found.message, found.whole) == ("hook:own.check", "no deploys on a Sunday", True)


def test_a_hook_that_finds_nothing_lets_the_plan_pass(tmp_path: Path) -> None:
    assert asked(tmp_path, "def check(plan, environment):\n    return []\n").results == ()


def test_a_hook_that_raises_refuses_the_plan_and_names_its_line_without_a_traceback(tmp_path: Path) -> None:
    report = asked(
        tmp_path,
        """
        def check(plan, environment):
            return [topic for topic in environment["topics"] if rule(topic)]


        def rule(topic):
            return {}["owner"]
        """,
    )
    found = only(report)
    assert (found.id, found.where, found.address) == ("hook-failed", "guards/own.py:6", "guards/own.py:check")
    assert found.message == "`check` raised KeyError: 'owner', so the plan is refused"
    with pytest.raises(Exception) as caught:
        report.require()
    text = str(caught.value)
    assert "hook-failed: guards/own.py:6: `check` raised KeyError: 'owner', so the plan is refused" in text
    assert "mend the hook, or take it out of guards.hooks" in text
    assert "Traceback" not in text and "guards.waivers" not in text, "a hook that fails cannot be waived"


@pytest.mark.parametrize(
    ("code", "where", "message"),
    [
        (None, "guards/own.py", "there is no such file"),
        ("def other(): ...\n", "guards/own.py", "has no function `check`"),
        ("def check(plan, environment)\n", "guards/own.py:1", "`check` raised SyntaxError: expected ':'"),
        ("import nowhere\n", "guards/own.py:1", "`check` raised ModuleNotFoundError: No module named 'nowhere'"),
        ("def check(plan, environment):\n    return 'no'\n", "guards/own.py:1", "`check` gave a str, not a list"),
        ("def check(plan, environment):\n    pass\n", "guards/own.py:1", "`check` gave nothing, not a list"),
        ("def check(plan, environment):\n    return 7\n", "guards/own.py:1", "`check` gave a int, not a list"),
        ("def check(plan, environment):\n    return [7]\n", "guards/own.py:1", "a finding is no mapping: 7"),
        ("def check(plan, environment):\n    return [{}]\n", "guards/own.py:1", "a finding has no `message`"),
        (
            "def check(plan, environment):\n    return [{'message': 'x', 'severity': 'off'}]\n",
            "guards/own.py:1",
            "a finding has the severity 'off'",
        ),
        (
            "def check(plan):\n    return []\n",
            "guards/own.py:1",
            "`check` raised TypeError: check() takes 1 positional",
        ),
        (
            "import sys\n\ndef check(plan, environment):\n    sys.exit(0)\n",
            "guards/own.py:4",
            "`check` raised SystemExit",
        ),
        (
            "import os\n\ndef check(p, e):\n    os._exit(3)\n",
            "guards/own.py",
            "`check` ended with exit code 3 and gave no",
        ),
        (
            "import os, signal\n\ndef check(p, e):\n    os.kill(os.getpid(), signal.SIGKILL)\n",
            "guards/own.py",
            "`check` ended with signal 9 and gave no answer",
        ),
    ],
)
def test_a_hook_that_answers_nonsense_refuses_the_plan(
    code: str | None, where: str, message: str, tmp_path: Path
) -> None:
    found = only(asked(tmp_path, code))
    assert (found.id, found.where) == ("hook-failed", where)
    assert found.message.startswith(message) and found.message.endswith(", so the plan is refused")


def test_a_hook_that_hangs_is_ended_with_what_it_started(tmp_path: Path) -> None:
    code = f"""
    import subprocess, time

    def check(plan, environment):
        child = subprocess.Popen(["sleep", "600"])
        open({str(tmp_path / "pid")!r}, "w").write(str(child.pid))
        time.sleep(600)
    """
    found = only(asked(tmp_path, code, "hook_timeout: 2s"))
    assert found.message == "`check` did not answer within 2s (guards.hook_timeout), so the plan is refused"
    assert _gone(int((tmp_path / "pid").read_text()))


def _gone(pid: int) -> bool:
    for _ in range(200):
        try:
            os.kill(pid, 0)
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (ProcessLookupError, FileNotFoundError):
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False


def test_a_hook_gets_no_credentials_of_whoever_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI")
    monkeypatch.setenv("CONFLUENT_CLOUD_API_SECRET", "cfltsecret")
    code = """
    import json, os

    def check(plan, environment):
        return [{"message": json.dumps(sorted(os.environ))}]
    """
    names = json.loads(only(asked(tmp_path, code)).message)
    assert "PATH" in names and not [each for each in names if each.startswith(("AWS_", "CONFLUENT_", "INFRA_"))]


def test_a_link_out_of_the_project_is_no_hook(tmp_path: Path) -> None:
    root, outside = tmp_path / "project", tmp_path / "outside.py"
    outside.write_text("def check(plan, environment):\n    return []\n")
    (root / "guards").mkdir(parents=True)
    (root / "guards" / "own.py").symlink_to(outside)
    assert only(asked(root, None)).message.startswith("is a link that leads out of the project")


def test_what_a_hook_finds_can_be_waived_and_its_failure_cannot(tmp_path: Path) -> None:
    waivers = (
        "waivers: [{guard: 'hook:naming', address: '*', reason: see OPS-1, until: 2027-01-01}, "
        "{guard: 'hook:hook-failed', address: '*', reason: see OPS-1, until: 2027-01-01}]"
    )
    finds = "def check(plan, environment):\n    return [{'id': 'naming', 'message': 'no'}]\n"
    assert len(asked(tmp_path, finds, waivers).waived) == 1
    assert only(asked(tmp_path, "def check(plan, environment):\n    1 / 0\n", waivers)).id == "hook-failed"


def test_a_hook_is_not_asked_where_nothing_changes(tmp_path: Path) -> None:
    report = judged(tmp_path, [*MSK, "guards: {hooks: ['guards/none.py:check']}"])
    assert report.results == () and report.checked == ()
