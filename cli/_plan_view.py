"""A plan and its result on a terminal; the words are `modules/summary`'s, this prints them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli._files import write_comment
from cli._output import print_json, stdout
from modules.simulated import LABEL
from modules.summary.gather import bare
from modules.summary.text import Line, to_lines
from modules.terraform.plan import EnvironmentPlan
from modules.terraform.results import ApplyResult

if TYPE_CHECKING:
    from modules.guards import GuardReport
    from modules.summary.model import Summary

__all__ = [
    "plan_lines", "require_compatible", "result_json", "result_lines", "show_plan", "show_result", "show_summary",
    "write_markdown",
]  # fmt: skip

_REHEARSAL = "bold magenta"


def show_summary(summary: Summary, *, as_json: bool = False) -> None:
    """Print a summary on stdout."""
    if as_json:
        print_json(summary.to_json())
    else:
        _print(to_lines(summary))


def write_markdown(summary: Summary, file: Path) -> None:
    """Leave a summary as a pull request's comment; `-` is stdout.

    Raises:
        ConfigError: the file cannot be written.
    """
    from modules.summary.markdown import to_markdown

    write_comment(file, to_markdown(summary))


def require_compatible(summary: Summary) -> None:
    """Refuse schemas that break what the base revision's level allows.

    Raises:
        PlanError: at least one does; all are named.
    """
    if not summary.refusals:
        return
    from modules.errors import PlanError

    first, *others = summary.refusals
    raise PlanError(
        first,
        where=f"against {summary.base}" if summary.base else None,
        do="change the schema so that it holds, or lower the subject's compatibility in a change of its own first",
        details=others,
    )


def show_plan(
    plan: EnvironmentPlan, *, as_json: bool = False, guards: GuardReport | None = None, losses_apart: bool = False
) -> None:
    """Print a plan by itself on stdout, and what guards say to it.

    Args:
        losses_apart: what data goes is listed elsewhere, so that it does not stand with each resource as well.
    """
    if as_json:
        print_json(plan.to_json())
        return
    _print(to_lines(replace(bare(plan), guards=guards), losses_apart=losses_apart))


def plan_lines(plan: EnvironmentPlan) -> list[Line]:
    """What the plan alone tells."""
    return to_lines(bare(plan))


def show_result(result: ApplyResult) -> None:
    """Print what an apply did on stdout."""
    _print(result_lines(result))


def result_json(plan: EnvironmentPlan, result: ApplyResult | None) -> dict[str, Any]:
    """One document with the plan and what came of it (None: there was nothing to do)."""
    return {
        "version": 1,
        "offline": plan.offline,
        "plan": plan.to_json(),
        "result": result.to_json() if result else None,
    }


def result_lines(result: ApplyResult) -> list[Line]:
    """What was done, a line a stack."""
    lines: list[Line] = [(LABEL, _REHEARSAL)] if result.offline else []
    for stack in result.stacks:
        done = [
            f"{number} {word}"
            for number, word in (
                (stack.added, "created"),
                (stack.changed, "changed"),
                (stack.destroyed, "destroyed"),
                (stack.imported, "imported"),
            )
            if number
        ]
        text = "unchanged" if stack.outcome == "unchanged" else f"{', '.join(done) or 'outputs only'}"
        lines.append((f"{stack.stack:<10} {text}" + (f" in {stack.seconds:.1f} s" if stack.seconds else ""), ""))
    ended = f"{'destroyed' if result.destroy else 'deployed'}{' (rehearsal)' if result.offline else ''}"
    return [*lines, (f"{result.environment}: {ended if result.changed else 'nothing was to be done'}", "bold")]


_ADDRESS = re.compile(r"  \S [\w-]+: [\w.*-]+\.[\w.-]+(\[.*\])?(  \(.*\))?( is gone)?")


def _print(lines: Iterable[Line]) -> None:
    console = stdout()
    # A screen gets sentences wrapped under themselves; a pipe, and an address anywhere, whole lines for grep and copy.
    width = console.width if console.is_terminal else 0
    for text, style in lines:
        for piece in _wrapped(text, width):
            console.print(piece, style=style or None, markup=False, soft_wrap=True)


def _wrapped(text: str, width: int) -> list[str]:
    if len(text) <= width or not width or _ADDRESS.fullmatch(text):
        return [text]
    import textwrap

    indent = " " * (len(text) - len(text.lstrip()) + 4)
    wrapper = textwrap.TextWrapper(
        max(width, 40), subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
    return wrapper.wrap(text) or [text]
