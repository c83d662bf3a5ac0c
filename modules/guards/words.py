"""What guards said, in words: for the plan on a screen, and for the error that refuses it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from modules.environment.guards import WHOLE_ENVIRONMENT
from modules.guards.catalog import HOOK_FAILED
from modules.guards.result import GuardReport, GuardResult

__all__ = ["refusal_lines", "to_lines", "waiver_lines"]

_SHOWN = 5
"""Resources named one by one; of more with the same finding the number is said."""


def to_lines(report: GuardReport) -> list[str]:
    """Everything guards said, a block each: refusals, warnings, what is waived, what is to say about waivers."""
    lines = []
    for sign, results in (("✗", report.refused), ("!", report.warned), ("·", report.waived)):
        for group in _groups(results):
            lines += _block(sign, group)
    return [*lines, *(f"! {note.where}: {note.message}" for note in report.notes)]


def refusal_lines(report: GuardReport) -> list[str]:
    """What refuses, and what to do about each."""
    return [line for group in _groups(report.refused) for line in _block("", group)]


def waiver_lines(report: GuardReport) -> list[str]:
    """How to let the first one through for a while, and why a waiver that is there does not."""
    expired = [f"{note.where}: {note.message}" for note in report.notes if note.kind == "expired"]
    first = next((each for each in report.refused if each.id != HOOK_FAILED.id), None)
    if first is None:
        return expired
    address = "" if first.whole and first.id in WHOLE_ENVIRONMENT else f"address: {_quoted(first.address)}, "
    waiver = f"- {{guard: {first.id}, {address}reason: WHY, until: YYYY-MM-DD}}"
    return [*expired, f"to let it through for a while, under guards.waivers of {report.source}: {waiver}"]


def _block(sign: str, group: Sequence[GuardResult]) -> list[str]:
    first = group[0]
    head = f"{sign} " if sign else ""
    lines = []
    for each in group[:_SHOWN]:
        place = _place(each)
        lines.append(f"{head}{each.id}: {place}{each.message}")
    if len(group) > _SHOWN:
        lines.append(f"{head}{first.id}: and {len(group) - _SHOWN} more like it")
    if not first.waiver:
        lines.append(f"    → {first.fix}")
    else:
        by = f" by {first.waiver.by}" if first.waiver.by else ""
        lines.append(f"    waived until {first.waiver.until}{by} ({first.waiver.where}): {first.waiver.reason}")
    return lines


def _place(each: GuardResult) -> str:
    if each.where:
        return f"{each.where}: "
    return "" if each.whole else f"{each.stack} {each.address}: "


def _groups(results: Iterable[GuardResult]) -> Iterable[list[GuardResult]]:
    """Findings that say the same of several resources, together."""

    def alike(each: GuardResult) -> tuple[str, str, str, str]:
        return each.id, each.message, each.fix, each.waiver.where if each.waiver else ""

    return [list(group) for _, group in groupby(results, alike)]


def _quoted(address: str) -> str:
    return f"'{address}'" if any(mark in address for mark in '[]"{}:,#&*!|>%@`') else address
