"""Confluent Cloud: eCKU (or CKU), data in and out, storage after replication, Stream Governance, PrivateLink, keys.

Units are sized from rates and partitions by the limits per unit. Confluent scales eCKUs by the hour, so a peak costs
only its hours; CKUs are there all month and sized for the peak. Connectors are in `connector.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from modules.cost.estimators import account, connector, flink, network
from modules.cost.estimators.base import REPLICATION, Inputs, whole
from modules.cost.estimators.prepared import Bill, joined
from modules.cost.lines import Estimate, Line, Words, line
from modules.cost.units import HOURS_PER_MONTH, Quantity, Unit, hours, plain
from modules.cost.usage import Usage
from modules.environment import capture
from modules.environment.confluent import availability_of, cku_of, secrets_of
from modules.environment.confluent_facts import TIERS, Tier
from modules.environment.model import Environment
from modules.topics import application_subjects

__all__ = ["estimate", "prepare", "units_for"]

_MB = Decimal(10**6)
_KEYS = 6
"""API keys of every environment: producer, consumer and sink, the deployer's two, and one that reads schemas."""

_FREE_SCHEMAS = 100


def units_for(tier: Tier, bytes_in: Decimal, bytes_out: Decimal, partitions: int) -> tuple[Decimal, str]:
    """Units that carry these rates (bytes/s) and partitions, and what decided. May exceed the tier's most."""
    limits = TIERS[tier]
    wants = (
        (whole(bytes_in / _MB / limits.mb_in), "in"),
        (whole(bytes_out / _MB / limits.mb_out), "out"),
        (whole(Decimal(partitions) / limits.unit_partitions), "partitions"),
    )
    units, by = max(wants, key=lambda want: want[0])
    if units <= limits.least:
        return Decimal(limits.least), f"the least is {limits.least}"
    if by == "partitions":
        return units, f"{partitions:,} partitions at {limits.unit_partitions:,} a unit"
    rate, each = (bytes_in, limits.mb_in) if by == "in" else (bytes_out, limits.mb_out)
    return units, f"{rate / _MB:,.2f} MB/s {by} at {each} a unit"


@dataclass(frozen=True)
class _Size:
    """Units of a cluster, by the hours they are billed for.

    Attributes:
        least: what is billed whatever the traffic.
        steps: units, why so many, and hours of the month.
    """

    least: int
    steps: tuple[tuple[Decimal, str, Decimal], ...]

    @property
    def unit_hours(self) -> Decimal:
        return sum((units * at for units, _, at in self.steps), Decimal(0))

    def words(self, name: str) -> str:
        return " + ".join(f"{units} {name} ({reason}) × {plain(at)} h" for units, reason, at in self.steps)

    @property
    def follows_traffic(self) -> bool:
        return any(units > self.least for units, _, _ in self.steps)


def estimate(
    inputs: Inputs,
    tier: Tier,
    cku: int | None = None,
    *,
    advanced: bool = False,
    least: int = 1,
    most: int | None = None,
) -> Estimate:
    """The cluster of one tier.

    Args:
        cku: Dedicated's size, where the environment gives it.
        advanced: Stream Governance's package, in place of Essentials.
        least: units that the availability asks for.
        most: eCKU that the environment lets it scale to; what it may not have is not billed.
    """
    usage = inputs.usage
    unit, name = (Unit.CKU_HOUR, "CKU") if tier == "dedicated" else (Unit.ECKU_HOUR, "eCKU")
    size = _cku(usage, cku, least) if tier == "dedicated" else _ecku(inputs, tier, least, most)
    (units, _, _), *peaks = size.steps
    cluster = line(
        "confluent.cluster", "kafka", "usage" if size.follows_traffic else "fixed", Quantity(size.unit_hours, unit),
        inputs.price(f"confluent.{tier}.{name.lower()}"), lambda: size.words(name),
        what=f"{units} {name}" + "".join(f", {more} at peaks" for more, _, _ in peaks), count=1,
    )  # fmt: skip
    lines = (cluster, *_data(inputs, tier), _storage(inputs, tier), *_governance(inputs, advanced))
    return Estimate(lines, _notes(inputs, tier))


def _data(inputs: Inputs, tier: Tier) -> tuple[Line, Line]:
    usage = inputs.usage
    return (
        line(
            "confluent.in", "kafka", "usage", usage.data_in, inputs.price(f"confluent.{tier}.in"),
            lambda: f"{usage.data_in} sent", what="data in",
        ),
        line(
            "confluent.out", "kafka", "usage", usage.data_out, inputs.price(f"confluent.{tier}.out"),
            lambda: f"{usage.data_in} sent × {usage.fan_out} read", what="data out",
        ),
    )  # fmt: skip


def _cku(usage: Usage, given: int | None, least: int) -> _Size:
    """CKUs are bought for the whole month: as given, else what the peak needs, and as many as the availability asks."""
    if given:
        reason = "as given" if given > least else f"{given} at least for its availability"
        return _Size(given, ((Decimal(given), reason, HOURS_PER_MONTH),))
    peak, out = usage.peak_bytes_per_second, usage.peak_bytes_out_per_second
    units, reason = units_for("dedicated", peak, out, usage.partitions)
    if units < least:
        units, reason = Decimal(least), f"{least} at least for its availability"
    return _Size(int(units), ((units, reason, HOURS_PER_MONTH),))


def _ecku(inputs: Inputs, tier: Tier, least: int, most: int | None) -> _Size:
    """eCKUs follow the traffic by the hour: the peak's for its hours of the day, whole hours, and the mean's for the
    rest."""
    usage, least = inputs.usage, max(least, TIERS[tier].least)

    def units(rate: Decimal) -> tuple[Decimal, str]:
        found, reason = units_for(tier, rate, rate * usage.fan_out, usage.partitions)
        if found < least:
            found, reason = Decimal(least), f"{least} at least for its availability"
        if most is not None and found > most:
            return Decimal(most), f"`max_ecku`, for {reason}"
        return found, reason

    mean, peak = units(usage.wire_bytes_per_second), units(usage.peak_bytes_per_second)
    if mean[0] == peak[0]:
        return _Size(least, ((*mean, HOURS_PER_MONTH),))
    at_peak = whole(HOURS_PER_MONTH * inputs.assumptions.peak_hours_per_day / 24)
    return _Size(least, ((*mean, HOURS_PER_MONTH - at_peak), (*peak, at_peak)))


def _storage(inputs: Inputs, tier: Tier) -> Line:
    own = tier in ("freight", "dedicated")
    price = inputs.price(f"confluent.{tier}.storage" if own else "confluent.storage")
    kept = inputs.usage.kept

    def days() -> str:
        return f"{kept.amount:,.2f} GiB kept for {plain(inputs.usage.retention_days)} d"

    if own:
        return line("confluent.storage", "kafka", "usage", kept, price, days, what="storage")
    return line(
        "confluent.storage", "kafka", "usage", kept * REPLICATION, price, lambda: f"{days()} × {REPLICATION} copies",
        what="storage, 3 copies", note="billed after replication",
    )  # fmt: skip


def prepare(inputs: Inputs, environment: Environment) -> Bill:
    """Everything of an environment on Confluent Cloud, by its month."""
    its = environment.confluent
    cku = cku_of(environment) if its.tier == "dedicated" else None
    least = 2 if availability_of(environment) in ("high", "multi-zone") else 1
    advanced = its.stream_governance == "advanced"

    def cluster(now: Inputs) -> Estimate:
        return estimate(now, its.tier, cku, advanced=advanced, least=least, most=its.max_ecku)

    return joined(
        inputs,
        cluster,
        *connector.parts(inputs, environment, "confluent"),
        flink.part(),
        _secrets(inputs, environment),
        *network.private_link(inputs, environment),
    )


def _secrets(inputs: Inputs, environment: Environment) -> Estimate:
    """API keys in Secrets Manager."""
    managed = capture.principals(environment)  # a managed connector works as its account, without a key
    applications = [name for name in environment.applications if name not in managed]
    keys = len(applications) + sum(1 for name in applications if application_subjects(environment, name))
    made = {"API keys": _KEYS, "API keys of applications": keys} if secrets_of(environment) == "aws-sm" else {}
    return account.secrets(inputs, environment, made)


def _governance(inputs: Inputs, advanced: bool) -> list[Line]:
    lines = []
    if advanced:
        lines.append(
            line(
                "confluent.package", "kafka", "fixed", hours(1, Unit.PACKAGE_HOUR),
                inputs.price("confluent.governance.advanced"), "1 × 730 h", what="Stream Governance Advanced",
            )
        )  # fmt: skip
    count = inputs.usage.schemas
    if not count:
        return lines
    free = f"free: {_FREE_SCHEMAS} schemas are" if count <= _FREE_SCHEMAS else ""
    item = "confluent.governance.advanced.schema" if advanced and not free else "confluent.governance.schema"
    how = f"{count} schema{'s' if count != 1 else ''} × 730 h"
    schemas = line(
        "confluent.governance", "kafka", "fixed", hours(count, Unit.SCHEMA_HOUR), inputs.price(item), how,
        what="Schema Registry", note=free, count=count,
    )  # fmt: skip
    return [*lines, schemas]


def _notes(inputs: Inputs, tier: Tier) -> tuple[Words, ...]:
    name = tier.capitalize()
    if tier not in ("standard", "enterprise"):
        return (lambda: _sizing(inputs, tier),)
    return (
        lambda: _sizing(inputs, tier),
        f"{name}'s 99.99 % SLA needs 2 eCKU, which high availability has; low is priced from 1.",
        f"{name} prices are the top of the range found (volume and region move them).",
    )


def _sizing(inputs: Inputs, tier: Tier) -> str:
    name, peak = tier.capitalize(), inputs.usage.peak_to_mean
    if tier == "dedicated":
        return f"Confluent {name}: CKUs are sized for the peak; its GB is 2^30 bytes."
    if peak == 1:
        return f"Confluent {name}: sized for the mean rate, which is the peak; its GB is 2^30 bytes."
    of_day = f"{plain(inputs.assumptions.peak_hours_per_day)} h a day at the peak of {plain(peak)} × the mean"
    return f"Confluent {name}: eCKU follow the traffic: {of_day}, the rest at the mean; its GB is 2^30 bytes."
