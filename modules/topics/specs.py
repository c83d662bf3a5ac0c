"""What an environment's topics amount to: topics, dead-letter topics, ACLs and schemas, as plain data.

Platforms turn these into their own resources (`mongey/kafka` or Confluent's), so that an ACL is decided once for all of
them. Nothing here knows Terraform.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from modules.environment.capture import captured_topics
from modules.environment.model import Environment, Topic
from modules.environment.source import place_topic, snowflake_sources, source_principal

__all__ = [
    "ROLES",
    "AclSpec",
    "QuotaSpec",
    "SchemaSpec",
    "TopicSpec",
    "access_acls",
    "application_subjects",
    "client_roles",
    "dead_letter_topic",
    "quota_specs",
    "schema_specs",
    "sink_acls",
    "sink_group",
    "topic_specs",
]

ROLES = ("producer", "consumer", "sink")
"""Roles of clients that every environment has."""

Operation = Literal["Read", "Write"]
"""Read and Write each allow Describe too (org.apache.kafka.common.acl.AclOperation), so it is never given by itself."""

_DEAD_LETTER_RETENTION_MS = 14 * 86_400_000


@dataclass(frozen=True)
class TopicSpec:
    """One topic to exist. `config` holds Kafka's own names and string values."""

    name: str
    partitions: int
    replication: int
    config: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class AclSpec:
    """An allow rule for one role: one of `ROLES`, or an application's name. `pattern` is how `resource_name` is
    matched."""

    role: str
    resource_type: Literal["Topic", "Group", "TransactionalID"]
    resource_name: str
    operation: Operation
    pattern: Literal["Literal", "Prefixed"] = "Literal"

    @property
    def key(self) -> str:
        """Stable, readable address key: `producer write topic order-events`."""
        star = "*" if self.pattern == "Prefixed" else ""
        return f"{self.role} {self.operation.lower()} {self.resource_type.lower()} {self.resource_name}{star}"


@dataclass(frozen=True)
class QuotaSpec:
    """The most one application may send and read in a second, over all brokers; None where it is not limited.

    Brokers know nothing of each other, so each is told a share: `produce_share` and `consume_share` are what is left
    for one where as many brokers hold its partitions as can.
    """

    role: str
    produce: int | None
    consume: int | None
    produce_share: int | None
    consume_share: int | None


@dataclass(frozen=True)
class SchemaSpec:
    """A subject with its newest schema. `path` is relative to the environments folder."""

    subject: str
    path: str
    compatibility: str
    references: tuple[tuple[str, str], ...] = ()
    """(type, subject) of what the schema uses and another subject holds."""


def dead_letter_topic(topic: str) -> str:
    """Where the sink puts what it cannot write."""
    return f"{topic}.dlq"


def sink_group(topic: str) -> str:
    """The sink's consumer group."""
    return f"sink-{topic}"


def client_roles(environment: Environment) -> tuple[str, ...]:
    """Every role a client logs in as, but for the administrator: the fixed ones, then the applications."""
    return (*ROLES, *environment.applications)


def topic_specs(environment: Environment) -> list[TopicSpec]:
    """The declared topics, each followed by its dead-letter topic where it has a sink."""
    specs = []
    for name, topic in environment.topics.items():
        replication = environment.replication(name)
        config = {
            "cleanup.policy": "delete",
            "retention.ms": str(topic.retention.milliseconds),
            **_durability(environment, replication),
            **topic.config,
        }
        specs.append(TopicSpec(name, topic.partitions, replication, tuple(sorted(config.items()))))
        if topic.sink and topic.dead_letter:
            dead = {"cleanup.policy": "delete", "retention.ms": str(_DEAD_LETTER_RETENTION_MS)}
            specs.append(TopicSpec(dead_letter_topic(name), 1, replication, tuple(sorted(dead.items()))))
    for name in snowflake_sources(environment):
        replication = min(3, environment.brokers)
        place = {"cleanup.policy": "compact", **_durability(environment, replication)}
        specs.append(TopicSpec(place_topic(name), 1, replication, tuple(sorted(place.items()))))
    from modules.topics.connectors import connector_topics  # it is built on this module

    return [*specs, *connector_topics(environment)]


def access_acls(environment: Environment) -> list[AclSpec]:
    """What producers, consumers and applications may do: their topics, and groups that begin with given names."""
    acls = []
    captured = captured_topics(environment)
    for name, topic in environment.topics.items():
        if name not in captured:  # only its connector writes it
            acls.append(AclSpec("producer", "Topic", name, "Write"))
        acls.append(AclSpec("consumer", "Topic", name, "Read"))
        acls.append(AclSpec("consumer", "Group", f"{name}-", "Read", "Prefixed"))
        if topic.sink and topic.dead_letter:
            acls.append(AclSpec("consumer", "Topic", dead_letter_topic(name), "Read"))
    for name, application in environment.applications.items():
        acls += [AclSpec(name, "Topic", topic, "Write") for topic in application.produces]
        acls += [AclSpec(name, "Topic", topic, "Read") for topic in application.consumes]
        acls += [AclSpec(name, "Group", prefix, "Read", "Prefixed") for prefix in application.group_prefixes(name)]
    for source in snowflake_sources(environment):
        # Rows and place go in one transaction, whose id nobody else may use.
        name = source_principal(source)
        acls += [
            AclSpec(name, "Topic", place_topic(source), "Write"),
            AclSpec(name, "Topic", place_topic(source), "Read"),
        ]
        acls.append(AclSpec(name, "TransactionalID", name, "Write"))
    return acls


def quota_specs(environment: Environment) -> list[QuotaSpec]:
    """The quotas of applications that have one."""
    partitions = {spec.name: spec.partitions for spec in topic_specs(environment)}
    specs = []
    for name, application in environment.applications.items():
        given = application.quota
        produce, consume = (int(rate.bytes_per_second) if rate else None for rate in (given.produce, given.consume))
        if produce is None and consume is None:
            continue

        def share(rate: int | None, topics: list[str]) -> int | None:
            if rate is None:
                return None
            brokers = min(environment.brokers, sum(partitions[topic] for topic in topics))
            return max(1, rate // brokers)

        shares = share(produce, application.produces), share(consume, application.consumes)
        specs.append(QuotaSpec(name, produce, consume, *shares))
    return specs


def application_subjects(environment: Environment, name: str) -> list[str]:
    """Subjects of the schemas an application needs: those of its topics, and those they refer to."""
    application = environment.applications[name]
    topics = {f"{topic}-value" for topic in (*application.produces, *application.consumes)}
    specs = schema_specs(environment)
    referred = {subject for spec in specs if spec.subject in topics for _, subject in spec.references}
    return [spec.subject for spec in specs if spec.subject in topics | referred]


def sink_acls(environment: Environment) -> list[AclSpec]:
    """What the sink may do: read its topics in its own groups, write to their dead-letter topics."""
    acls = []
    for name, topic in _sunk(environment):
        acls.append(AclSpec("sink", "Topic", name, "Read"))
        acls.append(AclSpec("sink", "Group", sink_group(name), "Read"))
        if topic.dead_letter:
            acls.append(AclSpec("sink", "Topic", dead_letter_topic(name), "Write"))
    return acls


def schema_specs(environment: Environment) -> list[SchemaSpec]:
    """One subject a topic that has a value schema, `<topic>-value`; before them those their schemas refer to."""
    referred: dict[str, SchemaSpec] = {}
    values = []
    for name, topic in environment.topics.items():
        if topic.value is None or name in captured_topics(environment):  # Debezium registers what it captures
            continue
        level, references = topic.value.compatibility, []
        for type_, reference in topic.value.references.items():
            subject = reference.subject or type_
            references.append((type_, subject))
            referred.setdefault(subject, SchemaSpec(subject, reference.schema_, level))
        values.append(SchemaSpec(f"{name}-value", topic.value.schema_, level, tuple(references)))
    # A topic's own subject may be what another refers to.
    own = {spec.subject for spec in values}
    return [*(spec for subject, spec in referred.items() if subject not in own), *values]


def _sunk(environment: Environment) -> list[tuple[str, Topic]]:
    return [(name, topic) for name, topic in environment.topics.items() if topic.sink]


def _durability(environment: Environment, replication: int) -> dict[str, str]:
    # acks=all means "all in sync", which is one broker unless the topic asks for more.
    return {"min.insync.replicas": "2"} if replication >= 3 else {}
