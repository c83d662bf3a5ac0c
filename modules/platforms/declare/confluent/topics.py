"""Topics, who may use them, and the schemas of what is in them, on a Confluent Cloud cluster.

The provider knows the cluster, so resources name neither it nor credentials. A schema is not tried against the
registry while planning (the provider would ask it as soon as its address is known); the review of the plan judges it
instead, and the registry does when it is registered.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from modules.environment.model import Environment
from modules.platforms.declare.confluent.cluster import protection
from modules.resources.base import DependsOn, Stack
from modules.resources.confluent import (
    ConfluentKafkaAcl,
    ConfluentKafkaTopic,
    ConfluentRoleBinding,
    ConfluentSchema,
    ConfluentSchema_SchemaReference,
    ConfluentSubjectConfig,
)
from modules.resources.expressions import each, literal, var
from modules.topics import AclSpec, SchemaSpec, TopicSpec

__all__ = [
    "Right", "connector_rights", "declare_acls", "declare_role_bindings", "declare_schemas", "declare_topics",
    "rights_of",
]  # fmt: skip

CONNECTOR_TOPICS = ("dlq-lcc", "success-lcc", "error-lcc")
CONNECTOR_GROUP = "connect-lcc"
"""What names of a managed connector's own topics and group begin with."""


@dataclass(frozen=True)
class Right:
    """One thing one role may do, in Confluent's words. `pattern` is LITERAL or PREFIXED."""

    role: str
    type: str
    name: str
    pattern: str
    operation: str

    @property
    def key(self) -> str:
        """`producer write topic order-events`, as on every other platform."""
        star = "*" if self.pattern == "PREFIXED" else ""
        return f"{self.role} {self.operation.lower()} {self.type.lower()} {self.name}{star}"


def rights_of(specs: Sequence[AclSpec]) -> list[Right]:
    """The rights every platform gives."""
    return [
        Right(
            spec.role,
            _TYPES.get(spec.resource_type, spec.resource_type.upper()),
            spec.resource_name,
            spec.pattern.upper(),
            spec.operation.upper(),
        )
        for spec in specs
    ]


_TYPES = {"TransactionalID": "TRANSACTIONAL_ID"}


def connector_rights(specs: Sequence[AclSpec]) -> Iterator[Right]:
    """What the managed sink connector needs instead of our own sink's group and dead-letter topics.

    docs.confluent.io/cloud/current/connectors/service-account.html: it names its group and its topics for dead letters,
    successes and errors after its id, which is not known before.
    """
    yield Right("sink", "CLUSTER", "kafka-cluster", "LITERAL", "DESCRIBE")
    for right in rights_of(specs):
        if right.type == "TOPIC":  # it reads topics, and writes the dead letters that are named to it
            yield right
    yield Right("sink", "GROUP", CONNECTOR_GROUP, "PREFIXED", "READ")
    for name in CONNECTOR_TOPICS:
        for operation in ("CREATE", "WRITE"):
            yield Right("sink", "TOPIC", name, "PREFIXED", operation)


def declare_topics(stack: Stack, environment: Environment, specs: Sequence[TopicSpec]) -> None:
    """`confluent_kafka_topic.topic["<name>"]`; replication is Confluent's, three."""
    if not specs:
        return
    ConfluentKafkaTopic(
        stack,
        "topic",
        for_each={spec.name: {"partitions": spec.partitions, "config": dict(spec.config)} for spec in specs},
        topic_name=each.key,
        partitions_count=each.value("partitions"),
        config=each.value("config"),
        lifecycle=protection(environment),
    )


def declare_acls(stack: Stack, rights: Sequence[Right]) -> None:
    """`confluent_kafka_acl.allow["producer write topic order-events"]`."""
    if not rights:
        return
    rules = {
        right.key: {
            "principal": _principal(right),
            "type": right.type,
            "name": right.name,
            "pattern": right.pattern,
            "operation": right.operation,
        }
        for right in rights
    }
    ConfluentKafkaAcl(
        stack,
        "allow",
        for_each=rules,
        principal=each.value("principal"),
        host="*",
        permission="ALLOW",
        operation=each.value("operation"),
        resource_type=each.value("type"),
        resource_name=each.value("name"),
        pattern_type=each.value("pattern"),
    )


_ROLES = {"READ": "DeveloperRead", "WRITE": "DeveloperWrite", "CREATE": "DeveloperManage"}


def declare_role_bindings(stack: Stack, rights: Sequence[Right]) -> None:
    """`confluent_role_binding.allow["producer write topic order-events"]`.

    Describing the cluster needs no binding: each of these roles lets its holder see what it is bound to.
    """
    cluster = f"{var('cluster_rbac_crn')}/kafka={var('cluster_cluster_id')}"
    bindings = {
        right.key: {
            "principal": _principal(right),
            "role": _ROLES[right.operation],
            "pattern": f"{cluster}/{_in_crn(right.type)}={right.name}{'*' if right.pattern == 'PREFIXED' else ''}",
        }
        for right in rights
        if right.type != "CLUSTER"
    }
    if bindings:
        ConfluentRoleBinding(
            stack,
            "allow",
            for_each=bindings,
            principal=each.value("principal"),
            role_name=each.value("role"),
            crn_pattern=each.value("pattern"),
        )


def _in_crn(type_: str) -> str:
    """`topic`, `group`, `transactional-id`: as Confluent's resource names spell them."""
    return type_.lower().replace("_", "-")


def declare_schemas(
    stack: Stack, environment: Environment, specs: Sequence[SchemaSpec], texts: Mapping[str, str]
) -> None:
    """`confluent_schema.value["order-events-value"]`, under the compatibility that is set first."""
    if not specs:
        return
    level = ConfluentSubjectConfig(
        stack,
        "value",
        for_each={spec.subject: spec.compatibility for spec in specs},
        subject_name=each.key,
        compatibility_level=each.value(),
    )
    plain = _schemas(stack, environment, "value", [spec for spec in specs if not spec.references], texts, [level])
    groups: dict[tuple[tuple[str, str], ...], list[SchemaSpec]] = {}
    for spec in specs:
        if spec.references:
            groups.setdefault(spec.references, []).append(spec)
    for references, group in groups.items():
        # Their blocks differ, so each group of schemas that refer to the same types is a resource of its own.
        assert plain is not None  # what is referred to refers to nothing itself
        used = [
            ConfluentSchema_SchemaReference(
                name=type_, subject_name=subject, version=plain.attr("version", key=subject)
            )
            for type_, subject in references
        ]
        id_ = "with_" + re.sub(r"\W", "_", "_".join(type_ for type_, _ in references))
        _schemas(stack, environment, id_, group, texts, [level], used)


def _schemas(
    stack: Stack,
    environment: Environment,
    id_: str,
    specs: Sequence[SchemaSpec],
    texts: Mapping[str, str],
    waits: DependsOn,
    references: Sequence[ConfluentSchema_SchemaReference] | None = None,
) -> ConfluentSchema | None:
    if not specs:
        return None
    return ConfluentSchema(
        stack,
        id_,
        for_each={spec.subject: literal(texts[spec.subject]) for spec in specs},
        subject_name=each.key,
        format="AVRO",
        schema=each.value(),
        schema_reference=references,
        # The provider would ask the registry while planning; and it keeps what it replaces, so that old events stay
        # readable.
        skip_validation_during_plan=True,
        recreate_on_update=False,
        depends_on=waits,
        lifecycle=protection(environment),
    )


def _principal(right: Right) -> str:
    return f"User:{var(f'cluster_{right.role}_account')}"
