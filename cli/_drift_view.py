"""How `infra drift` looks: missing things first, then changed ones, then what nobody declared, each with what to do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from modules.drift.document import TITLES, shown, summary, where_it_is
from modules.drift.history import Episode
from modules.drift.model import KINDS, Drift, DriftReport, Kind
from modules.simulated import LABEL

__all__ = ["show_history", "show_report"]

Line = tuple[str, str]

_REHEARSAL = "bold magenta"

_STYLES: dict[Kind, tuple[str, str]] = {"missing": ("-", "red"), "changed": ("~", "yellow"), "unmanaged": ("?", "cyan")}


def show_report(report: DriftReport) -> None:
    """On stdout."""
    _print(report_lines(report))


def report_lines(report: DriftReport) -> list[Line]:
    """The whole text, each line with its style."""
    lines: list[Line] = [(LABEL, _REHEARSAL), ("", "")] if report.offline else []
    for kind in KINDS:
        drifts = report.of(kind)
        if drifts:
            lines += [(f"{len(drifts)} {TITLES[kind]}", "bold"), *_group(report, drifts), ("", "")]
    lines += _beside(report)
    lines.append((_total(report), "bold"))
    return [*lines, (LABEL, _REHEARSAL)] if report.offline else lines


def _group(report: DriftReport, drifts: Sequence[Drift]) -> Iterator[Line]:
    """Drifts that ask for the same stand together, with that below them."""
    for do in dict.fromkeys(each.do for each in drifts):
        for drift in (each for each in drifts if each.do == do):
            sign, style = _STYLES[drift.kind]
            since = report.seen_since.get(drift.id)
            old = since is not None and since != report.at.isoformat(timespec="seconds")
            when = f"  (since {since[:16].replace('T', ' ')})" if since and old else ""
            yield f"  {sign} {drift.what}{_facts(drift)}{when}", style
            yield from _details(drift)
        yield f"    → {do}", ""


def _facts(drift: Drift) -> str:
    known = [
        f"{drift.facts['partitions']} partitions" if "partitions" in drift.facts else "",
        f"{drift.facts['objects']} objects in it" if "objects" in drift.facts else "",
        f"owner {drift.facts['owner']}" if "owner" in drift.facts else "",
    ]
    said = ", ".join(each for each in known if each)
    return f"  {said}" if said else ""


def _details(drift: Drift) -> Iterator[Line]:
    if drift.address and drift.kind == "missing":
        yield f"      {drift.stack}: {drift.address}", "dim"
    if drift.with_it:
        yield f"      and {len(drift.with_it)} that lay in it or on it", "dim"
    for each in drift.attributes:
        why = f"  ({each.why_not})" if each.why_not else ""
        yield f"      {where_it_is(each)}: {shown(each.before)} → {shown(each.after)}", ""
        if why:
            yield f"      {why.strip()}", "dim"
    if drift.by_hand:
        yield f"      by hand: {drift.by_hand}", "dim"


def _beside(report: DriftReport) -> Iterator[Line]:
    """What was not looked at, and what is left out by exceptions that are over."""
    for one in report.unlisted:
        yield f"not looked at: {one.what}: {one.why}", "yellow"
        yield f"  → it needs {one.needs}", ""
    for text in report.expired:
        yield f"drift.ignore has expired: {text}", "yellow"
    for stack, why in report.skipped.items():
        yield f"{stack}: {why}", "dim"
    own = [each for each in report.ignored if each.rule == "drift.ignore"]
    for each in own:
        until = f", until {each.until}" if each.until else ""
        yield f"left alone: {each.drift.what}: {each.reason}{until}", "dim"
    if report.unlisted or report.expired or report.skipped or own:
        yield "", ""


def _total(report: DriftReport) -> str:
    partly = "; not everything could be looked at" if report.unlisted else ""
    return f"{summary(report)}{partly}"


def show_history(environment: str, found: Sequence[Episode], looks: int) -> None:
    """When each drift was first seen, and whether it went away."""
    _print(history_lines(environment, found, looks))


def history_lines(environment: str, found: Sequence[Episode], looks: int) -> Iterator[Line]:
    for each in found:
        first, last = (text[:16].replace("T", " ") for text in (each.first, each.gone or each.last))
        state = "gone by" if each.gone else "still there at"
        yield f"{first}  {state:<14} {last}  {each.kind:<9}  {each.what}", "dim" if each.gone else "yellow"
    there = sum(1 for each in found if each.gone is None)
    yield f"{environment}: {looks} looks, {len(found)} drifts seen, {there} of them still there", "bold"


def _print(lines: Iterable[Line]) -> None:
    from cli._output import stdout

    console = stdout()
    for text, style in lines:
        # soft_wrap: a long address must stay one line for grep and copy.
        console.print(text, style=style or None, markup=False, soft_wrap=True)
