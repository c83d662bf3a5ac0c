"""What Terraform has, by the names services know it by: read from the stacks' states, so that nothing is taken for
nobody's that was deployed and only left the YAML since."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from modules.terraform.state import read_attributes
from modules.warehouse.sql.catalogue import Name
from modules.warehouse.sql.quoting import parse_name

__all__ = ["TYPES", "Managed", "StateObject", "held_by", "managed_by", "parse_id"]


@dataclass(frozen=True)
class StateObject:
    """A resource instance in a state: its type and attributes (which may be secret: for comparing, never for show)."""

    type: str
    attributes: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True)
class Managed:
    """Attributes:
    acls: as the Kafka plugin's ids are, `User:sink|*|Read|Allow|Topic|orders|Literal`.
    objects: Snowflake's, (kind, name's parts).
    grants: (role, privileges, the plugin's id of the grant).
    members: (role, what it is granted to).
    """

    topics: frozenset[str] = frozenset()
    subjects: frozenset[str] = frozenset()
    acls: frozenset[str] = frozenset()
    objects: frozenset[tuple[str, Name]] = frozenset()
    grants: tuple[tuple[Name, frozenset[str], str], ...] = ()
    members: frozenset[tuple[Name, Name]] = frozenset()


_TOPICS = {"kafka_topic": "name", "confluent_kafka_topic": "topic_name"}
_SUBJECTS = {"schemaregistry_schema": "subject", "confluent_schema": "subject_name", "aws_glue_schema": "schema_name"}
_KINDS = {
    "snowflake_account_role": "ROLE",
    "snowflake_database_role": "DATABASE ROLE",
    "snowflake_database": "DATABASE",
    "snowflake_dynamic_table": "DYNAMIC TABLE",
    "snowflake_external_volume": "EXTERNAL VOLUME",
    "snowflake_iceberg_table": "ICEBERG TABLE",
    "snowflake_network_policy": "NETWORK POLICY",
    "snowflake_network_rule": "NETWORK RULE",
    "snowflake_pipe": "PIPE",
    "snowflake_resource_monitor": "RESOURCE MONITOR",
    "snowflake_schema": "SCHEMA",
    "snowflake_service_user": "USER",
    "snowflake_stage_external_s3": "STAGE",
    "snowflake_stage_internal": "STAGE",
    "snowflake_storage_integration_aws": "STORAGE INTEGRATION",
    "snowflake_table": "TABLE",
    "snowflake_view": "VIEW",
    "snowflake_warehouse": "WAREHOUSE",
}
_RIGHTS = (
    "snowflake_grant_account_role", "snowflake_grant_database_role", "snowflake_grant_privileges_to_account_role",
    "snowflake_grant_privileges_to_database_role",
)  # fmt: skip
TYPES = frozenset({*_TOPICS, *_SUBJECTS, *_KINDS, *_RIGHTS, "kafka_acl", "confluent_kafka_acl"})
"""What has to be read from the states."""


def held_by(root: Path, stacks: Iterable[str]) -> Iterator[StateObject]:
    """What the stacks' states hold of these types."""
    for stack in stacks:
        for address, attributes in read_attributes(root / stack / "terraform.tfstate", TYPES).items():
            yield StateObject(re.split(r"[.\[]", address, maxsplit=1)[0], attributes)


def managed_by(objects: Iterable[StateObject]) -> Managed:
    """Everything of the states that is compared by name."""
    topics, subjects, acls, kinds, grants, members = set(), set(), set(), set(), [], set()
    for each in objects:
        its = each.attributes
        if each.type in _TOPICS:
            topics.add(str(its.get(_TOPICS[each.type])))
        elif each.type in _SUBJECTS:
            subjects.add(str(its.get(_SUBJECTS[each.type])))
        elif each.type == "kafka_acl":
            acls.add(str(its.get("id")))
        elif each.type == "confluent_kafka_acl":
            acls.add(_confluent_acl(its))
        elif each.type in _KINDS:
            kinds.add((_KINDS[each.type], parse_id(str(its.get("id")))))
        elif each.type.startswith("snowflake_grant_privileges_to_"):
            role = its.get("account_role_name") or its.get("database_role_name") or ""
            privileges = frozenset(str(one).upper() for one in its.get("privileges") or ())
            grants.append((parse_name(str(role)), privileges, str(its.get("id"))))
        elif each.type in ("snowflake_grant_account_role", "snowflake_grant_database_role"):
            members.add(_member(its))
    return Managed(
        frozenset(topics), frozenset(subjects), frozenset(acls), frozenset(kinds), tuple(grants), frozenset(members)
    )


def parse_id(identifier: str) -> Name:
    """The parts of `"D"."S"."T"`, or of an older `D|S|T`."""
    return tuple(identifier.split("|")) if "|" in identifier else parse_name(identifier)


def _member(its: Mapping[str, Any]) -> tuple[Name, Name]:
    role = its.get("role_name") or its.get("database_role_name") or ""
    to = its.get("parent_role_name") or its.get("parent_database_role_name") or its.get("user_name") or ""
    return parse_name(str(role)), parse_name(str(to))


_WORDS = {"CLUSTER": "Cluster", "TRANSACTIONAL_ID": "TransactionalID"}


def _confluent_acl(its: Mapping[str, Any]) -> str:
    def word(name: str) -> str:
        text = str(its.get(name) or "")
        return _WORDS.get(text) or "".join(part.capitalize() for part in re.split("_", text))

    return "|".join(
        (
            str(its.get("principal")), str(its.get("host")), word("operation"), word("permission"),
            word("resource_type"), str(its.get("resource_name")), word("pattern_type"),
        )
    )  # fmt: skip
