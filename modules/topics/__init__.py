"""Topics, ACLs and schemas of an environment, as data."""

from __future__ import annotations

from modules.topics.specs import (
    AclSpec,
    SchemaSpec,
    TopicSpec,
    access_acls,
    dead_letter_topic,
    schema_specs,
    sink_acls,
    sink_group,
    topic_specs,
)

__all__ = [
    "AclSpec",
    "SchemaSpec",
    "TopicSpec",
    "access_acls",
    "dead_letter_topic",
    "schema_specs",
    "sink_acls",
    "sink_group",
    "topic_specs",
]
