"""Change data capture in the environment model: `sources.<name>` of kind `debezium-postgres`.

What a source's topics, slot and publication are called is decided here, for checks, rights and connectors alike. What
they are set to in Debezium is in `modules/connectors/settings`.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from modules.environment.connect import Plugin, Runner, kind_of, plugin_problem
from modules.environment.connector_settings import CONNECTORS, setting_problem
from modules.environment.document import Problem
from modules.environment.section import Section
from modules.environment.source import name_problem, source_principal
from modules.environment.types import Duration, DurationValue, SecretRef, Whole

if TYPE_CHECKING:
    from modules.environment.explain import Positions
    from modules.environment.model import Environment

__all__ = [
    "CapturedTable", "DebeziumPostgres", "captured_topics", "check", "debezium_class", "debezium_sources", "prefix_of",
    "principals", "publication_of", "runner_of", "runners_of", "slot_of", "topic_of",
    "unwrapped_topics",
]  # fmt: skip

_TABLE = re.compile(r"[A-Za-z_][\w$]*\.[A-Za-z_][\w$]*")
_SLOT = re.compile(r"[a-z0-9_]{1,63}")


class CapturedTable(Section):
    """A table whose changes are captured."""

    key: list[str] = Field(default_factory=list, description="The columns of its primary key.")


class DebeziumPostgres(Section):
    """Changes of a PostgreSQL database, captured by Debezium."""

    kind: Literal["debezium-postgres"] = Field(description="Debezium's PostgreSQL connector.")
    run: Literal["managed", "kafka-connect"] | None = Field(
        None,
        description="What runs it. Default: as `connect.kind`; beside kind sink the platform's own (Confluent's, MSK "
        "Connect), else Kafka Connect.",
    )
    host: str | None = Field(None, description="The server's name; default on a laptop: its own PostgreSQL.")
    port: Whole = Field(5432, ge=1, le=65_535, description="The server's port.")
    database: str = Field("postgres", description="The database in it.", min_length=1)
    user: str = Field("debezium", description="Who logs in; needs REPLICATION and SELECT on the tables.", min_length=1)
    password: SecretRef | None = Field(
        None, description="The user's password, as a reference; default on a laptop: that of its own PostgreSQL."
    )
    ssl: Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] | None = Field(
        None, description="How the connection is encrypted; default: require, on a laptop prefer."
    )
    prefix: str | None = Field(
        None,
        description="What names of its topics begin with, `<prefix>.<schema>.<table>`; default: the source's name.",
        pattern=r"^[A-Za-z0-9_-]+$",
    )
    tables: dict[str, CapturedTable] = Field(
        default_factory=dict, description="`schema.table` → its key; each needs a topic `<prefix>.<schema>.<table>`."
    )
    publication: str | None = Field(
        None,
        description="The publication in PostgreSQL; default: `<prefix>_changes`.",
        pattern=r"^[a-z_][a-z0-9_]{0,62}$",
    )
    create_publication: bool = Field(
        True, description="Debezium makes it, of these tables; the user must own them then. false: it is there."
    )
    slot: str | None = Field(
        None,
        description="The replication slot; each environment needs its own. Default: `<project>_<environment>_<name>`.",
        pattern=r"^[a-z0-9_]{1,63}$",
    )
    heartbeat: Duration = Field(
        DurationValue(10_000),
        description="So often the slot moves on although the tables rest, or PostgreSQL keeps WAL.",
    )
    snapshot: Literal["initial", "always", "initial_only", "no_data", "when_needed"] = Field(
        "initial", description="Whether rows that are there already come first."
    )
    unwrap: bool = Field(
        True, description="Events are rows, with what happened to them beside; false: Debezium's envelope."
    )
    plugin: Plugin | None = Field(None, description="managed on msk: where Debezium's connector is.")
    settings: dict[str, str] = Field(
        default_factory=dict,
        description="Further settings of the connector, as it names them; unknown ones are refused.",
    )


def debezium_sources(environment: Environment) -> dict[str, DebeziumPostgres]:
    """Those of this kind, by name."""
    return {name: each for name, each in environment.sources.items() if isinstance(each, DebeziumPostgres)}


def prefix_of(name: str, source: DebeziumPostgres) -> str:
    """What names of its topics begin with, before the dot."""
    return source.prefix or name


def topic_of(name: str, source: DebeziumPostgres, table: str) -> str:
    """The topic that a table's changes go to; Debezium names it so."""
    return f"{prefix_of(name, source)}.{table}"


def slot_of(environment: Environment, name: str) -> str:
    """The replication slot: as given, else one that no other environment has."""
    given = debezium_sources(environment)[name].slot
    return given or re.sub(r"[^a-z0-9_]", "_", f"{environment.project}_{environment.name}_{name}".lower())[:63]


def publication_of(name: str, source: DebeziumPostgres) -> str:
    """The publication: as given, else after the prefix."""
    return source.publication or re.sub(r"[^a-z0-9_]", "_", f"{prefix_of(name, source)}_changes".lower())[:63]


def captured_topics(environment: Environment) -> dict[str, tuple[str, str]]:
    """Topic → (source, table) of everything that is captured; its schema is the connector's to register."""
    return {
        topic_of(name, source, table): (name, table)
        for name, source in debezium_sources(environment).items()
        for table in source.tables
    }


def unwrapped_topics(environment: Environment) -> dict[str, tuple[str, ...]]:
    """Captured topics whose events are rows with `__op`, `__lsn`, `__source_ts_ms`, `__deleted` → their keys."""
    return {
        topic_of(name, source, table): tuple(captured.key)
        for name, source in debezium_sources(environment).items()
        if source.unwrap
        for table, captured in source.tables.items()
    }


def runner_of(environment: Environment, source: DebeziumPostgres) -> Runner:
    """What runs the connector."""
    if source.run:
        return source.run
    kind = kind_of(environment)
    if kind != "sink":
        return kind
    return "managed" if environment.platform in ("confluent", "msk") else "kafka-connect"


def runners_of(environment: Environment) -> set[Runner]:
    """What runs any of the sources."""
    return {runner_of(environment, source) for source in debezium_sources(environment).values()}


def debezium_class(environment: Environment, source: DebeziumPostgres) -> str:
    """`connector.class`: Confluent's managed one, or Debezium's own."""
    managed = environment.platform == "confluent" and runner_of(environment, source) == "managed"
    return "PostgresCdcSourceV2" if managed else "io.debezium.connector.postgresql.PostgresConnector"


def principals(environment: Environment) -> dict[str, dict[str, Any]]:
    """The applications that sources of this kind amount to: on Confluent each works as an account of its own.

    Elsewhere the worker's login has their rights, or an IAM role of MSK Connect's.
    """
    found = {}
    for name, source in debezium_sources(environment).items():
        produces = [topic_of(name, source, table) for table in source.tables]
        if environment.platform == "confluent" and runner_of(environment, source) == "managed":
            found[source_principal(name)] = {
                "description": f"Captures changes of the database {source.database}",
                "produces": [topic for topic in produces if topic in environment.topics],
            }
    return {name: its for name, its in found.items() if its["produces"]}


def check(environment: Environment, positions: Positions) -> Iterator[Problem]:
    """What is wrong with each source of this kind, and what several of them would take from each other."""
    for name, source in debezium_sources(environment).items():
        yield from _Debezium(environment, positions, name, source).problems()
    yield from _shared_slots(environment, positions)


class _Debezium:
    """One Debezium source beside its environment."""

    def __init__(self, environment: Environment, positions: Positions, name: str, source: DebeziumPostgres) -> None:
        self._environment = environment
        self._positions = positions
        self._name = name
        self._source = source

    def problems(self) -> Iterator[Problem]:
        source, platform = self._source, self._environment.platform
        if wrong := name_problem(self._name):
            yield self._problem(wrong)
        if source.run == "managed" and platform in ("local", "redpanda"):
            yield self._problem("there are no managed connectors here; write `kafka-connect`", "run")
        if platform != "local":
            for key in ("host", "password"):
                if getattr(source, key) is None and not self._written(key):
                    yield self._problem(f"missing `{key}`: only a laptop brings a PostgreSQL of its own")
        if platform == "msk" and runner_of(self._environment, source) == "managed":
            if source.plugin is None:
                yield self._problem(
                    "MSK Connect needs Debezium's program; write `plugin: {file: …}` to upload it, or `plugin: "
                    "{bucket: …, key: …}`"
                )
            elif wrong := plugin_problem(source.plugin):
                yield self._problem(wrong, "plugin")
        yield from self._tables()
        if not _SLOT.fullmatch(slot_of(self._environment, self._name)):
            yield self._problem("its slot has no name PostgreSQL takes; write `slot`")
        known = CONNECTORS[debezium_class(self._environment, source)]
        for name, value in source.settings.items():
            wrong = setting_problem(known, name, value)
            if wrong:
                yield self._problem(wrong, "settings", name)

    def _tables(self) -> Iterator[Problem]:
        source, topics = self._source, self._environment.topics
        if not source.tables and not self._written("tables"):
            yield self._problem("it captures no table; write `tables: {public.orders: {key: [id]}}`")
        for table, captured in source.tables.items():
            topic = topic_of(self._name, source, table)
            if not _TABLE.fullmatch(table):
                yield self._problem(f"expected schema.table, such as public.orders, got '{table}'", "tables", table)
                continue
            if not captured.key:
                yield self._problem("which columns are its primary key? write `key: [id]`", "tables", table)
            for number, column in enumerate(captured.key):
                if column in captured.key[:number]:
                    yield self._problem(f"`{column}` is there twice; keep one", "tables", table, "key", number)
            if topic not in topics:
                close = difflib.get_close_matches(topic, topics, n=1, cutoff=0.8)
                hint = f"; did you mean to call `{close[0]}` so?" if close else ""
                yield self._problem(
                    f"its changes go to the topic `{topic}`, which is not declared{hint}", "tables", table
                )

    def _written(self, key: str) -> bool:
        return self._positions.node("sources", self._name, key) is not None

    def _problem(self, message: str, *at: str | int) -> Problem:
        path = ".".join(str(key) for key in ("sources", self._name, *at))
        return Problem(self._positions.at("sources", self._name, *at), path, message)


def _shared_slots(environment: Environment, positions: Positions) -> Iterator[Problem]:
    seen: dict[tuple[str | None, int, str], str] = {}
    for name, source in debezium_sources(environment).items():
        slot = slot_of(environment, name)
        other = seen.setdefault((source.host, source.port, slot), name)
        if other != name:
            message = f"`{other}` reads the slot `{slot}` of this server already; a slot has one reader"
            yield Problem(positions.at("sources", name, "slot"), f"sources.{name}.slot", message)
    topics: dict[str, str] = {}
    for name, source in debezium_sources(environment).items():
        other = topics.setdefault(prefix_of(name, source), name)
        if other != name:
            message = f"`{other}` has the prefix `{prefix_of(name, source)}` already; their topics would be one"
            yield Problem(positions.at("sources", name, "prefix"), f"sources.{name}.prefix", message)
