"""Tries each proposal, keeps what saves, and finds what they come to together.

1. Every rule proposes changes. 2. Each is laid on the environment and read as the loader would; what is refused, or
would not carry the workload, is dropped. 3. Its amount is the difference of the two reports. 4. Together they are
applied one after the other, the largest first, each measured on what is left: what overlaps is not counted twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from modules.cost.advise.change import Edit, Files, Place
from modules.cost.advise.rules import NEGOTIATED, RULES, Context, Proposal, Rule
from modules.cost.advise.rules.base import Kind
from modules.cost.book import PriceBook
from modules.cost.catalog import OPTIONS, moved, region_of
from modules.cost.lines import Line, Total, money
from modules.cost.report import Report, report
from modules.environment.model import Environment
from modules.errors import ConfigError, PriceError
from modules.project import Project

__all__ = ["Advice", "Combination", "Saving", "advise", "saved"]

_ALTERNATIVES = {
    "broker-type", "brokers", "zones", "instance-type", "dedicated-size", "egress", "connector-size", "mode",
    "platform",
}  # fmt: skip
"""Rules whose proposals stand for each other: the best alone is shown."""


_LEAST_STEP = Decimal(1)
"""What a change must add to a combination, where smaller savings are not left out anyway."""


@dataclass(frozen=True)
class Saving:
    """One change that saves.

    Attributes:
        amount: what it saves in a month, alone: the difference of two reports; for a commitment the most.
        least: what it saves where it saves least; `amount` where that is certain.
        more: whether prices that nobody knows may add to it.
        places: the keys it changes, with where they stand.
        breaks: an SLO that it may break, in words.
        near: limits that it comes near.
    """

    rule: str
    title: str
    kind: Kind
    amount: Decimal
    least: Decimal
    risk: str
    also: str
    breaks: str = ""
    near: tuple[str, ...] = ()
    more: bool = False
    places: tuple[Place, ...] = ()
    edits: tuple[Edit, ...] = ()
    sources: tuple[str, ...] = ()
    files: Files | None = field(default=None, repr=False, compare=False)

    @property
    def certain(self) -> bool:
        """Whether it saves its amount, whatever queries and ratios turn out to be."""
        return self.least == self.amount

    @property
    def difference(self) -> str:
        """The change of the environment's own file; empty for a commitment."""
        return self.files.difference(self.edits) if self.files else ""


@dataclass(frozen=True)
class Combination:
    """Changes applied together, in their order, and what all of them save; `steps` has what each adds."""

    steps: tuple[tuple[Saving, Decimal], ...]
    amount: Decimal
    total: Total


@dataclass(frozen=True)
class Advice:
    """What could be saved, largest first.

    Attributes:
        floor: savings below this are left out.
        small: how many were.
        here: the best combination without moving the cluster, and without what may break an SLO.
        moving: the best with it, where that saves more.
    """

    environment: str
    title: str
    region: str
    now: Total
    floor: Decimal
    savings: tuple[Saving, ...]
    small: int
    here: Combination | None
    moving: Combination | None
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Tried:
    """A proposal on some state of the files: the files with it, its report, and what it saves there."""

    files: Files
    report: Report
    amount: Decimal
    more: bool


def advise(project: Project, name: str, book: PriceBook, floor: Decimal = Decimal(1)) -> Advice:
    """Everything that would save at least `floor` a month, in the book's currency.

    Raises:
        ConfigError: the environment does not load, or runs on this machine.
        PriceError: its region is not in the price book.
    """
    files = Files(project, name)
    environment = files.environment
    if environment.platform == "local":
        raise ConfigError(
            f"`{name}` runs on this machine: there is nothing to save",
            where=f"{environment.source}: platform",
            do="name an environment that is in a cloud",
        )
    now = report(environment, book)
    context = Context(files, environment, now, book, region_of(environment))
    found: list[tuple[Saving, Proposal]] = []
    small = 0
    for rule in RULES:
        worth = [each for each in _of_rule(rule, context) if each[0].amount > 0]
        kept = [each for each in worth if each[0].amount >= floor]
        small += len(worth) - len(kept)
        found += kept
    found.sort(key=lambda each: (-each[0].amount, each[0].title))
    savings = tuple(saving for saving, _ in found)
    safe = [each for each in savings if each.kind != "commitment" and not each.breaks]
    each_adds = min(floor, _LEAST_STEP)
    here = _together(context, [each for each in safe if each.kind != "move"], each_adds)
    moving = _together(context, safe, each_adds) if any(each.kind == "move" for each in safe) else None
    if moving and not any(step.kind == "move" for step, _ in moving.steps):
        moving = None
    if moving and here and moving.amount <= here.amount:
        moving = None
    notes = (*_notes(now, savings), *_refused_moves(context, floor))
    return Advice(name, now.title, now.region, now.total, floor, savings, small, here, moving, notes)


def _notes(now: Report, savings: Sequence[Saving]) -> tuple[str, ...]:
    notes = [NEGOTIATED]
    if now.misfits:
        notes.insert(0, f"the workload does not fit as it is: {'; '.join(str(each) for each in now.misfits)}")
    unknown = ", ".join(_unknown(now))
    if unknown:
        notes.append(f"No price is known of {unknown}: a change that saves or costs there alone cannot be advised.")
    if any(each.kind == "statement" for each in savings):
        notes.append("Where the YAML only states something (workload), somebody has to make it so: see `also`.")
    return tuple(notes)


def _of_rule(rule: Rule, context: Context) -> list[tuple[Saving, Proposal]]:
    """What a rule's proposals save, the best of those that stand for each other."""
    found = []
    for proposal in rule.propose(context):
        saving = _committed(rule, proposal) if proposal.range else _measured(rule, proposal, context)
        if saving is not None:
            found.append((saving, proposal))
    if rule.id in _ALTERNATIVES and found:
        return [max(found, key=lambda each: each[0].amount)]
    return found


def _committed(rule: Rule, proposal: Proposal) -> Saving:
    assert proposal.range is not None
    least, most = proposal.range
    return Saving(
        rule.id, proposal.title, proposal.kind, most, least, proposal.risk, proposal.also,
        sources=tuple(proposal.sources),
    )  # fmt: skip


def _measured(rule: Rule, proposal: Proposal, context: Context) -> Saving | None:
    tried = _try(context.files, context.report, proposal.edits, context.book)
    if tried is None or tried.amount <= 0:
        return None
    least = tried.amount
    if proposal.cautious:
        cautious = _try(context.files, context.report, (*proposal.edits, *proposal.cautious), context.book)
        least = max(Decimal(0), min(least, cautious.amount)) if cautious else Decimal(0)
    files = context.files
    edits = _needed(files, tried.files, proposal.edits) if proposal.kind == "move" else proposal.edits
    return Saving(
        rule=rule.id,
        title=proposal.title,
        kind=proposal.kind,
        amount=tried.amount,
        least=least,
        risk=proposal.risk,
        also=_also(proposal, context.environment),
        breaks=_breaks(proposal, context.environment),
        near=_near(context.report, tried.report),
        more=tried.more,
        places=files.places(edits),
        edits=edits,
        sources=tuple(proposal.sources),
        files=files,
    )


def _needed(files: Files, changed: Files, edits: tuple[Edit, ...]) -> tuple[Edit, ...]:
    """The edits without those that say what is the default anyway."""
    for edit in edits:
        fewer = tuple(each for each in edits if each is not edit)
        try:
            if files.with_edits(fewer).environment == changed.environment:
                edits = fewer
        except ConfigError:
            continue
    return edits


_GUARD = (
    "production protects what holds data: it goes last, in a deploy of its own with `production: false`, once nobody "
    "uses it"
)


def _also(proposal: Proposal, environment: Environment) -> str:
    guarded = environment.production and (proposal.destroys or proposal.kind == "move")
    return "; ".join(each for each in (proposal.also, _GUARD if guarded else "") if each)


def _breaks(proposal: Proposal, environment: Environment) -> str:
    target = _row_visible(environment)
    return f"may break slo.row_visible ({target}): `infra smoke` tells" if proposal.slows and target else ""


def _near(now: Report, after: Report) -> tuple[str, ...]:
    """Limits that the changed environment comes near and the present one does not."""
    return tuple(
        each for each in after.estimate.notes if each.startswith("near a limit") and each not in now.estimate.notes
    )


def _row_visible(environment: Environment) -> str:
    its = environment.slo.row_visible.times()
    return ", ".join(f"{name.replace('_', '.')} {each}" for name, each in its.items())


def _try(files: Files, now: Report, edits: Sequence[Edit], book: PriceBook) -> _Tried | None:
    """The environment with the edits; None where they are refused, cannot be priced, or the workload would not fit."""
    changed = files.with_edits(edits)
    try:
        after = report(changed.environment, book)
    except (ConfigError, PriceError):
        return None
    if len(after.misfits) > len(now.misfits) or (after.misfits and after.option != now.option):
        return None
    least, most = saved(now, after)
    return None if least is None else _Tried(changed, after, least, most is None or most > least)


def saved(now: Report, after: Report) -> tuple[Decimal | None, Decimal | None]:
    """What the second report is less than the first, at the least and at the most; None where nobody can say.

    A price that is unknown in both counts by what is used less of it: as much in both is no difference, and fewer of
    the same never cost more.
    """
    before, then = _unknown(now), _unknown(after)
    least: Decimal | None = now.total.known - after.total.known
    most = least
    for key in before.keys() | then.keys():
        one, other = _less(before.get(key), then.get(key))
        least = None if least is None or one is None else least + one
        most = None if most is None or other is None else most + other
    return least, most


def _less(before: Line | None, then: Line | None) -> tuple[Decimal | None, Decimal | None]:
    """What a line whose price is unknown gets less by, at the least and at the most."""
    if before is None or then is None:
        line = before or then
        assert line is not None
        low = line.low or Decimal(0)
        return (low, line.high) if before else (None if line.high is None else -line.high, -low)
    if before.prices != then.prices:
        least = None if then.high is None else (before.low or Decimal(0)) - then.high
        return least, None if before.high is None else before.high - (then.low or Decimal(0))
    used_less = before.quantity.amount - then.quantity.amount
    if not used_less:
        return Decimal(0), Decimal(0)
    low = abs((before.low or Decimal(0)) - (then.low or Decimal(0)))
    high = None if before.high is None or then.high is None else abs(before.high - then.high)
    return (low, high) if used_less > 0 else (None if high is None else -high, -low)


def _unknown(of: Report) -> dict[str, Line]:
    return {line.id: line for line in of.estimate.lines if line.amount is None}


def _refused_moves(context: Context, floor: Decimal) -> list[str]:
    """Where another mode or platform would be cheaper, but the environment's own checks refuse it: the cheapest such,
    and what would have to be written first."""
    found = []
    for proposal in (each for rule in RULES if rule.id in ("mode", "platform") for each in rule.propose(context)):
        refusal = _refusal(context.files, proposal.edits)
        option = OPTIONS.get(proposal.option)
        if refusal is None or option is None:
            continue
        there = report(moved(context.environment, option), context.book)
        least, _ = saved(context.report, there)
        if least is not None and least >= floor and not there.misfits:
            found.append((least, f"{option.name} would be {money(least)} a month less, but {refusal}"))
    return [words for _, words in sorted(found, reverse=True)[:1]]


def _refusal(files: Files, edits: Sequence[Edit]) -> str | None:
    try:
        _ = files.with_edits(edits).environment
    except ConfigError as error:
        first = error.details[0] if error.details else error.what
        return first.removeprefix("the change: ")
    return None


def _together(context: Context, savings: Sequence[Saving], floor: Decimal) -> Combination | None:
    """One after the other, whichever saves most on what is left."""
    files, now = context.files, context.report
    left, steps = list(savings), []
    while left:
        tries = [(each, tried) for each in left if (tried := _try(files, now, each.edits, context.book)) is not None]
        tries = [each for each in tries if each[1].amount >= floor]
        if not tries:
            break
        best, tried = max(tries, key=lambda each: each[1].amount)
        steps.append((best, tried.amount))
        files, now = tried.files, tried.report
        left = [each for each, _ in tries if each is not best]
    if not steps:
        return None
    return Combination(tuple(steps), sum((amount for _, amount in steps), Decimal(0)), now.total)
