"""Hooks: guards that a project writes itself, in Python. Asked in a process of their own, and never trusted to answer.

A hook is code of the repository and runs as whoever runs `infra`, but it gets no credentials by accident: its
environment variables are `PATH`, the locale and the like, and what it is told is the plan with secrets masked. One that
raises, hangs, is not there or answers nonsense refuses the plan: a guard that cannot be asked has not agreed.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from modules.environment import Environment
from modules.environment.guards import HOOK
from modules.guards.catalog import HOOK_FAILED
from modules.guards.facts import ENVIRONMENT
from modules.guards.result import GuardResult
from modules.project import Project
from modules.terraform.plan import EnvironmentPlan

__all__ = ["ask_hooks", "hook_files", "plan_for_hooks"]

_CHILD = Path(__file__).with_name("hook_child.py")
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "SYSTEMROOT")
_MOST = 4 << 20
"""Bytes of an answer that are read: more findings than anyone reads are nonsense."""


def hook_files(environment: Environment, project: Project) -> tuple[Path, ...]:
    """The hooks' files, for whoever has to tell whether anything has changed; they need not be there."""
    names = dict.fromkeys(each.rpartition(":")[0] for each in environment.guards.hooks)
    return tuple(project.root / name for name in names)


def ask_hooks(plan: EnvironmentPlan, environment: Environment, project: Project) -> list[GuardResult]:
    """What each hook says; one that cannot be asked gives a refusal of its own."""
    given = json.dumps(
        {"plan": plan_for_hooks(plan), "environment": environment.model_dump(mode="json", by_alias=True)}, default=str
    )
    results = []
    for hook in environment.guards.hooks:
        results += _ask(hook, given, environment.guards.hook_timeout.seconds, project)
    return results


def plan_for_hooks(plan: EnvironmentPlan) -> dict[str, Any]:
    """The plan as `infra plan --json` has it, and each change with all its values before and after; secrets masked."""
    document = plan.to_json()
    for stack, shown in zip(plan.stacks, document["stacks"], strict=True):
        for change, entry in zip(stack.changes, shown["changes"], strict=True):
            entry["before"], entry["after"] = change.before, change.after
    return document


def _ask(hook: str, given: str, seconds: float, project: Project) -> list[GuardResult]:
    name, _, function = hook.rpartition(":")
    file = (project.root / name).resolve()
    if not file.is_relative_to(project.root.resolve()):
        return [_failed(hook, name, "is a link that leads out of the project", "put the file itself there")]
    if not file.is_file():
        return [_failed(hook, name, "there is no such file", "write it, or take it out of guards.hooks")]
    code, out, late = _run([sys.executable, "-I", str(_CHILD), str(file), function], given, seconds, project.root)
    if late:
        limit = f"{seconds:g}s"
        message = f"`{function}` did not answer within {limit} (guards.hook_timeout)"
        return [_failed(hook, name, message, "make it quicker, or give it more time")]
    try:
        answer = json.loads(out)
        line = answer.get("line")
        place = f"{name}:{line}" if line else name
        if "problem" in answer:
            return [_failed(hook, place, str(answer["problem"]), "mend the hook, or take it out of guards.hooks")]
        return [_finding(hook, place, item) for item in answer["findings"]]
    except (ValueError, KeyError, TypeError, AttributeError):
        how = f"ended with signal {-code}" if code < 0 else f"ended with exit code {code}"
        return [_failed(hook, name, f"`{function}` {how} and gave no answer", "let it return a list of findings")]


def _run(command: list[str], given: str, seconds: float, folder: Path) -> tuple[int, str, bool]:
    """Exit code, what it wrote, whether it took too long; what it started is ended with it."""
    variables = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    with subprocess.Popen(
        command, cwd=folder, env=variables, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, start_new_session=True, text=True, encoding="utf-8", errors="replace",
    ) as child:  # fmt: skip
        try:
            out, _ = child.communicate(given, timeout=seconds)
            return child.returncode, out[:_MOST], False
        except subprocess.TimeoutExpired:
            return 0, "", True
        finally:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(child.pid, signal.SIGKILL)


def _finding(hook: str, place: str, item: Any) -> GuardResult:
    """A finding as the hook gave it; one that is none refuses."""
    problem = _wrong(item)
    if problem:
        message = f"a finding {problem}"
        return _failed(hook, place, message, 'give {"message": …, "severity": "refuse" or "warn"} and, where known, '
                       '"address", "stack", "fix", "id"')  # fmt: skip
    severity: Literal["warn", "refuse"] = item.get("severity") or "refuse"
    own = str(item.get("id") or hook.rpartition("/")[2].replace(".py:", "."))
    return GuardResult(
        own if own.startswith(HOOK) else f"{HOOK}{own}",
        severity,
        str(item.get("stack") or ENVIRONMENT),
        str(item.get("address") or hook),
        " ".join(str(item["message"]).split()),
        str(item.get("fix") or f"see {place}"),
        where=place,
    )


def _wrong(item: Any) -> str | None:
    if not isinstance(item, Mapping):
        return f"is no mapping: {str(item)[:80]}"
    if not isinstance(item.get("message"), str) or not item["message"].strip():
        return "has no `message`"
    if item.get("severity") not in (None, "warn", "refuse"):
        return f"has the severity {item['severity']!r}"[:80]
    return None


def _failed(hook: str, place: str, message: str, fix: str) -> GuardResult:
    return GuardResult(
        HOOK_FAILED.id, "refuse", ENVIRONMENT, hook, f"{message}, so the plan is refused", fix, where=place
    )
