"""From what runs to YAML: topics nobody declared yet, with their schemas, as entries of an environment's file."""

from __future__ import annotations

import fnmatch
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from modules.adoption.live import LiveCluster, LiveSubject, LiveTopic
from modules.environment import load_environment
from modules.environment.edit import edit_yaml
from modules.environment.model import Environment
from modules.environment.types import DurationValue
from modules.errors import ConfigError
from modules.project import Project
from modules.topics import topic_specs

__all__ = ["Adoption", "adopt", "write_adoption"]

_DERIVED = ("retention.ms", "cleanup.policy", "min.insync.replicas")


@dataclass(frozen=True)
class Adoption:
    """What the YAML would gain. `schemas` are files below environments/, `left` says what is not taken and why."""

    topics: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    schemas: Mapping[str, str] = field(default_factory=dict)
    left: tuple[str, ...] = ()


def adopt(environment: Environment, live: LiveCluster, patterns: Sequence[str] = ()) -> Adoption:
    """Topics that run and are not declared, those whose name fits one of the patterns (`orders.*`; default: all)."""
    declared = {spec.name for spec in topic_specs(environment)}
    topics: dict[str, Mapping[str, Any]] = {}
    schemas: dict[str, str] = {}
    left: list[str] = []
    for name, topic in live.topics.items():
        if name in declared or (patterns and not any(fnmatch.fnmatchcase(name, each) for each in patterns)):
            continue
        kept = topic.config.get("retention.ms", "")
        if kept.startswith("-"):
            left.append(f"topic {name} keeps its events for ever, which `retention` cannot say")
            continue
        entry = _entry(environment, topic)
        subject = live.subjects.get(f"{name}-value")
        if subject and subject.kind == "AVRO":
            file = f"schemas/{re.sub(r'[^A-Za-z0-9-]', '_', name)}.avsc"
            schemas[file] = _pretty(subject)
            entry["value"] = {
                "schema": file,
                **({"compatibility": subject.compatibility} if subject.compatibility else {}),
            }
        elif subject:
            left.append(f"subject {subject.name} is {subject.kind}; only Avro is declared here")
        topics[name] = entry
    known = {f"{name}-value" for name in {*declared, *live.topics}}
    left += [f"subject {name} belongs to no topic's value" for name in live.subjects if name not in known]
    return Adoption(topics, schemas, tuple(left))


def write_adoption(project: Project, environment: Environment, adoption: Adoption) -> list[Path]:
    """Write the entries into the environment's file and the schemas beside it; returns the files.

    Raises:
        ConfigError: a schema's file exists with another content, or the result would not load; nothing is changed then.
    """
    path = project.environments / f"{environment.name}.yaml"
    before = path.read_bytes()
    fresh: list[Path] = []
    for name, text in adoption.schemas.items():
        file = project.environments / name
        if file.exists() and json.loads(file.read_text()) != json.loads(text):
            raise ConfigError(
                "the file exists with another schema than the registry's",
                where=f"environments/{name}",
                do="move it away, or adopt this topic by hand",
            )
    try:
        for name, text in adoption.schemas.items():
            file = project.environments / name
            if not file.exists():
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text)
                fresh.append(file)
        edit_yaml(path, [(("topics", name), dict(entry)) for name, entry in adoption.topics.items()])
        load_environment(project, environment.name)
    except (OSError, ConfigError) as error:
        path.write_bytes(before)
        for file in fresh:
            file.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise ConfigError(f"cannot write: {error.strerror}", where=str(error.filename or path)) from None
        raise ConfigError(
            "with what was found the environment would not load, so its file was left as it was",
            where=f"environments/{environment.name}.yaml",
            details=error.details or (error.what,),
            do="import fewer topics by naming them, or mend what is named above first",
        ) from None
    return [path, *fresh]


def _entry(environment: Environment, topic: LiveTopic) -> dict[str, Any]:
    """What has to be said: what the model would choose by itself is left out."""
    entry: dict[str, Any] = {"partitions": topic.partitions}
    usual = min(3, environment.brokers)
    if topic.replication != usual and environment.fixed_replication is None:
        entry["replication"] = topic.replication
    milliseconds = topic.config.get("retention.ms")
    if milliseconds is not None:
        entry["retention"] = str(DurationValue(int(milliseconds)))
    rest = {key: value for key, value in topic.config.items() if key not in _DERIVED}
    policy = topic.config.get("cleanup.policy", "delete")
    if policy != "delete":
        rest["cleanup.policy"] = policy
    insync = topic.config.get("min.insync.replicas")
    if insync is not None and insync != ("2" if topic.replication >= 3 else "1"):
        rest["min.insync.replicas"] = insync
    if rest:
        entry["config"] = dict(sorted(rest.items()))
    return entry


def _pretty(subject: LiveSubject) -> str:
    return json.dumps(json.loads(subject.schema), indent=2, ensure_ascii=False) + "\n"
