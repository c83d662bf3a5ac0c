"""Machines, tasks, disks and databases: EC2, ECS on Fargate, EBS, RDS for PostgreSQL."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from modules.cost.resources.bill import Bill, Pricer
from modules.cost.resources.documents import block, blocks, known, number
from modules.cost.units import Unit, plain

__all__ = ["PRICERS"]

_FREE_IOPS, _FREE_MBPS = 3_000, 125
_IO2_PRICED = 64_000
_DETAILED_METRICS = 7
_FREE_TASK_GIB = 20


def instance(bill: Bill) -> None:
    """The machine as Linux on demand, its disks, detailed monitoring, a public address."""
    its = bill.resource.arguments
    kind = its.get("instance_type")
    if not known(kind):
        bill.gaps.append("its type is not in the document")
    elif its.get("tenancy") in ("dedicated", "host"):
        bill.gaps.append("a machine of one's own hardware has another price")
    elif blocks(its, "instance_market_options"):
        bill.gaps.append("spot prices change by the hour")
    else:
        item = f"aws.ec2.{kind}"
        bill.running(
            "hours", 1, Unit.INSTANCE_HOUR, item if item in bill.book else "aws.ec2.other", "1 instance",
            what=f"EC2 {kind}, Linux",
        )  # fmt: skip
    root = block(its, "root_block_device")
    if root:
        _volume(bill, "root", root, "volume_type", "volume_size", "the root volume")
    else:
        bill.gaps.append("the root volume is the image's: its size is not in the document")
    for index, disk in enumerate(blocks(its, "ebs_block_device")):
        _volume(bill, f"disk-{index + 1}", disk, "volume_type", "volume_size", "a further volume")
    if its.get("monitoring") is True:
        bill.add(
            "monitoring", _DETAILED_METRICS, Unit.METRIC_MONTH, "aws.metric", f"{_DETAILED_METRICS} metrics",
            what="detailed monitoring",
        )  # fmt: skip
    if its.get("associate_public_ip_address") is True:
        _address(bill, 1, "1 address")


def volume(bill: Bill) -> None:
    """A disk as it is provisioned."""
    _volume(bill, "volume", bill.resource.arguments, "type", "size", "the volume")


def _volume(bill: Bill, part: str, its: Mapping[str, Any], type_: str, size_: str, what: str, each: int = 1) -> None:
    """What is provisioned, and what IOPS and throughput cost beside it; gp2 is the default where no type is given."""
    kind, size = its.get(type_) or "gp2", number(its.get(size_))
    if size is None:
        bill.gaps.append(f"the size of {what} is not in the document")
        return
    times = f"{each} × " if each != 1 else ""
    item, named = f"aws.ebs.{kind}", what.removeprefix("the ")
    bill.add(
        part, each * size, Unit.GIB_MONTH, item, f"{times}{size:,} GiB", what=f"EBS {kind}, {named}",
        missing=f"price of EBS {kind}",
    )  # fmt: skip
    if item not in bill.book:
        return
    iops, faster = number(its.get("iops")) or 0, number(its.get("throughput")) or 0
    free = _FREE_IOPS if kind == "gp3" else 0
    if kind in ("gp3", "io1", "io2") and iops > free:
        _iops(bill, part, kind, iops, free, named, each)
    if kind == "gp3" and faster > _FREE_MBPS:
        bill.add(
            f"{part}-throughput", each * (faster - _FREE_MBPS), Unit.MBPS_MONTH, "aws.ebs.gp3.throughput",
            f"{times}({faster:,} − {_FREE_MBPS} free) MB/s", what=f"{named}, throughput",
        )  # fmt: skip


def _iops(bill: Bill, part: str, kind: str, iops: int, free: int, named: str, each: int) -> None:
    """Beyond the free ones; io2's are cheaper from 32,000 on, of each volume by itself."""
    if iops > _IO2_PRICED and kind == "io2":
        bill.gaps.append(f"the price book has no price of io2's IOPS beyond {_IO2_PRICED:,}")
        return
    times = f"{each} × " if each != 1 else ""
    words = f"({iops:,} − {free:,} free)" if free else f"{iops:,}"
    bill.add(
        f"{part}-iops", each * (iops - free), Unit.IOPS_MONTH, f"aws.ebs.{kind}.iops", f"{times}{words} IOPS",
        what=f"{named}, IOPS", missing=f"price of the IOPS of EBS {kind}",
    )  # fmt: skip


def service(bill: Bill) -> None:
    """Tasks on Fargate, with what their definition asks for; on machines of one's own they cost nothing beside them."""
    its = bill.resource.arguments
    where = _launched(bill)
    if where == "EC2":
        bill.free = "ECS on machines of one's own has no price: the machines are billed"
        return
    if where != "FARGATE":
        bill.gaps.append(f"tasks on {where.replace('_', ' ').title()} have another price")
        return
    tasks = number(its.get("desired_count"))
    definitions = _definitions(bill)
    if tasks is None or not definitions:
        bill.gaps.append("how many tasks run, or of what size, is not in the document")
        return
    sizes = {(each.arguments.get("cpu"), each.arguments.get("memory")) for each in definitions}
    cores, gib = _cores(definitions[0].arguments.get("cpu")), _gib(definitions[0].arguments.get("memory"))
    if len(sizes) != 1 or cores is None or gib is None:
        bill.gaps.append("the size of its tasks is not in the document")
        return
    _tasks(bill, tasks, cores, gib, definitions[0].arguments)
    disk = block(its, "volume_configuration", "managed_ebs_volume")
    if disk:
        _volume(bill, "disks", disk, "volume_type", "size_in_gb", "a volume of each task", tasks)
    if block(its, "network_configuration").get("assign_public_ip") is True:
        _address(bill, tasks, f"{tasks} addresses")


def _tasks(bill: Bill, tasks: int, cores: Decimal, gib: Decimal, definition: Mapping[str, Any]) -> None:
    platform = block(definition, "runtime_platform")
    system = str(platform.get("operating_system_family") or "LINUX")
    arm = platform.get("cpu_architecture") == "ARM64"
    if system != "LINUX":
        bill.gaps.append(f"the price book has no price of Fargate on {system.replace('_', ' ').title()}")
        return
    prefix, named = ("aws.fargate.arm", "ARM") if arm else ("aws.fargate", "x86")
    many, missing = f"{tasks} task" + ("s" if tasks != 1 else ""), f"price of Fargate on {named}"
    bill.running(
        "vcpu", tasks * cores, Unit.VCPU_HOUR, f"{prefix}.vcpu", f"{many} × {plain(cores)} vCPU",
        what=f"Fargate, {plain(tasks * cores)} vCPU", missing=missing,
    )  # fmt: skip
    bill.running(
        "memory", tasks * gib, Unit.GIB_HOUR, f"{prefix}.memory", f"{many} × {plain(gib)} GiB",
        what=f"Fargate, {plain(tasks * gib)} GiB", missing=missing,
    )  # fmt: skip
    disk = number(block(definition, "ephemeral_storage").get("size_in_gib")) or 0
    if disk > _FREE_TASK_GIB:
        more = disk - _FREE_TASK_GIB
        bill.running(
            "ephemeral", tasks * more, Unit.GIB_HOUR, "aws.fargate.storage",
            f"{many} × ({disk} − {_FREE_TASK_GIB} free) GiB", what="Fargate, disk of the tasks",
            missing="price of Fargate's own disk beyond 20 GiB",
        )  # fmt: skip


def _launched(bill: Bill) -> str:
    """FARGATE, FARGATE_SPOT, EC2 or EXTERNAL: the service's own word, else what its cluster does by default."""
    its = bill.resource.arguments
    if known(its.get("launch_type")):
        return str(its["launch_type"])
    given = _strategy(blocks(its, "capacity_provider_strategy"))
    if given:
        return given
    for cluster in bill.named("cluster", "aws_ecs_cluster"):
        if found := _by_default(bill, cluster.block_address):
            return found
    return "EC2"


def _by_default(bill: Bill, cluster: str) -> str:
    """What a cluster's capacity providers come to: its default, or the only kind that it has."""
    for group in bill.others.values():
        for each in group:
            if each.type == "aws_ecs_cluster_capacity_providers" and cluster in each.names.get("cluster_name", ()):
                found = _strategy(blocks(each.arguments, "default_capacity_provider_strategy"))
                kinds = set(each.arguments.get("capacity_providers") or ())
                return found or (kinds.pop() if len(kinds) == 1 else "")
    return ""


def _strategy(given: tuple[Mapping[str, Any], ...]) -> str:
    kinds = {str(each.get("capacity_provider")) for each in given}
    if not kinds:
        return ""
    if kinds == {"FARGATE"}:
        return "FARGATE"
    return "FARGATE_SPOT" if "FARGATE_SPOT" in kinds else "EC2"


def _definitions(bill: Bill) -> tuple[Any, ...]:
    """The service's task definition, or that of its task set."""
    found = bill.named("task_definition", "aws_ecs_task_definition")
    if found:
        return found
    for group in bill.others.values():
        for each in group:
            if each.type == "aws_ecs_task_set" and bill.resource.block_address in each.names.get("service", ()):
                names = each.names.get("task_definition", ())
                return tuple(one for name in names for one in bill.others.get(name, ()))
    return ()


def _cores(given: Any) -> Decimal | None:
    """`1024`, `"1024"` (units of a thousand and twenty-fourth) or `"1 vCPU"`."""
    if match := re.fullmatch(r"\s*([\d.]+)\s*vcpu\s*", str(given), re.IGNORECASE):
        return Decimal(match[1])
    units = number(given)
    return None if units is None else Decimal(units) / 1024


def _gib(given: Any) -> Decimal | None:
    """`2048`, `"2048"` (MiB) or `"2 GB"`."""
    if match := re.fullmatch(r"\s*([\d.]+)\s*gb\s*", str(given), re.IGNORECASE):
        return Decimal(match[1])
    mib = number(given)
    return None if mib is None else Decimal(mib) / 1024


def database(bill: Bill) -> None:
    """PostgreSQL by its class and storage, twice with a standby."""
    its = bill.resource.arguments
    engine, kind, size = its.get("engine"), its.get("instance_class"), number(its.get("allocated_storage"))
    if engine != "postgres":
        bill.gaps.append(f"the price book has no price of RDS for {engine if known(engine) else 'another engine'}")
        return
    if not known(kind):
        bill.gaps.append("its class is not in the document")
        return
    copies = 2 if its.get("multi_az") is True else 1
    times, standby = ("2 × ", " with a standby") if copies == 2 else ("", "")
    item = f"aws.rds.{kind}"
    bill.running(
        "hours", copies, Unit.INSTANCE_HOUR, item if item in bill.book else "aws.rds.other", f"{times}1 database",
        what=f"RDS PostgreSQL {kind}{standby}",
    )  # fmt: skip
    disk = its.get("storage_type") or "gp2"
    if size is None:
        bill.gaps.append("its storage is not in the document")
    else:
        bill.add(
            "storage", copies * size, Unit.GIB_MONTH, f"aws.rds.{disk}", f"{times}{size:,} GiB",
            what=f"RDS {disk}, storage", missing=f"price of RDS storage {disk}",
        )  # fmt: skip
    if known(its.get("iops")) and disk == "gp3":
        bill.gaps.append("IOPS beyond those that come with RDS's gp3 are not in the price book")
    if its.get("publicly_accessible") is True:
        _address(bill, 1, "1 address")


def _address(bill: Bill, each: int, how: str) -> None:
    bill.running("addresses", each, Unit.ADDRESS_HOUR, "aws.ipv4", how, what="public IPv4")


PRICERS: dict[str, Pricer] = {
    "aws_instance": instance,
    "aws_ebs_volume": volume,
    "aws_ecs_service": service,
    "aws_db_instance": database,
}
