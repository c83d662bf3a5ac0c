"""An environment's plan as JSON and back, whole: what an apply compares with is there, masked as it was read.

Unlike `EnvironmentPlan.to_json`, which is for readers and stable, this is for `infra` itself: the manifest's format
version tells which `infra` can read it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any, TypeVar

from modules.terraform.events import Diagnostic
from modules.terraform.plan import AttributeChange, Change, EnvironmentPlan, Finding, OutputChange, StackPlan

__all__ = ["from_document", "to_document"]

T = TypeVar("T")

_CHANGES = ("changes", "drift")


def to_document(plan: EnvironmentPlan) -> dict[str, Any]:
    """The plan without the paths of its files, which say nothing elsewhere."""
    stacks = [_plain(replace(stack, plan_file=None)) for stack in plan.stacks]
    return {**_fields(plan), "stacks": stacks}


def from_document(document: Mapping[str, Any]) -> EnvironmentPlan:
    """The plan that `to_document` was given.

    Raises:
        ValueError, KeyError, TypeError: it is none.
    """
    stacks = tuple(_stack(each) for each in document["stacks"])
    return _made(EnvironmentPlan, {**document, "stacks": stacks})


def _stack(document: Mapping[str, Any]) -> StackPlan:
    values = dict(document)
    for name in _CHANGES:
        values[name] = tuple(_change(each) for each in values[name])
    values["outputs"] = tuple(_made(OutputChange, each) for each in values["outputs"])
    values["warnings"] = tuple(_made(Diagnostic, each) for each in values["warnings"])
    values["findings"] = tuple(_made(Finding, each) for each in values["findings"])
    return _made(StackPlan, values)


def _change(document: Mapping[str, Any]) -> Change:
    attributes = tuple(_made(AttributeChange, each) for each in document["attributes"])
    return _made(Change, {**document, "attributes": attributes})


def _made(kind: type[T], values: Mapping[str, Any]) -> T:
    # Of the fields only tuples of texts are left (`pending_on`, `targets`), which JSON has as lists.
    plain = {
        name: tuple(value) if isinstance(value, list) and name in ("pending_on", "targets") else value
        for name, value in values.items()
    }
    return kind(**plain)


def _fields(value: Any) -> dict[str, Any]:
    return {each.name: getattr(value, each.name) for each in fields(value)}


def _plain(value: Any) -> Any:
    if hasattr(value, "__dataclass_fields__"):
        return {name: _plain(each) for name, each in _fields(value).items()}
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    # Values of attributes come from JSON and go back as they are.
    return value
