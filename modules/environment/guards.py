"""Guards, in the environment model: how strict each is here, what it lets through, waivers, hooks and `protected`.

Pure data and its check. What a guard looks for and says is `modules/guards`' work; a test keeps the ids here and there
the same. A hook's file is not looked for here: a revision that is only read for its YAML does not have it.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from modules.environment.document import Problem
from modules.environment.section import Section
from modules.environment.types import Duration, DurationValue, Whole

if TYPE_CHECKING:
    from modules.environment.explain import Positions
    from modules.environment.model import Environment

__all__ = ["GUARD_IDS", "WHOLE_ENVIRONMENT", "Guards", "Severity", "Waiver", "check"]

Severity = Literal["refuse", "warn", "off"]

HOOK = "hook:"
"""How the ids begin that hooks give their findings."""

WHOLE_ENVIRONMENT = ("protected-environment", "budget", "cost-jump", "provider-versions")
"""Guards that judge no single resource, so that a waiver of theirs needs no address."""

_HOOK_AT = re.compile(r"(?![/~])[\w./-]+\.py:[A-Za-z_]\w*")


def _day(value: object) -> object:
    if isinstance(value, date):
        return value
    try:
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", str(value)):
            raise ValueError
        return date.fromisoformat(str(value))
    except ValueError:
        raise ValueError(f"expected a day such as 2027-01-31, got '{str(value)[:60]}'") from None


Day = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]


class GuardSettings(Section):
    """How strict a guard is here."""

    severity: Severity | None = Field(None, description="Default: as `infra guards` lists it.")


class FirmGuard(Section):
    """A guard that can be made to warn, never be turned off."""

    severity: Literal["refuse", "warn"] | None = Field(
        None, description="Default: refuse; on a laptop warn. A protected environment only takes refuse."
    )


class ProtectedGuard(Section):
    """What `protected: true` asks for."""

    reviewed_plan: bool = Field(
        True, description="Apply only a plan that was written and reviewed: `infra deploy --plan DIR`."
    )


class AllowingGuard(GuardSettings):
    """A guard with resources that it lets through for good."""

    allow: list[str] = Field(
        default_factory=list, description="Addresses, `*` standing for anything: let through for good, without expiry."
    )


class TagsGuard(AllowingGuard):
    """Tags that every resource which takes tags must have."""

    tags: list[str] = Field(default_factory=list, description="Beside `required_tags`.")


class VersionsGuard(GuardSettings):
    """Provider versions that count as reviewed."""

    allow: dict[str, list[str]] = Field(
        default_factory=dict, description="Source → versions, `hashicorp/aws: [5.100.0]`, beside those of the lock."
    )


class CostJumpGuard(GuardSettings):
    """How much a change may add."""

    percent: Whole = Field(25, ge=0, le=10_000, description="Above what the last deploy, or the base, costs a month.")


class ReplicationGuard(AllowingGuard):
    """How many copies a partition must have."""

    least: Whole = Field(3, ge=1, le=15, description="Copies; `min.insync.replicas`, where given, one less at least.")


class Waiver(Section):
    """What is let through for a while, with its reason."""

    guard: str = Field(description="The guard's id.")
    address: str | None = Field(
        None, description="The resource, `*` standing for anything; not needed where the whole environment is judged."
    )
    reason: str = Field(description="Why it is all right.", min_length=1)
    until: Day = Field(description="The last day it holds (UTC).")
    by: str | None = Field(None, description="Who takes it on.")


class Guards(Section):
    """What a plan must not do here without somebody saying so."""

    protected_environment: ProtectedGuard = Field(ProtectedGuard(), alias="protected-environment")
    data_loss: FirmGuard = Field(FirmGuard(), alias="data-loss")
    retention_reduced: AllowingGuard = Field(AllowingGuard(), alias="retention-reduced")
    partitions_reduced: AllowingGuard = Field(AllowingGuard(), alias="partitions-reduced")
    keys_moved: AllowingGuard = Field(AllowingGuard(), alias="keys-moved")
    compatibility_lowered: AllowingGuard = Field(AllowingGuard(), alias="compatibility-lowered")
    public_endpoint: AllowingGuard = Field(AllowingGuard(), alias="public-endpoint")
    wildcard_rights: AllowingGuard = Field(AllowingGuard(), alias="wildcard-rights")
    unencrypted: AllowingGuard = AllowingGuard()
    replication: ReplicationGuard = ReplicationGuard()
    budget: GuardSettings = GuardSettings()
    cost_jump: CostJumpGuard = Field(CostJumpGuard(), alias="cost-jump")
    missing_tags: TagsGuard = Field(TagsGuard(), alias="missing-tags")
    provider_versions: VersionsGuard = Field(VersionsGuard(), alias="provider-versions")
    waivers: list[Waiver] = Field(default_factory=list, description="What is let through for a while.")
    hooks: list[str] = Field(
        default_factory=list, description="Guards of your own: `guards/naming.py:check`, from the project's folder."
    )
    hook_timeout: Duration = Field(DurationValue(30_000), description="How long a hook may take.")

    def settings(self, guard: str) -> Section:
        """A guard's settings, by its id."""
        found = getattr(self, guard.replace("-", "_"))
        assert isinstance(found, Section)
        return found


GUARD_IDS = tuple(
    field.alias or name
    for name, field in Guards.model_fields.items()
    if name not in ("waivers", "hooks", "hook_timeout")
)


def check(environment: Environment, positions: Positions) -> Iterator[Problem]:
    """Waivers of guards that exist, each with what it is for; hooks inside the project; firm guards left firm."""
    guards = environment.guards
    if environment.is_protected and guards.data_loss.severity == "warn":
        path = ("guards", "data-loss", "severity")
        message = "a protected environment always refuses to lose data; take the line out, or waive one address"
        yield Problem(positions.at(*path), ".".join(path), message)
    for number, waiver in enumerate(guards.waivers):
        above = ("guards", "waivers", number)
        if unknown := _guard_problem(waiver.guard):
            yield Problem(positions.at(*above, "guard"), f"guards.waivers.{number}.guard", unknown)
        elif waiver.address is None and waiver.guard not in WHOLE_ENVIRONMENT:
            message = f"missing; write the address that `{waiver.guard}` named, or a part of it with `*`"
            yield Problem(positions.at(*above), f"guards.waivers.{number}.address", message)
        if not waiver.reason.strip():
            yield Problem(positions.at(*above, "reason"), f"guards.waivers.{number}.reason", "say why it is all right")
    for number, hook in enumerate(guards.hooks):
        if not _HOOK_AT.fullmatch(hook) or ".." in hook.split("/"):
            message = f"expected FILE.py:FUNCTION inside the project, such as guards/naming.py:check, got '{hook[:80]}'"
            yield Problem(positions.at("guards", "hooks", number), f"guards.hooks.{number}", message)


def _guard_problem(name: str) -> str | None:
    if name in GUARD_IDS or (name.startswith(HOOK) and len(name) > len(HOOK)):
        return None
    close = difflib.get_close_matches(name.lower().replace("_", "-"), GUARD_IDS, n=1, cutoff=0.5)
    hint = f"did you mean `{close[0]}`?" if close else f"the guards are {', '.join(GUARD_IDS)}"
    return f"there is no guard `{name}`; {hint}"
