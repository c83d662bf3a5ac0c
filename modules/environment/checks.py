"""Checks across keys and against schema files: what is each valid by itself but wrong together, or that a service
would refuse only after money was spent. Reads Avro files; changes nothing."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from modules.environment import (
    applications,
    confluent,
    connect,
    guards,
    msk,
    network,
    redpanda,
    slo,
    smoke,
    sources,
    warehouse_checks,
    workload_checks,
)
from modules.environment.document import Problem
from modules.environment.explain import Positions
from modules.environment.kafka_settings import OWN_KEY, SETTINGS
from modules.environment.model import Environment, SchemaReference, Topic

__all__ = ["check_environment"]

_TOPIC_NAME = re.compile(r"[a-zA-Z0-9._-]+")
_INTERNAL = ("__consumer_offsets", "__transaction_state", "__share_group_state", "__cluster_metadata")


def check_environment(
    environment: Environment, positions: Positions, folder: Path, *, platform_known: bool = True
) -> list[Problem]:
    """Every problem, with its place.

    Args:
        environment: what was read.
        positions: where it was written.
        folder: the project's environments folder.
        platform_known: False where `platform` itself is wrong, so that nothing is said about brokers.
    """
    problems = [*_names(environment, positions)]
    schemas: dict[str, Any] = {}
    for name, topic in environment.topics.items():
        if platform_known:
            problems += _replicas(environment, name, topic, positions)
        problems += _topic(name, topic, positions)
        problems += _value(name, topic, positions, folder, schemas)
    problems += _subjects(environment, positions)
    problems += slo.check(environment, positions)
    problems += smoke.check(environment, positions)
    problems += workload_checks.check(environment, positions)
    problems += _tags(environment, positions)
    problems += guards.check(environment, positions)
    problems += applications.check(environment, positions)
    problems += sources.check(environment, positions)
    problems += warehouse_checks.check(environment, positions, schemas)
    if platform_known:
        problems += connect.check(environment, positions)
        problems += _platform(environment, positions)
    return problems


def _platform(environment: Environment, positions: Positions) -> Iterator[Problem]:
    if environment.platform == "local":
        return
    yield from _OF_PLATFORM[environment.platform](environment, positions)
    yield from network.check(environment, positions)


_OF_PLATFORM: dict[str, Callable[[Environment, Positions], Iterator[Problem]]] = {
    "confluent": confluent.check,
    "msk": msk.check,
    "redpanda": redpanda.check,
}


def _tags(environment: Environment, positions: Positions) -> Iterator[Problem]:
    for name in environment.required_tags:
        if not environment.tags.get(name):
            yield Problem(positions.at("tags", name), f"tags.{name}", "this tag is required (`required_tags`); give it")


def topic_name_problem(name: str) -> str | None:
    """Why Kafka refuses this topic name; None if it takes it. (org.apache.kafka.common.internals.Topic)"""
    if name in ("", ".", ".."):
        return f"Kafka refuses '{name}' as a topic name"
    if len(name) > 249:
        return f"the topic name has {len(name)} characters; Kafka allows 249"
    if not _TOPIC_NAME.fullmatch(name):
        bad = "".join(sorted(set(re.sub(r"[a-zA-Z0-9._-]", "", name))))
        return f"Kafka refuses the topic name: {bad!r} is not allowed; use letters, digits, `.`, `_` and `-`"
    if name in _INTERNAL:
        return "this topic is Kafka's own; choose another name"
    return None


def _names(environment: Environment, positions: Positions) -> Iterator[Problem]:
    metrics: dict[str, str] = {}
    for name, topic in environment.topics.items():
        mark, path = positions.at("topics", name), f"topics.{name}"
        wrong = topic_name_problem(name)
        if wrong:
            yield Problem(mark, path, wrong)
            continue
        made = [name]
        if topic.dead_letter_of(name):
            made.append(f"{name}.dlq")
            if topic_name_problem(made[-1]):
                yield Problem(
                    mark, path, "with `.dlq` for its dead letters the topic name is longer than 249 characters"
                )
            if made[-1] in environment.topics:
                yield Problem(
                    positions.at("topics", made[-1]),
                    f"topics.{made[-1]}",
                    f"`{name}` already makes this topic for its dead letters; take this one out, or write "
                    f"`dead_letter: false` for `{name}`",
                )
                made.pop()
        for each in made:
            other = metrics.setdefault(each.replace(".", "_"), each)
            if other != each:
                yield Problem(
                    mark, path, f"`{each}` and `{other}` collide: Kafka's metrics take `.` and `_` as the same"
                )


def _replicas(environment: Environment, name: str, topic: Topic, positions: Positions) -> Iterator[Problem]:
    brokers = environment.brokers
    path: tuple[str, ...] = ("topics", name, "replication")
    if topic.replication is not None:
        fixed = environment.fixed_replication
        if fixed and topic.replication != fixed:
            message = f"{environment.platform} fixes replication at {fixed}; take the line out"
            yield Problem(positions.at(*path), ".".join(path), message)
        elif topic.replication > brokers:
            message = f"{topic.replication} replicas need as many brokers; {environment.platform} has {brokers} here"
            yield Problem(positions.at(*path), ".".join(path), message)
    minimum = topic.config.get("min.insync.replicas", "")
    replicas = environment.replication(name)
    if minimum.isdecimal() and int(minimum) > replicas:
        path = ("topics", name, "config", "min.insync.replicas")
        message = f"no write with acks=all would succeed: it asks for {minimum} in-sync replicas of {replicas}"
        yield Problem(positions.at(*path), ".".join(path), message)


def _topic(name: str, topic: Topic, positions: Positions) -> Iterator[Problem]:
    def problem(message: str, *at: str) -> Problem:
        path = ("topics", name, *at)
        return Problem(positions.at(*path), ".".join(path), message)

    if topic.retention.milliseconds < 1:
        yield problem("a retention of nothing keeps no event; write, say, 7d", "retention")
    if topic.sink and not topic.value:
        yield problem("a sink needs the value's schema; write `value: {schema: schemas/<file>.avsc}`", "sink")
    for key in topic.config:
        if key in OWN_KEY:
            yield problem(f"set this by `{OWN_KEY[key]}` of the topic, not here", "config", key)
        elif key not in SETTINGS:
            close = difflib.get_close_matches(key.replace("_", ".").lower(), SETTINGS, n=1, cutoff=0.8)
            if close:
                yield problem(f"Kafka has no topic setting `{key}`; did you mean `{close[0]}`?", "config", key)


def _value(name: str, topic: Topic, positions: Positions, folder: Path, schemas: dict[str, Any]) -> Iterator[Problem]:
    if topic.value is None:
        return
    path = ("topics", name, "value", "schema")
    file = topic.value.schema_
    named: dict[str, Any] = {}
    wrong = list(_references(name, topic.value.references, positions, folder, named))
    yield from wrong
    try:
        if file not in schemas or topic.value.references:
            schemas[file] = _load_schema(folder / file, f"environments/{file}", named)
    except _SchemaError as error:
        if not wrong:
            yield Problem(positions.at(*path), ".".join(path), str(error))
        return
    schema = schemas[file]
    if not isinstance(schema, dict) or schema.get("type") != "record":
        if topic.sink or topic.key:
            message = f"environments/{file} is not a record, so it has no fields for a key or a table"
            yield Problem(positions.at(*path), ".".join(path), message)
        return
    fields = [field["name"] for field in schema["fields"]]
    if topic.key is not None and topic.key not in fields:
        close = difflib.get_close_matches(topic.key, fields, n=1)
        hint = f"did you mean `{close[0]}`?" if close else f"its fields are {', '.join(fields)}"
        message = f"environments/{file} has no field `{topic.key}`; {hint}"
        key_path = ("topics", name, "key")
        yield Problem(positions.at(*key_path), ".".join(key_path), message)


def _references(
    topic: str, given: Mapping[str, SchemaReference], positions: Positions, folder: Path, named: dict[str, Any]
) -> Iterator[Problem]:
    """Loads the types a schema refers to into `named`."""
    for name, reference in given.items():
        path = ("topics", topic, "value", "references", name)
        shown = f"environments/{reference.schema_}"
        try:
            schema = _load_schema(folder / reference.schema_, shown, named)
        except _SchemaError as error:
            yield Problem(positions.at(*path, "schema"), ".".join((*path, "schema")), str(error))
            continue
        found = schema.get("name", "") if isinstance(schema, dict) else ""
        if "." not in found and isinstance(schema, dict) and schema.get("namespace"):
            found = f"{schema['namespace']}.{found}"
        if found != name:
            message = f"{shown} defines {f'`{found}`' if found else 'no named type'}, not `{name}`"
            yield Problem(positions.at(*path), ".".join(path), message)


def _subjects(environment: Environment, positions: Positions) -> Iterator[Problem]:
    """One subject holds one schema."""
    files = {f"{name}-value": topic.value.schema_ for name, topic in environment.topics.items() if topic.value}
    for name, topic in environment.topics.items():
        for type_, reference in (topic.value.references if topic.value else {}).items():
            subject = reference.subject or type_
            path = ("topics", name, "value", "references", type_)
            owner = environment.topics.get(subject.removesuffix("-value")) if subject.endswith("-value") else None
            if owner and owner.value and owner.value.references:
                message = f"the schema of `{subject}` refers to others itself; give this type a `subject` of its own"
                yield Problem(positions.at(*path), ".".join(path), message)
            other = files.setdefault(subject, reference.schema_)
            if other != reference.schema_:
                message = (
                    f"the subject `{subject}` already holds environments/{other}; give this type its own `subject`"
                )
                yield Problem(positions.at(*path), ".".join(path), message)


class _SchemaError(Exception):
    """What is wrong with a schema file."""


def _load_schema(file: Path, shown: str, named: dict[str, Any]) -> Any:
    """The schema as its JSON says, valid as Avro; `named` holds the types it may refer to, and gets its own."""
    try:
        parsed = json.loads(file.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        there = sorted(f"schemas/{each.name}" for each in file.parent.glob("*.avsc"))
        close = difflib.get_close_matches(f"schemas/{file.name}", there, n=1)
        hint = f"; did you mean `{close[0]}`?" if close else ""
        raise _SchemaError(f"cannot read {shown}: {error.strerror}{hint}") from None
    except UnicodeDecodeError:
        raise _SchemaError(f"{shown} is not UTF-8 text") from None
    except json.JSONDecodeError as error:
        raise _SchemaError(f"{shown}:{error.lineno}:{error.colno} is not JSON: {error.msg}") from None
    except RecursionError:
        raise _SchemaError(f"{shown} is nested too deep") from None
    import fastavro.schema

    try:
        fastavro.schema.parse_schema(parsed, named_schemas=named, _write_hint=False)
    except Exception as error:  # fastavro raises its own, KeyError, TypeError … by what is wrong
        missing = f"`{error.args[0]}` is missing" if isinstance(error, KeyError) and error.args else str(error)
        raise _SchemaError(f"{shown} is not a valid Avro schema: {missing}") from None
    if wrong := _fields_problem(parsed):
        raise _SchemaError(f"{shown} is not a valid Avro schema: {wrong}")
    return parsed


def _fields_problem(schema: object) -> str | None:
    """What fastavro lets pass in the topmost record: no fields at all, a field twice."""
    if not isinstance(schema, dict) or schema.get("type") != "record":
        return None
    if not isinstance(schema.get("fields"), list):
        return "`fields` is missing"
    names = [field["name"] for field in schema["fields"]]
    twice = sorted({name for name in names if names.count(name) > 1})
    return f"field `{twice[0]}` is there twice" if twice else None
