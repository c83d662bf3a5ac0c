"""What a check found, as data: how `infra doctor`, `infra secrets check` and `infra providers check` tell it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from modules.errors import InfraError

__all__ = ["Finding", "document", "failed", "from_error"]

State = Literal["ok", "warn", "fail"]
VERSION = 1
"""Of the JSON; a key that changes its meaning makes it 2."""


@dataclass(frozen=True)
class Finding:
    """What one check found; `do` is there when the state is not ok."""

    check: str
    state: State
    text: str
    do: str | None = None
    details: tuple[str, ...] = ()


def from_error(check: str, error: InfraError, state: State = "fail") -> Finding:
    """A foreseen error as a finding."""
    where = (error.where,) if error.where else ()
    return Finding(check, state, error.what, error.do, (*where, *error.details))


def failed(findings: Sequence[Finding]) -> int:
    """How many failed."""
    return sum(finding.state == "fail" for finding in findings)


def document(findings: Sequence[Finding], *, environment: str | None = None, **more: Any) -> dict[str, Any]:
    """The JSON: `version`, `environment`, `ok` (nothing failed), what a command has besides, `findings`."""
    return {
        "version": VERSION,
        "environment": environment,
        "ok": not failed(findings),
        **more,
        "findings": [asdict(finding) for finding in findings],
    }
