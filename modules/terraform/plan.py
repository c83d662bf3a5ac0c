"""What Terraform intends, as data: one stack's plan and an environment's.

Read from `terraform show -json PLAN` (format 1.x). Sensitive values are masked while reading, so that no object here,
its repr or its JSON can leak one. No-ops are left out. Nothing here runs Terraform or judges a plan (`review.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from modules.terraform.events import Diagnostic
from modules.terraform.outside import is_noise

__all__ = [
    "KINDS", "SENSITIVE", "UNKNOWN", "AttributeChange", "Change", "EnvironmentPlan", "Finding", "Kind",
    "OutputChange", "StackPlan", "parse_plan",
]  # fmt: skip

Kind = Literal["create", "update", "replace", "delete", "read", "import", "forget"]
KINDS: tuple[Kind, ...] = ("delete", "replace", "update", "create", "import", "forget", "read")
"""The order in which people should see them: what may hurt comes first."""

SENSITIVE = "(sensitive)"
UNKNOWN = "(known after apply)"

_KINDS: dict[tuple[str, ...], Kind] = {
    ("create",): "create",
    ("update",): "update",
    ("delete",): "delete",
    ("delete", "create"): "replace",
    ("create", "delete"): "replace",
    ("read",): "read",
    ("forget",): "forget",
    ("create", "forget"): "replace",
}

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


def parse_plan(stack: str, document: Mapping[str, Any], *, warnings: Iterable[Diagnostic] = ()) -> StackPlan:
    """A plan from the JSON of `terraform show -json`."""
    entries = document.get("resource_changes") or []
    changes = tuple(change for entry in entries if (change := _change(entry)) is not None)
    drift = tuple(
        change
        for entry in document.get("resource_drift") or []
        if (change := _outside(entry)) is not None and (change.attributes or change.kind == "delete")
    )
    unchanged = sum(
        1 for entry in entries if entry.get("mode") == "managed" and entry["change"]["actions"] == ["no-op"]
    )
    return StackPlan(
        stack,
        changes=changes,
        outputs=_outputs(document.get("output_changes") or {}),
        drift=drift,
        warnings=tuple(warnings),
        unchanged=unchanged,
        compatibility=_levels(document),
    )


def _levels(document: Mapping[str, Any]) -> dict[str, str]:
    planned = document.get("planned_values") or {}
    found = [
        each.get("values") or {}
        for each in (planned.get("root_module") or {}).get("resources") or []
        if each.get("type") == "confluent_subject_config"
    ]
    return {
        each["subject_name"]: each["compatibility_level"]
        for each in found
        if each.get("subject_name") and each.get("compatibility_level")
    }


def _change(entry: Mapping[str, Any]) -> Change | None:
    body = entry["change"]
    kind = _KINDS.get(tuple(body["actions"]))
    if body.get("importing") and kind in (None, "update"):
        kind = "import"
    if kind is None:
        return None
    before, after, unknown = body.get("before"), body.get("after"), body.get("after_unknown")
    marks = (body.get("before_sensitive"), body.get("after_sensitive"))
    replaced = {_path(path) for path in body.get("replace_paths") or []}
    attributes = tuple(_differences(before, after, unknown, marks, replaced)) if kind != "delete" else ()
    return Change(
        address=entry["address"],
        type=entry["type"],
        name=entry["name"],
        kind=kind,
        index_key=entry.get("index"),
        before=_masked(before, marks[0]),
        after=_masked(after, marks[1]),
        after_unknown=unknown or {},
        attributes=attributes,
        reason=entry.get("action_reason"),
    )


def _outside(entry: Mapping[str, Any]) -> Change | None:
    """A change somebody made outside, without the values that only look like one."""
    change = _change(entry)
    if change is None:
        return None
    provider = entry.get("provider_name", "")
    kept = tuple(
        each for each in change.attributes if not is_noise(provider, change.type, each.path, each.before, each.after)
    )
    return replace(change, attributes=kept)


def _outputs(entries: Mapping[str, Any]) -> tuple[OutputChange, ...]:
    outputs = []
    for name in sorted(entries):
        body = entries[name]
        action = body["actions"][0]
        if body["actions"] == ["no-op"] or action not in ("create", "update", "delete"):
            continue
        sensitive = body.get("before_sensitive") is True or body.get("after_sensitive") is True
        after = (
            UNKNOWN if body.get("after_unknown") is True else _masked(body.get("after"), body.get("after_sensitive"))
        )
        outputs.append(
            OutputChange(name, action, _masked(body.get("before"), body.get("before_sensitive")), after, sensitive)
        )
    return tuple(outputs)


def _masked(value: Any, mark: Any) -> Any:
    """A value with its sensitive parts replaced."""
    if mark is True:
        return None if value is None else SENSITIVE
    if isinstance(value, dict) and isinstance(mark, dict):
        return {key: _masked(item, mark.get(key)) for key, item in value.items()}
    if isinstance(value, list) and isinstance(mark, list):
        return [_masked(item, mark[at] if at < len(mark) else None) for at, item in enumerate(value)]
    return value


Marks = tuple[Any, Any]


def _differences(
    before: Any, after: Any, unknown: Any, marks: Marks, replaced: set[str], path: str = ""
) -> Iterable[AttributeChange]:
    """Attributes that differ, deepest path first found; a value unknown until the apply counts as differing."""
    sensitive = marks[0] is True or marks[1] is True
    if unknown is True:
        old = SENSITIVE if sensitive and before is not None else before
        yield AttributeChange(path, old, UNKNOWN, sensitive, path in replaced)
        return
    if sensitive:
        if before != after or _any_true(unknown):
            hidden = [None if value is None else SENSITIVE for value in (before, after)]
            yield AttributeChange(path, hidden[0], hidden[1], True, path in replaced)
        return
    if _is_map(before, path) and _is_map(after, path) and (before or after or unknown):
        old, new = before or {}, after or {}
        for key in dict.fromkeys([*new, *old, *(unknown if isinstance(unknown, dict) else ())]):
            yield from _differences(
                old.get(key), new.get(key), _under(unknown, key),
                (_under(marks[0], key), _under(marks[1], key)), replaced, _join(path, key),
            )  # fmt: skip
        return
    if isinstance(before, list) and isinstance(after, list) and _block_names(before) == _block_names(after):
        for at, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from _differences(
                old, new, _under(unknown, at), (_under(marks[0], at), _under(marks[1], at)), replaced, f"{path}[{at}]"
            )
        return
    if before != after or _any_true(unknown):
        yield AttributeChange(path, _masked(before, marks[0]), _masked(after, marks[1]), False, path in replaced)


def _block_names(blocks: list[Any]) -> list[Any]:
    """Names of blocks that have one (a table's columns): of lists with other names nothing is compared by place."""
    return [block.get("name") if isinstance(block, dict) else None for block in blocks]


def _is_map(value: Any, path: str) -> bool:
    # At the top, a resource that is not there yet (None) is compared attribute by attribute.
    return isinstance(value, dict) or (value is None and path == "")


def _under(marks: Any, key: Any) -> Any:
    if isinstance(marks, dict):
        return marks.get(key)
    if isinstance(marks, list) and isinstance(key, int) and key < len(marks):
        return marks[key]
    return marks if marks is True else None


def _any_true(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_any_true(item) for item in value.values())
    if isinstance(value, list):
        return any(_any_true(item) for item in value)
    return value is True


def _join(path: str, key: str) -> str:
    if not path:
        return key
    return f"{path}.{key}" if key.replace("_", "a").isalnum() else f'{path}["{key}"]'


def _path(parts: Iterable[str | int]) -> str:
    path = ""
    for part in parts:
        path = f"{path}[{part}]" if isinstance(part, int) else _join(path, part)
    return path
