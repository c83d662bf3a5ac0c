"""MSK in the environment model: its settings, and the sizes that follow from them and the workload.

What MSK allows is in `msk_limits.py`, what is checked of it in `msk_checks.py`.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, model_validator

from modules.environment import msk_limits as limits
from modules.environment.adopted import AdoptedMsk
from modules.environment.msk_checks import check
from modules.environment.section import Section
from modules.environment.types import DataSize, SecretRef, Whole

if TYPE_CHECKING:
    from modules.environment.model import Environment

__all__ = [
    "Msk", "MskRegistry", "check", "registry_database", "registry_tasks", "storage_ceiling_gib", "storage_gib",
]  # fmt: skip

GIB = 2**30
_COPIES = 3
_HEADROOM = Decimal("1.3")
_EXPRESS_DEFAULT = "express.m7g.large"


class MskRegistry(Section):
    """The Schema Registry beside the brokers; MSK has none of its own."""

    kind: Literal["apicurio", "external", "glue"] = Field(
        "apicurio",
        description="apicurio: on ECS, schemas in PostgreSQL; external: one that is there already; glue: AWS Glue's, "
        "with a wire format of its own.",
    )
    registry_name: str | None = Field(
        None,
        description="glue: the registry's name; default: `<project>-<environment>`.",
        pattern=r"^[A-Za-z0-9_.-]{1,255}$",
    )
    url: str | None = Field(
        None, description="external: its Confluent-compatible API.", pattern=r"^https?://[^\s/]+(/\S*)?$"
    )
    credentials: SecretRef | None = Field(
        None, description="external: a secret, a JSON object with `username` and `password`; default: no login."
    )
    image: str = Field(
        "quay.io/apicurio/apicurio-registry:3.3.3",
        description="apicurio: the image, pinned by version or digest; one in ECR needs no way to the internet.",
        pattern=r"^\S+(:[\w][\w.-]*|@sha256:[0-9a-f]{64})$",
    )
    tasks: Whole | None = Field(None, ge=1, le=16, description="apicurio: how many; default: 1, in production 2.")
    database: str | None = Field(
        None,
        description="apicurio: the database's instance class; default: db.t4g.micro, in production db.t4g.medium.",
        pattern=r"^db\.[a-z0-9]+\.[a-z0-9]+$",
    )


class Msk(Section):
    """Amazon MSK; read when `platform` is msk."""

    mode: Literal["provisioned", "express", "serverless"] = Field("provisioned", description="The cluster's kind.")
    region: str = Field("us-east-1", description="The AWS region.")
    broker_type: str = Field(
        "kafka.m7g.large", description=f"The brokers' instance type; the default for express is {_EXPRESS_DEFAULT}."
    )
    brokers: Whole = Field(3, ge=1, description="How many; a multiple of the number of zones.")
    kafka_version: str | None = Field(
        None, description=f"Default: {limits.VERSIONS['provisioned'][0]}, express {limits.VERSIONS['express'][0]}."
    )
    storage_per_broker: DataSize | None = Field(None, description="Default: what the workload keeps, with headroom.")
    storage_ceiling: DataSize | None = Field(
        None, description="How far a broker's disk may grow by itself; default: four times what it starts with."
    )
    authentication: Literal["iam", "scram"] | None = Field(
        None, description="How clients log in; default: scram, serverless iam (it has no other)."
    )
    trusted: list[str] = Field(
        default_factory=list,
        description="IAM ARNs that may take on the clients' roles; default: whom the account's policies allow to.",
    )
    credentials_version: Whole = Field(1, ge=1, description="scram: raise it to give every user a new password.")
    open_monitoring: bool = Field(True, description="Prometheus exporters on the brokers.")
    alarm_emails: list[str] = Field(default_factory=list, description="Who is written to when an alarm goes off.")
    alarm_lag: Whole = Field(100_000, ge=1, description="Events a consumer group may be behind before an alarm.")
    registry: MskRegistry = MskRegistry()
    adopted: AdoptedMsk | None = Field(None, description="A cluster that was there before this environment.")

    @model_validator(mode="before")
    @classmethod
    def _type_of_mode(cls, given: Any) -> Any:
        if isinstance(given, dict) and given.get("mode") == "express":
            return {"broker_type": _EXPRESS_DEFAULT, **given}
        return given

    @property
    def login(self) -> Literal["iam", "scram"]:
        """How clients log in."""
        return self.authentication or ("iam" if self.mode == "serverless" else "scram")

    @property
    def version(self) -> str:
        """Kafka's version; Serverless does not let it be chosen."""
        return self.kafka_version or limits.VERSIONS.get(self.mode, ("",))[0]


def storage_gib(environment: Environment) -> int:
    """A broker's disk to begin with, in GiB: as given, else three copies of what is kept, spread evenly, with 30 %
    headroom. The cost report takes the same."""
    given = environment.msk.storage_per_broker
    if given is not None:
        return -(-given.bytes // GIB)
    workload = environment.workload
    seconds = Decimal(environment.workload_retention.milliseconds) / 1000
    kept = workload.ingress.bytes_per_second * seconds * workload.compression
    each = kept * _COPIES * _HEADROOM / environment.msk.brokers / GIB
    return max(1, int(each.to_integral_value(ROUND_CEILING)))


def storage_ceiling_gib(environment: Environment) -> int:
    """How far a broker's disk may grow by itself, in GiB."""
    ceiling = environment.msk.storage_ceiling
    if ceiling is not None:
        return ceiling.bytes // GIB
    return min(4 * storage_gib(environment), limits.LARGEST_DISK // GIB)


def registry_tasks(environment: Environment) -> int:
    """How many tasks answer for Apicurio."""
    return environment.msk.registry.tasks or (2 if environment.production else 1)


def registry_database(environment: Environment) -> str:
    """The instance class of Apicurio's database."""
    return environment.msk.registry.database or ("db.t4g.medium" if environment.production else "db.t4g.micro")
