"""The options a workload can run on: each platform and mode, with what it needs around it and Snowflake beside it.

The table `OPTIONS` is where a platform is registered; `option_of` says which one an environment has chosen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from modules.cost.book import PriceBook
from modules.cost.estimators import confluent, connector, msk, redpanda, registry, snowflake
from modules.cost.estimators.base import Assumptions, Inputs
from modules.cost.limits import Misfit, check_confluent, check_express, check_redpanda, check_serverless, check_standard
from modules.cost.lines import Estimate
from modules.cost.usage import Usage, usage_of
from modules.environment.confluent_facts import TIERS, Tier
from modules.environment.model import Environment, Platform
from modules.errors import PriceError

__all__ = ["COMPARED", "OPTIONS", "Option", "estimate", "inputs_for", "option_of", "region_of"]


@dataclass(frozen=True)
class Option:
    """A platform in one mode. `kafka` prices everything but Snowflake; `check` says where the workload does not fit."""

    id: str
    platform: Platform
    name: str
    tutorial: str | None
    kafka: Callable[[Inputs, Environment], Estimate]
    check: Callable[[Usage, Environment], tuple[Misfit, ...]]


def _confluent(tier: Tier) -> Option:
    def kafka(inputs: Inputs, environment: Environment) -> Estimate:
        return (
            confluent.estimate(inputs, tier, environment.confluent.cku)
            + connector.estimate(inputs, "confluent", environment.connect.kind)
            + connector.secrets(inputs, users=True)
        )

    name = f"Confluent {tier.capitalize()}"
    told = f"confluent-{tier}" if tier in ("basic", "standard", "dedicated") else None
    return Option(f"confluent-{tier}", "confluent", name, told, kafka, lambda usage, _: check_confluent(tier, usage))


def _broker_type(environment: Environment, family: str, default: str) -> str:
    """The environment's own broker type where it is of this family, so that a comparison keeps its choice."""
    chosen = environment.msk.broker_type
    return chosen if environment.platform == "msk" and chosen.startswith(family) else default


def _standard_brokers(environment: Environment) -> tuple[str, int]:
    return _broker_type(environment, "kafka.", "kafka.m7g.large"), environment.msk.brokers


def _express_brokers(environment: Environment) -> tuple[str, int]:
    return _broker_type(environment, "express.", "express.m7g.large"), environment.msk.brokers


def _around_msk(inputs: Inputs, environment: Environment, *, users: bool) -> Estimate:
    glue = environment.platform == "msk" and environment.msk.registry.kind == "glue"  # without a price
    return (
        (Estimate(()) if glue else registry.estimate(inputs))
        + connector.estimate(inputs, "msk", environment.connect.kind)
        + connector.secrets(inputs, users=users, own_key=users)
    )


def _msk_standard(inputs: Inputs, environment: Environment) -> Estimate:
    given = environment.msk.storage_per_broker
    disk = given.bytes if given and environment.platform == "msk" else None
    brokers = msk.estimate_standard(inputs, *_standard_brokers(environment), disk)
    return brokers + _around_msk(inputs, environment, users=True)


def _msk_express(inputs: Inputs, environment: Environment) -> Estimate:
    brokers = msk.estimate_express(inputs, *_express_brokers(environment))
    return brokers + _around_msk(inputs, environment, users=True)


def _msk_serverless(inputs: Inputs, environment: Environment) -> Estimate:
    return msk.estimate_serverless(inputs) + _around_msk(inputs, environment, users=False)


def _redpanda(inputs: Inputs, environment: Environment, *, fargate: bool) -> Estimate:
    run = redpanda.estimate_fargate if fargate else redpanda.estimate_ec2
    its = environment.redpanda
    memory = Decimal(its.memory.bytes) / 2**30
    return (
        run(inputs, its.brokers, its.vcpu, memory)
        + connector.estimate(inputs, "redpanda", environment.connect.kind)
        + connector.secrets(inputs, users=True)
    )


OPTIONS: dict[str, Option] = {
    option.id: option
    for option in (
        *(_confluent(tier) for tier in TIERS),
        Option(
            "msk", "msk", "MSK Standard", "msk", _msk_standard,
            lambda usage, environment: check_standard(*_standard_brokers(environment), usage),
        ),
        Option(
            "msk-express", "msk", "MSK Express", None, _msk_express,
            lambda usage, environment: check_express(*_express_brokers(environment), usage),
        ),
        Option("msk-serverless", "msk", "MSK Serverless", "msk-serverless", _msk_serverless,
               lambda usage, _: check_serverless(usage)),
        Option("redpanda-fargate", "redpanda", "Redpanda on Fargate", "redpanda-fargate",
               lambda inputs, environment: _redpanda(inputs, environment, fargate=True),
               lambda usage, environment: check_redpanda(environment.redpanda, usage)),
        Option("redpanda-ec2", "redpanda", "Redpanda on EC2", None,
               lambda inputs, environment: _redpanda(inputs, environment, fargate=False),
               lambda usage, environment: check_redpanda(environment.redpanda, usage)),
    )
}  # fmt: skip

COMPARED = (
    "confluent-basic", "confluent-standard", "msk", "msk-express", "msk-serverless", "redpanda-fargate", "redpanda-ec2",
)  # fmt: skip
"""What `compare` shows; the environment's own option is added where it is another."""


def option_of(environment: Environment) -> Option | None:
    """The option an environment has chosen; None for the laptop."""
    if environment.platform == "confluent":
        return OPTIONS[f"confluent-{environment.confluent.tier}"]
    if environment.platform == "msk":
        mode = environment.msk.mode
        return OPTIONS["msk" if mode == "provisioned" else f"msk-{mode}"]
    if environment.platform == "redpanda":
        return OPTIONS[f"redpanda-{environment.redpanda.compute}"]
    return None


def region_of(environment: Environment) -> str:
    """Where the environment's platform runs, and so Snowflake beside it; the laptop is compared in us-east-1."""
    settings = {
        "confluent": environment.confluent.region,
        "msk": environment.msk.region,
        "redpanda": environment.redpanda.region,
    }
    return settings.get(environment.platform, "us-east-1")


def inputs_for(environment: Environment, book: PriceBook, assumptions: Assumptions | None = None) -> Inputs:
    """The environment's month at its region's prices.

    Raises:
        PriceError: no vendor has any price for the region, so that it is probably misspelt.
    """
    region = region_of(environment)
    if region not in book.regions():
        known = ", ".join(sorted(book.regions()))
        raise PriceError(
            f"the price book knows nothing of region `{region}`",
            where=f"{environment.source}: {environment.platform}.region",
            do=f"write one of: {known}",
        )
    return Inputs(usage_of(environment), book, region, assumptions or Assumptions())


def estimate(option: Option, inputs: Inputs, environment: Environment) -> Estimate:
    """Everything the option costs, Snowflake beside it."""
    return option.kafka(inputs, environment) + snowflake.estimate(inputs)
