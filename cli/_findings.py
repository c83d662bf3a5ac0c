"""Findings on a terminal: a mark, the check, what it found; details and what to do below it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cli._output import note, stdout

if TYPE_CHECKING:
    from modules.findings import Finding

__all__ = ["conclude", "show_finding"]

_MARKS = {"ok": "✓", "warn": "!", "fail": "✗"}
_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


def show_finding(finding: Finding) -> None:
    """One finding on stdout."""
    from rich.text import Text

    mark = (f"{_MARKS[finding.state]} ", _COLOURS[finding.state])
    console = stdout()
    console.print(Text.assemble(mark, f"{finding.check}: {finding.text}"), soft_wrap=True)
    for detail in finding.details:
        console.print(Text(f"    {detail}", style="dim"), soft_wrap=True)
    if finding.do and finding.state != "ok":
        console.print(Text(f"    → {finding.do}"), soft_wrap=True)


def conclude(findings: Sequence[Finding], what: str = "checks") -> int:
    """The last line, on stderr, and the exit code: 1 where one failed."""
    count = sum(finding.state == "fail" for finding in findings)
    warned = sum(finding.state == "warn" for finding in findings)
    if count:
        note(f"{count} of {len(findings)} {what} failed" + (f", {warned} warned" if warned else ""))
        return 1
    note("nothing is in the way" + f", {warned} of {len(findings)} {what} warned" if warned else "all is well")
    return 0
