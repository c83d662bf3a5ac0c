"""Topics, ACLs, quotas and schemas of an environment, as data."""

from __future__ import annotations

from modules.topics.connectors import (
    connect_acls,
    connector_group,
    debezium_acls,
    heartbeat_topic,
    sink_connector_acls,
    sink_connector_name,
    worker_group,
    worker_topics,
)
from modules.topics.specs import (
    ROLES,
    AclSpec,
    QuotaSpec,
    SchemaSpec,
    TopicSpec,
    access_acls,
    application_subjects,
    client_roles,
    dead_letter_topic,
    quota_specs,
    schema_specs,
    sink_acls,
    sink_group,
    topic_specs,
)

__all__ = [
    "ROLES",
    "AclSpec",
    "QuotaSpec",
    "SchemaSpec",
    "TopicSpec",
    "access_acls",
    "application_subjects",
    "client_roles",
    "connect_acls",
    "connector_group",
    "dead_letter_topic",
    "debezium_acls",
    "heartbeat_topic",
    "quota_specs",
    "schema_specs",
    "sink_acls",
    "sink_connector_acls",
    "sink_connector_name",
    "sink_group",
    "topic_specs",
    "worker_group",
    "worker_topics",
]
