"""Guards of what is kept: data, how long, how many copies and partitions, and what readers were promised."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from modules.guards.facts import Facts, Found, known
from modules.terraform.plan import Change
from modules.terraform.review import data_losses

__all__ = ["compatibility_lowered", "data_loss", "keys_moved", "partitions_reduced", "replication", "retention_reduced"]

_TOPICS = {
    "kafka_topic": ("name", "partitions", "replication_factor"),
    "confluent_kafka_topic": ("topic_name", "partitions_count", None),
}
"""Topic types → what their name, partitions and copies are called."""

_DAYS: Mapping[str, tuple[str, ...]] = {
    "snowflake_table": ("data_retention_time_in_days",),
    "snowflake_schema": ("data_retention_time_in_days",),
    "snowflake_database": ("data_retention_time_in_days",),
    "aws_db_instance": ("backup_retention_period",),
    "aws_cloudwatch_log_group": ("retention_in_days",),
}
"""Types → arguments that say for how many days something is kept."""

_FOR_EVER = {"aws_cloudwatch_log_group": 0}
"""Where a number means that it never goes."""

_LEVELS: Mapping[str, frozenset[str]] = {
    "NONE": frozenset(),
    "DISABLED": frozenset(),
    "BACKWARD": frozenset({"new readers of old events"}),
    "BACKWARD_TRANSITIVE": frozenset({"new readers of old events", "new readers of all earlier events"}),
    "FORWARD": frozenset({"old readers of new events"}),
    "FORWARD_TRANSITIVE": frozenset({"old readers of new events", "all earlier readers of new events"}),
    "FULL": frozenset({"new readers of old events", "old readers of new events"}),
    "FULL_TRANSITIVE": frozenset(
        {
            "new readers of old events",
            "new readers of all earlier events",
            "old readers of new events",
            "all earlier readers of new events",
        }
    ),
}
"""What each level promises (Confluent's documentation of compatibility types)."""

_LEVEL_OF = {
    "schemaregistry_schema": ("subject", "compatibility_level"),
    "confluent_subject_config": ("subject_name", "compatibility_level"),
    "aws_glue_schema": ("schema_name", "compatibility"),
}


def data_loss(facts: Facts) -> Iterator[Found]:
    """What holds data goes, without having been named by `--allow-destroy`. A destroy of everything asks by itself."""
    if facts.plan.destroy:
        return
    for stack, change in facts.changes("delete", "replace", "update"):
        if change.address in facts.allow_destroy:
            continue
        for finding in data_losses(change):
            fix = f"keep it in the YAML, or say that it may go: --allow-destroy {shlex.quote(change.address)}"
            yield Found(stack, change.address, finding.message, fix)


def retention_reduced(facts: Facts) -> Iterator[Found]:
    """Kept for less long than before, by time or by size."""
    for stack, change, before, after in facts.kept():
        if change.type in _TOPICS:
            yield from _topic_retention(stack, change, before, after)
        for argument in _DAYS.get(change.type, ()):
            old, new = known(before.get(argument)), known(after.get(argument))
            endless = _FOR_EVER.get(change.type)
            if _less(_number(old), _number(new), endless):
                was, now = ("for ever" if each == endless else f"{each}d" for each in (old, new))
                yield Found(stack, change.address, f"{argument} goes from {was} to {now}")
        if change.type == "aws_msk_configuration":
            sides = (_properties(side.get("server_properties")) for side in (before, after))
            old, new = (_number(side.get("log.retention.ms")) for side in sides)
            if _less(old, new, -1):
                message = f"topics without a retention of their own: log.retention.ms goes from {old} to {new}"
                yield Found(stack, change.address, message)


def _topic_retention(
    stack: str, change: Change, before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[Found]:
    old, new = (known(side.get("config")) for side in (before, after))
    if not isinstance(old, dict) or not isinstance(new, dict):
        return
    name = _topic_name(change)
    for setting, write in (("retention.ms", _duration), ("retention.bytes", str)):
        was, now = _number(old.get(setting)), _number(new.get(setting))
        if _less(was, now, -1):
            shown = ["for ever" if each == -1 else write(each) for each in (was, now) if each is not None]
            yield Found(
                stack,
                change.address,
                f"topic {name}: {setting} goes from {shown[0]} to {shown[1]}: Kafka deletes what is older"
                if setting == "retention.ms"
                else f"topic {name}: {setting} goes from {shown[0]} to {shown[1]}: Kafka deletes what is more",
            )
    if "delete" not in str(old.get("cleanup.policy", "delete")) and "delete" in str(
        new.get("cleanup.policy", "delete")
    ):
        yield Found(
            stack, change.address, f"topic {name}: cleanup.policy becomes delete: the last event of a key goes too"
        )


def partitions_reduced(facts: Facts) -> Iterator[Found]:
    """Fewer partitions than before; Kafka cannot, so it would be a new topic."""
    for stack, change, old, new in _partitions(facts):
        if new < old:
            message = f"topic {_topic_name(change)}: {new} instead of {old} partitions"
            yield Found(stack, change.address, message, f"keep partitions at {old}, or move to a new topic")


def keys_moved(facts: Facts) -> Iterator[Found]:
    """More partitions, where the YAML says that the topic has a key."""
    for stack, change, old, new in _partitions(facts):
        topic = facts.environment.topics.get(_topic_name(change))
        if new > old and topic is not None and topic.key and change.kind != "replace":
            yield Found(
                stack,
                change.address,
                f"topic {_topic_name(change)}: {new} instead of {old} partitions move keys (`{topic.key}`) to others: "
                "consumers may see a key's later event before its earlier one",
            )


def _partitions(facts: Facts) -> Iterator[tuple[str, Change, int, int]]:
    for stack, change, before, after in facts.kept():
        if change.type in _TOPICS:
            argument = _TOPICS[change.type][1]
            old, new = before.get(argument), after.get(argument)
            if isinstance(old, int) and isinstance(new, int):
                yield stack, change, old, new


def compatibility_lowered(facts: Facts) -> Iterator[Found]:
    """A subject's level that promises less than before."""
    for stack, change, before, after in facts.kept():
        names = _LEVEL_OF.get(change.type)
        if names is None:
            continue
        old, new = (str(known(side.get(names[1])) or "").upper() for side in (before, after))
        old, new = (re.sub("_ALL$", "_TRANSITIVE", each) for each in (old, new))
        if old in _LEVELS and new in _LEVELS and (lost := _LEVELS[old] - _LEVELS[new]):
            subject = known(after.get(names[0])) or change.address
            message = f"{subject}: compatibility goes from {old} to {new}: no longer safe for {', '.join(sorted(lost))}"
            yield Found(stack, change.address, message)


def replication(facts: Facts) -> Iterator[Found]:
    """Too few copies of a partition, as planned; as the YAML has it where the plan does not know yet."""
    least = facts.environment.guards.replication.least
    for stack, change in facts.changes("create", "update", "replace", "import"):
        if change.type not in _TOPICS:
            continue
        name, argument = _topic_name(change), _TOPICS[change.type][2]
        copies = known((change.after or {}).get(argument)) if argument else None
        config = known((change.after or {}).get("config")) or {}
        if copies is None and name in facts.environment.topics:
            copies = facts.environment.replication(name)
            config = config or facts.environment.topics[name].config
        if isinstance(copies, int) and copies < least:
            yield Found(stack, change.address, f"topic {name}: {copies} of at least {least} copies")
        insync = _number(config.get("min.insync.replicas"))
        if insync is not None and insync < least - 1:
            message = f"topic {name}: min.insync.replicas {insync}: a write counts as safe with {insync} of its copies"
            yield Found(stack, change.address, message)


def _topic_name(change: Change) -> str:
    argument = _TOPICS[change.type][0]
    found = known((change.after or {}).get(argument)) or known((change.before or {}).get(argument))
    return str(found or change.index_key or change.name)


def _number(value: Any) -> int | None:
    try:
        return None if isinstance(value, bool) else int(value)
    except (TypeError, ValueError):
        return None


def _less(old: int | None, new: int | None, endless: int | None) -> bool:
    """Whether it is kept for less; a value that is not given is the service's, which nobody knows here."""
    if old is None or new is None or old == new or new == endless:
        return False
    return old == endless or new < old


def _duration(milliseconds: int) -> str:
    from modules.environment.types import DurationValue

    return str(DurationValue(milliseconds))


def _properties(text: Any) -> dict[str, str]:
    if not isinstance(text, str):
        return {}
    pairs = (line.partition("=") for line in text.splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}
