"""The environment model: what one YAML file of `environments/` says, validated.

Pure data: no file, no network, no cdktf. Reading YAML with `extends`, file:line and suggestions is `loader.py`'s work.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from modules.environment.applications import Application, Quota
from modules.environment.capture import DebeziumPostgres
from modules.environment.confluent import Confluent
from modules.environment.connect import Connect
from modules.environment.drift import Drift
from modules.environment.guards import Guards
from modules.environment.msk import Msk
from modules.environment.network import Network
from modules.environment.plans import Plans
from modules.environment.redpanda import Redpanda
from modules.environment.section import Section
from modules.environment.slo import Slo, StageSlo
from modules.environment.smoke import Smoke
from modules.environment.source import SnowflakeSource
from modules.environment.sources import Source, principals
from modules.environment.state import State, StateSetting
from modules.environment.types import (
    DataSize,
    DataSizeValue,
    Duration,
    DurationValue,
    Money,
    Whole,
)
from modules.environment.warehouse import SnowflakeAccount, Warehouse
from modules.environment.workload import Workload

__all__ = [
    "Application", "Confluent", "Connect", "DebeziumPostgres", "Environment", "Guards", "Local", "Msk", "Network",
    "Platform", "Quota", "Redpanda", "SchemaReference", "Slo", "Smoke", "SnowflakeAccount", "SnowflakeSource",
    "StageSlo", "Terraform", "Topic", "TopicSink", "TopicValue", "Warehouse", "Workload",
]  # fmt: skip

Platform = Literal["confluent", "msk", "redpanda", "local"]
Compatibility = Literal[
    "NONE", "BACKWARD", "BACKWARD_TRANSITIVE", "FORWARD", "FORWARD_TRANSITIVE", "FULL", "FULL_TRANSITIVE"
]


class Terraform(Section):
    """How Terraform is run."""

    binary: str | None = Field(None, description="A terraform or tofu program; default: the library that comes along.")
    providers: Literal["bundled", "official"] | None = Field(
        None,
        description="Where provider plugins come from; default: bundled for platform local, official otherwise.",
    )
    lock_timeout: Duration = Field(
        DurationValue(0), description="How long to wait for a state that another run holds; default: not at all."
    )


class Local(Section):
    """Settings of the laptop platform; every port is chosen free unless given."""

    kafka_port: Whole | None = Field(None, ge=1024, le=65535, description="Kafka's port on 127.0.0.1.")
    registry_port: Whole | None = Field(None, ge=1024, le=65535, description="The Schema Registry's port.")
    snowflake_port: Whole | None = Field(None, ge=1024, le=65535, description="The Snowflake stand-in's port.")
    kafka_memory: DataSize = Field(DataSizeValue(512 * 2**20), description="Kafka's Java heap.")
    registry_memory: DataSize = Field(DataSizeValue(256 * 2**20), description="The registry's Java heap.")
    connect_port: Whole | None = Field(None, ge=1024, le=65535, description="The Kafka Connect worker's REST port.")
    connect_memory: DataSize = Field(DataSizeValue(512 * 2**20), description="The Kafka Connect worker's Java heap.")
    postgres_port: Whole | None = Field(None, ge=1024, le=65535, description="PostgreSQL's port, with change capture.")


class SchemaReference(Section):
    """A type that several schemas use, registered under a subject of its own."""

    schema_: str = Field(alias="schema", description="An Avro schema file, relative to environments/.")
    subject: str | None = Field(
        None, description="Where it is registered; default: the type's full name.", min_length=1
    )


class TopicValue(Section):
    """The value's schema, registered under `<topic>-value`."""

    schema_: str = Field(alias="schema", description="An Avro schema file, relative to environments/.")
    compatibility: Compatibility = Field("BACKWARD", description="Which schemas the registry lets follow this one.")
    references: dict[str, SchemaReference] = Field(
        default_factory=dict, description="Types the schema uses without defining them, by full name."
    )


class TopicSink(Section):
    """Where the topic's events land."""

    table: str = Field(
        description="DATABASE.SCHEMA.TABLE", pattern=r"^[A-Za-z_][\w$]*\.[A-Za-z_][\w$]*\.[A-Za-z_][\w$]*$"
    )


class Topic(Section):
    """A Kafka topic, its value's schema and where its events land."""

    partitions: Whole = Field(6, ge=1, le=100_000, description="More can be added later (keys move then), never fewer.")
    replication: Whole | None = Field(
        None, ge=1, description="Default: what the platform needs (1 on a laptop, else 3)."
    )
    retention: Duration = Field(DurationValue(7 * 86_400_000), description="How long Kafka keeps an event.")
    key: str | None = Field(None, description="The value's field that is the message key.")
    value: TopicValue | None = Field(None, description="The value's schema; default: none, bytes are not looked at.")
    sink: TopicSink | None = Field(None, description="Where events land; default: nowhere.")
    dead_letter: bool = Field(True, description="With a sink: a topic `<name>.dlq` for what the sink cannot write.")
    config: dict[str, str] = Field(default_factory=dict, description="Further topic settings, as Kafka names them.")

    def dead_letter_of(self, name: str) -> str | None:
        """The dead-letter topic's name, given this topic's; None without one."""
        return f"{name}.dlq" if self.sink and self.dead_letter else None


class Budget(Section):
    """What it may cost; `infra cost` exits with 3 above it."""

    monthly: Money = Field(description="For a month of 730 hours, in USD.")


class Environment(Section):
    """One environment, complete; `name`, `source` and `applications` come from the loader, not from its file."""

    name: str
    source: str = Field(description="The YAML file, relative to the project.")
    platform: Platform = Field(description="Where Kafka runs: the one switch.")
    project: str = Field(
        "streaming",
        description="What every name begins with: `<project>-<environment>-…`.",
        pattern=r"^[a-z][a-z0-9-]{0,23}$",
    )
    production: bool = Field(
        False, description="Safe defaults: deletion protection, several zones, nothing that holds data is destroyed."
    )
    protected: bool | None = Field(
        None,
        description="Not destroyed, nothing that holds data deleted, only reviewed plans applied; default: as "
        "`production`.",
    )
    guards: Guards = Guards()
    tags: dict[str, str] = Field(
        default_factory=dict, description="On every resource that takes tags, beside project, environment, managed-by."
    )
    required_tags: list[str] = Field(default_factory=list, description="Tags that must be given and not be empty.")
    terraform: Terraform = Terraform()
    state: StateSetting = Field(
        State(), description="Where Terraform's states are: `local` (files below .infra), or `s3` with a bucket."
    )
    plans: Plans = Plans()
    local: Local = Local()
    confluent: Confluent = Confluent()
    msk: Msk = Msk()
    redpanda: Redpanda = Redpanda()
    network: Network = Network()
    topics: dict[str, Topic] = Field(default_factory=dict, description="By name.")
    applications: dict[str, Application] = Field(
        default_factory=dict, description="By name: the files of environments/applications that take part here."
    )
    sources: dict[str, Source] = Field(
        default_factory=dict, description="By name: what brings rows into topics from elsewhere."
    )
    warehouse: Warehouse = Warehouse()
    connect: Connect = Connect()
    workload: Workload = Workload()
    smoke: Smoke = Smoke()
    slo: Slo = Slo()
    drift: Drift = Drift()
    alerts: dict[str, float] = Field(
        default_factory=dict, description="Alert rule → its threshold here; `infra status` has the rules and defaults."
    )
    budget: Budget | None = None

    @model_validator(mode="after")
    def _logins_of_sources(self) -> Environment:
        """A source has a login of its own, made the way an application's is."""
        for name, its in principals(self).items():
            self.applications.setdefault(name, Application(**its))
        return self

    @property
    def is_protected(self) -> bool:
        """Whether it is protected: as it says, else where it is production."""
        return self.production if self.protected is None else self.protected

    @property
    def brokers(self) -> int:
        """How many brokers hold replicas; managed clusters that do not say count as three."""
        if self.platform == "local":
            return 1
        if self.platform == "msk" and self.msk.mode != "serverless":
            return self.msk.brokers
        return self.redpanda.brokers if self.platform == "redpanda" else 3

    @property
    def fixed_replication(self) -> int | None:
        """The replication a platform allows as the only one; None where it can be chosen."""
        chosen = self.platform in ("local", "redpanda") or (self.platform == "msk" and self.msk.mode == "provisioned")
        return None if chosen else 3

    def replication(self, topic: str) -> int:
        """A topic's replication factor: as given, else three, or as many as there are brokers."""
        given = self.topics[topic].replication
        return given if given is not None else min(3, self.brokers)

    @property
    def workload_retention(self) -> DurationValue:
        """How long events are kept: as the workload says, else the longest of the topics, else seven days."""
        if self.workload.retention is not None:
            return self.workload.retention
        return max((topic.retention for topic in self.topics.values()), default=DurationValue(7 * 86_400_000))

    def schema_file(self, topic: str) -> str | None:
        """The value's Avro schema, relative to the project (`environments/schemas/…`); None without one."""
        value = self.topics[topic].value
        return f"environments/{value.schema_}" if value else None
