"""Redpanda's brokers, of which each holds copies: replaced, taken out, moved to machines of another kind."""

from __future__ import annotations

import re
from collections.abc import Iterable

from modules.terraform.plan import Change, Finding
from modules.terraform.reviews.values import fate, value

__all__ = ["brokers"]

_BROKER = re.compile(r"broker-[0-9]+")
"""What a Redpanda broker's service and machine are called in the cluster stack."""


def brokers(change: Change) -> Iterable[Finding]:
    """A Redpanda broker that is replaced: on Fargate its volume dies with its task."""
    if change.type not in ("aws_ecs_service", "aws_instance") or not _BROKER.fullmatch(change.name):
        return
    if change.type == "aws_instance":
        if change.kind in ("delete", "replace"):
            yield Finding(
                "warn",
                change.address,
                f"holds data: the machine of {change.name} will be {fate(change)}; its volume stays, but until the "
                "broker is back every partition on it has a copy less",
                "do so to one machine at a time, with the cluster healthy before each",
            )
        return
    old, new = (value(side, "launch_type") for side in (change.before, change.after))
    if change.kind == "replace" and old and new and old != new:
        yield Finding(
            "refuse",
            change.address,
            f"{change.name} cannot move from {old} to {new}: Terraform would end all brokers at once, and all "
            "copies of all partitions with them",
            "make a second environment and copy the topics there, or destroy this one first",
        )
    elif change.kind in ("delete", "replace"):
        dies = ", its volume dies with its task" if old == "FARGATE" else ""
        yield Finding(
            "warn",
            change.address,
            f"holds data: {change.name} will be {fate(change)}{dies}; no gate holds this back, and the cluster "
            "goes on counting on the broker it had",
            "decommission a broker that leaves before it is taken out (docs/redpanda.md)",
        )
    elif change.kind == "update" and old == "FARGATE" and _restarts(change):
        yield Finding(
            "warn",
            change.address,
            f"holds data: the task of {change.name} will be replaced, its volume dies with it; its copies come "
            "back from the other brokers, and the next one waits for that",
            "see that the cluster is healthy before you deploy, and let nothing else stop a broker meanwhile",
        )


def _restarts(change: Change) -> bool:
    """Whether an ECS service's update starts a new task."""
    inside = ("task_definition", "volume_configuration", "network_configuration", "platform_version", "load_balancer")
    return any(each.path.split(".")[0].split("[")[0] in inside for each in change.attributes)
