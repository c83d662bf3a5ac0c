"""What holds data and would be destroyed: whole resources, and columns of tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from modules.environment.smoke import SMOKE_TABLE, SMOKE_TOPIC
from modules.terraform.plan import Change, Finding
from modules.terraform.reviews.values import fate, renames, value

__all__ = ["columns", "holds_data", "lost_data"]

_HOLDS_DATA: Mapping[str, str] = {
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

_NAMES = ("name", "topic_name", "subject", "subject_name")


def lost_data(change: Change) -> str | None:
    """What is lost when the change is made, as a clause (`its messages are lost`); None where it destroys no data."""
    if change.kind not in ("delete", "replace"):
        return None
    if change.type == "schemaregistry_schema" and change.kind == "replace" and not renames(change, "subject"):
        return None
    return None if _measures(change) else _HOLDS_DATA.get(change.type)


def _measures(change: Change) -> bool:
    """Whether it is of `infra smoke`'s own: its events are made anew for each run, and nobody's."""
    ours = {SMOKE_TOPIC, f"{SMOKE_TOPIC}.dlq", f"{SMOKE_TOPIC}-key", f"{SMOKE_TOPIC}-value", SMOKE_TABLE}
    return any(str(value(change.before, key)) in ours for key in _NAMES)


def holds_data(change: Change) -> Iterable[Finding]:
    lost = lost_data(change)
    if lost:
        yield Finding("warn", change.address, f"holds data: it will be {fate(change)}, {lost}")


def columns(change: Change) -> Iterable[Finding]:
    if change.type != "snowflake_table" or change.kind != "update":
        return
    old, new = (value(side, "column") for side in (change.before, change.after))
    if not isinstance(old, list) or not isinstance(new, list):
        return
    table = value(change.before, "name") or change.address
    names, kept = ([column.get("name") for column in side] for side in (old, new))
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
