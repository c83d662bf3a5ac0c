"""Whether a workload fits Amazon MSK: brokers by disk, partitions and throughput; Serverless by its quotas.

Quotas are the MSK developer guide's (limits.html, bestpractices.html, bestpractices-express.html, read 2026-11). For
Standard brokers AWS publishes no throughput; their limit is worked out the way AWS's own guidance does, from the
machine's network, its link to EBS and the volume (see `bandwidth.py`), and a fifth is to be kept free.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from modules.cost.bandwidth import baseline
from modules.cost.estimators.base import REPLICATION
from modules.cost.misfit import GIB, MB, MIB, Change, Misfit, up
from modules.environment.msk_limits import BROKERS, LARGEST_DISK, SERVERLESS_PARTITIONS

if TYPE_CHECKING:
    from modules.cost.usage import Usage
    from modules.environment.model import Environment

__all__ = ["RECOMMENDED", "check_express", "check_serverless", "check_standard"]

RECOMMENDED = {
    "provisioned": {"small": 300, "large": 1_000, "xlarge": 1_000, "2xlarge": 2_000},
    "express": {"large": 1_000, "xlarge": 1_000, "2xlarge": 2_500, "4xlarge": 6_000, "8xlarge": 12_000,
                "12xlarge": 16_000, "16xlarge": 20_000},
}  # fmt: skip
"""Mode → size → partitions a broker that AWS recommends, replicas counted; Standard from 4xlarge on: 4,000."""

_WEIGHT = {"small": 1, "large": 2, "xlarge": 4, "2xlarge": 8, "4xlarge": 16, "8xlarge": 32, "12xlarge": 48,
           "16xlarge": 64, "24xlarge": 96}  # fmt: skip
"""What a broker of a size costs beside the others of its family."""

_EXPRESS = {
    "large": ("15.6", "23.4", "31.2", "58.5"),
    "xlarge": ("31.25", "46.8", "62.5", "117"),
    "2xlarge": ("62.5", "93.7", "125", "234.2"),
    "4xlarge": ("125", "187.5", "250", "468.7"),
    "8xlarge": ("250", "375", "500", "937.5"),
    "12xlarge": ("375", "562.5", "750", "1406.2"),
    "16xlarge": ("500", "750", "1000", "1875"),
}
"""MiB/s an express.m7g broker: in sustained and at most, out sustained and at most; beyond the most it is throttled."""

_EXPRESS_PARTITION_MB = 15
_MOST_BROKERS = 60
"""A KRaft cluster's quota."""

_VOLUME = 250 * MIB
"""Bytes/s of a broker's volume of 10 GiB and more, unless more is provisioned, which no stack here does."""

_KEEP_FREE = Decimal("0.8")
_SPARED = "with a fifth kept free as AWS advises has"

_SERVERLESS_MB_IN, _SERVERLESS_MB_OUT = 200, 400
_SERVERLESS_PARTITION_MB_IN, _SERVERLESS_PARTITION_MB_OUT = 5, 10
_SERVERLESS_MESSAGE = 8 * 10**6


@dataclass(frozen=True)
class _Need:
    """One limit of a broker: what the cluster needs in all, and what one broker has.

    Attributes:
        of: broker type → what it has; None where it has no limit, or an unpublished one.
        words: amount a broker, its limit, its type → how that is said.
        warns: more than this is advised against, not refused.
    """

    total: Decimal
    of: Callable[[str], Decimal | None]
    words: Callable[[Decimal, Decimal, str], str]
    warns: bool = False


def check_standard(
    broker_type: str, brokers: int, usage: Usage, environment: Environment | None = None
) -> tuple[Misfit, ...]:
    """Disk, partitions and throughput of each broker, copies included."""
    needs = (
        _Need(
            usage.kept.amount * REPLICATION,
            lambda _: LARGEST_DISK / GIB,
            lambda each, most, _: f"{each:,.0f} GiB kept a broker, MSK Standard provisions at most {most:,.0f}",
        ),
        *_partitions("provisioned", usage),
        *_standard_rates(usage),
    )
    found = _misfits(needs, "provisioned", broker_type, brokers, _zones(environment), "or Express")
    return (*found, *_disk_given(usage, brokers, environment))


def check_express(
    broker_type: str, brokers: int, usage: Usage, environment: Environment | None = None
) -> tuple[Misfit, ...]:
    """Throughput in and out, and partitions, of each broker; at the mean what is sustained, at the peak the most."""
    mean_in, mean_out = usage.wire_bytes_per_second, usage.wire_bytes_per_second * usage.fan_out
    peak_in, peak_out = usage.peak_bytes_per_second, usage.peak_bytes_out_per_second
    needs = (
        *_partitions("express", usage),
        _Need(mean_in, _express(0), _rate("in a broker on average", "sustains")),
        _Need(mean_out, _express(2), _rate("out a broker on average", "sustains")),
        _Need(peak_in, _express(1), _rate("in a broker at the peak", "takes at most")),
        _Need(peak_out, _express(3), _rate("out a broker at the peak", "sends at most")),
        _Need(peak_in, _express(0), _rate("in a broker at the peak", "is at full speed up to"), warns=True),
        _Need(peak_out, _express(2), _rate("out a broker at the peak", "is at full speed up to"), warns=True),
    )
    found = _misfits(needs, "express", broker_type, brokers, 3, "or several clusters")
    each = peak_in / MB / max(usage.partitions, 1)
    if each > _EXPRESS_PARTITION_MB:
        more = up(peak_in / MB / _EXPRESS_PARTITION_MB)
        why = f"{each:,.1f} MB/s a partition at the peak, Express takes {_EXPRESS_PARTITION_MB}"
        found = (*found, Misfit(why, f"fits: {more} partitions"))
    return found


def check_serverless(usage: Usage) -> tuple[Misfit, ...]:
    """The cluster's and the partitions' rates at the peak, the number of partitions, the message size."""
    rate_in, rate_out = usage.peak_bytes_per_second / MB, usage.peak_bytes_out_per_second / MB
    partitions = max(usage.partitions, 1)
    found = []

    def misfit(why: str, fits: str = "fits: provisioned MSK", change: Change | None = _PROVISIONED) -> None:
        found.append(Misfit(why, fits, change))

    if rate_in > _SERVERLESS_MB_IN or rate_out > _SERVERLESS_MB_OUT:
        has = f"Serverless has {_SERVERLESS_MB_IN} and {_SERVERLESS_MB_OUT}"
        misfit(f"{rate_in:,.1f} MB/s in and {rate_out:,.1f} out at the peak, {has}")
    elif rate_in > _SERVERLESS_PARTITION_MB_IN * partitions or rate_out > _SERVERLESS_PARTITION_MB_OUT * partitions:
        need = max(rate_in / _SERVERLESS_PARTITION_MB_IN, rate_out / _SERVERLESS_PARTITION_MB_OUT)
        misfit(
            f"{rate_in:,.1f} MB/s in at the peak on {partitions} partitions, Serverless takes "
            f"{_SERVERLESS_PARTITION_MB_IN} MB/s in and {_SERVERLESS_PARTITION_MB_OUT} out each",
            f"fits: {up(need)} partitions", None,
        )  # fmt: skip
    if usage.partitions > SERVERLESS_PARTITIONS:
        misfit(f"{usage.partitions:,} partitions, Serverless has {SERVERLESS_PARTITIONS:,}")
    if usage.message_bytes > _SERVERLESS_MESSAGE:
        misfit(f"messages of {usage.message_bytes:,} bytes, Serverless takes 8 MB")
    return tuple(found)


_PROVISIONED: Change = {"msk": {"mode": "provisioned"}}


def _partitions(mode: str, usage: Usage) -> tuple[_Need, _Need]:
    copies = Decimal(usage.partitions * REPLICATION)
    return (
        _Need(
            copies,
            lambda kind: _known(BROKERS[mode].get(kind)),
            lambda each, most, kind: f"{each:,.0f} partition copies a broker, {kind} takes at most {most:,.0f}",
        ),
        _Need(
            copies,
            lambda kind: Decimal(RECOMMENDED[mode].get(_size(kind), 4_000)),
            lambda each, most, kind: (
                f"{each:,.0f} partition copies a broker, {most:,.0f} is what AWS recommends for {kind}"
            ),
            warns=True,
        ),
    )


def _standard_rates(usage: Usage) -> Iterable[_Need]:
    """AWS's rule: every byte is written once a copy; a broker sends it to the other copies and to each reader."""
    written = usage.peak_bytes_per_second * REPLICATION
    sent = usage.peak_bytes_per_second * (REPLICATION - 1 + usage.fan_out)

    def disk(kind: str) -> Decimal | None:
        found = baseline(kind)
        return min(found[1], _VOLUME) if found else None

    def network(kind: str) -> Decimal | None:
        found = baseline(kind)
        return found[0] if found else None

    def spared(limit: Callable[[str], Decimal | None]) -> Callable[[str], Decimal | None]:
        return lambda kind: None if (most := limit(kind)) is None else most * _KEEP_FREE

    to_disk, over_network = (
        "to disk a broker at the peak, copies included",
        "sent a broker at the peak, copies included",
    )
    yield _Need(written, disk, _rate(to_disk, "sustains"))
    yield _Need(sent, network, _rate(over_network, "sustains"))
    yield _Need(written, spared(disk), _rate(to_disk, _SPARED), True)
    yield _Need(sent, spared(network), _rate(over_network, _SPARED), True)


def _express(at: int) -> Callable[[str], Decimal | None]:
    return lambda kind: Decimal(_EXPRESS[_size(kind)][at]) * MIB if _size(kind) in _EXPRESS else None


def _rate(what: str, limit: str) -> Callable[[Decimal, Decimal, str], str]:
    return lambda each, most, kind: f"{each / MIB:,.1f} MiB/s {what}, {kind} {limit} {most / MIB:,.1f}"


def _misfits(
    needs: Iterable[_Need], mode: str, kind: str, brokers: int, zones: int, otherwise: str
) -> tuple[Misfit, ...]:
    """The limits that are passed, each with the cheapest brokers of this family that pass none of its sort."""
    passed = [(need, limit) for need in needs if (limit := need.of(kind)) is not None and need.total > limit * brokers]
    if not passed:
        return ()
    found, needs = [], tuple(needs)
    fitting = {warns: _fitting([n for n in needs if warns or not n.warns], mode, kind, brokers, zones)
               for warns in {need.warns for need, _ in passed}}  # fmt: skip
    refused = {need.total for need, _ in passed if not need.warns}
    for need, limit in passed:
        if need.warns and need.total in refused:
            continue  # said already, and worse
        better = fitting[need.warns]
        words = need.words(need.total / brokers, limit, kind)
        if better is None:
            found.append(Misfit(words, f"no {kind.rpartition('.')[0]} cluster fits: several clusters, {otherwise}",
                                warns=need.warns))  # fmt: skip
            continue
        larger, count = better
        change = {name: value for name, value, now in (("broker_type", larger, kind), ("brokers", count, brokers))
                  if value != now}  # fmt: skip
        found.append(Misfit(words, f"fits: {count} {larger}", {"msk": change}, need.warns))
    return tuple(found)


def _fitting(needs: Iterable[_Need], mode: str, kind: str, brokers: int, zones: int) -> tuple[str, int] | None:
    """Type and number of brokers, no fewer and no smaller than there are, that cost least; on a par the fewest.

    Of the same family, or m7g where that has none.
    """
    needs, choices = tuple(needs), []
    for family in dict.fromkeys((kind.rpartition(".")[0], "kafka.m7g" if mode == "provisioned" else "express.m7g")):
        for other in BROKERS[mode]:
            if other.rpartition(".")[0] != family or _WEIGHT[_size(other)] < _WEIGHT[_size(kind)]:
                continue
            limits = [(need.total, limit) for need in needs if (limit := need.of(other)) is not None]
            count = up(max([Decimal(brokers), *(total / limit for total, limit in limits)]), zones)
            if count <= max(_MOST_BROKERS, brokers):
                choices.append((count * _WEIGHT[_size(other)], count, other))
        if choices:
            _, count, chosen = min(choices)
            return chosen, count
    return None


def _disk_given(usage: Usage, brokers: int, environment: Environment | None) -> tuple[Misfit, ...]:
    """Disks of a given size: whether they hold what is kept, or grow until they do."""
    from modules.environment.msk import storage_ceiling_gib

    if environment is None or environment.msk.storage_per_broker is None:
        return ()
    has, need = environment.msk.storage_per_broker.bytes / GIB, usage.kept.amount * REPLICATION / brokers
    if need <= has:
        return ()
    enough = up(need * Decimal("1.3"))
    change: Change = {"msk": {"storage_per_broker": f"{enough}GiB"}}
    why = f"{need:,.0f} GiB kept a broker on disks of {has:,.0f} GiB"
    ceiling = storage_ceiling_gib(environment)
    if need <= ceiling:
        why += f", which grow by themselves up to {ceiling:,} GiB and cost more then"
        return (Misfit(why, f"priced right with {enough:,} GiB", change, warns=True),)
    return (Misfit(f"{why}, which grow up to {ceiling:,} GiB", f"fits: {enough:,} GiB a broker", change),)


def _known(most: int | None) -> Decimal | None:
    return None if most is None else Decimal(most)


def _zones(environment: Environment | None) -> int:
    return environment.network.zones if environment is not None else 3


def _size(kind: str) -> str:
    return kind.rpartition(".")[2]
