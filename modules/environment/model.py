"""The environment model: what one YAML file of `environments/` says, validated.

Pure data: no file, no network, no cdktf. Reading YAML with `extends`, file:line and suggestions is `loader.py`'s work.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from modules.environment.types import (
    DataRate,
    DataRateValue,
    DataSize,
    DataSizeValue,
    Duration,
    DurationValue,
    Money,
    Number,
    SecretRef,
    Whole,
)

__all__ = [
    "Confluent", "Connect", "Environment", "Local", "Msk", "Platform", "Redpanda", "Slo", "SnowflakeAccount",
    "StageSlo", "Terraform", "Topic", "TopicSink", "TopicValue", "Warehouse", "Workload",
]  # fmt: skip

Platform = Literal["confluent", "msk", "redpanda", "local"]
Compatibility = Literal[
    "NONE", "BACKWARD", "BACKWARD_TRANSITIVE", "FORWARD", "FORWARD_TRANSITIVE", "FULL", "FULL_TRANSITIVE"
]


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Terraform(Model):
    """How Terraform is run."""

    binary: str | None = Field(None, description="A terraform or tofu program; default: the library that comes along.")
    providers: Literal["bundled", "official"] | None = Field(
        None,
        description="Where provider plugins come from; default: bundled for platform local, official otherwise.",
    )


class Local(Model):
    """Settings of the laptop platform; every port is chosen free unless given."""

    kafka_port: Whole | None = Field(None, ge=1024, le=65535)
    registry_port: Whole | None = Field(None, ge=1024, le=65535)
    snowflake_port: Whole | None = Field(None, ge=1024, le=65535)
    kafka_memory: DataSize = DataSizeValue(512 * 2**20)
    registry_memory: DataSize = DataSizeValue(256 * 2**20)


class Confluent(Model):
    tier: Literal["basic", "standard", "enterprise", "freight", "dedicated"] = "basic"
    region: str = "us-east-1"
    cku: Whole | None = Field(None, ge=1)
    cloud_api_key: SecretRef | None = None
    cloud_api_secret: SecretRef | None = None


class Msk(Model):
    mode: Literal["provisioned", "express", "serverless"] = "provisioned"
    region: str = "us-east-1"
    broker_type: str = "kafka.m7g.large"
    brokers: Whole = Field(3, ge=1)
    storage_per_broker: DataSize | None = Field(None, description="Default: what the workload keeps, with headroom.")


class Redpanda(Model):
    region: str = "us-east-1"
    compute: Literal["ec2", "fargate"] = "fargate"
    brokers: Whole = Field(3, ge=1)
    vcpu: Number = Decimal(2)
    memory: DataSize = DataSizeValue(8 * 2**30)


class TopicValue(Model):
    """The value's schema, registered under `<topic>-value`."""

    schema_: str = Field(alias="schema", description="An Avro schema file, relative to environments/.")
    compatibility: Compatibility = "BACKWARD"


class TopicSink(Model):
    table: str = Field(
        description="DATABASE.SCHEMA.TABLE", pattern=r"^[A-Za-z_][\w$]*\.[A-Za-z_][\w$]*\.[A-Za-z_][\w$]*$"
    )


class Topic(Model):
    partitions: Whole = Field(6, ge=1, le=100_000)
    replication: Whole | None = Field(
        None, ge=1, description="Default: what the platform needs (1 on a laptop, else 3)."
    )
    retention: Duration = DurationValue(7 * 86_400_000)
    key: str | None = Field(None, description="The value's field that is the message key.")
    value: TopicValue | None = None
    sink: TopicSink | None = None
    dead_letter: bool = Field(True, description="With a sink: a topic `<name>.dlq` for what the sink cannot write.")
    config: dict[str, str] = Field(default_factory=dict, description="Further topic settings, as Kafka names them.")

    def dead_letter_of(self, name: str) -> str | None:
        """The dead-letter topic's name, given this topic's; None without one."""
        return f"{name}.dlq" if self.sink and self.dead_letter else None


class SnowflakeAccount(Model):
    """A real account; the local platform fills in its own."""

    organization: str
    account: str
    user: str
    private_key: SecretRef
    role: str = "ACCOUNTADMIN"


class Warehouse(Model):
    preset: Literal["order-events"] = "order-events"
    engine: Literal["terraform"] = "terraform"
    size: Literal["XSMALL", "SMALL", "MEDIUM", "LARGE", "XLARGE"] = "XSMALL"
    auto_suspend: Duration = DurationValue(60_000)
    account: SnowflakeAccount | None = None
    connector_private_key: SecretRef | None = Field(
        None, description="Key of SVC_KAFKA_CONNECTOR; default: made by the CLI and kept under .infra (0600)."
    )


class Connect(Model):
    kind: Literal["sink", "managed", "self-managed"] = "sink"
    tasks: Whole = Field(1, ge=1)


class Workload(Model):
    """What the pipeline carries; the cost report's input."""

    ingress: DataRate = DataRateValue(10**9, 86400)
    message_size: DataSize = DataSizeValue(1024)
    fan_out: Number = Field(Decimal(1), ge=0, description="Bytes read per byte written, the sink included.")
    retention: Duration | None = Field(None, description="Default: the longest retention of the topics.")
    warehouse_hours_per_day: Number = Field(
        Decimal(2), ge=0, le=24, description="Hours a day the Snowflake warehouse runs for readers."
    )
    compression: Number = Field(Decimal(1), gt=0, description="Bytes kept in Kafka per byte sent.")
    snowflake_edition: Literal["standard", "enterprise", "business_critical"] = "standard"


class StageSlo(Model):
    p50: Duration | None = None
    p95: Duration | None = None
    p99: Duration | None = None


class Slo(Model):
    acknowledged: StageSlo = StageSlo()
    consumed: StageSlo = StageSlo()
    row_visible: StageSlo = StageSlo()


class Budget(Model):
    monthly: Money


class Environment(Model):
    """One environment, complete; `name` and `source` come from the loader."""

    name: str
    source: str = Field(description="The YAML file, relative to the project.")
    platform: Platform
    terraform: Terraform = Terraform()
    local: Local = Local()
    confluent: Confluent = Confluent()
    msk: Msk = Msk()
    redpanda: Redpanda = Redpanda()
    topics: dict[str, Topic] = Field(default_factory=dict)
    warehouse: Warehouse = Warehouse()
    connect: Connect = Connect()
    workload: Workload = Workload()
    slo: Slo = Slo()
    budget: Budget | None = None

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
