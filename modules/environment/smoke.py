"""What `infra smoke` measures on, in the environment model: a topic and a table of its own, beside the real ones.

The topic is a copy of one that has a sink: the same schema and key, brought into a table next to its table by the same
means. It is added to the environment once that is loaded, so all that follows from a topic (rights, subject, table,
sink) follows for it too. A connector is billed by the task, so this topic gets none: it rides in the connector of the
topic it is a copy of, which also is the one whose latency is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pydantic import Field

from modules.environment.capture import captured_topics
from modules.environment.connect import kind_of
from modules.environment.document import Problem
from modules.environment.section import Section
from modules.environment.types import DurationValue, Whole

if TYPE_CHECKING:
    from modules.environment.explain import Positions
    from modules.environment.model import Environment

__all__ = [
    "SMOKE_TABLE",
    "SMOKE_TOPIC",
    "Smoke",
    "check",
    "own_sinks",
    "own_topics",
    "sinks_by_carrier",
    "with_smoke_topic",
]

SMOKE_TOPIC = "_infra_smoke"
SMOKE_TABLE = "_INFRA_SMOKE"

_RETENTION = DurationValue(3_600_000)
_MOST_PARTITIONS = 3
"""One for each zone: enough to meet every zone's broker, and little to pay where partitions are billed."""


class Smoke(Section):
    """Where `infra smoke` sends its events."""

    own: bool = Field(
        True,
        description=f"Into a topic `{SMOKE_TOPIC}` and a table of their own; false: through a real topic into its "
        "table, marked by their headers.",
    )
    like: str | None = Field(
        None, description="The topic it is a copy of; default: the first that has a schema and a sink.", min_length=1
    )
    partitions: Whole | None = Field(None, ge=1, le=1000, description="Default: as many as that topic has, 3 at most.")


def check(environment: Environment, positions: Positions) -> Iterator[Problem]:
    """`like` names a topic that can be copied."""
    like = environment.smoke.like
    if like is None or like in _copied(environment):
        return
    able = ", ".join(_copied(environment)) or "none has both"
    why = "has no schema or no sink" if like in environment.topics else "is not declared"
    yield Problem(positions.at("smoke", "like"), "smoke.like", f"topic `{like}` {why}; choose one of: {able}")


def with_smoke_topic(environment: Environment) -> Environment:
    """The environment with its smoke topic, where it has one; one that the YAML declares itself stays as it is."""
    like = like_of(environment)
    if not environment.smoke.own or like is None or SMOKE_TOPIC in environment.topics:
        return environment
    whole = environment.topics[like]
    assert whole.sink is not None
    topic = whole.model_copy(
        update={
            "partitions": environment.smoke.partitions or min(whole.partitions, _MOST_PARTITIONS),
            "retention": _RETENTION,
            "sink": whole.sink.model_copy(update={"table": f"{whole.sink.table.rpartition('.')[0]}.{SMOKE_TABLE}"}),
            # In a connector it shares that topic's dead letters.
            "dead_letter": whole.dead_letter and kind_of(environment) == "sink",
            "config": {},
        }
    )
    return environment.model_copy(update={"topics": {**environment.topics, SMOKE_TOPIC: topic}})


def like_of(environment: Environment) -> str | None:
    """The topic that the smoke topic is a copy of; None where no topic can be copied."""
    return environment.smoke.like or next(iter(_copied(environment)), None)


def own_topics(environment: Environment) -> list[str]:
    """The topics the YAML declares, without the one that is only measured on."""
    return [name for name in environment.topics if name != SMOKE_TOPIC]


def own_sinks(environment: Environment) -> list[str]:
    """The topics the YAML declares that have a sink."""
    return [name for name in own_topics(environment) if environment.topics[name].sink]


def sinks_by_carrier(environment: Environment) -> dict[str, list[str]]:
    """Topic that names a connector → the topics it carries, itself first. Each topic with a sink is in one list.

    With the project's own sink every topic is carried by itself.
    """
    sunk = [name for name, topic in environment.topics.items() if topic.sink]
    like = like_of(environment)
    rides = kind_of(environment) != "sink" and like is not None and SMOKE_TOPIC in sunk
    found = {name: [name] for name in sunk if not (rides and name == SMOKE_TOPIC)}
    if rides and like is not None:
        found[like].append(SMOKE_TOPIC)
    return found


def _copied(environment: Environment) -> list[str]:
    """Topics that can be: with a schema of the project's and a sink."""
    captured = captured_topics(environment)
    return [
        name
        for name, topic in environment.topics.items()
        if topic.sink and topic.value and name not in captured and name != SMOKE_TOPIC
    ]
