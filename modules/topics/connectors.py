"""Rights and topics of connectors: what Kafka Connect needs beside what it carries.

Who has them depends on what runs the connectors. A worker has one login for itself and for all its connectors: the
laptop's is `connect`, elsewhere it is that of the role `sink`. A managed connector has a principal of its own: on
Confluent a service account, on MSK Connect an IAM role (see `declare/msk/connect.py`).
"""

from __future__ import annotations

from collections.abc import Iterator

from modules.environment.capture import captured_topics, debezium_sources, prefix_of, runner_of
from modules.environment.connect import kind_of, worker_on_ecs
from modules.environment.model import Environment
from modules.environment.names import connector_name, resource_name
from modules.environment.smoke import sinks_by_carrier
from modules.topics.specs import AclSpec, TopicSpec, dead_letter_topic, sink_acls

__all__ = [
    "LAPTOP_WORKER", "connect_acls", "connector_group", "connector_topics", "debezium_acls", "heartbeat_topic",
    "sink_connector_acls", "sink_connector_name", "worker_group", "worker_topics",
]  # fmt: skip

LAPTOP_WORKER = "connect"
"""Whom the laptop's worker logs in as (`modules/local/connect.py`)."""

_DAY_MS = 86_400_000
_PARTITIONS = {"configs": 1, "offsets": 5, "status": 1}
"""Of a worker's own topics; all settings must be in one partition (kafka.apache.org/documentation/#connect_running)."""


def connector_group(environment: Environment, topic: str) -> str:
    """The consumer group of the connector that carries `topic`; Kafka Connect names it after the connector."""
    return f"connect-{sink_connector_name(environment, topic)}"


def sink_connector_name(environment: Environment, topic: str) -> str:
    """The name of the connector that carries `topic` into its table."""
    carrier = next(name for name, carried in sinks_by_carrier(environment).items() if topic in carried)
    return connector_name(environment, "sink", carrier)


def heartbeat_topic(environment: Environment, source: str) -> str:
    """The topic by which a captured source's slot moves on although the tables rest; Debezium names it."""
    return f"__debezium-heartbeat.{prefix_of(source, debezium_sources(environment)[source])}"


def worker_topics(environment: Environment) -> dict[str, str]:
    """What a worker on ECS keeps in topics of its own, so that a new task goes on where the last one stopped."""
    return {what: resource_name(environment, "connect", what, limit=200) for what in _PARTITIONS}


def worker_group(environment: Environment) -> str:
    """The group the workers on ECS find each other in."""
    return resource_name(environment, "connect", limit=200)


def connector_topics(environment: Environment) -> Iterator[TopicSpec]:
    """Topics that connectors need and would make themselves otherwise, which nobody here may."""
    replication = min(3, environment.brokers)
    durable = {"min.insync.replicas": "2"} if replication >= 3 else {}
    for name in debezium_sources(environment):
        config = {"cleanup.policy": "delete", "retention.ms": str(_DAY_MS)}
        yield TopicSpec(heartbeat_topic(environment, name), 1, replication, tuple(sorted(config.items())))
    if worker_on_ecs(environment):
        for what, topic in worker_topics(environment).items():
            config = {"cleanup.policy": "compact", **durable}
            yield TopicSpec(topic, _PARTITIONS[what], replication, tuple(sorted(config.items())))


def connect_acls(environment: Environment) -> list[AclSpec]:
    """What the connect stack allows by ACL: the project's own sink, a worker, or Confluent's managed connectors."""
    worker = LAPTOP_WORKER if environment.platform == "local" else "sink"
    kind = kind_of(environment)
    rules: list[AclSpec] = []
    if kind == "sink" or (kind == "managed" and environment.platform == "confluent"):
        rules += sink_acls(environment)
    elif kind == "kafka-connect":
        rules += sink_connector_acls(environment, worker)
    for name, source in debezium_sources(environment).items():
        if runner_of(environment, source) == "kafka-connect":
            rules += debezium_acls(environment, name, worker)
    if worker_on_ecs(environment):
        for topic in worker_topics(environment).values():
            rules += [AclSpec(worker, "Topic", topic, "Read"), AclSpec(worker, "Topic", topic, "Write")]
        rules.append(AclSpec(worker, "Group", worker_group(environment), "Read"))
    return rules


def sink_connector_acls(environment: Environment, role: str) -> list[AclSpec]:
    """What Snowflake's connector may do as `role`: read its topics in its own groups, write their dead letters."""
    rules = []
    for name, topic in environment.topics.items():
        if topic.sink:
            rules.append(AclSpec(role, "Topic", name, "Read"))
            rules.append(AclSpec(role, "Group", connector_group(environment, name), "Read"))
            if topic.dead_letter:
                rules.append(AclSpec(role, "Topic", dead_letter_topic(name), "Write"))
    return rules


def debezium_acls(environment: Environment, source: str, role: str) -> list[AclSpec]:
    """What a captured source may do as `role`: write its topics, and its heartbeat."""
    topics = [topic for topic, (owner, _) in captured_topics(environment).items() if owner == source]
    return [AclSpec(role, "Topic", each, "Write") for each in (*topics, heartbeat_topic(environment, source))]
