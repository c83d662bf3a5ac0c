"""Terraform import blocks for what is declared, runs already, and is in no state yet."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from modules.adoption.live import LiveCluster
from modules.terraform.source import Declared

__all__ = ["import_blocks"]


def import_blocks(declared: Iterable[Declared], live: LiveCluster, cluster: Mapping[str, Any]) -> dict[str, str]:
    """Address → id, for each declared instance whose object was found.

    Args:
        declared: a stack's resource instances that its state does not hold.
        cluster: the cluster stack's outputs; Confluent's ids begin with those of its cluster and registry.
    """
    found = {}
    for item in declared:
        rule = _RULES.get(item.type)
        identifier = rule(item, live, cluster) if rule else None
        if identifier:
            found[item.address] = identifier
    return found


def _kafka_topic(item: Declared, live: LiveCluster, cluster: Mapping[str, Any]) -> str | None:
    name = item.literal("name")
    return name if name in live.topics else None


def _kafka_acl(item: Declared, live: LiveCluster, cluster: Mapping[str, Any]) -> str | None:
    names = (
        "acl_principal", "acl_host", "acl_operation", "acl_permission_type", "resource_type", "resource_name",
        "resource_pattern_type_filter",
    )  # fmt: skip
    identifier = "|".join(str(item.literal(name)) for name in names)
    return identifier if identifier in live.acls else None


def _subject(item: Declared, live: LiveCluster, cluster: Mapping[str, Any]) -> str | None:
    name = item.literal("subject")
    return name if name in live.subjects else None


def _glue_schema(item: Declared, live: LiveCluster, cluster: Mapping[str, Any]) -> str | None:
    name, registry = item.literal("schema_name"), cluster.get("registry_arn")
    return f"{registry.replace(':registry/', ':schema/')}/{name}" if registry and name in live.subjects else None


def _confluent_topic(item: Declared, live: LiveCluster, cluster: Mapping[str, Any]) -> str | None:
    name, kafka = item.literal("topic_name"), cluster.get("cluster_id")
    return f"{kafka}/{name}" if kafka and name in live.topics else None


def _confluent_schema(item: Declared, live: LiveCluster, cluster: Mapping[str, Any]) -> str | None:
    name, registry = item.literal("subject_name"), cluster.get("registry_id")
    return f"{registry}/{name}/latest" if registry and name in live.subjects else None


_RULES: Mapping[str, Callable[[Declared, LiveCluster, Mapping[str, Any]], str | None]] = {
    "kafka_topic": _kafka_topic,
    "kafka_acl": _kafka_acl,
    "schemaregistry_schema": _subject,
    "aws_glue_schema": _glue_schema,
    "confluent_kafka_topic": _confluent_topic,
    "confluent_schema": _confluent_schema,
}
"""How each provider names an object to be imported (the Import section of its documentation)."""
