"""Another mode of the same platform, or another platform, where this load is cheaper there.

Moving is a new cluster beside the old one: what that costs people is said in words, from the decision table.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modules.cost.advise.change import REMOVE, Edit
from modules.cost.advise.rules.base import Context, Proposal, rule
from modules.cost.catalog import OPTIONS, Option, option_of, sized

__all__ = ["MOVES"]

_OF_TIER = ("networking", "cku", "max_ecku", "availability")
_OF_BROKERS = ("broker_type", "authentication", "kafka_version", "storage_per_broker", "storage_ceiling")
_MOVING = (
    "a new cluster beside the old one: topics, rights and schemas are made anew, producers and consumers move one by "
    "one, offsets do not come along, and both are paid for until the old one goes"
)


@rule("mode", "take another mode of the same platform")
def _mode(context: Context) -> Iterator[Proposal]:
    yield from (_to(context, each) for each in _others(context) if each.platform == context.environment.platform)


@rule("platform", "take another platform")
def _platform(context: Context) -> Iterator[Proposal]:
    yield from (_to(context, each) for each in _others(context) if each.platform != context.environment.platform)


def _others(context: Context) -> Iterator[Option]:
    """Options that lack nothing the environment asks for; whether the workload fits is found when they are tried."""
    from modules.choice.lacks import lacks_of

    own = option_of(context.environment)
    for option in OPTIONS.values():
        if (own is None or option.id != own.id) and not list(lacks_of(option.id, context.environment)):
            yield option


def _to(context: Context, option: Option) -> Proposal:
    from modules.choice.decision import read_traits

    environment = context.environment
    edits = [] if option.platform == environment.platform else [Edit(("platform",), option.platform)]
    edits += _SECTIONS[option.platform](context, option)
    if option.platform != environment.platform and not context.files.written(option.platform, "region"):
        edits.append(Edit((option.platform, "region"), context.region))
    fitted = sized(option, context.report.usage, environment)
    for name, value in fitted.changes.items():
        path = tuple(name.split("."))
        edits = [each for each in edits if each.path != path]
        edits.append(Edit(path, value))
    traits = read_traits()[option.id]
    return Proposal(
        f"Move to {option.name}",
        tuple(edits),
        f"{_MOVING}. There: {traits.you_run}; {', '.join(traits.limits)}",
        kind="move",
        slows=option.id == "confluent-freight",
        option=option.id,
    )


def _confluent(context: Context, option: Option) -> list[Edit]:
    return [Edit(("confluent", "tier"), option.mode), *_without(context, "confluent", _OF_TIER)]


def _msk(context: Context, option: Option) -> list[Edit]:
    """Brokers of another family are not this mode's; Serverless has none to choose at all."""
    keys = (*_OF_BROKERS, "brokers") if option.mode == "serverless" else _OF_BROKERS
    return [Edit(("msk", "mode"), option.mode), *_without(context, "msk", keys)]


def _redpanda(context: Context, option: Option) -> list[Edit]:
    return [Edit(("redpanda", "compute"), option.mode), *_without(context, "redpanda", ("instance_type",))]


def _without(context: Context, section: str, keys: tuple[str, ...]) -> list[Edit]:
    return [Edit((section, key), REMOVE) for key in keys if context.files.written(section, key)]


_SECTIONS: dict[str, Any] = {"confluent": _confluent, "msk": _msk, "redpanda": _redpanda}

MOVES = (_mode, _platform)
