"""How Terraform's resources and attributes are called in an environment's YAML, by `words.yaml`. Writes nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

from modules.drift.model import AttributeDrift
from modules.environment.capture import captured_topics
from modules.environment.model import Environment
from modules.environment.smoke import SMOKE_TOPIC
from modules.environment.types import DurationValue
from modules.environment.warehouse_presets import completed
from modules.terraform.plan import AttributeChange, Change

__all__ = ["Words", "in_words", "matches", "name_of", "words_of"]

_FILE = Path(__file__).with_name("words.yaml")


@dataclass(frozen=True)
class Words:
    """An entry of `words.yaml`."""

    word: str
    name: tuple[str, ...] = ()
    attributes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def of(self, path: str) -> tuple[Mapping[str, Any], str]:
        """What is said of an attribute, and what `*` stands for in it; nothing where it is not named."""
        for pattern, entry in self.attributes.items():
            if path == pattern:
                return entry, ""
        for pattern, entry in self.attributes.items():
            head, star, tail = pattern.partition("*")
            # An item whose name is a plain word has no quotes around it: config.retention.
            for begin, end in ((head, tail), (head.replace('["', "."), "")):
                if star and path.startswith(begin) and path.endswith(end) and len(path) > len(begin) + len(end):
                    return entry, path[len(begin) : len(path) - len(end)]
        return {}, ""


@cache
def _all() -> Mapping[str, Words]:
    import yaml

    loaded = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    return {
        name: Words(entry["word"], tuple(entry.get("name", ())), entry.get("attributes", {}))
        for name, entry in loaded.items()
    }


def words_of(type_: str) -> Words:
    """A resource type's entry; of an unknown one its own name without the provider's."""
    return _all().get(type_) or Words(type_.partition("_")[2].replace("_", " ") or type_)


def name_of(change: Change) -> str:
    """As its service has it, else the instance key, else the resource's name."""
    values = change.before or change.after or {}
    parts = [values.get(each) for each in words_of(change.type).name]
    if parts and all(isinstance(each, str) and each for each in parts):
        return ".".join(str(each) for each in parts)
    return change.name if change.index_key is None else str(change.index_key)


def in_words(change: Change, attribute: AttributeChange, environment: Environment) -> AttributeDrift:
    """One changed value with its key in the YAML, or why it has none there."""
    entry, item = words_of(change.type).of(attribute.path)
    if attribute.sensitive:
        why = entry.get("why", "its value is a secret, which no YAML holds")
        return AttributeDrift(attribute.path, attribute.before, attribute.after, None, why)
    if "key" not in entry:
        why = entry.get("why", "no key of the YAML says it")
        return AttributeDrift(attribute.path, attribute.before, attribute.after, None, why)
    name = name_of(change)
    unit = entry.get("as", "")
    before, after = (_value(value, unit) for value in (attribute.before, attribute.after))
    parts = name.split(".")
    marks = {"{name}": name, "{item}": item, "{topic}": name.removesuffix("-value")}
    marks |= {f"{{{number}}}": part for number, part in enumerate(parts, 1)}
    key = tuple(marks.get(each, each) for each in entry["key"])
    key, why = _place(environment, key, unit, after)
    return AttributeDrift(attribute.path, before, after, None if why else key, why)


def _value(value: Any, unit: str) -> Any:
    if value is None:
        return None
    text = str(value)
    whole = int(text) if re.fullmatch(r"\d+", text) else None
    if unit in ("milliseconds", "seconds") and whole is not None:
        return str(DurationValue(whole * (1 if unit == "milliseconds" else 1000)))
    if unit == "days" and whole is not None:
        return f"{whole}d"
    if unit == "flag":
        return text.lower() == "true"
    if unit == "identifier":
        return text.replace('"', "")
    return text if unit == "text" else value


def _place(environment: Environment, key: tuple[str, ...], unit: str, after: Any) -> tuple[tuple[str, ...], str | None]:
    """The key, or why the environment's YAML has no such place."""
    if key[0] == "topics":
        return _in_topics(environment, key, unit, after)
    whole = completed(environment)
    section, name = key[1], key[2]
    if name not in getattr(whole, section):
        return key, f"warehouse.{section} has no {name} in it: it comes with something else"
    if section == "databases" and key[3] == "schemas" and key[4] not in whole.databases[name].schemas:
        return key, f"warehouse.databases.{name} names no schema {key[4]}"
    if section == "tables" and not environment.warehouse.tables.get(name) and name in _of_smoke(environment):
        return key, "the table of infra smoke follows from the one it is a copy of"
    if unit == "columns" and not whole.tables[name].columns:
        return key, "its columns follow from the schema of the topic that lands there"
    if unit == "days" and isinstance(after, str) and not after.endswith("d"):
        return key, "time travel is told in whole days"
    return key, None


def _in_topics(
    environment: Environment, key: tuple[str, ...], unit: str, after: Any
) -> tuple[tuple[str, ...], str | None]:
    name = key[1]
    if name == SMOKE_TOPIC and environment.smoke.own:
        why = None if key[2] == "partitions" else "the topic of infra smoke follows from the one it is a copy of"
        return ("smoke", "partitions"), why
    if name not in environment.topics:
        if any(topic.dead_letter_of(each) == name for each, topic in environment.topics.items()):
            return key, "what a dead-letter topic is like follows from its topic"
        return key, f"topics names no {name}"
    if key[2] == "value":
        if name in captured_topics(environment) or environment.topics[name].value is None:
            return key, f"topics.{name} has no schema of its own"
        if unit == "schema" and after is None:
            return key, "a topic without its schema is another topic"
    if key[2] == "retention" and (after is None or not re.fullmatch(r"\d+(ms|s|m|h|d)", str(after))):
        forever = str(after).startswith("-")
        return key, "it is kept for ever, which `retention` cannot say" if forever else "a topic always says how long"
    if key[2] == "replication" and environment.fixed_replication is not None:
        return key, "the platform allows one replication only"
    return key, None


def _of_smoke(environment: Environment) -> set[str]:
    topic = environment.topics.get(SMOKE_TOPIC)
    return {topic.sink.table.upper()} if environment.smoke.own and topic and topic.sink else set()


def matches(name: str, pattern: str) -> bool:
    """Shell-like, capitals told apart; `[` is no special character in an address."""
    return fnmatchcase(name, pattern.replace("[", "[[]"))
