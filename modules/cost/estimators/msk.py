"""Amazon MSK: Standard brokers with the disk that is provisioned, Express brokers, or Serverless.

Inside the cluster MSK does not bill the copies between zones. The Schema Registry beside it is the project's: see
`registry.py`.
"""

from __future__ import annotations

from modules.cost.book import Price
from modules.cost.estimators.base import Inputs, copies_on_disk, disk_words
from modules.cost.lines import Estimate, line
from modules.cost.units import Unit, hours, plain
from modules.errors import PriceError

__all__ = ["estimate_express", "estimate_serverless", "estimate_standard"]


def estimate_standard(inputs: Inputs, broker_type: str, brokers: int, given_bytes: int | None = None) -> Estimate:
    """Provisioned brokers. `given_bytes`: the environment's `msk.storage_per_broker`."""
    disk, how = copies_on_disk(inputs, brokers, given_bytes)
    return Estimate(
        (
            line(
                "msk.brokers", "kafka", "fixed", hours(brokers, Unit.BROKER_HOUR), _broker(inputs, broker_type),
                f"{brokers} brokers × 730 h", what=f"{brokers} {broker_type}",
            ),
            line(
                "msk.storage", "kafka", "usage" if given_bytes is None else "fixed", disk, inputs.price("msk.storage"),
                how, what="storage, provisioned", note="billed as provisioned, not as used",
            ),
        ),
        (disk_words(inputs),),
    )  # fmt: skip


def estimate_express(inputs: Inputs, broker_type: str, brokers: int) -> Estimate:
    """Express brokers: storage by use, one logical copy, and what is written."""
    usage = inputs.usage
    return Estimate(
        (
            line(
                "msk.brokers", "kafka", "fixed", hours(brokers, Unit.BROKER_HOUR), _broker(inputs, broker_type),
                f"{brokers} brokers × 730 h", what=f"{brokers} {broker_type}",
            ),
            line(
                "msk.in", "kafka", "usage", usage.data_in, inputs.price("msk.express.in"), f"{usage.data_in} sent",
                what="data in",
            ),
            line(
                "msk.storage", "kafka", "usage", usage.kept, inputs.price("msk.express.storage"), _one_copy(inputs),
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
                "1 cluster × 730 h", what="cluster",
            ),
            line(
                "msk.partitions", "kafka", "fixed", hours(usage.partitions, Unit.PARTITION_HOUR),
                inputs.price("msk.serverless.partition"), f"{usage.partitions} partitions × 730 h",
                what=f"{usage.partitions} partitions",
            ),
            line(
                "msk.in", "kafka", "usage", usage.data_in, inputs.price("msk.serverless.in"), f"{usage.data_in} sent",
                what="data in",
            ),
            line(
                "msk.out", "kafka", "usage", usage.data_out, inputs.price("msk.serverless.out"),
                f"{usage.data_in} sent × {usage.fan_out} read", what="data out",
            ),
            line(
                "msk.storage", "kafka", "usage", usage.kept, inputs.price("msk.serverless.storage"), _one_copy(inputs),
                what="storage, one copy",
            ),
        )
    )  # fmt: skip


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


def _one_copy(inputs: Inputs) -> str:
    return f"{inputs.usage.kept.amount:,.2f} GiB kept for {plain(inputs.usage.retention_days)} d, one copy"
