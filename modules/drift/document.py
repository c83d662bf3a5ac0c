"""A drift report as Markdown that fits a comment on an issue or a pull request, whatever its size."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from modules.drift.model import KINDS, AttributeDrift, Drift, DriftReport, Kind

__all__ = ["TITLES", "shown", "summary", "to_markdown", "where_it_is"]

TITLES: dict[Kind, str] = {"missing": "missing", "changed": "changed outside", "unmanaged": "not declared"}
_LONGEST = 100


def summary(report: DriftReport) -> str:
    """One line: `local: 3 missing, 1 changed outside`."""
    if not report.drifts:
        seen = f"{len(report.looked_at)} stacks" if len(report.looked_at) != 1 else "1 stack"
        return (
            f"{report.environment}: no drift in {seen}" if report.looked_at else f"{report.environment}: not deployed"
        )
    return f"{report.environment}: " + ", ".join(f"{number} {TITLES[kind]}" for kind, number in report.counts.items())


def shown(value: Any) -> str:
    """A value in one short line."""
    if value is None:
        return "(none)"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def where_it_is(attribute: AttributeDrift) -> str:
    """The key of the YAML, else Terraform's attribute."""
    if attribute.key is None:
        return attribute.path
    return ".".join(f'"{each}"' if "." in each else each for each in attribute.key)


def to_markdown(report: DriftReport, limit: int = 60_000) -> str:
    """The report; what does not fit is left out by number, the worst stays."""
    head = [f"### Drift: {_escaped(summary(report))}", ""]
    tail = [*_tail(report), f"<sub>{report.at:%Y-%m-%d %H:%M} UTC, `infra drift --env {report.environment}`</sub>"]
    room = limit - sum(len(line) + 1 for line in (*head, *tail)) - 200
    body: list[str] = []
    left = 0
    for kind in KINDS:
        drifts = report.of(kind)
        if not drifts:
            continue
        title = [f"**{len(drifts)} {TITLES[kind]}**", "", *_TABLES[kind]]
        rows = [_row(each, report.seen_since.get(each.id)) for each in drifts]
        room -= sum(len(line) + 1 for line in title)
        fitting = []
        for row in rows:
            if room - len(row) - 1 < 0:
                break
            room -= len(row) + 1
            fitting.append(row)
        left += len(rows) - len(fitting)
        if fitting:
            body += [*title, *fitting, ""]
    if left:
        body += [f"… and {left} more: `infra drift --env {report.environment}` has all of them.", ""]
    return "\n".join([*head, *body, *tail]) + "\n"


_TABLES: dict[Kind, list[str]] = {
    "missing": ["| what | address | since |", "|---|---|---|"],
    "changed": ["| what | value | was → is | since |", "|---|---|---|---|"],
    "unmanaged": ["| what | to take it away | since |", "|---|---|---|"],
}


def _row(drift: Drift, since: str | None) -> str:
    when = since[:10] if since else ""
    name = _escaped(drift.what)
    if drift.kind == "changed":
        keys = "<br>".join(f"`{_code(where_it_is(each))}`" for each in drift.attributes)
        values = "<br>".join(
            f"`{_code(shown(each.before))}` → `{_code(shown(each.after))}`" for each in drift.attributes
        )
        return f"| {name} | {keys} | {values} | {when} |"
    if drift.kind == "missing":
        more = f" and {len(drift.with_it)} that went with it" if drift.with_it else ""
        return f"| {name}{more} | `{_code(f'{drift.stack}: {drift.address}')}` | {when} |"
    return f"| {name} | `{_code(drift.by_hand or '')}` | {when} |"


def _tail(report: DriftReport) -> Iterator[str]:
    if report.drifts:
        yield f"`infra drift --env {report.environment} --adopt` writes what is there into the YAML, `--revert` plans "
        yield "the way back; what is not declared is taken away by hand only."
        yield ""
    for one in report.unlisted:
        yield f"- not looked at: {_escaped(one.what)}: {_escaped(one.why)} (needs {_escaped(one.needs)})"
    for text in report.expired:
        yield f"- `drift.ignore` has expired: {_escaped(text)}"
    if report.unlisted or report.expired:
        yield ""
    if report.ignored:
        yield f"{len(report.ignored)} more are left out for a reason (`--json` names them)."
        yield ""


def _escaped(text: str) -> str:
    for sign in "\\`*_[]<>|":
        text = text.replace(sign, f"\\{sign}")
    return text


def _code(text: str) -> str:
    return text.replace("|", "\\|").replace("`", "'")
