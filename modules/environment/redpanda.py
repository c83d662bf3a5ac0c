"""Redpanda in the environment model: its settings and what is wrong with them before any account is asked.

What follows from the settings alone (a broker's size, which machine it takes) is derived here too, so that the stacks,
the checks and the cost report say the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from ipaddress import IPv4Network
from math import ceil
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from modules.environment.document import Problem
from modules.environment.section import Section
from modules.environment.types import (
    AwsRegion,
    DataSize,
    DataSizeValue,
    Duration,
    DurationValue,
    Number,
    SecretRef,
    Whole,
)

if TYPE_CHECKING:
    from modules.environment.explain import Positions
    from modules.environment.model import Environment

__all__ = ["IMAGE", "Redpanda", "Size", "check", "domain_of", "machine", "size_of", "storage_of", "with_memory"]

GIB = 2**30

IMAGE = "docker.io/redpandadata/redpanda:v26.2.2"
"""The broker's image and the version the documentation linked here describes (docs of 2026-07)."""

PER_CORE = 2 * 10**9
"""Bytes a core needs (Redpanda's requirements: 2 GB a core)."""

PER_REPLICA = 2 * 10**6
"""Bytes a partition replica needs (Redpanda's requirements: 2 MB)."""

SYSTEM_MEMORY, SYSTEM_SHARE = GIB, Decimal("0.03")
"""What an EC2 machine keeps for its kernel, its system and the ECS agent: the larger of the two, in whole MiB."""

CONTAINER_MEMORY = GIB // 2
"""What a broker's container keeps for what is not Redpanda itself."""

_FAMILIES = {"c": 2, "m": 4, "r": 8}
"""Letter of a family → GiB a vCPU."""

_GENERATIONS = ("6g", "7g", "8g", "6i", "7i", "6a", "7a")
_SIZES = {"large": 2, "xlarge": 4, "2xlarge": 8, "4xlarge": 16, "8xlarge": 32, "12xlarge": 48, "16xlarge": 64}

_FARGATE: dict[int, tuple[int, int, int]] = {
    1: (2, 8, 1),
    2: (4, 16, 1),
    4: (8, 30, 1),
    8: (16, 60, 4),
    16: (32, 120, 8),
}
"""vCPU → smallest and largest GiB and the step between (ECS developer guide, task-cpu-memory-error)."""

_LOG_DAYS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)
_VOLUME_GIB = 16_384


class Redpanda(Section):
    """Redpanda on one's own machines in AWS; read when `platform` is redpanda."""

    region: AwsRegion = Field("us-east-1", description="The AWS region.")
    compute: Literal["ec2", "fargate"] = Field(
        "ec2", description="What the brokers run on; on fargate a broker's volume dies with its task."
    )
    brokers: Whole = Field(3, ge=1, description="How many; spread over the network's zones.")
    vcpu: Number = Field(Decimal(2), gt=0, description="Virtual processors a broker; with `instance_type` that one's.")
    memory: DataSize = Field(
        DataSizeValue(8 * GIB), description="Memory a broker, the system's share included; or that of `instance_type`."
    )
    instance_type: str | None = Field(
        None, description="The EC2 machine of each broker; default: the smallest m7g with `vcpu` and `memory`."
    )
    storage_per_broker: DataSize | None = Field(None, description="Default: what the workload keeps, with headroom.")
    image: str = Field(IMAGE, description="The broker's image, pinned by version or digest.")
    log_retention: Duration = Field(
        DurationValue(30 * 86_400_000), description="How long CloudWatch keeps the brokers' logs."
    )
    certificate: SecretRef | None = Field(
        None,
        description="`aws-sm:ARN` of a JSON object with `ca`, `certificate`, `private_key`; "
        "default: made by the CLI with an authority of the environment's own.",
    )
    certificate_version: Whole = Field(
        1, ge=1, description="Raise it to have new certificates made before the old ones end; the brokers then roll."
    )
    password_version: Whole = Field(
        1, ge=1, description="Raise it to give producer, consumer, sink and registry new passwords."
    )
    domain: str | None = Field(
        None,
        description="The private DNS domain of the brokers' names; default: `<environment>.<project>.internal`.",
        pattern=r"^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}$",
    )
    operators: list[str] = Field(
        default_factory=list,
        description="Who may reach the Admin API, which a deploy uses: CIDR blocks and security groups (`sg-…`); "
        "default: network.clients.",
    )
    roll_patience: Duration = Field(
        DurationValue(4 * 3_600_000), description="How long one broker's replacement may take before a deploy gives up."
    )
    acknowledge_volumes_die_with_tasks: bool = Field(
        False, description="Needed for fargate in production: whoever replaces all tasks at once loses all data."
    )


@dataclass(frozen=True)
class Size:
    """One broker's share of its machine or task.

    Attributes:
        vcpu: cores it is pinned to.
        task: bytes its task may use.
        memory: bytes Redpanda itself takes.
        instance_type: its EC2 machine; None on Fargate.
    """

    vcpu: int
    task: int
    memory: int
    instance_type: str | None

    @property
    def architecture(self) -> Literal["ARM64", "X86_64"]:
        """What the image must be built for; Graviton families have a `g` behind their generation."""
        family = (self.instance_type or "").partition(".")[0]
        return "ARM64" if family.endswith("g") else "X86_64"


def machine(instance_type: str) -> tuple[int, int] | None:
    """vCPU and bytes of an EC2 type of the general, compute or memory families; None for any other."""
    match = re.fullmatch(rf"([cmr])({'|'.join(_GENERATIONS)})\.(\w+)", instance_type)
    if match is None or match[3] not in _SIZES:
        return None
    vcpu = _SIZES[match[3]]
    return vcpu, vcpu * _FAMILIES[match[1]] * GIB


def size_of(redpanda: Redpanda) -> Size:
    """What a broker gets. Of settings that `check` refuses, the nearest that can be said."""
    vcpu, memory = max(1, int(redpanda.vcpu)), redpanda.memory.bytes
    if redpanda.compute == "fargate":
        return Size(vcpu, memory, memory - CONTAINER_MEMORY, None)
    name = redpanda.instance_type or _smallest(vcpu, memory)
    whole = machine(name)
    if whole is not None and redpanda.instance_type:
        vcpu = vcpu if "vcpu" in redpanda.model_fields_set else whole[0]
        memory = memory if "memory" in redpanda.model_fields_set else whole[1]
    task = memory - max(SYSTEM_MEMORY, -(-int(memory * SYSTEM_SHARE) // 2**20) * 2**20)
    return Size(vcpu, task, task - CONTAINER_MEMORY, name)


def _smallest(vcpu: int, memory: int) -> str:
    for size, cores in _SIZES.items():
        if cores >= vcpu and cores * _FAMILIES["m"] * GIB >= memory:
            return f"m7g.{size}"
    return "m7g.16xlarge"


def with_memory(redpanda: Redpanda, needed: int) -> dict[str, object] | None:
    """Settings of the smallest broker, no smaller than this one, that leaves Redpanda this many bytes; None without."""
    if redpanda.compute == "fargate":
        for vcpu, (low, high, step) in _FARGATE.items():
            for gib in range(low, high + 1, step):
                if vcpu >= redpanda.vcpu and gib * GIB - CONTAINER_MEMORY >= max(needed, vcpu * PER_CORE):
                    return {"vcpu": vcpu, "memory": f"{gib}GiB"}
        return None
    family = (redpanda.instance_type or "m7g.large").partition(".")[0]
    for size, cores in _SIZES.items():
        name = f"{family}.{size}"
        if cores >= redpanda.vcpu and size_of(Redpanda(instance_type=name)).memory >= needed:
            found = machine(name)
            memory = {"memory": f"{found[1] // GIB}GiB", "vcpu": cores} if found else {}
            return {"instance_type": name, **memory} if redpanda.instance_type else memory
    return None


def domain_of(environment: Environment) -> str:
    """The private DNS domain of the brokers' names."""
    return environment.redpanda.domain or f"{environment.name}.{environment.project}.internal".lower().replace("_", "-")


def storage_of(environment: Environment) -> int:
    """GiB of each broker's volume: as given, else all copies of what the workload keeps, 30 % more as the cost report
    has it, and 20 at least.
    """
    given = environment.redpanda.storage_per_broker
    if given is not None:
        return -(-given.bytes // GIB)
    kept = environment.workload.ingress.bytes_per_second * environment.workload_retention.milliseconds / 1000
    copies = min(3, environment.redpanda.brokers)
    needed = kept * environment.workload.compression * copies / environment.redpanda.brokers
    return max(20, ceil(needed * Decimal("1.3") / GIB))


def check(environment: Environment, positions: Positions) -> Iterator[Problem]:
    """What Redpanda or ECS would refuse, or what would lose data, found before anything is asked of it."""

    def problem(message: str, key: str) -> Problem:
        return Problem(positions.at("redpanda", key), f"redpanda.{key}", message)

    yield from _spread(environment, problem)
    yield from _compute(environment, problem)
    yield from _pins(environment.redpanda, problem)
    yield from _operators(environment.redpanda, problem)
    yield from _needs(environment, problem)


def _spread(environment: Environment, problem: Callable[[str, str], Problem]) -> Iterator[Problem]:
    brokers, zones = environment.redpanda.brokers, environment.network.zones
    if environment.production and brokers < 3:
        yield problem(f"production needs three brokers or more, got {brokers}: fewer cannot lose one", "brokers")
    elif brokers == 2:
        yield problem("two brokers cannot lose one either, for both must agree; write 1 or 3", "brokers")
    if environment.production and zones < 3:
        yield problem(
            f"network.zones is {zones}, so that the loss of one zone can stop the cluster; production needs three",
            "brokers",
        )
    elif brokers > 1 and brokers < zones:
        yield problem(f"{brokers} brokers for {zones} zones leave a zone without one; lower network.zones", "brokers")


def _compute(environment: Environment, problem: Callable[[str, str], Problem]) -> Iterator[Problem]:
    its = environment.redpanda
    if its.compute == "fargate":
        if its.instance_type:
            yield problem(
                "Fargate has no machines to choose; take the line out, or write `compute: ec2`", "instance_type"
            )
        if environment.production and not its.acknowledge_volumes_die_with_tasks:
            yield problem(
                "on Fargate a broker's volume dies with its task; for production write `compute: ec2`, or beside this "
                "line `acknowledge_volumes_die_with_tasks: true`",
                "compute",
            )
        yield from _fargate(its, problem)
    elif its.instance_type is not None:
        yield from _machine(its, its.instance_type, problem)


def _fargate(its: Redpanda, problem: Callable[[str, str], Problem]) -> Iterator[Problem]:
    offered = _FARGATE.get(int(its.vcpu)) if its.vcpu == int(its.vcpu) else None
    if offered is None:
        yield problem(f"Fargate has no task of {its.vcpu} vCPU; it has 1, 2, 4, 8 and 16", "vcpu")
        return
    low, high, step = offered
    gib, rest = divmod(its.memory.bytes, GIB)
    if rest or not low <= gib <= high or (gib - low) % step:
        steps = f" in steps of {step}GiB" if step > 1 else " in whole GiB"
        yield problem(f"with {its.vcpu} vCPU Fargate has {low}GiB to {high}GiB{steps}, not {its.memory}", "memory")


def _machine(its: Redpanda, name: str, problem: Callable[[str, str], Problem]) -> Iterator[Problem]:
    found = machine(name)
    if found is None:
        family = name.partition(".")[0]
        if re.fullmatch(r"t\d\w*", family):
            yield problem(
                f"{name} is burstable: a broker that has used up its credits stalls; use m7g", "instance_type"
            )
        else:
            yield problem(
                f"'{name}' is no machine brokers are known to run on here; families are c, m and r of generation "
                f"{', '.join(_GENERATIONS)}, sizes {', '.join(_SIZES)}, as in m7g.large",
                "instance_type",
            )
        return
    vcpu, memory = found
    if "vcpu" in its.model_fields_set and its.vcpu > vcpu:
        yield problem(f"{name} has {vcpu} vCPU, not {its.vcpu}; lower this, or take a larger machine", "vcpu")
    if "memory" in its.model_fields_set and its.memory.bytes > memory:
        yield problem(
            f"{name} has {memory // GIB}GiB, not {its.memory}; lower this, or take a larger machine", "memory"
        )


def _pins(its: Redpanda, problem: Callable[[str, str], Problem]) -> Iterator[Problem]:
    name, at, digest = its.image.partition("@")
    tag = name.rpartition("/")[2].partition(":")[2]
    if at:
        if not re.fullmatch(r"sha256:[0-9a-f]{64}", digest):
            yield problem("the digest is none; it is `@sha256:` and 64 hexadecimal digits", "image")
    elif not tag or not re.search(r"\d+\.\d+\.\d+", tag):
        got = f"`{tag}` moves" if tag else "no version is given, which means `latest`, and that moves"
        yield problem(f"{got} by itself; pin a version (`{IMAGE}`) or a digest (`@sha256:…`)", "image")
    days = its.log_retention.milliseconds / 86_400_000
    if days not in _LOG_DAYS:
        near = min(_LOG_DAYS, key=lambda each: abs(each - days))
        yield problem(
            f"CloudWatch keeps logs for fixed numbers of days; the nearest to this is {near}d", "log_retention"
        )
    if its.certificate is not None and not re.fullmatch(r"arn:aws[\w-]*:secretsmanager:.+", its.certificate.name):
        yield problem("ECS reads it by its ARN; write `aws-sm:arn:aws:secretsmanager:…`", "certificate")


def _operators(its: Redpanda, problem: Callable[[str, str], Problem]) -> Iterator[Problem]:
    for each in its.operators:
        if re.fullmatch(r"sg-[0-9a-f]+", each):
            continue
        try:
            block = IPv4Network(each)
        except ValueError:
            yield problem(f"'{each}' is no CIDR block and no security group (`sg-…`)", "operators")
            continue
        if block.prefixlen < 8:
            yield problem(f"{each} is next to everyone; name the operators' own blocks", "operators")


def _needs(environment: Environment, problem: Callable[[str, str], Problem]) -> Iterator[Problem]:
    its = environment.redpanda
    if its.vcpu != int(its.vcpu):
        if its.compute == "ec2":
            yield problem(f"a broker is pinned to whole cores, got {its.vcpu}", "vcpu")
        return
    if its.compute == "ec2" and its.instance_type and machine(its.instance_type) is None:
        return
    size = size_of(its)
    if environment.production and size.vcpu < 2:
        yield problem(f"Redpanda needs two cores or more in production, got {size.vcpu}", "vcpu")
    if size.memory < PER_CORE * size.vcpu:
        left = f"{max(0, size.memory) / GIB:.2g}GiB"
        yield problem(
            f"Redpanda needs 2GB a core for itself; of {its.memory} {left} are left for {size.vcpu} cores", "memory"
        )
        return
    partitions = sum(
        topic.partitions * environment.replication(name)
        + (environment.replication(name) if topic.dead_letter_of(name) else 0)
        for name, topic in environment.topics.items()
    )
    per_broker, room = -(-partitions // its.brokers), size.memory // PER_REPLICA
    if per_broker > room:
        yield problem(
            f"{per_broker:,} partition replicas a broker need {per_broker * 2:,}MB (2MB each), which is more than the "
            f"{size.memory // 10**6:,}MB it has; give it more memory, or add brokers", "memory"
        )  # fmt: skip
    if not 1 <= storage_of(environment) <= _VOLUME_GIB:
        yield problem(
            f"an EBS volume has at most {_VOLUME_GIB:,}GiB, not {storage_of(environment):,}GiB; add brokers, or keep "
            "events for a shorter time", "storage_per_broker"
        )  # fmt: skip
