"""The guards as data: id, how strict, what it is about, what to do. What each looks for is in `rules/`.

A guard is one `Guard` here, one function in `rules/`, one field in `modules/environment/guards.py` and one section in
`docs/guards.md`; tests hold the four together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from modules.environment import Environment
from modules.environment.guards import Severity

__all__ = ["GUARDS", "HOOK_FAILED", "Guard", "guard", "severity_of"]

DOCS = "docs/guards.md"


@dataclass(frozen=True)
class Guard:
    """One guard.

    Attributes:
        severity: what it does where nothing is written.
        production: what it does there in production.
        local: what it does there on a laptop, whose data can be made again.
        fix: what to do where a finding does not say it better.
    """

    id: str
    title: str
    fix: str
    severity: Literal["refuse", "warn", "off"] = "refuse"
    production: Literal["refuse", "warn", "off"] = "refuse"
    local: Literal["refuse", "warn", "off"] = "warn"

    @property
    def doc(self) -> str:
        return f"{DOCS}#{'hooks' if self.id.startswith('hook:') else self.id}"


GUARDS: tuple[Guard, ...] = (
    Guard(
        "protected-environment",
        "a protected environment is not destroyed, and only reviewed plans are applied to it",
        "write the plan with `infra plan --out DIR`, have it reviewed, then `infra deploy --plan DIR`",
        local="refuse",
    ),
    Guard(
        "data-loss",
        "what holds data is deleted, replaced or loses a part",
        "keep it in the YAML, or say that it may go",
    ),
    Guard(
        "retention-reduced",
        "events, rows, backups or logs are kept for less long than now",
        "keep the retention, or waive it once nobody needs what goes",
    ),
    Guard(
        "partitions-reduced",
        "a topic gets fewer partitions, which only works by deleting it",
        "keep the number, or move to a new topic",
    ),
    Guard(
        "keys-moved",
        "a topic with a key gets more partitions, so keys move and lose their order across the change",
        "let consumers catch up first and waive it for that deploy, or move to a new topic",
        severity="warn",
    ),
    Guard(
        "compatibility-lowered",
        "a subject no longer guarantees readers or writers what it did",
        "keep the level, or register the schema under a new subject",
    ),
    Guard(
        "public-endpoint",
        "something becomes reachable from the internet",
        "name the networks that may reach it (`network.clients`), or list it in guards.public-endpoint.allow",
    ),
    Guard(
        "wildcard-rights",
        "rights on everything, or for everybody",
        "grant what is needed on what it is needed for, or list it in guards.wildcard-rights.allow",
    ),
    Guard(
        "unencrypted",
        "data is stored or sent in clear",
        "turn encryption on",
        severity="warn",
    ),
    Guard(
        "replication",
        "a partition has too few copies to survive the loss of a broker",
        "raise `replication`, and `min.insync.replicas` to one less",
        severity="off",
        local="off",
    ),
    Guard(
        "budget",
        "the expected month costs more than `budget.monthly`",
        "see `infra cost advise`, or raise budget.monthly",
        local="refuse",
    ),
    Guard(
        "cost-jump",
        "the change adds more to the month than its share",
        "see `infra cost diff`, or raise guards.cost-jump.percent",
        severity="warn",
        production="warn",
    ),
    Guard(
        "missing-tags",
        "a resource lacks a required tag",
        "write it under `tags`",
        severity="warn",
    ),
    Guard(
        "provider-versions",
        "a provider plugin of a version that nobody reviewed",
        "review it, then lock it (`infra providers lock`) or list it in guards.provider-versions.allow",
    ),
)

HOOK_FAILED = Guard("hook-failed", "a hook of the project could not be asked", "mend the hook", local="refuse")
"""Not in the YAML: a hook that does not answer can neither be turned off nor waived, only taken out of the list."""

_BY_ID = {each.id: each for each in (*GUARDS, HOOK_FAILED)}


def guard(id_: str) -> Guard:
    """The guard of an id; a hook's findings have one made for them."""
    found = _BY_ID.get(id_)
    return found or Guard(id_, "a guard of the project's own", "see the hook", local="refuse")


def severity_of(which: Guard, environment: Environment) -> Severity:
    """How strict it is in an environment: as the YAML says, else as production, laptop or neither has it."""
    if which is HOOK_FAILED:
        return "refuse"
    given: Severity | None = getattr(environment.guards.settings(which.id), "severity", None)
    if given is not None:
        return given
    if environment.production or (environment.is_protected and which.id == "data-loss"):
        return which.production
    return which.local if environment.platform == "local" else which.severity
