"""What an environment is guarded against, as data: every guard with how strict it is here, hooks, waivers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from modules.environment import Environment
from modules.environment.guards import Severity
from modules.guards.catalog import GUARDS, Guard, severity_of
from modules.guards.check import SOON, waivers_of
from modules.guards.hooks import hook_files
from modules.guards.result import UsedWaiver
from modules.project import Project

__all__ = ["Guarded", "Listing", "Standing", "listing"]


@dataclass(frozen=True)
class Guarded:
    """One guard here; `parameters` are those the YAML sets, or that have a value anyway, as a person writes them."""

    guard: Guard
    severity: Severity
    parameters: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.guard.id,
            "severity": self.severity,
            "title": self.guard.title,
            "fix": self.guard.fix,
            "parameters": self.parameters,
            "doc": self.guard.doc,
        }


@dataclass(frozen=True)
class Standing:
    """A waiver today."""

    waiver: UsedWaiver
    days: int
    """Until and with its last day; below 0 it has expired."""

    @property
    def expired(self) -> bool:
        return self.days < 0

    @property
    def soon(self) -> bool:
        return 0 <= self.days <= SOON.days

    def to_json(self) -> dict[str, Any]:
        return {**self.waiver.to_json(), "days": self.days, "expired": self.expired, "soon": self.soon}


@dataclass(frozen=True)
class Listing:
    """All of it."""

    environment: str
    source: str
    protected: bool
    guards: tuple[Guarded, ...]
    hooks: tuple[str, ...]
    waivers: tuple[Standing, ...]
    remarks: tuple[str, ...]
    """What is to be said: waivers that have expired, hooks whose file is not there."""

    def to_json(self) -> dict[str, Any]:
        return {
            "version": 1,
            "environment": self.environment,
            "source": self.source,
            "protected": self.protected,
            "guards": [each.to_json() for each in self.guards],
            "hooks": list(self.hooks),
            "waivers": [each.to_json() for each in self.waivers],
            "remarks": list(self.remarks),
        }


def listing(environment: Environment, project: Project, today: date | None = None) -> Listing:
    """What is guarded in an environment, waivers by their end."""
    day = today or datetime.now(UTC).date()
    guards = tuple(Guarded(each, severity_of(each, environment), _parameters(each, environment)) for each in GUARDS)
    waivers = sorted(
        (Standing(each, (each.until - day).days) for each in waivers_of(environment, project, day)),
        key=lambda each: each.days,
    )
    expired = (
        f"{each.waiver.where}: the waiver of {each.waiver.guard} expired on {each.waiver.until}: take it out"
        for each in waivers
        if each.expired
    )
    missing = (
        f"{environment.source}: guards.hooks: there is no {file.relative_to(project.root)}, so every plan is refused"
        for file in hook_files(environment, project)
        if not file.is_file()
    )
    return Listing(
        environment.name,
        environment.source,
        environment.is_protected,
        guards,
        tuple(environment.guards.hooks),
        tuple(waivers),
        (*expired, *missing),
    )


def _parameters(which: Guard, environment: Environment) -> dict[str, Any]:
    found = environment.guards.settings(which.id).model_dump(mode="json", exclude={"severity"})
    if which.id == "missing-tags":
        found["tags"] = list(dict.fromkeys([*environment.required_tags, *found["tags"]]))
    if which.id == "budget" and environment.budget:
        found["monthly"] = str(environment.budget.monthly)
    return {name: value for name, value in found.items() if value not in ([], {})}
