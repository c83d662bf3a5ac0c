"""A stack's plan from the JSON of `terraform show -json PLAN` (format 1.x).

Sensitive values are masked while reading. No-ops are left out, and so is what only looks as if somebody had changed it
outside (`outside.py`). Runs nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from modules.terraform.events import Diagnostic
from modules.terraform.outside import is_noise
from modules.terraform.plan import SENSITIVE, UNKNOWN, AttributeChange, Change, Kind, OutputChange, StackPlan

__all__ = ["parse_plan"]

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
