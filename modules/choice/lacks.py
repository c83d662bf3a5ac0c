"""What an environment asks for that a platform does not have: found by reading the YAML, before anything is asked.

These are no errors: the cluster can be made, yet something in the YAML would not work, or not as one thinks. What a
service refuses outright is in the environment's own checks.
"""

from __future__ import annotations

from collections.abc import Iterator

from modules.cost.catalog import option_of
from modules.environment.model import Environment

__all__ = ["lacks", "lacks_of"]


def lacks(environment: Environment) -> list[str]:
    """What the environment's own platform lacks for it; nothing on the laptop."""
    option = option_of(environment)
    return [] if option is None else list(lacks_of(option.id, environment))


def lacks_of(option: str, environment: Environment) -> Iterator[str]:
    """Sentences, each with what asks and what is missing."""
    topics = environment.topics.items()
    compacted = [name for name, topic in topics if "compact" in topic.config.get("cleanup.policy", "")]
    if option == "confluent-freight":
        yield "Freight takes no idempotent producer, which `infra produce` and the sink's dead letters use"
        if compacted:
            yield f"Freight does not compact, topic {compacted[0]} asks for it"
    if option == "confluent-basic":
        if environment.production:
            yield "Basic has a 99.5 % SLA in a single zone, and `production: true` asks for more"
        if environment.connect.kind == "managed" and environment.connect.tasks > 1:
            yield f"Basic runs one task a connector, `connect.tasks` asks for {environment.connect.tasks}"
    if option in ("confluent-enterprise", "confluent-freight") and not environment.network.vpc_id:
        yield "it is reached from a private network only, and `network.vpc_id` names none"
    if option == "msk-serverless":
        fixed = [f"{name}: {key}" for name, topic in topics for key in topic.config if key not in _SERVERLESS]
        if fixed:
            yield f"Serverless takes few topic settings, not {fixed[0]}"
    if option == "redpanda-fargate" and environment.production:
        yield "on Fargate a broker's volume dies with its task, and `production: true` holds data that matters"
    if option.startswith("redpanda") and environment.connect.kind == "managed":
        yield "Redpanda has no managed connectors; `connect.kind: kafka-connect` or `sink` runs one of your own"


_SERVERLESS = {
    "cleanup.policy", "compression.type", "max.message.bytes", "message.timestamp.type", "retention.bytes",
    "message.timestamp.after.max.ms", "message.timestamp.before.max.ms", "retention.ms",
}  # fmt: skip
"""Topic settings MSK Serverless takes (AWS, MSK Serverless configuration properties, read 2026-09)."""
