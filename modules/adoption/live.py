"""Reads a running cluster: topics with the settings someone gave them, ACLs, and the registry's subjects.

Only asks; nothing is changed. Topics and subjects that belong to Kafka, the registry or Connect are left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from modules.errors import ServiceError
from modules.platforms.base import Platform, RegistryClient

__all__ = ["LiveCluster", "LiveSubject", "LiveTopic", "read_kafka", "read_live", "read_subjects"]

_INTERNAL = re.compile(r"__.*|_schemas.*|_confluent.*|kafkasql-.*|connect-(configs|offsets|status).*|_redpanda.*")
_SECONDS = 20.0

_GLUE_LEVELS = {
    "NONE": "NONE", "BACKWARD": "BACKWARD", "FORWARD": "FORWARD", "FULL": "FULL", "BACKWARD_ALL": "BACKWARD_TRANSITIVE",
    "FORWARD_ALL": "FORWARD_TRANSITIVE", "FULL_ALL": "FULL_TRANSITIVE",
}  # fmt: skip
"""Glue's levels in Confluent's words; its DISABLED, which takes no further version at all, has none."""


@dataclass(frozen=True)
class LiveTopic:
    """A topic as it is; `config` holds what was set for it, not what it takes from the brokers."""

    name: str
    partitions: int
    replication: int
    config: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class LiveSubject:
    """A subject's newest schema. `compatibility` is its own level, None where the registry's holds."""

    name: str
    kind: str
    schema: str
    compatibility: str | None = None


@dataclass(frozen=True)
class LiveCluster:
    """What was found. `acls` are ids as Terraform's Kafka provider writes them."""

    topics: Mapping[str, LiveTopic]
    subjects: Mapping[str, LiveSubject]
    acls: frozenset[str] = frozenset()


def read_live(platform: Platform) -> LiveCluster:
    """Everything on the cluster and in its registry.

    Raises:
        ServiceError: one of them does not answer or refuses.
    """
    topics, acls = read_kafka(platform)
    return LiveCluster(topics, read_subjects(platform.registry_client()), acls)


def read_kafka(
    platform: Platform, *, internal: bool = False, hidden: Callable[[str], None] | None = None
) -> tuple[dict[str, LiveTopic], frozenset[str]]:
    """Topics, and ids of ACLs.

    Args:
        internal: with topics that belong to Kafka, the registry or Connect.
        hidden: told in Kafka's words why ACLs were not listed; a cluster that keeps none tells nothing.

    Raises:
        ServiceError: Kafka does not answer or refuses.
    """
    from confluent_kafka import KafkaException
    from confluent_kafka.admin import AdminClient

    settings = platform.kafka_client("admin")
    client = AdminClient({**settings, "log_level": 0, "reconnect.backoff.max.ms": 500})
    try:
        return _topics(client, internal=internal), _acls(client, hidden)
    except KafkaException as error:
        raise ServiceError(
            f"Kafka does not tell what is there: {error.args[0].str()}",
            where=str(settings.get("bootstrap.servers")),
            do="check that it runs, that it can be reached from here, and that the administrator may describe topics",
        ) from None


def _topics(client: Any, *, internal: bool = False) -> dict[str, LiveTopic]:
    from confluent_kafka.admin import ConfigResource, ConfigSource, ResourceType  # type: ignore[attr-defined]

    listed = client.list_topics(timeout=_SECONDS).topics
    names = sorted(name for name in listed if not _INTERNAL.fullmatch(name))
    asked = [ConfigResource(ResourceType.TOPIC, name) for name in names]
    answers = client.describe_configs(asked, request_timeout=_SECONDS) if asked else {}
    found = {name: _internal(listed[name]) for name in set(listed) - set(names)} if internal else {}
    for resource, answer in answers.items():
        given = {
            key: entry.value
            for key, entry in answer.result(_SECONDS).items()
            if entry.source == ConfigSource.DYNAMIC_TOPIC_CONFIG.value and entry.value is not None
        }
        partitions = listed[resource.name].partitions
        replicas = max(len(each.replicas) for each in partitions.values())
        found[resource.name] = LiveTopic(resource.name, len(partitions), replicas, dict(sorted(given.items())))
    return dict(sorted(found.items()))


def _internal(listed: Any) -> LiveTopic:
    """One whose settings are nobody's to ask for."""
    replicas = [len(each.replicas) for each in listed.partitions.values()]
    return LiveTopic(listed.topic, len(replicas), max(replicas, default=0))


def _acls(client: Any, hidden: Callable[[str], None] | None = None) -> frozenset[str]:
    """Ids, `User:sink|*|Read|Allow|Topic|orders|Literal`; none where the cluster keeps no ACLs."""
    from confluent_kafka import KafkaError, KafkaException
    from confluent_kafka.admin import (  # type: ignore[attr-defined]
        AclBindingFilter,
        AclOperation,
        AclPermissionType,
        ResourcePatternType,
        ResourceType,
    )

    nothing: Any = None
    every = AclBindingFilter(
        ResourceType.ANY, nothing, ResourcePatternType.ANY, nothing, nothing, AclOperation.ANY, AclPermissionType.ANY
    )
    try:
        bindings = client.describe_acls(every, request_timeout=_SECONDS).result(_SECONDS)
    except KafkaException as error:
        names: Any = KafkaError
        if error.args[0].code() in (names.SECURITY_DISABLED, names.CLUSTER_AUTHORIZATION_FAILED):
            if hidden is not None and error.args[0].code() == names.CLUSTER_AUTHORIZATION_FAILED:
                hidden(error.args[0].str())
            return frozenset()
        raise
    return frozenset(
        "|".join(
            (
                each.principal, each.host, _word(each.operation), _word(each.permission_type), _word(each.restype),
                each.name, _word(each.resource_pattern_type),
            )
        )
        for each in bindings
    )  # fmt: skip


def _word(member: Any) -> str:
    """Terraform's spelling of an enumeration's member: `DESCRIBE_CONFIGS` is `DescribeConfigs`."""
    special = {"BROKER": "Cluster", "TRANSACTIONAL_ID": "TransactionalID"}
    return special.get(member.name) or "".join(part.capitalize() for part in member.name.split("_"))


def read_subjects(client: RegistryClient) -> dict[str, LiveSubject]:
    """The registry's subjects by name.

    Raises:
        ServiceError: it does not answer or refuses.
    """
    if client.kind == "glue":
        from modules.connectors.codec import glue

        return {
            name: LiveSubject(name, kind, text, _GLUE_LEVELS.get(level))
            for name, kind, text, level in glue.schemas(client)
        }
    from confluent_kafka.schema_registry.error import SchemaRegistryError

    from modules.connectors.codec import registry

    asked = registry(client)
    try:
        found = {}
        for name in sorted(asked.get_subjects()):
            newest = asked.get_latest_version(name)
            found[name] = LiveSubject(
                name, str(newest.schema.schema_type or "AVRO"), str(newest.schema.schema_str), _level(asked, name)
            )
    except SchemaRegistryError as error:
        what = f"the Schema Registry refused (HTTP {error.http_status_code}: {error.error_message})"
        raise ServiceError(what, where=client.url, do="check its login and rights") from None
    except Exception as error:  # the client lets httpx's errors through when nobody answers
        what = f"the Schema Registry does not answer ({type(error).__name__}: {error})"
        raise ServiceError(what, where=client.url, do="check that it runs and can be reached from here") from None
    return found


def _level(asked: Any, subject: str) -> str | None:
    from confluent_kafka.schema_registry.error import SchemaRegistryError

    try:
        return str(asked.get_compatibility(subject))
    except SchemaRegistryError as error:
        if error.http_status_code == 404:
            return None
        raise
