"""Drift as data: what `infra drift` found. Nothing here reads a plan or asks a service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

__all__ = ["JSON_VERSION", "KINDS", "AttributeDrift", "Drift", "DriftReport", "IgnoredDrift", "Kind", "Unlisted"]

Kind = Literal["missing", "changed", "unmanaged"]
KINDS: tuple[Kind, ...] = ("missing", "changed", "unmanaged")
"""In the order people should see them."""

JSON_VERSION = 1
"""Raised when a field of `to_json` changes its meaning or goes; added fields do not raise it."""


@dataclass(frozen=True)
class AttributeDrift:
    """One value that is another than Terraform left it with; both masked where they are sensitive.

    Attributes:
        path: Terraform's attribute.
        key: where the YAML says it, as a path of keys; None where it does not.
        before, after: in the YAML's words where it says them (`30d`), else as Terraform has them.
    """

    path: str
    before: Any
    after: Any
    key: tuple[str, ...] | None = None
    why_not: str | None = None
    """Why the YAML cannot say it; None where it can."""

    def to_json(self) -> dict[str, Any]:
        return {
            "path": self.path,
            "key": list(self.key) if self.key else None,
            "before": self.before,
            "after": self.after,
            "why_not": self.why_not,
        }


@dataclass(frozen=True)
class Drift:
    """One thing that is not as it was left.

    Attributes:
        type: in plain words: `topic`, `subject`, `ACL`, `role`, `grant`, `table` …
        name: as its service has it: `order-events`, `STREAMING.PUBLIC.ORDER_EVENTS`.
        stack, address: where Terraform has it; None for what nobody declared.
        with_it: addresses that went because this one did (a dropped schema's grants).
        facts: what is known of an unmanaged object: partitions, who owns it.
        do: what can be done about it, a sentence.
        by_hand: for an unmanaged object, the command that takes it away.
    """

    kind: Kind
    type: str
    name: str
    stack: str | None = None
    address: str | None = None
    attributes: tuple[AttributeDrift, ...] = ()
    with_it: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    do: str = ""
    by_hand: str | None = None

    @property
    def what(self) -> str:
        """`topic order-events`."""
        return f"{self.type} {self.name}"

    @property
    def id(self) -> str:
        """The same for the same drift at every run; of a change, also its values count not, so that it keeps its
        history while somebody goes on changing."""
        return f"{self.kind} {self.stack}: {self.address}" if self.address else f"{self.kind} {self.what}"

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "kind": self.kind,
            "type": self.type,
            "name": self.name,
            "stack": self.stack,
            "address": self.address,
            "attributes": [each.to_json() for each in self.attributes],
            "with_it": list(self.with_it),
            "facts": dict(self.facts),
            "do": self.do,
            "by_hand": self.by_hand,
        }


@dataclass(frozen=True)
class IgnoredDrift:
    """Drift that is left out of the report, and by which rule: `rule` is an id of `ignored.yaml`, or `drift.ignore`."""

    drift: Drift
    rule: str
    reason: str
    until: str | None = None

    def to_json(self) -> dict[str, Any]:
        return {**self.drift.to_json(), "rule": self.rule, "reason": self.reason, "until": self.until}


@dataclass(frozen=True)
class Unlisted:
    """What could not be looked at: `needs` is the permission, or what else is missing."""

    what: str
    why: str
    needs: str

    def to_json(self) -> dict[str, Any]:
        return {"what": self.what, "why": self.why, "needs": self.needs}


@dataclass(frozen=True)
class DriftReport:
    """What one look at an environment found.

    Attributes:
        looked_at: stacks that were compared; `skipped` says of the others why not.
        expired: entries of `drift.ignore` whose last day is over, and that would apply.
        seen_since: drift's id → when it was first seen, from the history.
    """

    environment: str
    at: datetime
    drifts: tuple[Drift, ...] = ()
    ignored: tuple[IgnoredDrift, ...] = ()
    unlisted: tuple[Unlisted, ...] = ()
    looked_at: tuple[str, ...] = ()
    skipped: Mapping[str, str] = field(default_factory=dict)
    expired: tuple[str, ...] = ()
    seen_since: Mapping[str, str] = field(default_factory=dict)
    offline: bool = False

    def of(self, kind: Kind) -> tuple[Drift, ...]:
        return tuple(each for each in self.drifts if each.kind == kind)

    @property
    def counts(self) -> dict[Kind, int]:
        """By kind, zeros left out."""
        return {kind: number for kind in KINDS if (number := len(self.of(kind)))}

    def to_json(self) -> dict[str, Any]:
        """The stable form, for `--json`; see `JSON_VERSION` and docs/drift.md."""
        return {
            "version": JSON_VERSION,
            "environment": self.environment,
            "at": self.at.isoformat(timespec="seconds"),
            "offline": self.offline,
            "drifted": bool(self.drifts),
            "complete": not self.unlisted,
            "counts": {kind: len(self.of(kind)) for kind in KINDS},
            "drifts": [{**each.to_json(), "since": self.seen_since.get(each.id)} for each in self.drifts],
            "ignored": [each.to_json() for each in self.ignored],
            "unlisted": [each.to_json() for each in self.unlisted],
            "looked_at": list(self.looked_at),
            "skipped": dict(self.skipped),
            "expired_ignores": list(self.expired),
        }
