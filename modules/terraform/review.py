"""What is wrong or risky in a stack's plan, beyond what Terraform sees. Pure: a plan in, findings out.

`refuse` stops a plan before anything is touched; `warn` is shown with it. A check is one function and one line in
`_CHECKS`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from modules.terraform.avro_rules import LEVELS, SchemaUnreadableError, incompatibilities
from modules.terraform.plan import UNKNOWN, AttributeChange, Change, Finding, StackPlan
from modules.terraform.source import declared
from modules.terraform.state import read_attributes

__all__ = ["HOLDS_DATA", "as_subject", "data_losses", "judge", "lost_data", "review", "review_declared"]


@dataclass(frozen=True)
class _TopicArguments:
    """What a provider calls a topic's arguments."""

    name: str
    partitions: str
    replication: str | None


_TOPICS: Mapping[str, _TopicArguments] = {
    "kafka_topic": _TopicArguments("name", "partitions", "replication_factor"),
    "confluent_kafka_topic": _TopicArguments("topic_name", "partitions_count", None),
}

JUDGED: Mapping[str, tuple[str, ...]] = {
    "kafka_topic": ("name", "partitions"),
    "confluent_kafka_topic": ("topic_name", "partitions_count"),
    "schemaregistry_schema": ("subject", "schema", "schema_type", "compatibility_level"),
    "aws_glue_schema": ("schema_name", "schema_definition", "data_format", "compatibility"),
}
"""Arguments that a refusal depends on."""

_TIERS = ("basic", "standard", "enterprise", "freight", "dedicated")
"""Blocks of `confluent_kafka_cluster`, of which one is there."""

_GLUE_LEVEL = re.compile("_ALL$")
"""How Glue's levels end that bind every earlier version, as Confluent's do in `_TRANSITIVE`."""

_MSK_BROKERS = {"kafka": "Standard", "express": "Express"}
"""How an MSK broker type's name begins → what AWS calls such brokers."""

HOLDS_DATA: Mapping[str, str] = {
    "kafka_topic": "its messages are lost",
    "confluent_kafka_topic": "its messages are lost",
    "confluent_kafka_cluster": "its topics and their messages are lost, and clients need its new address and keys",
    "confluent_environment": "its clusters, topics and schemas are lost",
    "aws_msk_cluster": "its topics and their messages are lost, and clients need its new address",
    "aws_msk_serverless_cluster": "its topics and their messages are lost, and clients need its new address",
    "aws_db_instance": "the Schema Registry's schemas are lost",
    "aws_glue_registry": "consumers can no longer look up the schemas of events written with it",
    "aws_ebs_volume": "the broker's copies of its partitions are lost",
    "snowflake_table": "its rows are lost (Time Travel keeps them for the table's retention)",
    "snowflake_schema": "its tables and their rows are lost",
    "snowflake_database": "its schemas, tables and rows are lost",
    "schemaregistry_schema": "consumers can no longer look up the schema of events written with it",
}
"""What is lost with a resource that is destroyed, by its type."""


def review(plan: StackPlan) -> tuple[Finding, ...]:
    """All findings, refusals first."""
    found = [finding for change in plan.changes for finding in judge(as_subject(change, plan.compatibility))]
    return tuple(sorted(found, key=lambda finding: finding.severity != "refuse"))


def review_declared(document: Mapping[str, Any], state: Path) -> tuple[Change, ...]:
    """Changes the JSON asks for that a review refuses, judged against the state without Terraform.

    For when Terraform made no plan: a provider plugin that knows the rule itself fails the plan with words of its own,
    or none. Only arguments whose values the JSON alone tells are judged.
    """
    held = read_attributes(state, JUDGED)
    changes = (
        Change(
            item.address,
            item.type,
            item.name,
            "update",
            index_key=item.key,
            before=(old := {name: held[item.address].get(name) for name in JUDGED[item.type]}),
            after=(new := {name: item.literal(name) for name in JUDGED[item.type]}),
            attributes=tuple(
                AttributeChange(name, old[name], new[name])
                for name in old
                if new[name] is not None and old[name] != new[name]
            ),
        )
        for item in declared(document)
        if item.address in held and item.type in JUDGED
    )
    return tuple(
        change for change in changes if any(item.severity == "refuse" for item in judge(as_subject(change, {})))
    )


def judge(change: Change) -> tuple[Finding, ...]:
    """All findings about one change."""
    return tuple(finding for check in _CHECKS for finding in check(change))


def data_losses(change: Change) -> tuple[Finding, ...]:
    """What is lost of the data that is there: all of it, a column's values, or a broker's copies."""
    change = as_subject(change, {})
    found = (finding for check in (_holds_data, _brokers, _columns) for finding in check(change))
    return tuple(finding for finding in found if finding.message.startswith("holds data: "))


def as_subject(change: Change, levels: Mapping[str, str]) -> Change:
    """Confluent's or Glue's schema, or a change of its compatibility, in the words of the provider the checks are
    written for."""
    if change.type == "confluent_schema":
        sides = [
            None
            if side is None
            else {
                "subject": _value(side, "subject_name"),
                "schema": _value(side, "schema"),
                "schema_type": _value(side, "format"),
                "compatibility_level": levels.get(str(_value(side, "subject_name"))),
                "references": _value(side, "schema_reference"),
            }
            for side in (change.before, change.after)
        ]
    elif change.type == "aws_glue_schema":
        sides = [
            None
            if side is None
            else {
                "subject": _value(side, "schema_name"),
                "schema": _value(side, "schema_definition"),
                "schema_type": _value(side, "data_format"),
                "compatibility_level": _GLUE_LEVEL.sub("_TRANSITIVE", str(_value(side, "compatibility") or "")) or None,
            }
            for side in (change.before, change.after)
        ]
    elif change.type == "confluent_subject_config" and change.kind == "update":
        sides = [
            {"subject": _value(side, "subject_name"), "compatibility_level": _value(side, "compatibility_level")}
            for side in (change.before, change.after)
        ]
    else:
        return change
    return replace(change, type="schemaregistry_schema", before=sides[0], after=sides[1])


def _cluster_type(change: Change) -> Iterable[Finding]:
    """Confluent changes Basic to Standard and nothing else; the provider finds out only while it applies, or never."""
    if change.type != "confluent_kafka_cluster" or change.kind not in ("update", "replace"):
        return
    old, new = ([tier for tier in _TIERS if _value(side, tier)] for side in (change.before, change.after))
    if len(old) != 1 or len(new) != 1 or old == new:
        return
    name = _value(change.before, "display_name") or change.address
    if (old, new) == (["basic"], ["standard"]):
        if change.kind == "update":
            yield Finding("warn", change.address, f"cluster {name} becomes standard, which cannot be undone")
        return
    yield Finding(
        "refuse",
        change.address,
        f"cluster {name} cannot go from {old[0]} to {new[0]}: Confluent Cloud only changes basic to standard, in place",
        f"keep {old[0]}; or deploy an environment of its own with {new[0]}, move producers and consumers over, and "
        "destroy this one",
    )


def _cluster_size(change: Change) -> Iterable[Finding]:
    if change.type != "confluent_kafka_cluster" or change.kind != "update":
        return
    old, new = ((_value(side, "dedicated") or [{}])[0].get("cku") for side in (change.before, change.after))
    if isinstance(old, int) and isinstance(new, int) and new < old:
        yield Finding(
            "warn",
            change.address,
            f"the cluster shrinks from {old} to {new} CKU: Confluent refuses it while the load needs more",
            "take one CKU at a time, with the cluster's load below what is left",
        )


def _partitions(change: Change) -> Iterable[Finding]:
    arguments = _TOPICS.get(change.type)
    if arguments is None or change.kind not in ("update", "replace"):
        return
    old, new = _value(change.before, arguments.partitions), _value(change.after, arguments.partitions)
    if not isinstance(old, int) or not isinstance(new, int) or old == new:
        return
    topic = _value(change.before, arguments.name) or change.address
    if new < old:
        yield Finding(
            "refuse",
            change.address,
            f"topic {topic}: partitions cannot go from {old} down to {new}: Kafka cannot remove partitions, "
            "and replacing the topic deletes its messages",
            f"keep partitions at {old}, or move to a new topic with {new} partitions",
        )
    elif change.kind == "update":
        yield Finding(
            "warn",
            change.address,
            f"topic {topic}: with {new} instead of {old} partitions keys move to other partitions; "
            "the order of one key's events is not kept across the change",
            "let consumers catch up before you deploy, if they rely on order per key",
        )


def _replication(change: Change) -> Iterable[Finding]:
    arguments = _TOPICS.get(change.type)
    if arguments is None or arguments.replication is None or change.kind not in ("update", "replace"):
        return
    old, new = _value(change.before, arguments.replication), _value(change.after, arguments.replication)
    if isinstance(old, int) and isinstance(new, int) and old != new:
        topic = _value(change.before, arguments.name) or change.address
        yield Finding(
            "warn",
            change.address,
            f"topic {topic}: replication factor goes from {old} to {new}: "
            + ("brokers copy every partition" if new > old else "fewer copies survive the loss of a broker"),
        )


def lost_data(change: Change) -> str | None:
    """What is lost when the change is made, as a clause (`its messages are lost`); None where it destroys no data."""
    if change.kind not in ("delete", "replace"):
        return None
    if change.type == "schemaregistry_schema" and change.kind == "replace" and not _renames(change, "subject"):
        return None
    return HOLDS_DATA.get(change.type)


def _holds_data(change: Change) -> Iterable[Finding]:
    lost = lost_data(change)
    if lost:
        verb = "deleted" if change.kind == "delete" else "deleted and created again"
        yield Finding("warn", change.address, f"holds data: it will be {verb}, {lost}")


def _columns(change: Change) -> Iterable[Finding]:
    if change.type != "snowflake_table" or change.kind != "update":
        return
    old, new = (_value(side, "column") for side in (change.before, change.after))
    if not isinstance(old, list) or not isinstance(new, list):
        return
    table = _value(change.before, "name") or change.address
    names, kept = ([column.get("name") for column in columns] for columns in (old, new))
    if names != kept and sorted(map(str, names)) == sorted(map(str, kept)):
        yield Finding(
            "warn",
            change.address,
            f"the columns of table {table} are declared in another order than they are in; Snowflake keeps its own, so "
            "this stays in every plan",
            f"write them, or the schema's fields, in the table's order: {', '.join(map(str, names))}",
        )
    for name in names:
        if name not in kept:
            yield Finding(
                "warn",
                change.address,
                f"holds data: column {name} of table {table} will be dropped, its values are lost",
                "keep the field in the schema, if its values are still wanted",
            )


def _schema(change: Change) -> Iterable[Finding]:
    if change.type != "schemaregistry_schema" or change.kind not in ("create", "update", "replace", "import"):
        return
    if str(_value(change.after, "schema_type") or "AVRO").upper() != "AVRO":
        return
    new, old = _value(change.after, "schema"), _value(change.before, "schema")
    subject = _value(change.after, "subject") or _value(change.before, "subject") or change.address
    if not isinstance(new, str):
        return
    if _value(change.after, "references"):
        if change.kind == "update":
            yield Finding(
                "warn",
                change.address,
                f"{subject}: its schema refers to other subjects, so the registry alone can tell, while it is "
                "deployed, whether it is compatible",
            )
        return
    before = _value(change.before, "compatibility_level")
    level = str(_value(change.after, "compatibility_level") or before or "BACKWARD").upper()
    renamed = _renames(change, "subject")
    try:
        reasons = incompatibilities(old if isinstance(old, str) and not renamed else new, new, level)
    except SchemaUnreadableError as error:
        yield Finding("refuse", change.address, f"{subject}: the schema is not valid Avro: {error}", "correct the file")
        return
    for reason in reasons:
        yield Finding(
            "refuse",
            change.address,
            f"{subject}: {reason}",
            "change the schema so that it holds, or register it under a new subject",
        )
    if isinstance(old, str) and old != new and not reasons and not renamed and level.endswith("TRANSITIVE"):
        yield Finding(
            "warn",
            change.address,
            f"{subject}: {level} also binds the versions before the current one; the plan compares with the current "
            "one, the registry with all of them when it is deployed",
        )


def _msk_kind(change: Change) -> Iterable[Finding]:
    """MSK refuses both, but only once the plan is being applied (its pages on broker types and on metadata)."""
    if change.type != "aws_msk_cluster" or change.kind not in ("update", "replace"):
        return
    sides = (change.before, change.after)
    nodes = [(_value(side, "broker_node_group_info") or [{}])[0] for side in sides]
    brokers = [_MSK_BROKERS.get(str(each.get("instance_type") or "").partition(".")[0]) for each in nodes]
    metadata = [str(version).endswith(".kraft") for side in sides if (version := _value(side, "kafka_version"))]
    if None not in brokers and brokers[0] != brokers[1]:
        what, do = f"from {brokers[0]} to {brokers[1]} brokers", "`mode`"
    elif len(metadata) == 2 and metadata[0] != metadata[1]:
        names = ["KRaft" if each else "ZooKeeper" for each in metadata]
        what, do = f"from {names[0]} to {names[1]}", "`kafka_version`"
    else:
        return
    yield Finding(
        "refuse",
        change.address,
        f"cluster {_value(change.before, 'cluster_name')} cannot go {what}: that takes a cluster of its own",
        f"keep the {do}; or deploy an environment of its own, move producers and consumers over, and destroy this one",
    )


_BROKER = re.compile(r"broker-[0-9]+")
"""What a Redpanda broker's service and machine are called in the cluster stack."""


def _brokers(change: Change) -> Iterable[Finding]:
    """A Redpanda broker that is replaced: on Fargate its volume dies with its task."""
    if change.type not in ("aws_ecs_service", "aws_instance") or not _BROKER.fullmatch(change.name):
        return
    if change.type == "aws_instance":
        if change.kind in ("delete", "replace"):
            yield Finding(
                "warn",
                change.address,
                f"holds data: the machine of {change.name} will be {_fate(change)}; its volume stays, but until the "
                "broker is back every partition on it has a copy less",
                "do so to one machine at a time, with the cluster healthy before each",
            )
        return
    old, new = (_value(side, "launch_type") for side in (change.before, change.after))
    if change.kind == "replace" and old and new and old != new:
        yield Finding(
            "refuse",
            change.address,
            f"{change.name} cannot move from {old} to {new}: Terraform would end all brokers at once, and all "
            "copies of all partitions with them",
            "make a second environment and copy the topics there, or destroy this one first",
        )
    elif change.kind in ("delete", "replace"):
        dies = ", its volume dies with its task" if old == "FARGATE" else ""
        yield Finding(
            "warn",
            change.address,
            f"holds data: {change.name} will be {_fate(change)}{dies}; no gate holds this back, and the cluster "
            "goes on counting on the broker it had",
            "decommission a broker that leaves before it is taken out (docs/redpanda.md)",
        )
    elif change.kind == "update" and old == "FARGATE" and _restarts(change):
        yield Finding(
            "warn",
            change.address,
            f"holds data: the task of {change.name} will be replaced, its volume dies with it; its copies come "
            "back from the other brokers, and the next one waits for that",
            "see that the cluster is healthy before you deploy, and let nothing else stop a broker meanwhile",
        )


def _fate(change: Change) -> str:
    return "deleted" if change.kind == "delete" else "deleted and created again"


def _restarts(change: Change) -> bool:
    """Whether an ECS service's update starts a new task."""
    inside = ("task_definition", "volume_configuration", "network_configuration", "platform_version", "load_balancer")
    return any(each.path.split(".")[0].split("[")[0] in inside for each in change.attributes)


def _level_lowered(change: Change) -> Iterable[Finding]:
    if change.type != "schemaregistry_schema" or change.kind != "update":
        return
    old, new = (str(_value(side, "compatibility_level") or "").upper() for side in (change.before, change.after))
    if old in LEVELS and new == "NONE" and old != "NONE":
        subject = _value(change.after, "subject") or change.address
        yield Finding(
            "warn",
            change.address,
            f"{subject}: compatibility goes from {old} to NONE: nothing then keeps a schema from breaking its readers",
        )


_CHECKS: tuple[Callable[[Change], Iterable[Finding]], ...] = (
    _cluster_type,
    _cluster_size,
    _msk_kind,
    _partitions,
    _replication,
    _schema,
    _level_lowered,
    _holds_data,
    _brokers,
    _columns,
)


def _value(side: Mapping[str, Any] | None, name: str) -> Any:
    value = None if side is None else side.get(name)
    return None if value == UNKNOWN else value


def _renames(change: Change, argument: str) -> bool:
    old, new = _value(change.before, argument), _value(change.after, argument)
    return old is not None and new is not None and old != new
