"""Guards of the environment as a whole: protected, its bill, its tags, its provider plugins."""

from __future__ import annotations

from collections.abc import Iterator

from modules.cost.lines import money
from modules.guards.facts import ENVIRONMENT, Facts, Found

__all__ = ["budget", "cost_jump", "missing_tags", "protected_environment", "provider_versions"]


def protected_environment(facts: Facts) -> Iterator[Found]:
    """No destroy of all, no apply of what nobody reviewed. A rehearsal changes nothing, so it is only told."""
    environment, plan = facts.environment, facts.plan
    if not environment.is_protected:
        return
    why = "protected: true" if environment.protected else "production: true"
    if plan.destroy and plan.has_changes:
        yield Found(
            ENVIRONMENT,
            environment.name,
            f"{environment.name} is protected ({why}) and would be destroyed",
            f"write `protected: false` in {environment.source} and have that reviewed first",
            softer=plan.offline,
        )
    elif (
        facts.applying
        and plan.has_changes
        and not facts.from_artefact
        and environment.guards.protected_environment.reviewed_plan
    ):
        name = environment.name
        yield Found(
            ENVIRONMENT,
            environment.name,
            f"{name} is protected ({why}): only a reviewed plan is applied to it, and this one was made just now",
            f"infra plan --env {name} --out plans/{name}, have it reviewed, then infra deploy --env {name} --plan "
            f"plans/{name}",
            softer=plan.offline,
        )


def budget(facts: Facts) -> Iterator[Found]:
    """The month as `infra cost` expects it, over `budget.monthly`."""
    cost, environment = facts.cost, facts.environment
    if facts.plan.destroy or environment.budget is None:
        return
    if cost.problem:
        yield Found(
            ENVIRONMENT,
            environment.name,
            f"the month cannot be priced: {cost.problem}",
            "see `infra cost`",
            softer=True,
        )
    elif cost.monthly is not None:
        least, most = money(cost.known), money(cost.monthly)
        unknown = f", and {_lines(cost.unknown)} no known price" if cost.unknown else ""
        if cost.over:
            more = "at least " if cost.unknown else ""
            yield Found(ENVIRONMENT, environment.name, f"a month costs {more}{least}, the budget is {most}{unknown}")
        elif cost.maybe:
            message = f"a month costs at least {least} of a budget of {most}{unknown}: it may be over"
            yield Found(
                ENVIRONMENT, environment.name, message, "see `infra cost` for the lines without a price", softer=True
            )


def cost_jump(facts: Facts) -> Iterator[Found]:
    """The change adds more than its share to the month."""
    cost, environment = facts.cost, facts.environment
    most = environment.guards.cost_jump.percent
    if facts.plan.destroy or cost.problem or cost.before is None:
        return
    added = cost.known - cost.before
    if added <= 0 or added * 100 <= cost.before * most:
        return
    share = f"{added * 100 / cost.before:.0f} %" if cost.before else "from nothing"
    unknown = max(cost.unknown, cost.before_unknown)
    more = f" (without {_lines(unknown).replace(' have', '').replace(' has', '')} of unknown price)" if unknown else ""
    yield Found(
        ENVIRONMENT,
        environment.name,
        f"a month goes from {money(cost.before)} ({cost.before_label}) to {money(cost.known)}, by {share}; "
        f"{most} % is allowed{more}",
    )


def _lines(number: int) -> str:
    return "one line has" if number == 1 else f"{number} lines have"


def missing_tags(facts: Facts) -> Iterator[Found]:
    """Tags that are required here and that the resource will not have; of `tags_all`, so the provider's count too."""
    environment = facts.environment
    required = list(dict.fromkeys([*environment.required_tags, *environment.guards.missing_tags.tags]))
    if not required:
        return
    for stack, change, after in facts.made():
        tags = after.get("tags_all")
        if not isinstance(tags, dict):
            continue
        missing = [name for name in required if not tags.get(name)]
        if missing:
            what = f"has no tag {missing[0]}" if len(missing) == 1 else f"has no tags {', '.join(missing)}"
            yield Found(stack, change.address, what, f"write `tags: {{{missing[0]}: …}}` in {environment.source}")


def provider_versions(facts: Facts) -> Iterator[Found]:
    """Plugins that made this plan, of versions that are in no reviewed list."""
    if facts.plan.destroy:
        return
    told: dict[tuple[str, str], list[str]] = {}
    for stack, source, version in facts.providers:
        if version not in facts.reviewed.get(source, frozenset()):
            told.setdefault((source, version), []).append(stack)
    for (source, version), stacks in told.items():
        others = sorted(facts.reviewed.get(source, ()))
        seen = f"reviewed: {', '.join(others)}" if others else "none of it is reviewed"
        yield Found(
            ENVIRONMENT,
            source,
            f"{source} {version} is not reviewed ({seen}); stack {', '.join(sorted(stacks))}",
            "review it, then lock it (`infra providers lock`) or write "
            f"`guards: {{provider-versions: {{allow: {{{source}: [{version}]}}}}}}`",
        )
