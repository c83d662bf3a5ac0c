"""Amazon MSK: Standard brokers with the disk that is provisioned, Express brokers, or Serverless.

Inside the cluster MSK does not bill the copies between zones. The Schema Registry beside it is the project's: see
`registry.py`; what is watched and logged is in `_around`.
"""

from __future__ import annotations

from decimal import Decimal

from modules.cost.book import Price
from modules.cost.estimators import account, connector, flink, network, registry
from modules.cost.estimators.base import Inputs, copies_on_disk, disk_words
from modules.cost.estimators.prepared import Bill, Part, joined
from modules.cost.lines import Estimate, Words, line, money
from modules.cost.units import Quantity, Unit, hours, plain
from modules.cost.usage import Usage
from modules.environment.model import Environment
from modules.environment.msk import registry_tasks, storage_ceiling_gib
from modules.environment.smoke import own_sinks
from modules.errors import PriceError
from modules.topics import client_roles

__all__ = ["estimate_express", "estimate_serverless", "estimate_standard", "logs_gib", "prepare"]


def estimate_standard(
    inputs: Inputs,
    broker_type: str,
    brokers: int,
    given_bytes: int | None = None,
    *,
    ceiling_gib: int | None = None,
) -> Estimate:
    """Provisioned brokers.

    Args:
        given_bytes: the environment's `msk.storage_per_broker`.
        ceiling_gib: how far each disk may grow by itself.
    """
    disk, how = copies_on_disk(inputs, brokers, given_bytes)
    price = inputs.price("msk.storage")

    def note() -> str:
        said = "billed as provisioned, not as used"
        if ceiling_gib is None or ceiling_gib * brokers <= disk.amount:
            return said
        most = money(price.cost(Quantity(Decimal(ceiling_gib * brokers), Unit.GIB_MONTH)))
        return f"{said}; grows by itself up to {ceiling_gib:,} GiB a broker, {most} a month then, and never shrinks"

    return Estimate(
        (
            line(
                "msk.brokers", "kafka", "fixed", hours(brokers, Unit.BROKER_HOUR), _broker(inputs, broker_type),
                f"{brokers} brokers × 730 h", what=f"{brokers} {broker_type}", count=1,
            ),
            line(
                "msk.storage", "kafka", "usage" if given_bytes is None else "fixed", disk, price, how,
                what="storage, provisioned", note=note,
            ),
        ),
        (lambda: disk_words(inputs),),
    )  # fmt: skip


def estimate_express(inputs: Inputs, broker_type: str, brokers: int) -> Estimate:
    """Express brokers: storage by use, one logical copy, and what is written."""
    usage = inputs.usage
    return Estimate(
        (
            line(
                "msk.brokers", "kafka", "fixed", hours(brokers, Unit.BROKER_HOUR), _broker(inputs, broker_type),
                f"{brokers} brokers × 730 h", what=f"{brokers} {broker_type}", count=1,
            ),
            line(
                "msk.in", "kafka", "usage", usage.data_in, inputs.price("msk.express.in"), _sent(usage), what="data in",
            ),
            line(
                "msk.storage", "kafka", "usage", usage.kept, inputs.price("msk.express.storage"), _one_copy(usage),
                what="storage, one copy",
            ),
        )
    )  # fmt: skip


def estimate_serverless(inputs: Inputs) -> Estimate:
    """Serverless: the cluster, its partitions, data in and out, storage (one copy)."""
    usage = inputs.usage
    return Estimate(
        (
            line(
                "msk.cluster", "kafka", "fixed", hours(1, Unit.CLUSTER_HOUR), inputs.price("msk.serverless.cluster"),
                "1 cluster × 730 h", what="cluster", count=1,
            ),
            line(
                "msk.partitions", "kafka", "fixed", hours(usage.partitions, Unit.PARTITION_HOUR),
                inputs.price("msk.serverless.partition"), f"{usage.partitions} partitions × 730 h",
                what=f"{usage.partitions} partitions",
            ),
            line(
                "msk.in", "kafka", "usage", usage.data_in, inputs.price("msk.serverless.in"), _sent(usage),
                what="data in",
            ),
            line(
                "msk.out", "kafka", "usage", usage.data_out, inputs.price("msk.serverless.out"),
                lambda: f"{usage.data_in} sent × {usage.fan_out} read", what="data out",
            ),
            line(
                "msk.storage", "kafka", "usage", usage.kept, inputs.price("msk.serverless.storage"), _one_copy(usage),
                what="storage, one copy",
            ),
        )
    )  # fmt: skip


def prepare(inputs: Inputs, environment: Environment) -> Bill:
    """Everything of an environment on MSK, by its month."""
    logs = logs_gib(inputs, environment) + connector.logs_gib(inputs, environment)
    return joined(
        inputs,
        _cluster(environment),
        flink.missing(),
        registry.estimate(inputs, environment),
        *connector.parts(inputs, environment, "msk"),
        _around(inputs, environment),
        *network.parts(inputs, environment, logs),
        *([] if environment.msk.mode == "serverless" else [network.between_zones(environment)]),
    )


def _cluster(environment: Environment) -> Part:
    its = environment.msk
    if its.mode == "serverless":
        return estimate_serverless
    if its.mode == "express":
        return lambda now: estimate_express(now, its.broker_type, its.brokers)
    given = its.storage_per_broker.bytes if its.storage_per_broker else None
    ceiling = storage_ceiling_gib(environment)
    return lambda now: estimate_standard(now, its.broker_type, its.brokers, given, ceiling_gib=ceiling)


def _around(inputs: Inputs, environment: Environment) -> Estimate:
    """What the stack makes beside the brokers: logins, their key, alarms, logs."""
    its = environment.msk
    apicurio, scram = its.registry.kind == "apicurio", its.login == "scram"
    made = account.secrets(
        inputs, environment, {
            "Kafka logins": len(client_roles(environment)) if scram else 0,
            "login of Apicurio's database": int(apicurio),
        },
    )  # fmt: skip
    if its.mode != "serverless" or apicurio:
        made += account.key(inputs, "disks and secrets" if its.mode != "serverless" else "secrets")
    made += account.alarms(inputs, *_alarms(environment))
    writers = _writers(inputs, environment)
    if writers:
        made += account.logs(inputs, "msk", writers, account.log_days(environment), groups=len(writers))
    if its.mode != "serverless" and environment.production:
        brokers = Quantity(Decimal(its.brokers), Unit.RESOURCE_MONTH)
        metrics = line(
            "msk.metrics", "kafka", "fixed", brokers, inputs.price("aws.metric.msk"), f"{its.brokers} brokers",
            what="metrics of each broker",
        )  # fmt: skip
        made += Estimate((metrics,))
    return made


def logs_gib(inputs: Inputs, environment: Environment) -> Decimal:
    """What tasks in the VPC write to CloudWatch in a month; the brokers' own logs do not go through it."""
    return _writers(inputs, environment).get(_REGISTRY, Decimal(0))


_REGISTRY = "Apicurio"


def _writers(inputs: Inputs, environment: Environment) -> dict[str, Decimal]:
    its, found = environment.msk, {}
    if its.mode != "serverless":
        found[f"{its.brokers} brokers"] = inputs.assumptions.logs_gib_per_broker * its.brokers
    if its.registry.kind == "apicurio":
        found[_REGISTRY] = inputs.assumptions.logs_gib_per_task * registry_tasks(environment)
    return found


def _alarms(environment: Environment) -> tuple[int, int]:
    """How many alarms on one metric, and on the sum of two (a broker's processor)."""
    mode, brokers = environment.msk.mode, environment.msk.brokers
    lag = len(own_sinks(environment))
    if mode == "serverless":
        return lag, 0
    # The controller; of each broker disk and replicas, or what is throttled; and where there are disks, partitions.
    return 1 + 2 * brokers + (mode == "provisioned") + lag, brokers


def _broker(inputs: Inputs, broker_type: str) -> Price:
    item = f"msk.{broker_type}"
    if item not in inputs.book:
        raise PriceError(
            f"the price book has no broker type `{broker_type}`",
            do="write one of: " + ", ".join(sorted(_types(inputs))),
        )
    return inputs.price(item)


def _types(inputs: Inputs) -> set[str]:
    prefixes = ("msk.kafka.", "msk.express.m7g")
    return {price.id.removeprefix("msk.") for price in inputs.book.prices if price.id.startswith(prefixes)}


def _sent(usage: Usage) -> Words:
    return lambda: f"{usage.data_in} sent"


def _one_copy(usage: Usage) -> Words:
    return lambda: f"{usage.kept.amount:,.2f} GiB kept for {plain(usage.retention_days)} d, one copy"
