"""Terraform's `-json` lines as typed events, and its diagnostics.

Format: "Machine-readable UI" in Terraform's documentation (ui version 1.x). An unknown type is no error: it is skipped,
as that page asks.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["Diagnostic", "Event", "Message", "OutputsEvent", "ResourceEvent", "Summary", "parse_line"]

ResourceStep = Literal[
    "planned",
    "drift",
    "refresh_start",
    "refresh_complete",
    "apply_start",
    "apply_progress",
    "apply_complete",
    "apply_errored",
]
_STEPS: dict[str, ResourceStep] = {
    "planned_change": "planned",
    "resource_drift": "drift",
    "refresh_start": "refresh_start",
    "refresh_complete": "refresh_complete",
    "apply_start": "apply_start",
    "apply_progress": "apply_progress",
    "apply_complete": "apply_complete",
    "apply_errored": "apply_errored",
}


@dataclass(frozen=True)
class ResourceEvent:
    """Something happened, or will happen, to one resource."""

    step: ResourceStep
    address: str
    action: str
    """Terraform's word: create, update, replace, delete, read, noop."""
    seconds: float = 0.0
    """How long it has been going on, where Terraform says."""
    importing: bool = False
    """Planned is (also) an import, and there is something to import."""
    id: str = ""
    """What the provider calls the object, once it is made."""


@dataclass(frozen=True)
class Summary:
    """The counts at the end of a plan, an apply or a destroy."""

    operation: str
    added: int
    changed: int
    destroyed: int
    imported: int = 0


@dataclass(frozen=True)
class OutputsEvent:
    """Outputs a plan would change, by name; the values stay in plan and state."""

    changed: tuple[str, ...]


@dataclass(frozen=True)
class Diagnostic:
    """An error or a warning of Terraform or a provider plugin."""

    severity: Literal["error", "warning"]
    summary: str
    detail: str = ""
    address: str | None = None
    where: str | None = None
    """`file:line` in the Terraform JSON, where Terraform says."""

    def text(self) -> str:
        """One line: address, summary, first line of the detail."""
        detail = " ".join(self.detail.split())
        body = f"{self.summary}: {detail}" if detail and detail != self.summary else self.summary
        return f"{self.address}: {body}" if self.address else body


@dataclass(frozen=True)
class Message:
    """A plain line, such as `Stopping operation...`."""

    text: str


Event = ResourceEvent | Summary | OutputsEvent | Diagnostic | Message


def parse_line(line: str) -> Event | None:
    """One line as an event; None for what nobody needs (versions, provisioner output, unknown types).

    A line that is not JSON becomes a `Message`: Terraform prints some early failures as plain text.
    """
    text = line.strip()
    if not text:
        return None
    try:
        value = json.loads(text)
    except ValueError:
        return Message(text)
    if not isinstance(value, dict):
        return Message(text)
    return _typed(value)


def _typed(value: dict[str, Any]) -> Event | None:
    kind = value.get("type", "")
    if kind in _STEPS:
        body = value.get("change") or value.get("hook") or {}
        resource = body.get("resource") or {}
        return ResourceEvent(
            _STEPS[kind],
            resource.get("addr", "?"),
            body.get("action", ""),
            float(body.get("elapsed_seconds") or 0),
            bool(body.get("importing")),
            str(body.get("id_value") or ""),
        )
    if kind == "diagnostic":
        return _diagnostic(value.get("diagnostic") or {}, value.get("@message", ""))
    if kind == "change_summary":
        counts = value.get("changes") or {}
        return Summary(
            counts.get("operation", ""),
            int(counts.get("add") or 0),
            int(counts.get("change") or 0),
            int(counts.get("remove") or 0),
            int(counts.get("import") or 0),
        )
    if kind == "outputs":
        changed = [
            name
            for name, output in (value.get("outputs") or {}).items()
            if output.get("action") not in (None, "", "noop")
        ]
        return OutputsEvent(tuple(sorted(changed)))
    if kind == "log" and value.get("@level") in ("info", "warn", "error"):
        return Message(" ".join(str(value.get("@message", "")).split()))
    return None


def _diagnostic(body: dict[str, Any], message: str) -> Diagnostic:
    span = body.get("range") or {}
    start = span.get("start") or {}
    where = f"{span['filename']}:{start.get('line', 1)}" if span.get("filename") else None
    return Diagnostic(
        "warning" if body.get("severity") == "warning" else "error",
        body.get("summary") or message,
        body.get("detail") or "",
        body.get("address"),
        where,
    )
