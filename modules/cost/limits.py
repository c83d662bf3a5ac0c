"""Whether a workload fits a platform, from the vendors' published limits; and the size that would fit.

A misfit is said beside the price, since the price of a cluster that cannot carry the load is of no use. Rates are
means: a workload that only just fits has no room for its peaks. Sources: the vendors' limits pages, read 2026-09
(confidence A; MSK Serverless's partitions have an older page that says 120, t3.small's are B).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from modules.cost.estimators.base import REPLICATION
from modules.cost.usage import Usage
from modules.environment.confluent_facts import TIERS
from modules.environment.msk_limits import BROKERS, SERVERLESS_PARTITIONS

if TYPE_CHECKING:
    from modules.environment.confluent_facts import Tier
    from modules.environment.model import Environment, Redpanda

__all__ = [
    "Misfit",
    "check_confluent",
    "check_express",
    "check_redpanda",
    "check_serverless",
    "check_standard",
    "with_change",
]

_MB = Decimal(10**6)
_MIB = Decimal(2**20)

_EXPRESS_MIB_IN = {
    "large": "15.6", "xlarge": "31.25", "2xlarge": "62.5", "4xlarge": "125", "8xlarge": "250", "12xlarge": "375",
    "16xlarge": "500",
}  # fmt: skip
"""Sustained MiB/s in per express.m7g broker; out is twice that."""

_STANDARD_GIB = 16_384

_SERVERLESS_MB_IN, _SERVERLESS_MB_OUT = 200, 400
_SERVERLESS_PARTITION_MB_IN, _SERVERLESS_PARTITION_MB_OUT = 5, 10
_SERVERLESS_MESSAGE = 8 * 10**6


@dataclass(frozen=True)
class Misfit:
    """Why a workload does not fit, and what would.

    Attributes:
        change: what to write in the environment's YAML so that it fits: section → key → value, such as
            `{"msk": {"brokers": 6}}`; `with_change` gives the environment with it. None where no one setting helps.
        warns: it would run, but past what the vendor recommends: said beside the price, and no reason to rank it last.
    """

    why: str
    fits: str
    change: Mapping[str, Mapping[str, object]] | None = None
    warns: bool = False

    def __str__(self) -> str:
        return f"{self.why}; {self.fits}"


def with_change(environment: Environment, change: Mapping[str, Mapping[str, object]]) -> Environment:
    """The environment as it would be with these settings, each as the YAML would have it; nothing else is checked.

    Raises:
        pydantic.ValidationError: a section has no such key, or takes no such value.
    """
    changed = {}
    for name, its in change.items():
        section = getattr(environment, name)
        given = {key: getattr(section, key) for key in section.model_fields_set}
        changed[name] = type(section).model_validate({**given, **its})
    return environment.model_copy(update=changed)


def check_confluent(tier: Tier, usage: Usage) -> tuple[Misfit, ...]:
    """Units beyond the tier's most, and the cluster's partitions."""
    from modules.cost.estimators.confluent import units_for

    limits = TIERS[tier]
    name = tier.capitalize()
    found = []
    out = usage.bytes_per_second * usage.fan_out
    if usage.partitions > limits.partitions:
        found.append(
            Misfit(
                f"{usage.partitions:,} partitions, {name} has {limits.partitions:,} a cluster",
                "a larger tier or fewer partitions",
            )
        )
    units, reason = units_for(tier, usage.bytes_per_second, out, usage.partitions)
    if units > limits.most:
        larger = [
            other.capitalize()
            for other, its in TIERS.items()
            if units_for(other, usage.bytes_per_second, out, usage.partitions)[0] <= its.most
            and usage.partitions <= its.partitions
        ]
        fits = f"fits: {', '.join(larger)}" if larger else "no tier fits: several clusters"
        found.append(Misfit(f"{units} units needed ({reason}), {name} has at most {limits.most}", fits))
    return tuple(found)


def check_standard(broker_type: str, brokers: int, usage: Usage) -> tuple[Misfit, ...]:
    """Disk and partitions per broker, copies included; MSK publishes no throughput limit for these."""
    found = []
    each = usage.kept.amount * REPLICATION / brokers
    if each > _STANDARD_GIB:
        found.append(
            Misfit(
                f"{each:,.0f} GiB kept a broker, MSK Standard provisions at most {_STANDARD_GIB:,}",
                f"fits: {-(-usage.kept.amount * REPLICATION // _STANDARD_GIB)} brokers, or Express",
            )
        )
    most = BROKERS["provisioned"][broker_type]
    return (*found, *_partitions(broker_type, brokers, usage, most))


def check_express(broker_type: str, brokers: int, usage: Usage) -> tuple[Misfit, ...]:
    """Sustained throughput and partitions per broker."""
    _, _, size = broker_type.rpartition(".")
    if size not in _EXPRESS_MIB_IN:
        return ()
    found = list(_partitions(broker_type, brokers, usage, BROKERS["express"][broker_type]))
    each_in = usage.bytes_per_second / _MIB / brokers
    each_out = each_in * usage.fan_out
    limit = Decimal(_EXPRESS_MIB_IN[size])
    if each_in > limit or each_out > 2 * limit:
        need = max(each_in, each_out / 2)
        larger = next((name for name, mib in _EXPRESS_MIB_IN.items() if Decimal(mib) >= need), None)
        fits = f"fits: express.m7g.{larger}" if larger else "more brokers"
        found.append(
            Misfit(
                f"{each_in:,.1f} MiB/s in and {each_out:,.1f} out a broker, {broker_type} sustains {limit} and "
                f"{2 * limit}",
                fits,
            )
        )
    return tuple(found)


def check_serverless(usage: Usage) -> tuple[Misfit, ...]:
    """The cluster's and the partitions' rates, the number of partitions, the message size."""
    rate_in = usage.bytes_per_second / _MB
    rate_out = rate_in * usage.fan_out
    partitions = max(usage.partitions, 1)
    provisioned = "fits: provisioned MSK"
    found = []
    if rate_in > _SERVERLESS_MB_IN or rate_out > _SERVERLESS_MB_OUT:
        found.append(
            Misfit(
                f"{rate_in:,.1f} MB/s in and {rate_out:,.1f} out, Serverless has {_SERVERLESS_MB_IN} and "
                f"{_SERVERLESS_MB_OUT}",
                provisioned,
            )
        )
    elif rate_in > _SERVERLESS_PARTITION_MB_IN * partitions or rate_out > _SERVERLESS_PARTITION_MB_OUT * partitions:
        need = max(rate_in / _SERVERLESS_PARTITION_MB_IN, rate_out / _SERVERLESS_PARTITION_MB_OUT)
        found.append(
            Misfit(
                f"{rate_in:,.1f} MB/s in on {partitions} partitions, Serverless takes "
                f"{_SERVERLESS_PARTITION_MB_IN} MB/s in and {_SERVERLESS_PARTITION_MB_OUT} out each",
                f"fits: {need.to_integral_value(rounding='ROUND_CEILING')} partitions",
            )
        )
    if usage.partitions > SERVERLESS_PARTITIONS:
        found.append(Misfit(f"{usage.partitions:,} partitions, Serverless has {SERVERLESS_PARTITIONS:,}", provisioned))
    if usage.message_bytes > _SERVERLESS_MESSAGE:
        found.append(Misfit(f"messages of {usage.message_bytes:,} bytes, Serverless takes 8 MB", provisioned))
    return tuple(found)


def check_redpanda(settings: Redpanda, usage: Usage) -> tuple[Misfit, ...]:
    """Memory: 2 GB a core, 2 MB a partition copy; at least 3 brokers for 3 copies."""
    found = []
    memory = Decimal(settings.memory.bytes)
    if settings.brokers < REPLICATION:
        found.append(Misfit(f"{settings.brokers} brokers for {REPLICATION} copies", f"fits: {REPLICATION} brokers"))
    if memory < settings.vcpu * 2 * 10**9:
        need = settings.vcpu * 2
        found.append(Misfit(f"{settings.memory} for {settings.vcpu} vCPU", f"fits: {need} GB, 2 GB a core"))
    copies = Decimal(usage.partitions * REPLICATION) / settings.brokers
    if copies * 2 * _MB > memory:
        found.append(
            Misfit(
                f"{copies:,.0f} partition copies a broker at 2 MB each, {settings.memory} of memory",
                f"fits: {copies * 2 * _MB / 2**30:,.1f} GiB a broker",
            )
        )
    return tuple(found)


def _partitions(broker_type: str, brokers: int, usage: Usage, most: int) -> tuple[Misfit, ...]:
    copies = Decimal(usage.partitions * REPLICATION) / brokers
    if copies <= most:
        return ()
    return (
        Misfit(
            f"{copies:,.0f} partition copies a broker, {broker_type} takes at most {most:,}",
            f"fits: {-(-usage.partitions * REPLICATION // most)} brokers or a larger type",
        ),
    )
