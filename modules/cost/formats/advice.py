"""Advice as JSON and Markdown, and the sentences every output has.

Amounts are strings of exact decimals in the report's currency; `docs/cost-advise.md` has the shape.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from modules.cost.advise import Advice, Combination, Saving
from modules.cost.currency import report_currency
from modules.cost.formats.parts import JSON_VERSION
from modules.cost.lines import money

__all__ = ["advice_json", "advice_markdown", "amount_words", "combination_words", "nothing_words", "small_words"]


def advice_json(advice: Advice) -> dict[str, Any]:
    """All savings, and the best combinations."""
    return {
        "schema": JSON_VERSION,
        "kind": "advice",
        "environment": advice.environment,
        "title": advice.title,
        "region": advice.region,
        "currency": report_currency(),
        "monthly": {"known": _number(advice.now.known), "at_least": _number(advice.now.least)},
        "floor": _number(advice.floor),
        "savings": [_saving(number, each) for number, each in enumerate(advice.savings, 1)],
        "below_floor": advice.small,
        "combined": _combined(advice, advice.here),
        "combined_with_move": _combined(advice, advice.moving),
        "notes": list(advice.notes),
    }


def _saving(number: int, saving: Saving) -> dict[str, Any]:
    return {
        "number": number,
        "rule": saving.rule,
        "title": saving.title,
        "kind": saving.kind,
        "monthly": _number(saving.amount),
        "monthly_at_least": _number(saving.least),
        "unknown_may_add": saving.more,
        "risk": saving.risk,
        "also": saving.also,
        "may_break": saving.breaks,
        "near_limits": list(saving.near),
        "change": [
            {
                "key": each.name,
                "at": str(each.where) if each.where else None,
                "from": each.before,
                "to": each.after,
            }
            for each in saving.places
        ],
        "diff": saving.difference,
        "sources": list(saving.sources),
    }


def _combined(advice: Advice, combination: Combination | None) -> dict[str, Any] | None:
    if combination is None:
        return None
    numbers = {id(each): number for number, each in enumerate(advice.savings, 1)}
    return {
        "steps": [
            {"number": numbers[id(saving)], "title": saving.title, "adds": _number(amount)}
            for saving, amount in combination.steps
        ],
        "monthly": _number(combination.amount),
        "then": {"known": _number(combination.total.known), "at_least": _number(combination.total.least)},
    }


def advice_markdown(advice: Advice) -> str:
    """For an issue or a pull request: a table, then each with its risk and its change."""
    parts = [
        f"### {advice.environment}: what could be saved, {advice.title}, {advice.region}",
        f"Now {advice.now} a month.",
    ]
    if not advice.savings:
        return "\n\n".join([*parts, nothing_words(advice)])
    rows = [f"| {number} | {each.title} | {amount_words(each)} |" for number, each in enumerate(advice.savings, 1)]
    parts.append("\n".join(["| | | a month |", "| ---: | --- | ---: |", *rows]))
    for number, each in enumerate(advice.savings, 1):
        parts.append(f"**{number}. {each.title}**: {amount_words(each)} a month")
        parts.append("\n".join(f"- {words}" for words in _words(each)))
        if each.difference:
            parts.append(f"```diff\n{each.difference}\n```")
    parts += [words for words in (combination_words(advice), small_words(advice)) if words]
    parts.append("\n".join(f"- {each}" for each in advice.notes))
    return "\n\n".join(parts)


def _words(saving: Saving) -> list[str]:
    found = [f"risk: {saving.risk}"]
    found += [f"also: {saving.also}"] if saving.also else []
    found += [f"warning: {each}" for each in (saving.breaks, *saving.near) if each]
    found += [f"change: {each}" for each in saving.places]
    return found + [f"source: {each}" for each in saving.sources]


def amount_words(saving: Saving) -> str:
    """`$12.30`, `$5 to $12` where it is not certain, `≥ $5` where unknown prices may add to it."""
    if saving.kind == "commitment":
        return f"up to {money(saving.amount)}"
    if not saving.certain:
        return f"{money(saving.least)} to {money(saving.amount)}"
    return f"≥ {money(saving.amount)}" if saving.more else money(saving.amount)


def combination_words(advice: Advice) -> str:
    """What the changes come to together: they overlap, so it is less than their sum."""
    found = []
    for combination, how in ((advice.here, "Together"), (advice.moving, "With the move")):
        if combination is None:
            continue
        numbers = {id(each): number for number, each in enumerate(advice.savings, 1)}
        steps = " + ".join(f"{numbers[id(saving)]}: {money(amount)}" for saving, amount in combination.steps)
        most = "" if all(saving.certain for saving, _ in combination.steps) else "up to "
        found.append(f"{how} {most}{money(combination.amount)} a month ({steps}); then {combination.total}.")
    left = [str(number) for number, each in enumerate(advice.savings, 1) if each.breaks]
    if found and left:
        found.append(f"Without {', '.join(left)}, which may break an SLO.")
    return " ".join(found)


def small_words(advice: Advice) -> str:
    """What is left out for being small."""
    if not advice.small:
        return ""
    plural = "s" if advice.small != 1 else ""
    return f"{advice.small} saving{plural} under {money(advice.floor)} left out (--min)."


def nothing_words(advice: Advice) -> str:
    return f"Nothing to save over {money(advice.floor).removesuffix('.00')} a month."


def _number(amount: Decimal) -> str:
    text = f"{amount:.6f}".rstrip("0").rstrip(".")
    return "0" if text in ("", "-0") else text
