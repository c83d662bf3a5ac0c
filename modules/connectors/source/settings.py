"""What a source needs to know, as one frozen record made from an environment.

No connection is made here; the warehouse's key stays a reference, which is read anew at each login, so that a rotated
key is taken up.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from modules.environment.model import Environment
from modules.environment.source import SnowflakeSource, place_topic, snowflake_sources, source_principal
from modules.errors import ConfigError
from modules.platforms.base import Platform, RegistryClient, SnowflakeClient
from modules.project import Project
from modules.warehouse.estate import SOURCE_USER, WAREHOUSE
from modules.warehouse.keys import private_key_of

__all__ = ["SourceSettings", "source_settings"]


@dataclass(frozen=True)
class SourceSettings:
    """One table or stream into one topic."""

    name: str
    source: SnowflakeSource
    kafka: dict[str, Any] = field(repr=False)
    registry: RegistryClient
    snowflake: SnowflakeClient
    project: Project
    declared_schema: str | None
    """The file the topic's schema is declared in, as people name it; None where the table decides alone."""
    patience: float = 300.0
    """Seconds to go on trying while Kafka or Snowflake does not answer."""

    @property
    def origin(self) -> str:
        return self.source.origin

    @property
    def subject(self) -> str:
        return f"{self.source.topic}-value"

    @property
    def place_topic(self) -> str:
        return place_topic(self.name)

    @property
    def transactional_id(self) -> str:
        return source_principal(self.name)


def source_settings(
    environment: Environment, platform: Platform, project: Project, name: str | None = None
) -> SourceSettings:
    """The settings of one source; without a name, of the only one.

    Raises:
        ConfigError: there is no such source, or there are several and none was named.
    """
    sources = snowflake_sources(environment)
    chosen = name or _only(list(sources), environment)
    if chosen not in sources:
        raise ConfigError(
            f"there is no Snowflake source {chosen}",
            where=environment.source,
            do=f"choose one of: {', '.join(sources) or 'none is declared under `sources:`'}",
        )
    source = sources[chosen]
    database, schema, _ = source.origin.split(".")
    key = private_key_of(environment, project, SOURCE_USER)
    return SourceSettings(
        name=chosen,
        source=source,
        kafka=platform.kafka_client(source_principal(chosen)),
        registry=platform.registry_client(),
        snowflake=replace(
            platform.snowflake_client("admin"),
            user=SOURCE_USER,
            role=source.role.upper(),
            private_key=key.reference,
            passphrase=key.passphrase,
            warehouse=WAREHOUSE,
            database=database,
            schema=schema,
        ),
        project=project,
        declared_schema=environment.schema_file(source.topic),
    )


def _only(names: list[str], environment: Environment) -> str:
    if len(names) == 1:
        return names[0]
    raise ConfigError(
        "no source reads Snowflake" if not names else f"several sources read Snowflake: {', '.join(names)}",
        where=environment.source,
        do="add `sources: {<name>: {kind: snowflake, …}}`" if not names else "choose one with --source",
    )
