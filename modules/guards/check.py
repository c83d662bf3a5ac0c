"""Asks every guard and hook about a plan, and holds what they say against the environment's waivers.

Reads the price book, the working folders' lock files and the YAML's lines; everything else is pure (`rules/`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from modules.environment import Environment
from modules.environment.guards import WHOLE_ENVIRONMENT, Waiver
from modules.environment.loader import read_document
from modules.errors import ConfigError
from modules.guards.catalog import GUARDS, HOOK_FAILED, Guard, severity_of
from modules.guards.facts import Facts, Found, covers, matches
from modules.guards.gather import cost_of, locked, reviewed_versions
from modules.guards.hooks import ask_hooks
from modules.guards.result import GuardReport, GuardResult, UsedWaiver, WaiverNote
from modules.guards.rules import RULES
from modules.project import Project
from modules.terraform.plan import EnvironmentPlan

__all__ = ["LONGEST", "SOON", "check_guards", "judge_facts", "waivers_of"]

LONGEST = timedelta(days=90)
"""How far ahead a waiver may end: an exception that nobody looks at again is a rule."""

SOON = timedelta(days=14)
"""How long before its end a waiver is said to expire soon."""


def check_guards(
    plan: EnvironmentPlan,
    *,
    environment: Environment,
    project: Project,
    allow_destroy: Collection[str] = (),
    today: date | None = None,
    base: Environment | None = None,
    folders: Project | None = None,
    applying: bool = False,
    reviewed: bool = False,
    locks: Mapping[str, bytes] | None = None,
) -> GuardReport:
    """Judge a plan.

    Args:
        allow_destroy: addresses whose data may go (`--allow-destroy`).
        today: the day that waivers are held against; default: now, in UTC. A waiver holds through its last day.
        base: the environment before the change, for `cost-jump`; default: as the last deploy from here had it.
        folders: where the plan's working folders are, if not below `project` (a rehearsed base).
        applying: it is about to be applied.
        reviewed: it was written by `infra plan --out` and is applied as it is.
        locks: the dependency locks it was made with, by stack, where that was not in the working folders here.

    Raises:
        ConfigError: a waiver would hold for too long.
    """
    day = today or datetime.now(UTC).date()
    waivers = waivers_of(environment, project, day)
    facts = Facts(
        plan,
        environment,
        cost=cost_of(environment, project, base)
        if plan.has_changes and not plan.destroy
        else Facts(plan, environment).cost,
        providers=locked(folders or project, environment.name, [stack.stack for stack in plan.stacks], locks),
        reviewed=reviewed_versions(project, environment),
        allow_destroy=frozenset(allow_destroy),
        applying=applying,
        from_artefact=reviewed,
    )
    results, asked = judge_facts(facts)
    if plan.has_changes and environment.guards.hooks:
        results += ask_hooks(plan, environment, project)
        asked += environment.guards.hooks
    return _report(facts, results, waivers, day, asked)


def judge_facts(facts: Facts) -> tuple[list[GuardResult], list[str]]:
    """What guards find, before waivers, and which were asked."""
    if not facts.plan.has_changes:
        return [], []
    results, asked = [], []
    for each in GUARDS:
        severity = severity_of(each, facts.environment)
        if severity == "off":
            continue
        asked.append(each.id)
        allowed: Iterable[str] = getattr(facts.environment.guards.settings(each.id), "allow", ())
        allowed = allowed if isinstance(allowed, list) else ()
        results += [_result(each, severity, one) for one in RULES[each.id](facts) if not matches(one.address, allowed)]
    return results, asked


def _result(which: Guard, severity: Literal["refuse", "warn", "off"], found: Found) -> GuardResult:
    softened: Literal["refuse", "warn"] = "warn" if found.softer or severity != "refuse" else "refuse"
    return GuardResult(which.id, softened, found.stack, found.address, found.message, found.fix or which.fix)


def waivers_of(environment: Environment, project: Project, today: date) -> tuple[UsedWaiver, ...]:
    """The environment's waivers with their lines; the file alone where the YAML is not there any more.

    Raises:
        ConfigError: one would hold for longer than `LONGEST` from today.
    """
    if not environment.guards.waivers:
        return ()
    places = [environment.source] * len(environment.guards.waivers)
    with contextlib.suppress(ConfigError):
        positions = read_document(project, environment.name).positions
        places = [str(positions.at("guards", "waivers", number)) for number in range(len(places))]
    placed = tuple(_placed(each, place) for each, place in zip(environment.guards.waivers, places, strict=True))
    if long := [each for each in placed if each.until - today > LONGEST]:
        latest = f"write a day up to {today + LONGEST}, and look at it again then"
        more = [f"{each.where}: the waiver of {each.guard} runs until {each.until}" for each in long[1:]]
        what = (
            f"the waiver of {long[0].guard} runs until {long[0].until}, and one holds for {LONGEST.days} days at most"
        )
        raise ConfigError(what, where=long[0].where, do=latest, details=more)
    return placed


def _placed(waiver: Waiver, place: str) -> UsedWaiver:
    return UsedWaiver(waiver.guard, waiver.address or "*", waiver.reason, waiver.until, waiver.by, place)


def _report(
    facts: Facts, results: Sequence[GuardResult], waivers: Sequence[UsedWaiver], today: date, asked: Sequence[str]
) -> GuardReport:
    held: list[GuardResult] = []
    used: set[UsedWaiver] = set()
    for result in results:
        fitting = [each for each in waivers if _fits(each, result)]
        used.update(fitting)
        holds = max((each for each in fitting if each.until >= today), key=lambda each: each.until, default=None)
        held.append(_with(result, holds))
    held.sort(key=lambda each: (each.waiver is not None, each.severity != "refuse"))
    environment = facts.environment
    notes = (
        [*_notes(waivers, used, today), *_needless(facts)] if facts.plan.has_changes and not facts.plan.destroy else []
    )
    return GuardReport(environment.name, environment.source, tuple(held), tuple(notes), tuple(asked))


def _fits(waiver: UsedWaiver, result: GuardResult) -> bool:
    return result.id != HOOK_FAILED.id and waiver.guard == result.id and covers(waiver.address, result.address)


def _with(result: GuardResult, waiver: UsedWaiver | None) -> GuardResult:
    from dataclasses import replace

    return replace(result, waiver=waiver) if waiver else result


def _notes(waivers: Sequence[UsedWaiver], used: Collection[UsedWaiver], today: date) -> Iterable[WaiverNote]:
    for each in waivers:
        about = f"the waiver of {each.guard}" + ("" if each.guard in WHOLE_ENVIRONMENT else f" for {each.address}")
        if each.until < today:
            more = "; what it let through counts again" if each in used else " and matches nothing: take it out"
            yield WaiverNote("expired", each.where, f"{about} expired on {each.until}{more}")
        elif each not in used:
            yield WaiverNote("unused", each.where, f"{about} matches nothing in this plan: take it out once it is done")
        elif each.until - today <= SOON:
            yield WaiverNote("expires-soon", each.where, f"{about} expires on {each.until}")


def _needless(facts: Facts) -> Iterable[WaiverNote]:
    losing = {change.address for _, change in facts.changes("delete", "replace", "update")}
    for address in sorted(facts.allow_destroy - losing):
        message = "the plan neither deletes nor changes that"
        yield WaiverNote("allow-destroy-unused", f"--allow-destroy {address}", message)
