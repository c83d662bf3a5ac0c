"""What an environment keeps in its AWS account beside the machines: secrets, keys, alarms, logs, DNS zones.

Each is counted as the stacks make it; a test holds the counts against what is synthesised.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from modules.cost.estimators.base import Inputs
from modules.cost.lines import Estimate, Group, Line, line
from modules.cost.units import HOURS_PER_MONTH, Quantity, Unit, plain
from modules.environment.connect import sink_on_ecs, uses_msk_connect, worker_on_ecs
from modules.environment.model import Environment

__all__ = ["alarms", "balancer", "key", "log_days", "logs", "of_connectors", "secrets", "zones"]


def secrets(inputs: Inputs, environment: Environment, made: Mapping[str, int]) -> Estimate:
    """Secrets Manager. `made`: what the stacks put there → how many; beside it the Snowflake key, where the YAML has
    it there."""
    lines: list[Line] = []
    count = sum(made.values())
    if count:
        lines.append(_secrets(inputs, "aws.secrets", made, count, "kafka"))
        lines.append(_calls(inputs, "aws.secret_calls", "aws.secret.calls", "Secrets Manager, calls"))
    kept = environment.warehouse.connector_private_key
    if kept is not None and kept.scheme == "aws-sm":
        lines.append(_secrets(inputs, "connect.secret", {"Snowflake key": 1}, None, "connect"))
    return Estimate(tuple(lines))


def key(inputs: Inputs, what: str) -> Estimate:
    """One customer-managed KMS key, and what asks it."""
    made = line(
        "aws.key", "kafka", "fixed", Quantity(Decimal(1), Unit.KEY_MONTH), inputs.price("aws.kms.key"),
        f"1 key for {what}", what="KMS key", count=1,
    )  # fmt: skip
    return Estimate((made, _calls(inputs, "aws.key_calls", "aws.kms.calls", "KMS, calls")))


def alarms(inputs: Inputs, single: int, summed: int) -> Estimate:
    """CloudWatch alarms; one on the sum of two metrics is billed as two."""
    count, metrics = single + summed, single + 2 * summed
    if not count:
        return Estimate(())
    sums = f"{single} + {summed} on the sum of two metrics × 2" if summed else f"{single}"
    quantity = Quantity(Decimal(metrics), Unit.ALARM_MONTH)
    plural = "s" if count != 1 else ""
    made = line(
        "aws.alarms", "kafka", "fixed", quantity, inputs.price("aws.alarm"), sums, what=f"{count} alarm{plural}",
        note="billed by the metric", count=count,
    )  # fmt: skip
    return Estimate((made,))


def logs(
    inputs: Inputs, prefix: str, writers: Mapping[str, Decimal], days: int, groups: int, of: Group = "kafka"
) -> Estimate:
    """CloudWatch Logs: GiB a month taken in, by who writes, and kept for so many days."""
    total = sum(writers.values(), Decimal(0))
    how = " + ".join(f"{who} {plain(gib)} GiB" for who, gib in writers.items())
    kept = total * days * 24 / HOURS_PER_MONTH
    return Estimate(
        (
            line(
                f"{prefix}.logs", of, "usage", Quantity(total, Unit.GIB), inputs.price("aws.logs.in"), how,
                what="logs, taken in", count=groups,
            ),
            line(
                f"{prefix}.logs_kept", of, "usage", Quantity(kept, Unit.GIB_MONTH), inputs.price("aws.logs.kept"),
                f"{plain(total)} GiB a month × {days} d ÷ 730/24 d", what="logs, kept",
            ),
        )
    )  # fmt: skip


def log_days(environment: Environment) -> int:
    """How long logs are kept, but for Redpanda's own."""
    return 90 if environment.production else 14


def of_connectors(inputs: Inputs, environment: Environment, workers: int) -> Estimate:
    """What connectors in AWS have beside their workers: a secret with what they log in with, and a log; the project's
    own sink as a task has its own of each."""
    gib = {f"{workers} worker{'s' if workers != 1 else ''}": inputs.assumptions.logs_gib_per_task * workers}
    sink = sink_on_ecs(environment)
    beside = uses_msk_connect(environment) or worker_on_ecs(environment)
    held = {"connectors' logins": int(beside), "the sink's logins": int(sink)}
    secret = Estimate((_secrets(inputs, "connect.secrets", held, beside + sink, "connect"),))
    return secret + logs(inputs, "connect", gib, log_days(environment), groups=beside + sink, of="connect")


def zones(inputs: Inputs, names: tuple[str, ...]) -> Estimate:
    """Private DNS zones, each by what it is for, and their queries."""
    quantity = Quantity(Decimal(len(names)), Unit.ZONE_MONTH)
    plural = "s" if len(names) != 1 else ""
    made = line(
        "aws.zones", "kafka", "fixed", quantity, inputs.price("aws.zone"), " + ".join(names),
        what=f"{len(names)} DNS zone{plural}", count=len(names),
    )  # fmt: skip
    asked = Quantity(inputs.assumptions.dns_queries_millions, Unit.MILLION_QUERIES)
    queries = line(
        "aws.zone_queries", "kafka", "fixed", asked, inputs.price("aws.zone.queries"), "assumed",
        what="DNS, queries", note="clients keep an answer for as long as its TTL says",
    )  # fmt: skip
    return Estimate((made, queries))


def balancer(inputs: Inputs, prefix: str, kind: str, *, of: Group = "kafka") -> Estimate:
    """An internal load balancer in front of a registry, whose clients keep what they looked up, or of Kafka Connect's
    REST interface; `kind`: nlb or alb."""
    gib = inputs.assumptions.registry_traffic_gib
    what = "Connect's balancer" if prefix == "connect" else "registry's balancer"
    unit = Unit.NLCU_HOUR if kind == "nlb" else Unit.LCU_HOUR
    return Estimate(
        (
            line(
                f"{prefix}.balancer", of, "fixed", Quantity(HOURS_PER_MONTH, Unit.BALANCER_HOUR),
                inputs.price(f"aws.{kind}.hour"), "1 balancer × 730 h", what=what, count=1,
            ),
            line(
                f"{prefix}.balancer_capacity", of, "usage", Quantity(gib, unit),
                inputs.price(f"aws.{kind}.capacity"), f"{plain(gib)} GiB at 1 GiB an hour a unit",
                what=f"{what}, capacity",
            ),
        )
    )  # fmt: skip


def _secrets(inputs: Inputs, id: str, made: Mapping[str, int], count: int | None, of: Group) -> Line:
    number = sum(made.values())
    plural = "s" if number != 1 else ""
    how = " + ".join(f"{each} {what}" for what, each in made.items() if each)
    return line(
        id, of, "fixed", Quantity(Decimal(number), Unit.SECRET_MONTH),
        inputs.price("aws.secret"), how, what=f"{number} secret{plural}",
        count=count,
    )  # fmt: skip


def _calls(inputs: Inputs, id: str, item: str, what: str) -> Line:
    """Tasks ask when they start and where they cache nothing; it is next to nothing, and said."""
    calls = Quantity(inputs.assumptions.calls_10k, Unit.TEN_THOUSAND_CALLS)
    return line(id, "kafka", "fixed", calls, inputs.price(item), "assumed, at most", what=what)
