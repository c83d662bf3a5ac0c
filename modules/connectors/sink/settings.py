"""What the sink needs to know, as one frozen record made from an environment.

No connection is made here; secrets stay references (the warehouse's key) or inside `repr=False` fields.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from modules.environment.model import Environment
from modules.errors import ConfigError
from modules.platforms.base import Platform, RegistryClient, SnowflakeClient
from modules.project import Project
from modules.topics import dead_letter_topic, sink_group
from modules.warehouse.connection import plain_key

__all__ = ["Batching", "SinkSettings", "settings_for"]


@dataclass(frozen=True)
class Batching:
    """When a partition's buffer is appended: at the first of these that is reached.

    `linger` is in seconds, from the oldest buffered message. Snowflake takes at most 4 MB of rows in one request.
    `buffer_rows` and `buffer_bytes` bound what a partition holds in memory; beyond them it is paused.
    """

    rows: int = 5_000
    bytes: int = 4_000_000
    linger: float = 0.1
    buffer_rows: int = 20_000
    buffer_bytes: int = 16_000_000
    uncommitted_rows: int = 200_000
    """Rows appended but not yet reported as committed by the warehouse, per partition."""


@dataclass(frozen=True)
class SinkSettings:
    """One topic into one table."""

    topic: str
    table: str
    """DATABASE.SCHEMA.TABLE, upper case."""
    group: str
    dead_letter_topic: str | None
    """None: the topic has none (`dead_letter: false`), and the sink stops at what it cannot write."""
    kafka: dict[str, Any] = field(repr=False)
    registry: RegistryClient
    snowflake: SnowflakeClient
    private_key: str = field(repr=False)
    """PKCS#8 PEM."""
    project: Project
    instance: str = "0"
    """Names this member of the group. A sink that starts with the same name takes over at once."""
    batching: Batching = Batching()
    compress: bool = False
    """gzip the rows; worth it over a network, not over loopback."""
    patience: float = 300.0
    """Seconds to go on trying while the warehouse, the registry or the dead-letter topic does not answer."""
    session: float = 30.0
    """Seconds after which a member that is silent, or was stopped, gives up its partitions to others."""

    @property
    def database(self) -> str:
        return self.table.split(".")[0]

    @property
    def schema(self) -> str:
        return self.table.split(".")[1]

    @property
    def table_name(self) -> str:
        return self.table.split(".")[2]

    @property
    def pipe(self) -> str:
        """The pipe Snowflake gives every table for streaming."""
        return f"{self.table_name}-STREAMING"


def settings_for(
    environment: Environment,
    platform: Platform,
    project: Project,
    topic_name: str | None = None,
    *,
    instance: str = "0",
) -> SinkSettings:
    """The settings of one topic's sink; without a name, of the only topic that has one.

    Raises:
        ConfigError: there is no such topic, it has no sink, or several have one and none was named.
        SecretError: the warehouse's key cannot be read.
    """
    name = topic_name or _only_sink(environment)
    topic = environment.topics.get(name)
    if topic is None or topic.sink is None:
        others = ", ".join(sink_topics(environment)) or "none has a sink"
        raise ConfigError(
            f"topic {name} " + ("is not declared" if topic is None else "has no sink"),
            where=environment.source,
            do=f"add topics.{name}.sink.table, or choose one of: {others}",
        )
    snowflake = platform.snowflake_client("connector")
    return SinkSettings(
        topic=name,
        table=topic.sink.table.upper(),
        group=sink_group(name),
        dead_letter_topic=dead_letter_topic(name) if topic.dead_letter else None,
        kafka=platform.kafka_client("sink"),
        registry=platform.registry_client(),
        snowflake=snowflake,
        private_key=plain_key(snowflake.private_key, snowflake.passphrase, project),
        project=project,
        instance=instance,
        compress=snowflake.protocol == "https",
        # On a laptop nothing lies between sink and broker that would keep a heartbeat waiting.
        session=10.0 if environment.platform == "local" else 30.0,
    )


def sink_topics(environment: Environment) -> list[str]:
    """The topics that have a sink, in the YAML's order."""
    return [name for name, topic in environment.topics.items() if topic.sink]


def _only_sink(environment: Environment) -> str:
    names = sink_topics(environment)
    if len(names) == 1:
        return names[0]
    raise ConfigError(
        "no topic has a sink" if not names else f"several topics have a sink: {', '.join(names)}",
        where=environment.source,
        do="add topics.<name>.sink.table" if not names else "choose one with --topic",
    )
