"""Whether a workload fits a platform, from the vendors' published limits; and the size that would fit.

A misfit is said beside the price, since the price of a cluster that cannot carry the load is of no use. Limits are held
against the workload's peak. Sources: the vendors' limits pages (each named where its figures are), read 2026-09 to
2026-11; nothing published is nothing checked, and docs/cost-platforms.md says so. MSK's are in `limits_msk.py`.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from modules.cost.bandwidth import baseline
from modules.cost.estimators.base import REPLICATION
from modules.cost.limits_msk import check_express, check_serverless, check_standard
from modules.cost.misfit import GIB, MIB, Change, Misfit, up, with_change
from modules.environment.confluent_facts import TIERS

if TYPE_CHECKING:
    from modules.cost.usage import Usage
    from modules.environment.confluent_facts import Tier
    from modules.environment.model import Environment, Redpanda

__all__ = [
    "Misfit",
    "check_confluent",
    "check_express",
    "check_redpanda",
    "check_serverless",
    "check_standard",
    "most_units",
    "with_change",
]

_PRIVATELINK_ECKU = 10
"""Of Enterprise on AWS by PrivateLink, the only way to it here (Confluent's cluster types page)."""

_CONNECTOR_TASKS = 250
"""Of all managed connectors of a cluster (same page)."""

_GP3 = 125 * MIB
"""Bytes/s of a gp3 volume as it comes; the stacks provision no more (Amazon EBS User Guide)."""

_VOLUME_GIB = 16_384
_MOST_BROKERS = 100
"""Of Redpanda no limit is published; so large a cluster is a project of its own, and none of the stacks'."""


def most_units(tier: Tier) -> int:
    """eCKU or CKU that a cluster of this tier may have."""
    return _PRIVATELINK_ECKU if tier == "enterprise" else TIERS[tier].most


def check_confluent(tier: Tier, usage: Usage, environment: Environment | None = None) -> tuple[Misfit, ...]:
    """Units beyond the tier's most or the environment's, the cluster's partitions, messages, connector tasks."""
    from modules.cost.estimators.confluent import units_for

    limits, name = TIERS[tier], tier.capitalize()
    found: list[Misfit] = []
    fits, change = _other_tiers(tier, usage)
    if usage.partitions > limits.partitions:
        found.append(
            Misfit(f"{usage.partitions:,} partitions, {name} has {limits.partitions:,} a cluster", fits, change)
        )
    peak_in, peak_out = usage.peak_bytes_per_second, usage.peak_bytes_out_per_second
    units, reason = units_for(tier, peak_in, peak_out, usage.partitions)
    if units > most_units(tier):
        where = " by PrivateLink on AWS" if tier == "enterprise" else ""
        words = f"{units} units needed at the peak ({reason}), {name} has at most {most_units(tier)}{where}"
        found.append(Misfit(words, fits, change))
    elif environment is not None and environment.platform == "confluent":
        found += _of_environment(environment, usage, tier, int(units), reason)
    message = usage.message_bytes * min(usage.compression, Decimal(1))
    if message > limits.message_bytes:
        words = f"messages of {message:,.0f} bytes, {name} takes {limits.message_bytes:,}"
        found.append(Misfit(words, fits, change))
    return tuple(found)


def _of_environment(environment: Environment, usage: Usage, tier: Tier, units: int, reason: str) -> list[Misfit]:
    """What the environment itself has set too small."""
    from modules.environment.confluent import cku_of, max_ecku_of
    from modules.environment.connect import kind_of

    its, found = environment.confluent, []
    if tier == "dedicated" and units > cku_of(environment):
        words = f"{units} CKU needed at the peak ({reason}), the environment has {cku_of(environment)}"
        found.append(Misfit(words, f"fits: {units} CKU", {"confluent": {"cku": units}}))
    most = max_ecku_of(environment)
    if tier != "dedicated" and most is not None and units > most:
        change = {"confluent": {"max_ecku": units}}
        words = f"{units} eCKU needed at the peak ({reason}), "
        if its.max_ecku:
            found.append(Misfit(f"{words}`max_ecku` is {most}", f"fits: max_ecku {units}", change))
        else:
            cap = f"outside production the cluster is capped at {most}, so that peaks are throttled"
            found.append(Misfit(words + cap, f"not throttled: max_ecku {units}", change, warns=True))
    managed = kind_of(environment) == "managed"
    if managed and usage.connector_tasks > _CONNECTOR_TASKS:
        words = f"{usage.connector_tasks:,} connector tasks, a cluster has {_CONNECTOR_TASKS} at most"
        found.append(Misfit(words, "fits: fewer tasks, or the project's own sink"))
    if tier == "basic" and managed and environment.connect.tasks > 1:
        words = f"{environment.connect.tasks} tasks a connector, Basic allows one"
        found.append(Misfit(words, "fits: Standard", {"confluent": {"tier": "standard"}}))
    return found


def _other_tiers(tier: Tier, usage: Usage) -> tuple[str, Change | None]:
    """Tiers that would carry the workload; as a change, one that is reached the same way."""
    from modules.cost.estimators.confluent import units_for

    peak_in, peak_out = usage.peak_bytes_per_second, usage.peak_bytes_out_per_second
    message = usage.message_bytes * min(usage.compression, Decimal(1))
    larger: dict[Tier, int] = {}
    for other, its in TIERS.items():
        needed, _ = units_for(other, peak_in, peak_out, usage.partitions)
        if needed <= most_units(other) and usage.partitions <= its.partitions and message <= its.message_bytes:
            larger[other] = int(needed)
    if not larger:
        return "no tier fits: several clusters", None
    fits = f"fits: {', '.join(other.capitalize() for other in larger)}"
    for other, units in larger.items():
        if TIERS[other].private == TIERS[tier].private or other == "dedicated":
            size = {"cku": units} if other == "dedicated" else {}
            return fits, {"confluent": {"tier": other, **size}}
    return fits, None


def check_redpanda(settings: Redpanda, usage: Usage) -> tuple[Misfit, ...]:
    """Three brokers, 2 GB a core, 2 MB a partition copy (Redpanda's requirements); what volumes and network carry."""
    found = []
    brokers = _redpanda_brokers(settings, usage)
    more: Change | None = {"redpanda": {"brokers": brokers}}
    fits = f"fits: {brokers} brokers"
    if brokers > max(_MOST_BROKERS, settings.brokers):
        more, fits = None, f"{brokers:,} brokers would be needed: several clusters, or disks of another make"
    copies = min(REPLICATION, settings.brokers)
    if settings.brokers < REPLICATION:
        found.append(Misfit(f"{settings.brokers} brokers for {REPLICATION} copies", fits, more))
    kept = usage.kept.amount * copies / settings.brokers
    if kept > _VOLUME_GIB:
        found.append(Misfit(f"{kept:,.0f} GiB kept a broker, an EBS volume has {_VOLUME_GIB:,} at most", fits, more))
    network, disk = _rates(settings)
    written = usage.peak_bytes_per_second * copies / settings.brokers
    if written > disk:
        words = f"{written / MIB:,.1f} MiB/s to disk a broker at the peak, copies included, its volume sustains "
        found.append(Misfit(f"{words}{disk / MIB:,.1f}", fits, more))
    sent = usage.peak_bytes_per_second * (copies - 1 + usage.fan_out) / settings.brokers
    if network is not None and sent > network:
        words = f"{sent / MIB:,.1f} MiB/s sent a broker at the peak, copies included, its machine sustains "
        found.append(Misfit(f"{words}{network / MIB:,.1f}", fits, more))
    return (*found, *_disk_given(settings, usage, kept), *_memory(settings, usage))


def _redpanda_brokers(settings: Redpanda, usage: Usage) -> int:
    """As many as disks and network ask for, never fewer than there are."""
    network, disk = _rates(settings)
    wants = [
        Decimal(max(REPLICATION, settings.brokers)),
        usage.kept.amount * REPLICATION / _VOLUME_GIB,
        usage.peak_bytes_per_second * REPLICATION / disk,
    ]
    if network is not None:
        wants.append(usage.peak_bytes_per_second * (REPLICATION - 1 + usage.fan_out) / network)
    return up(max(wants))


def _rates(settings: Redpanda) -> tuple[Decimal | None, Decimal]:
    """Bytes/s of a broker's network, of which nothing is published for a Fargate task, and of its volume."""
    from modules.environment.redpanda import size_of

    machine = size_of(settings).instance_type
    found = baseline(machine) if machine else None
    return (found[0], min(found[1], _GP3)) if found else (None, _GP3)


def _disk_given(settings: Redpanda, usage: Usage, kept: Decimal) -> tuple[Misfit, ...]:
    if settings.storage_per_broker is None or kept <= settings.storage_per_broker.bytes / GIB:
        return ()
    enough = up(kept * Decimal("1.3"))
    words = f"{kept:,.0f} GiB kept a broker on disks of {settings.storage_per_broker.bytes / GIB:,.0f} GiB"
    return (Misfit(words, f"fits: {enough:,} GiB a broker", {"redpanda": {"storage_per_broker": f"{enough}GiB"}}),)


def _memory(settings: Redpanda, usage: Usage) -> tuple[Misfit, ...]:
    from modules.environment.redpanda import PER_CORE, PER_REPLICA, size_of, with_memory

    size, copies, found = size_of(settings), min(REPLICATION, settings.brokers), []
    has = f"{size.memory / GIB:.1f} GiB of {settings.memory}"

    def misfit(why: str, needed: int) -> None:
        change = with_memory(settings, needed)
        wants = f"fits: {(needed - size.memory + size.task) / GIB:,.1f} GiB a broker"
        found.append(Misfit(why, wants, {"redpanda": change} if change else None))

    if size.memory < size.vcpu * PER_CORE:
        misfit(f"2 GB a core, Redpanda has {has} for {size.vcpu}", size.vcpu * PER_CORE)
    partitions = Decimal(usage.partitions * copies) / settings.brokers
    if partitions * PER_REPLICA > size.memory:
        words = f"{partitions:,.0f} partition copies a broker at 2 MB each, Redpanda has {has}"
        misfit(words, up(partitions * PER_REPLICA))
    return tuple(found)
