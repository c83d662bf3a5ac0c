"""The options a workload can run on: each platform and mode, with what it needs around it and Snowflake beside it.

The table `OPTIONS` is where a platform is registered; `option_of` says which one an environment has chosen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from modules.cost import terms
from modules.cost.book import PriceBook
from modules.cost.estate import ingest_of
from modules.cost.estimators import confluent, msk, redpanda, snowflake
from modules.cost.estimators.base import Assumptions, Inputs
from modules.cost.estimators.prepared import Bill
from modules.cost.limits import (
    Misfit,
    check_confluent,
    check_express,
    check_redpanda,
    check_serverless,
    check_standard,
    with_change,
)
from modules.cost.lines import Estimate, total
from modules.cost.usage import Usage, usage_of
from modules.environment.confluent_facts import TIERS, Tier
from modules.environment.model import Environment, Platform
from modules.environment.msk import Msk
from modules.errors import PriceError

__all__ = [
    "COMPARED", "OPTIONS", "Option", "Sized", "estimate", "inputs_for", "misfits", "moved", "option_of", "prepare",
    "region_of", "sized",
]  # fmt: skip


@dataclass(frozen=True)
class Option:
    """A platform in one mode. `prepare` gives what everything but Snowflake costs, as a function of the month; `check`
    says where the workload does not fit.

    Both take an environment that is on this platform, in this mode: see `moved`.
    """

    id: str
    platform: Platform
    mode: str
    name: str
    tutorial: str | None
    prepare: Callable[[Inputs, Environment], Bill]
    check: Callable[[Usage, Environment], tuple[Misfit, ...]]


def _confluent(tier: Tier) -> Option:
    name = f"Confluent {tier.capitalize()}"
    told = f"confluent-{tier}" if tier in ("basic", "standard", "dedicated") else None
    return Option(
        f"confluent-{tier}", "confluent", tier, name, told, confluent.prepare,
        lambda usage, environment: check_confluent(tier, usage, environment),
    )  # fmt: skip


OPTIONS: dict[str, Option] = {
    option.id: option
    for option in (
        *(_confluent(tier) for tier in TIERS),
        Option(
            "msk", "msk", "provisioned", "MSK Standard", "msk", msk.prepare,
            lambda usage, its: check_standard(its.msk.broker_type, its.msk.brokers, usage, its),
        ),
        Option(
            "msk-express", "msk", "express", "MSK Express", None, msk.prepare,
            lambda usage, its: check_express(its.msk.broker_type, its.msk.brokers, usage, its),
        ),
        Option("msk-serverless", "msk", "serverless", "MSK Serverless", "msk-serverless", msk.prepare,
               lambda usage, _: check_serverless(usage)),
        Option("redpanda-fargate", "redpanda", "fargate", "Redpanda on Fargate", "redpanda-fargate", redpanda.prepare,
               lambda usage, environment: check_redpanda(environment.redpanda, usage)),
        Option("redpanda-ec2", "redpanda", "ec2", "Redpanda on EC2", None, redpanda.prepare,
               lambda usage, environment: check_redpanda(environment.redpanda, usage)),
    )
}  # fmt: skip

COMPARED = tuple(OPTIONS)
"""What `compare` shows: all of them."""


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
    places = {
        f"{environment.platform}.region": region,
        "workload.snowflake_region": environment.workload.snowflake_region,
    }
    for key, place in places.items():
        if place is not None and place not in book.regions():
            known = ", ".join(sorted(book.regions()))
            raise PriceError(
                f"the price book knows nothing of region `{place}`",
                where=f"{environment.source}: {key}",
                do=f"write one of: {known}",
            )
    return Inputs(usage_of(environment), book, region, assumptions or Assumptions())


def moved(environment: Environment, option: Option) -> Environment:
    """The environment as it would be with this option: its own settings where it is there, else the platform's defaults
    beside what it says of applications, network and production."""
    own = option_of(environment)
    if own is not None and own.id == option.id:
        return environment
    return environment.model_copy(
        update={"platform": option.platform, **_SECTIONS[option.platform](environment, option)}
    )


def _confluent_in(environment: Environment, option: Option) -> dict[str, object]:
    # Another tier's size and way in are not this one's.
    its = environment.confluent.model_copy(
        update={"tier": option.mode, "networking": None, "cku": None, "max_ecku": None, "availability": None}
    )
    return {"confluent": its}


def _msk_in(environment: Environment, option: Option) -> dict[str, object]:
    """The environment's own brokers where they are of this mode's family, so that a comparison keeps its choice."""
    its = environment.msk if environment.platform == "msk" else Msk()
    family = "express." if option.mode == "express" else "kafka."
    kind = its.broker_type if its.broker_type.startswith(family) else f"{family}m7g.large"
    return {"msk": its.model_copy(update={"mode": option.mode, "broker_type": kind, "authentication": None})}


def _redpanda_in(environment: Environment, option: Option) -> dict[str, object]:
    return {"redpanda": environment.redpanda.model_copy(update={"compute": option.mode, "instance_type": None})}


_SECTIONS: dict[Platform, Callable[[Environment, Option], dict[str, object]]] = {
    "confluent": _confluent_in,
    "msk": _msk_in,
    "redpanda": _redpanda_in,
}


def estimate(option: Option, inputs: Inputs, environment: Environment) -> Estimate:
    """Everything the option costs, Snowflake beside it, and what is owed for commitments that it does not use up."""
    made = prepare(option, inputs, environment)(inputs.usage)
    found = _checked(option, inputs.usage, environment)
    near = [f"{option.name}: near a limit: {each}" for each in found if each.warns]
    fitting = [] if len(near) == len(found) else _fitting(option, inputs, environment)
    return made + Estimate((), (*fitting, *near))


def _fitting(option: Option, inputs: Inputs, environment: Environment) -> list[str]:
    """What a size that carries the workload costs, where this option has one."""
    larger = sized(option, inputs.usage, environment)
    if not larger.fits or not larger.changes:
        return []
    cost = total(prepare(option, inputs, larger.environment)(inputs.usage).lines)
    changes = ", ".join(f"{key} {value}" for key, value in larger.changes.items())
    return [f"{option.name}: in a size that carries the workload ({changes}) all comes to {cost} a month."]


def prepare(option: Option, inputs: Inputs, environment: Environment) -> Bill:
    """What `estimate` gives, as a function of the month, for many months of one environment; the month in `inputs` is
    not looked at."""
    there, book = moved(environment, option), inputs.book
    kafka, ingest = option.prepare(inputs, there), ingest_of(there)
    beside = snowflake.prepare(inputs)

    def of(usage: Usage) -> Estimate:
        # Rows come in by the option's own connector, which may be another than the environment has now.
        made = kafka(usage) + beside(usage if usage.ingest == ingest else replace(usage, ingest=ingest))
        return made + terms.shortfalls(book, made) if book.has_terms else made

    return of


def misfits(option: Option, usage: Usage, environment: Environment) -> tuple[Misfit, ...]:
    """Where the workload does not fit the option; what is merely near a limit is among the estimate's notes."""
    return tuple(each for each in _checked(option, usage, environment) if not each.warns)


def _checked(option: Option, usage: Usage, environment: Environment) -> tuple[Misfit, ...]:
    return option.check(usage, moved(environment, option))


@dataclass(frozen=True)
class Sized:
    """An option in the size that carries a workload.

    Attributes:
        environment: on this option, in that size.
        changes: what was set for it, `msk.brokers` → 6; empty where the given size carries the workload.
        misfits: what no setting of this option mends.
    """

    environment: Environment
    changes: Mapping[str, object]
    misfits: tuple[Misfit, ...] = ()

    @property
    def fits(self) -> bool:
        return not self.misfits


def sized(option: Option, usage: Usage, environment: Environment) -> Sized:
    """The option with as much as the workload needs, never with less than the environment gives it."""
    its = moved(environment, option)
    changes: dict[str, object] = {}
    for _ in range(_STEPS):
        found = tuple(each for each in option.check(usage, its) if not each.warns)
        change = next((each.change for each in found if each.change), None)
        larger = with_change(its, change) if change else its
        kind = option_of(larger)
        if larger == its or kind is None or kind.id != option.id:  # nothing helps, or only another mode does
            return Sized(its, changes, found)
        its = larger
        changes |= {
            f"{section}.{key}": value for section, keys in (change or {}).items() for key, value in keys.items()
        }
    return Sized(its, changes, tuple(each for each in option.check(usage, its) if not each.warns))


_STEPS = 4
"""What is mended in one limit may meet another: disks, then partitions, then rates."""
