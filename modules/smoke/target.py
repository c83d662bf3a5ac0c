"""What a run measures: an environment's smoke topic, one of its real topics, or a topic of any brokers."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from modules.environment.connect import kind_of, version_of
from modules.environment.model import Environment, Slo
from modules.environment.smoke import SMOKE_TOPIC, own_sinks
from modules.errors import ConfigError, SmokeError
from modules.smoke.result import Unmeasured

__all__ = ["BY_HAND", "Target", "carrier", "choose_target", "new_run_id", "not_deployed"]

BY_HAND = "by hand"


@dataclass(frozen=True)
class Target:
    """What is measured: names for the report."""

    environment: Environment | None
    """None: brokers that were given by hand."""
    topic: str
    table: str
    run_id: str
    unmeasured: tuple[Unmeasured, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    bootstrap: str = ""
    """Where the brokers are that were given by hand."""

    @property
    def name(self) -> str:
        return self.environment.name if self.environment else self.bootstrap

    @property
    def platform(self) -> str:
        return self.environment.platform if self.environment else BY_HAND

    @property
    def slo(self) -> Slo:
        return self.environment.slo if self.environment else Slo()

    @property
    def own(self) -> bool:
        """Whether topic and table are there for such runs alone."""
        return self.topic == SMOKE_TOPIC


def choose_target(environment: Environment, topic: str | None) -> Target:
    """The topic to send to, and the table its rows appear in; by default the one that is there for this.

    Raises:
        ConfigError: the environment has no such topic, or it has no schema or no sink.
    """
    sunk = [name for name, its in environment.topics.items() if its.sink and its.value]
    chosen = topic or (SMOKE_TOPIC if SMOKE_TOPIC in sunk else next(iter(sunk), None))
    if chosen and chosen not in environment.topics:
        there = ", ".join(sunk)
        do = f"choose one of {there}" if sunk else "declare it, with `value:` and `sink:`"
        raise ConfigError(f"there is no topic `{chosen}`", where=environment.source, do=do)
    if chosen not in sunk:
        what = f"topic {chosen} has no value schema and sink" if chosen else "no topic has a value schema and a sink"
        raise ConfigError(what, where=environment.source, do="give the topic `value:` and `sink:`, or choose another")
    sink = environment.topics[str(chosen)].sink
    assert sink is not None
    return Target(environment, str(chosen), sink.table, new_run_id())


def new_run_id() -> str:
    return uuid.uuid4().hex[:12]


def carrier(target: Target) -> str:
    """What brings events into the table, in words; empty where there is none."""
    environment = target.environment
    if environment is None:
        return ""
    version = version_of(environment)
    if kind_of(environment) == "sink":
        return "the project's own sink"
    if kind_of(environment) == "kafka-connect":
        return f"Snowflake's connector {version} on Kafka Connect"
    return f"Snowflake's connector {version}, managed by {environment.platform}"


def not_deployed(environment: Environment, error: SmokeError) -> SmokeError:
    """An error about the smoke topic or its table, with both ways out of it."""
    real = next(iter(own_sinks(environment)), None)
    other = f", or measure on a real topic: `--topic {real}`" if real else ""
    do = f"run `infra deploy --env {environment.name}`, which makes topic {SMOKE_TOPIC} and its table{other}"
    return SmokeError(error.what, where=error.where, details=error.details, do=do)
