"""Confluent Cloud: eCKU (or CKU), data in and out, storage after replication, Stream Governance, PrivateLink, keys.

eCKUs are sized from the mean rates and the partitions by the limits per unit; Confluent scales them by the hour, so a
peak costs only its hours. Connectors are in `connector.py`.
"""

from __future__ import annotations

from decimal import Decimal

from modules.cost.estimators import account, connector, network
from modules.cost.estimators.base import REPLICATION, Inputs, whole
from modules.cost.estimators.prepared import Bill, joined
from modules.cost.lines import Estimate, Line, line
from modules.cost.units import Unit, hours, plain
from modules.environment import capture
from modules.environment.confluent import secrets_of
from modules.environment.confluent_facts import TIERS, Tier
from modules.environment.model import Environment
from modules.topics import application_subjects

__all__ = ["estimate", "prepare", "units_for"]

_MB = Decimal(10**6)
_KEYS = 6
"""API keys of every environment: producer, consumer and sink, the deployer's two, and one that reads schemas."""

_FREE_SCHEMAS = 100


def units_for(tier: Tier, bytes_in: Decimal, bytes_out: Decimal, partitions: int) -> tuple[Decimal, str]:
    """Units that carry these mean rates (bytes/s) and partitions, and what decided. May exceed the tier's most."""
    limits = TIERS[tier]
    wants = {
        f"{bytes_in / _MB:,.2f} MB/s in at {limits.mb_in} a unit": whole(bytes_in / _MB / limits.mb_in),
        f"{bytes_out / _MB:,.2f} MB/s out at {limits.mb_out} a unit": whole(bytes_out / _MB / limits.mb_out),
        f"{partitions:,} partitions at {limits.unit_partitions:,} a unit": whole(
            Decimal(partitions) / limits.unit_partitions
        ),
    }
    reason, units = max(wants.items(), key=lambda want: want[1])
    if units <= limits.least:
        return Decimal(limits.least), f"the least is {limits.least}"
    return units, reason


def estimate(inputs: Inputs, tier: Tier, cku: int | None = None, *, advanced: bool = False) -> Estimate:
    """The cluster of one tier.

    Args:
        cku: Dedicated's size, where the environment gives it.
        advanced: Stream Governance's package, in place of Essentials.
    """
    usage = inputs.usage
    units, reason = units_for(tier, usage.bytes_per_second, usage.bytes_per_second * usage.fan_out, usage.partitions)
    if tier == "dedicated" and cku:
        units, reason = Decimal(cku), "as given"
    unit, name = (Unit.CKU_HOUR, "CKU") if tier == "dedicated" else (Unit.ECKU_HOUR, "eCKU")
    prefix = f"confluent.{tier}"
    sent = f"{usage.data_in} sent"
    cluster = line(
        "confluent.cluster", "kafka", "fixed", hours(units, unit), inputs.price(f"{prefix}.{name.lower()}"),
        f"{units} {name} ({reason}) × 730 h", what=f"{units} {name}", count=1,
    )  # fmt: skip
    data_in = line("confluent.in", "kafka", "usage", usage.data_in, inputs.price(f"{prefix}.in"), sent, what="data in")
    data_out = line(
        "confluent.out", "kafka", "usage", usage.data_out, inputs.price(f"{prefix}.out"),
        f"{sent} × {usage.fan_out} read", what="data out",
    )  # fmt: skip
    return Estimate((cluster, data_in, data_out, _storage(inputs, tier), *_governance(inputs, advanced)), _notes(tier))


def _storage(inputs: Inputs, tier: Tier) -> Line:
    own = tier in ("freight", "dedicated")
    price = inputs.price(f"confluent.{tier}.storage" if own else "confluent.storage")
    kept = inputs.usage.kept
    days = f"{kept.amount:,.2f} GiB kept for {plain(inputs.usage.retention_days)} d"
    if own:
        return line("confluent.storage", "kafka", "usage", kept, price, days, what="storage")
    return line(
        "confluent.storage", "kafka", "usage", kept * REPLICATION, price, f"{days} × {REPLICATION} copies",
        what="storage, 3 copies", note="billed after replication",
    )  # fmt: skip


def prepare(inputs: Inputs, environment: Environment) -> Bill:
    """Everything of an environment on Confluent Cloud, by its month."""
    its = environment.confluent

    def cluster(now: Inputs) -> Estimate:
        return estimate(now, its.tier, its.cku, advanced=its.stream_governance == "advanced")

    return joined(
        inputs,
        cluster,
        *connector.parts(inputs, environment, "confluent"),
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


def _notes(tier: Tier) -> tuple[str, ...]:
    notes = [f"Confluent {tier.capitalize()}: sized for the mean rate; its GB is 2^30 bytes."]
    if tier in ("standard", "enterprise"):
        notes.append(f"{tier.capitalize()}'s 99.99 % SLA needs 2 eCKU; priced is what the workload needs.")
        notes.append(f"{tier.capitalize()} prices are the top of the range found (volume and region move them).")
    return tuple(notes)
