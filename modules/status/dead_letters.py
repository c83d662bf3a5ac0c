"""Dead-letter topics: how many messages, how many of them lately, and why.

A message there is a fact that stays for its retention, two weeks, while a screen should clear. So one counts as fresh,
and makes the environment unhealthy, for `FRESH_SECONDS` after it came, unless a person has said before that it was
seen: `infra status --dead-letters-seen` remembers the topics' ends beside the environment's other files here. The count
stays on the screen either way.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from confluent_kafka import KafkaException

from modules.environment.model import Environment
from modules.project import Project
from modules.status.kafka_client import KafkaAsk, refusal
from modules.status.readings import DeadLetters, Part, Reason

__all__ = ["FRESH_SECONDS", "DeadLettersCollector", "reason_of", "remember_seen"]

FRESH_SECONDS = 15 * 60
_LOOKED_AT = 50
"""The newest messages of each partition, whose headers say why."""
_OWN, _CONNECT = "infra.dlq.", "__connect.errors."


def reason_of(headers: Sequence[tuple[str, bytes | None]]) -> tuple[str, str]:
    """A word for why a message is there, and the words of what refused it: the project's own sink's headers, or Kafka
    Connect's (errors.deadletterqueue.context.headers.enable)."""
    told = {name: (value or b"").decode(errors="replace") for name, value in headers}
    if f"{_OWN}reason" in told:
        return told[f"{_OWN}reason"], told.get(f"{_OWN}error", "")
    kind = told.get(f"{_CONNECT}exception.class.name", "")
    if kind:
        stage = told.get(f"{_CONNECT}stage", "")
        word = kind.rpartition(".")[2] + (f" in {stage}" if stage else "")
        return word, told.get(f"{_CONNECT}exception.message", "")
    return "no reason given", "the message has no headers that say why"


class DeadLettersCollector:
    """Reads the dead-letter topics of all topics with a sink."""

    name = "dead letters"

    def __init__(
        self, environment: Environment, project: Project, ask: KafkaAsk, clock: Callable[[], float] = time.time
    ) -> None:
        self._topics = [
            found for name, topic in environment.topics.items() if (found := topic.dead_letter_of(name)) is not None
        ]
        self._seen = _seen_file(project, environment.name)
        self._ask = ask
        self._clock = clock

    def read(self) -> Part:
        found, missing = [], []
        seen = _read_seen(self._seen)
        for topic in self._topics:
            try:
                letters = self._read(topic, seen.get(topic, {}))
            except KafkaException as error:
                right = f"Read on topic {topic}"
                missing.append(refusal(f"dead letters in {topic}", error, self._ask.who, right))
                continue
            if letters is not None:
                found.append(letters)
        return Part(dead_letters=tuple(found), missing=tuple(missing))

    def close(self) -> None:
        """The client is others' too."""

    def _read(self, topic: str, seen: Mapping[int, int]) -> DeadLetters | None:
        metadata = self._ask.metadata().topics.get(topic)
        if metadata is None or not metadata.partitions:
            return None  # that it is not there is said with the topics
        places = [(topic, number) for number in metadata.partitions]
        begins, ends = self._ask.begins(places), self._ask.ends(places)
        lately = self._ask.since(places, int((self._clock() - FRESH_SECONDS) * 1000))
        fresh = 0
        for place, end in ends.items():
            first = lately[place] if lately[place] >= 0 else end
            fresh += max(0, end - max(first, seen.get(place[1], 0), begins[place]))
        held = {place: end - begins[place] for place, end in ends.items()}
        wanted = {
            place: (max(begins[place], ends[place] - _LOOKED_AT), min(count, _LOOKED_AT))
            for place, count in held.items()
            if count
        }
        messages = [message for each in self._ask.messages(wanted).values() for message in each]
        return DeadLetters(
            topic,
            sum(held.values()),
            fresh,
            _reasons(messages),
            _newest(messages),
            {number: end for (_, number), end in ends.items()},
        )


def remember_seen(project: Project, environment: str, letters: Sequence[DeadLetters]) -> int:
    """Those that are there now are known to a person: they no longer make the environment unhealthy.

    Returns:
        How many fresh ones that were.
    """
    file = _seen_file(project, environment)
    known = {topic: {str(number): end for number, end in ends.items()} for topic, ends in _read_seen(file).items()}
    known |= {each.topic: {str(number): end for number, end in (each.ends or {}).items()} for each in letters}
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(known, indent=2) + "\n")
    return sum(each.fresh for each in letters)


def _seen_file(project: Project, environment: str) -> Path:
    return project.environment_state(environment) / "dead-letters-seen.json"


def _read_seen(file: Path) -> dict[str, dict[int, int]]:
    try:
        found = json.loads(file.read_text())
        return {topic: {int(number): int(end) for number, end in ends.items()} for topic, ends in found.items()}
    except (OSError, ValueError, AttributeError):
        return {}  # a file that is lost or broken only makes fresh ones count again


def _reasons(messages: Sequence[Any]) -> tuple[Reason, ...]:
    """By how often; of each the newest one's words."""
    counts: dict[str, int] = {}
    words: dict[str, str] = {}
    for message in sorted(messages, key=lambda each: each.timestamp()[1]):
        reason, error = reason_of(message.headers() or ())
        counts[reason] = counts.get(reason, 0) + 1
        words[reason] = " ".join(error.split())[:300]
    ordered = sorted(counts, key=lambda reason: -counts[reason])
    return tuple(Reason(reason, words[reason], counts[reason]) for reason in ordered)


def _newest(messages: Sequence[Any]) -> datetime | None:
    times = [message.timestamp()[1] for message in messages]
    return datetime.fromtimestamp(max(times) / 1000, UTC) if times else None
