"""Amazon MSK: clusters of brokers, Serverless, MSK Connect."""

from __future__ import annotations

from collections.abc import Mapping

from modules.cost.resources.bill import Bill, Pricer
from modules.cost.resources.documents import block, known, number
from modules.cost.units import Unit

__all__ = ["PRICERS"]


def cluster(bill: Bill) -> None:
    """Brokers, Standard's provisioned disks and throughput; Express's storage and what is written are by use."""
    its = bill.resource.arguments
    nodes = block(its, "broker_node_group_info")
    brokers, kind = number(its.get("number_of_broker_nodes")), nodes.get("instance_type")
    if brokers is None or not known(kind):
        bill.gaps.append("the number or the type of its brokers is not in the document")
        return
    many = f"{brokers} brokers"
    bill.running(
        "brokers", brokers, Unit.BROKER_HOUR, f"msk.{kind}", many, what=f"{brokers} {kind}", missing=f"broker {kind}"
    )
    if str(kind).startswith("express."):
        bill.used("msk.express.in", "msk.express.storage")
    else:
        _disks(bill, brokers, many)
    if str(its.get("enhanced_monitoring") or "DEFAULT") != "DEFAULT":
        bill.add("metrics", brokers, Unit.RESOURCE_MONTH, "aws.metric.msk", many, what="metrics of each broker")


def _disks(bill: Bill, brokers: int, many: str) -> None:
    its = bill.resource.arguments
    ebs = block(its, "broker_node_group_info", "storage_info", "ebs_storage_info")
    size = number(ebs.get("volume_size"))
    if size is None:
        bill.gaps.append("the size of its brokers' disks is not in the document")
    else:
        bill.add(
            "storage", brokers * size, Unit.GIB_MONTH, "msk.storage", f"{many} × {size:,} GiB provisioned",
            what="storage, provisioned",
        )  # fmt: skip
    throughput = block(ebs, "provisioned_throughput")
    mibs = number(throughput.get("volume_throughput"))
    if throughput.get("enabled") is True and mibs:
        bill.add(
            "throughput", brokers * mibs, Unit.MBPS_MONTH, "msk.storage.throughput", f"{many} × {mibs} MB/s",
            what="storage throughput", missing="price of MSK's provisioned storage throughput",
        )  # fmt: skip
    if its.get("storage_mode") == "TIERED":
        bill.used("msk.tiered.storage", "msk.tiered.read")


def serverless(bill: Bill) -> None:
    """The cluster; partitions, traffic and storage are by use."""
    bill.running("cluster", 1, Unit.CLUSTER_HOUR, "msk.serverless.cluster", "1 cluster", what="Serverless cluster")
    bill.used(*(f"msk.serverless.{each}" for each in ("partition", "in", "out", "storage")))


def connector(bill: Bill) -> None:
    """Workers × MCU; of one that scales by itself the least."""
    capacity = block(bill.resource.arguments, "capacity")
    scaling, given = block(capacity, "autoscaling"), block(capacity, "provisioned_capacity")
    workers, mcu = _workers(scaling, "min_worker_count"), _workers(scaling, "mcu_count")
    if not scaling:
        workers, mcu = _workers(given, "worker_count"), _workers(given, "mcu_count")
    if workers is None or mcu is None:
        bill.gaps.append("its capacity is not in the document")
        return
    most = f", scales to {scaling['max_worker_count']} workers" if scaling.get("max_worker_count") else ""
    bill.running(
        "mcu", workers * mcu, Unit.MCU_HOUR, "msk.connect.mcu", f"{workers} workers × {mcu} MCU",
        what=f"MSK Connect, {workers * mcu} MCU{most}",
    )  # fmt: skip


def _workers(given: Mapping[str, object], name: str) -> int | None:
    """A number of workers or MCUs; one MCU a worker where nothing is said, as the provider has it."""
    value = given.get(name)
    return 1 if value is None and name == "mcu_count" and given else number(value)


PRICERS: dict[str, Pricer] = {
    "aws_msk_cluster": cluster,
    "aws_msk_serverless_cluster": serverless,
    "aws_mskconnect_connector": connector,
}
