"""Whether an approved plan still holds: every reason why it does not, a sentence each.

What is compared is what the plan was made from. Whether something was changed outside since then only a new plan can
tell; `same_plan` holds that against the approved one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from modules.artefact.content import moved_parts
from modules.artefact.package import Artefact
from modules.artefact.states import StateIdentity, moved_states
from modules.terraform.compare import differences
from modules.terraform.plan import EnvironmentPlan

__all__ = ["Now", "same_plan", "still_holds", "wrong_use"]


@dataclass(frozen=True)
class Now:
    """How things are where the plan is to be applied."""

    environment: str
    offline: bool
    content: Mapping[str, str]
    states: Mapping[str, StateIdentity | None]
    identity: Mapping[str, str]


def still_holds(artefact: Artefact, now: Now) -> tuple[str, ...]:
    """Reasons why the plan may not be applied any more; empty when it may."""
    if used := wrong_use(artefact.plan.environment, artefact.plan.offline, now):
        return (used,)
    lines = list(moved_parts(artefact.content, now.content))
    for name in dict.fromkeys([*artefact.identity, *now.identity]):
        before, after = artefact.identity.get(name), now.identity.get(name)
        if before != after:
            lines.append(f"{name} was {before or 'not there yet'}, here it is {after or 'not known'}")
    first = {name for name, files in artefact.files.items() if files.first_state}
    approved = {name: None if name in first else each for name, each in artefact.states.items()}
    present = {
        name: None if name in first and (each is None or each.serial == 0) else each
        for name, each in now.states.items()
    }
    return (*lines, *moved_states(approved, present))


def wrong_use(environment: str, offline: bool, now: Now) -> str | None:
    """A plan for something else altogether."""
    if environment != now.environment:
        return f"it is a plan for environment {environment}, not {now.environment}"
    if offline and not now.offline:
        return "it was rehearsed offline, with simulated providers: it is no plan of what is deployed"
    if now.offline and not offline:
        return "it is a plan of what is deployed, and a rehearsal (--offline) would pretend to apply it"
    return None


def same_plan(approved: EnvironmentPlan, fresh: EnvironmentPlan) -> tuple[str, ...]:
    """What a new plan says otherwise than the approved one, a line each."""
    lines = []
    planned = {stack.stack: stack for stack in fresh.stacks}
    for stack in approved.stacks:
        other = planned.get(stack.stack)
        if other is None:
            lines.append(f"stack {stack.stack} is no longer planned")
        elif other.pending and stack.pending:
            lines += [f"stack {stack.stack}: {line}" for line in differences(stack, other)]
        else:
            # Either way round: an update that somebody made already is a difference here, where nothing is applied.
            both = dict.fromkeys([*differences(stack, other), *_gone(stack.stack, approved, fresh)])
            lines += [f"stack {stack.stack}: {line}" for line in both]
    return tuple(lines)


def _gone(name: str, approved: EnvironmentPlan, fresh: EnvironmentPlan) -> list[str]:
    there = {change.address for change in fresh.stack(name).changes}
    return [
        f"{change.address}: {change.kind} was approved and is no longer planned"
        for change in approved.stack(name).changes
        if change.kind not in ("read",) and change.address not in there and not change.address.endswith("[*]")
    ]
