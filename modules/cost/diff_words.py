"""The sentences of a difference: `+$447.44`, `at least +$5.00`, `3 → 6 kafka.m7g.large`. Pure text."""

from __future__ import annotations

from decimal import Decimal

from modules.cost.diff import Change, Delta, Diff, DiffSet, Side
from modules.cost.lines import Line, money
from modules.cost.words import budget_words

__all__ = [
    "amount_words",
    "change_words",
    "delta_words",
    "diff_notes",
    "same_words",
    "side_words",
    "signed",
    "summary_words",
    "total_words",
]


def signed(amount: Decimal) -> str:
    """`+$4.00`, `−$4.00`, `±$0.00`."""
    sign = "+" if amount > 0 else "−" if amount < 0 else "±"
    return f"{sign}{money(abs(amount))}"


def delta_words(delta: Delta) -> str:
    """A difference, or what it lies between."""
    if delta.known is not None:
        return signed(delta.known)
    if delta.least is None and delta.most is None:
        return "unknown"
    if (not delta.least and delta.most is None) or (not delta.most and delta.least is None):
        return "unknown more" if delta.most is None else "unknown less"
    if delta.most is None:
        return f"at least {signed(delta.least or Decimal(0))}"
    if delta.least is None:
        return f"at most {signed(delta.most)}"
    ends = [signed(each) if each else money(each) for each in (delta.least, delta.most)]
    return f"{ends[0]} to {ends[1]}"


def summary_words(found: DiffSet) -> str:
    """The line that stands above everything: `Cost: $145.24 → $692.68 a month (+$547.44)`."""
    changed = found.changed
    if not changed:
        return f"Cost: no difference between {found.before} and {found.after}"
    if len(found.diffs) == 1:
        (diff,) = found.diffs
        if diff.before.report is None:
            return (
                f"Cost of {diff.environment}: {total_words(diff.after)} a month, all of it new: {_absent(diff.before)}"
            )
        if diff.after.report is None:
            return f"Cost of {diff.environment}: {total_words(diff.before)} a month less: {_absent(diff.after)}"
        ends = f"{total_words(diff.before)} → {total_words(diff.after)}"
        return f"Cost of {diff.environment}: {ends} a month ({delta_words(diff.delta)})"
    which = ", ".join(each.environment for each in changed)
    return f"Cost: {delta_words(found.delta)} a month in {which} ({found.before} → {found.after})"


def _absent(side: Side) -> str:
    return f"{side.label} has no such environment"


def side_words(diff: Diff) -> str:
    """What the environment runs on, before and after: `Confluent Basic → MSK Standard`, `new: MSK Standard`."""
    before, after = diff.before.report, diff.after.report
    if before is None or after is None:
        report = before or after
        title = report.title if report else ""
        return f"new, {title}" if before is None else f"removed, was {title}"
    names = [
        f"{each.title}, {each.region}" if before.region != after.region else each.title for each in (before, after)
    ]
    return " → ".join(dict.fromkeys(names))


def total_words(side: Side) -> str:
    """A side's month; a dash where it has no such environment."""
    return str(side.report.total) if side.report else "–"


def amount_words(line: Line | None) -> str:
    """A line's month on one side; what it lies between where it is unknown."""
    if line is None:
        return "–"
    if line.amount is None and line.low is not None and line.high is not None:
        return f"{money(line.low)} to {money(line.high)}"
    return money(line.amount)


def change_words(change: Change) -> str:
    """What the line is and what about it has changed: quantity, price, or both."""
    before, after = change.before, change.after
    if before is None or after is None:
        return f"{change.line.what}"
    what = after.what if before.what == after.what else f"{before.what} → {after.what}"
    found = []
    if before.quantity != after.quantity and before.what == after.what:
        found.append(f"{before.quantity} → {after.quantity}")
    if change.repriced:
        prices = [" × ".join(str(each) for each in line.prices) for line in (before, after)]
        found.append(f"{prices[0]} → {prices[1]}" if prices[0] != prices[1] else "another price item")
    return f"{what} ({'; '.join(found)})" if found else what


def same_words(same: int, free: int) -> str:
    """`12 lines are the same, 3 change at no cost`."""
    found = [f"{same} {'line is' if same == 1 else 'lines are'} the same"]
    if free:
        found.append(f"{free} {'changes' if free == 1 else 'change'} at no cost")
    return ", ".join(found)


def diff_notes(found: DiffSet) -> list[str]:
    """What a reader must know beside the lines: what is the same, what was not compared, budgets, misfits."""
    notes = []
    same = [each.environment for each in found.diffs if each.kind == "same"]
    if same and found.changed:
        notes.append(f"no difference: {', '.join(same)}")
    for diff in found.changed:
        if len(found.diffs) == 1 and diff.before.report and diff.after.report and " → " in side_words(diff):
            notes.append(side_words(diff))
        after = diff.after.report
        if after is None:
            continue
        if after.budget and (after.budget.over or after.budget.maybe):
            notes.append(f"{diff.environment}: {budget_words(after.budget, after.total)}")
        notes += [f"{diff.environment}: {each}" for each in after.misfits if diff.kind != "same"]
    open_ended = [each.environment for each in found.changed if each.delta.known is None]
    if open_ended:
        notes.append(f"a price that is unknown changes in {', '.join(open_ended)}, so that its difference is a range")
    notes += [f"{name} was not compared: {found.before} has it in a form that does not load: {why}"
              for name, why in found.unread]  # fmt: skip
    return notes
