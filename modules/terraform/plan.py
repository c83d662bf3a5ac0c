"""What Terraform intends, as data: one stack's plan and an environment's.

Read by `plan_json.py`, which masks what is sensitive, so that no object here, its repr or its JSON can leak any. This
runs no Terraform and judges no plan (`review.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from modules.terraform.events import Diagnostic

__all__ = [
    "KINDS", "SENSITIVE", "UNKNOWN", "AttributeChange", "Change", "EnvironmentPlan", "Finding", "Kind",
    "OutputChange", "StackPlan",
]  # fmt: skip

Kind = Literal["create", "update", "replace", "delete", "read", "import", "forget"]
KINDS: tuple[Kind, ...] = ("delete", "replace", "update", "create", "import", "forget", "read")
"""The order in which people should see them: what may hurt comes first."""

SENSITIVE = "(sensitive)"
UNKNOWN = "(known after apply)"

JSON_VERSION = 1
"""Raised when a field of `to_json` changes its meaning or goes; added fields do not raise it."""


@dataclass(frozen=True)
class AttributeChange:
    """One changed attribute; `before` and `after` are plain values, masked where sensitive."""

    path: str
    before: Any
    after: Any
    """`UNKNOWN` where only the apply will tell."""
    sensitive: bool = False
    forces_replacement: bool = False

    def to_json(self) -> dict[str, Any]:
        return {
            "path": self.path,
            "before": self.before,
            "after": self.after,
            "sensitive": self.sensitive,
            "forces_replacement": self.forces_replacement,
        }


@dataclass(frozen=True)
class Change:
    """One resource's change."""

    address: str
    type: str
    name: str
    kind: Kind
    index_key: str | int | None = None
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    after_unknown: Any = field(default_factory=dict)
    attributes: tuple[AttributeChange, ...] = ()
    reason: str | None = None
    """Terraform's `action_reason`, such as `replace_because_cannot_update`."""

    def to_json(self) -> dict[str, Any]:
        return {
            "address": self.address,
            "type": self.type,
            "name": self.name,
            "index_key": self.index_key,
            "kind": self.kind,
            "reason": self.reason,
            "attributes": [item.to_json() for item in self.attributes],
        }


@dataclass(frozen=True)
class OutputChange:
    """One output's change."""

    name: str
    kind: Literal["create", "update", "delete"]
    before: Any
    after: Any
    sensitive: bool = False

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "kind": self.kind,
            "before": self.before,
            "after": self.after,
            "sensitive": self.sensitive,
        }


@dataclass(frozen=True)
class Finding:
    """What a review says about a plan: `warn` is shown, `refuse` stops it."""

    severity: Literal["warn", "refuse"]
    address: str
    message: str
    do: str | None = None

    def to_json(self) -> dict[str, Any]:
        return {"severity": self.severity, "address": self.address, "message": self.message, "do": self.do}


@dataclass(frozen=True)
class StackPlan:
    """One stack's plan.

    A stack with `pending_on` could not be planned, since those stacks have not been applied: `changes` then lists the
    creations read off the Terraform JSON, without values, and an address ends in `[*]` where its instances depend on
    values not known yet.
    """

    stack: str
    changes: tuple[Change, ...] = ()
    outputs: tuple[OutputChange, ...] = ()
    drift: tuple[Change, ...] = ()
    warnings: tuple[Diagnostic, ...] = ()
    findings: tuple[Finding, ...] = ()
    pending_on: tuple[str, ...] = ()
    unchanged: int = 0
    note: str | None = None
    """A sentence to show with the stack: what it waits for, or that it was never applied (destroy)."""
    plan_file: Path | None = None
    compatibility: Mapping[str, str] = field(default_factory=dict)
    """Subject → level that will hold, where a provider keeps it in a resource of its own."""
    digest: str = ""
    """SHA-256 of the plan file: an apply refuses another one."""
    inputs_digest: str = ""
    """Of the upstream outputs the plan was made with."""
    targets: tuple[str, ...] = ()
    """Addresses the plan is limited to; none: the whole stack."""

    @property
    def pending(self) -> bool:
        return bool(self.pending_on)

    @property
    def has_changes(self) -> bool:
        """Whether an apply would do anything."""
        return bool(self.outputs) or any(change.kind != "read" for change in self.changes)

    def count(self, kind: Kind) -> int:
        return sum(1 for change in self.changes if change.kind == kind)

    @property
    def counts(self) -> dict[Kind, int]:
        """Changes by kind, in the order of `KINDS`, zeros left out."""
        return {kind: number for kind in KINDS if (number := self.count(kind))}

    def to_json(self) -> dict[str, Any]:
        return {
            "stack": self.stack,
            "status": "pending" if self.pending else ("changes" if self.has_changes else "no-changes"),
            "pending_on": list(self.pending_on),
            "note": self.note,
            "counts": self.counts,
            "unchanged": self.unchanged,
            "changes": [change.to_json() for change in self.changes],
            "outputs": [output.to_json() for output in self.outputs],
            "drift": [change.to_json() for change in self.drift],
            "findings": [finding.to_json() for finding in self.findings],
            "warnings": [warning.text() for warning in self.warnings],
        }


@dataclass(frozen=True)
class EnvironmentPlan:
    """All stacks of an environment, in the order they are applied (for a destroy: in which they are destroyed)."""

    environment: str
    stacks: tuple[StackPlan, ...]
    destroy: bool = False
    offline: bool = False
    """Made with simulated providers: a rehearsal."""
    targets: tuple[str, ...] = ()
    """What the plan was limited to, as it was asked for; other stacks are left out of `stacks`."""

    @property
    def has_changes(self) -> bool:
        return any(stack.has_changes for stack in self.stacks)

    @property
    def changes(self) -> tuple[tuple[str, Change], ...]:
        """(stack, change), what may hurt first."""
        pairs = [(stack.stack, change) for stack in self.stacks for change in stack.changes]
        return tuple(sorted(pairs, key=lambda pair: KINDS.index(pair[1].kind)))

    @property
    def findings(self) -> tuple[tuple[str, Finding], ...]:
        """(stack, finding), refusals first."""
        pairs = [(stack.stack, finding) for stack in self.stacks for finding in stack.findings]
        return tuple(sorted(pairs, key=lambda pair: pair[1].severity != "refuse"))

    @property
    def refused(self) -> tuple[tuple[str, Finding], ...]:
        return tuple(pair for pair in self.findings if pair[1].severity == "refuse")

    @property
    def counts(self) -> dict[Kind, int]:
        return {kind: number for kind in KINDS if (number := sum(stack.count(kind) for stack in self.stacks))}

    def stack(self, name: str) -> StackPlan:
        return next(stack for stack in self.stacks if stack.stack == name)

    def to_json(self) -> dict[str, Any]:
        """The stable form, for `--json`; see `JSON_VERSION`."""
        return {
            "version": JSON_VERSION,
            "environment": self.environment,
            "destroy": self.destroy,
            "offline": self.offline,
            "has_changes": self.has_changes,
            "refused": bool(self.refused),
            "counts": self.counts,
            "stacks": [stack.to_json() for stack in self.stacks],
        }
