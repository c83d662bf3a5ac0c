"""A Schema Registry for a platform that brings none with a Confluent-compatible API (MSK): Apicurio as Fargate tasks.

Its schemas are in PostgreSQL (RDS), and a balancer stands before it; with Glue, or one that is there already, nothing
is billed. Confluent's is in `confluent.py` (Stream Governance), Redpanda's is built in.
"""

from __future__ import annotations

from decimal import Decimal

from modules.cost.estimators import account
from modules.cost.estimators.base import Inputs
from modules.cost.lines import Estimate, Line, line
from modules.cost.units import Quantity, Unit, hours, plain
from modules.environment.model import Environment
from modules.environment.msk import registry_database, registry_tasks

__all__ = ["estimate"]

_DATABASE_GIB = Decimal(20)


def estimate(inputs: Inputs, environment: Environment) -> Estimate:
    """Tasks, database and balancer of the registry that MSK's stack makes."""
    if environment.msk.registry.kind != "apicurio":
        return Estimate(())
    made = Estimate((*_tasks(inputs, registry_tasks(environment)), *_database(inputs, environment)))
    return made + account.balancer(inputs, "registry", "alb")


def _tasks(inputs: Inputs, tasks: int) -> tuple[Line, ...]:
    vcpu, gib = inputs.assumptions.registry_vcpu, inputs.assumptions.registry_gib
    times = f"{tasks} tasks × " if tasks != 1 else ""
    return (
        line(
            "registry.vcpu", "kafka", "fixed", hours(tasks * vcpu, Unit.VCPU_HOUR), inputs.price("aws.fargate.vcpu"),
            f"{times}{vcpu} vCPU × 730 h", what=f"Apicurio, {plain(tasks * vcpu)} vCPU", count=1,
        ),
        line(
            "registry.memory", "kafka", "fixed", hours(tasks * gib, Unit.GIB_HOUR), inputs.price("aws.fargate.memory"),
            f"{times}{plain(gib)} GiB × 730 h", what=f"Apicurio, {plain(tasks * gib)} GiB",
        ),
    )  # fmt: skip


def _database(inputs: Inputs, environment: Environment) -> tuple[Line, ...]:
    """In production with a standby in another zone, which is billed like the database itself."""
    name, copies = registry_database(environment), 2 if environment.production else 1
    item = f"aws.rds.{name}"
    price = inputs.price(item if item in inputs.book else "aws.rds.other")
    times, standby = ("2 × ", " with a standby") if copies == 2 else ("", "")
    return (
        line(
            "registry.database", "kafka", "fixed", hours(copies, Unit.INSTANCE_HOUR), price, f"{times}730 h",
            what=f"Apicurio's database {name}{standby}", count=1,
        ),
        line(
            "registry.storage", "kafka", "fixed", Quantity(_DATABASE_GIB * copies, Unit.GIB_MONTH),
            inputs.price("aws.rds.gp3"), f"{times}{_DATABASE_GIB} GiB provisioned",
            what="Apicurio's database, storage", note="grows by itself up to 100 GiB; backups of its size are free",
        ),
    )  # fmt: skip
