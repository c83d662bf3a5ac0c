"""What guards said of a plan, as data: results, waivers that hold or no longer do, and the refusal they make."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from modules.errors import PlanError
from modules.guards.catalog import guard
from modules.guards.facts import ENVIRONMENT

__all__ = ["GuardReport", "GuardResult", "GuardsRefusedError", "UsedWaiver", "WaiverNote"]

JSON_VERSION = 1
"""Raised when a field of `to_json` changes its meaning or goes; added fields do not raise it."""


@dataclass(frozen=True)
class UsedWaiver:
    """A waiver of the YAML, with its place."""

    guard: str
    address: str
    reason: str
    until: date
    by: str | None
    where: str
    """`environments/prod.yaml:12`."""

    def to_json(self) -> dict[str, Any]:
        return {
            "guard": self.guard,
            "address": self.address,
            "reason": self.reason,
            "until": self.until.isoformat(),
            "by": self.by,
            "where": self.where,
        }


@dataclass(frozen=True)
class WaiverNote:
    """What is to be said about a waiver or an `--allow-destroy` itself: it has expired, or it matches nothing."""

    kind: Literal["expired", "unused", "expires-soon", "allow-destroy-unused"]
    where: str
    message: str

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind, "where": self.where, "message": self.message}


@dataclass(frozen=True)
class GuardResult:
    """One finding of one guard.

    Attributes:
        stack: `environment` where it is about that as a whole.
        address: the resource; of the whole the environment's name, a provider's source, a hook.
        waiver: the one that lets it through.
        where: file and line of what to mend, where that is a hook.
    """

    id: str
    severity: Literal["warn", "refuse"]
    stack: str
    address: str
    message: str
    fix: str
    waiver: UsedWaiver | None = None
    where: str | None = None

    @property
    def whole(self) -> bool:
        """Whether it is about no single resource."""
        return self.stack == ENVIRONMENT

    @property
    def refuses(self) -> bool:
        return self.severity == "refuse" and self.waiver is None

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "severity": self.severity,
            "stack": self.stack,
            "address": self.address,
            "message": self.message,
            "fix": self.fix,
            "waiver": self.waiver.to_json() if self.waiver else None,
            "where": self.where,
            "doc": guard(self.id).doc,
        }


@dataclass(frozen=True)
class GuardReport:
    """All of it. `results`: refusals first, then warnings, then what is waived."""

    environment: str
    source: str
    results: tuple[GuardResult, ...] = ()
    notes: tuple[WaiverNote, ...] = ()
    checked: tuple[str, ...] = ()
    """The ids of the guards and hooks that were asked."""

    @property
    def refused(self) -> tuple[GuardResult, ...]:
        return tuple(each for each in self.results if each.refuses)

    @property
    def warned(self) -> tuple[GuardResult, ...]:
        return tuple(each for each in self.results if each.severity == "warn" and each.waiver is None)

    @property
    def waived(self) -> tuple[GuardResult, ...]:
        return tuple(each for each in self.results if each.waiver is not None)

    def to_json(self) -> dict[str, Any]:
        """The stable form; see `JSON_VERSION`."""
        return {
            "version": JSON_VERSION,
            "refused": bool(self.refused),
            "counts": {"refuse": len(self.refused), "warn": len(self.warned), "waived": len(self.waived)},
            "results": [each.to_json() for each in self.results],
            "notes": [each.to_json() for each in self.notes],
            "checked": list(self.checked),
        }

    def require(self) -> None:
        """Nothing, where no guard refuses.

        Raises:
            GuardsRefusedError: one does.
        """
        if self.refused:
            raise GuardsRefusedError(self)


class GuardsRefusedError(PlanError):
    """Guards refuse the plan, before anything is touched.

    Args:
        later: the stack that could only be judged between waves; what was applied before it stays.
    """

    def __init__(self, report: GuardReport, *, later: str = "") -> None:
        from modules.guards.words import refusal_lines, waiver_lines

        ids = list(dict.fromkeys(each.id for each in report.refused))
        what = f"guard {ids[0]} refuses" if len(ids) == 1 else f"{len(ids)} guards refuse"
        touched = (
            f"the plan of stack {later}, made with real values; what was applied before it stays"
            if later
            else ("the plan; nothing was touched")
        )
        super().__init__(
            f"{what} {touched}",
            where=f"environment {report.environment}",
            details=[*refusal_lines(report), *waiver_lines(report)],
            do="mend what is named above; docs/guards.md says what each guard looks for",
        )
        self.report = report
