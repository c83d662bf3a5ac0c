"""Confluent Cloud in the environment model: its settings, their defaults, and what is wrong with them before any
account is asked. What the service takes is data in `confluent_facts.py`."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from modules.environment.adopted import AdoptedConfluent
from modules.environment.confluent_facts import AWS_REGIONS, TIERS, TOPIC_SETTINGS, Availability, Tier
from modules.environment.document import Problem
from modules.environment.section import Section
from modules.environment.types import SecretRef, SecretRefValue, Whole

if TYPE_CHECKING:
    from modules.environment.explain import Positions
    from modules.environment.model import Environment

__all__ = [
    "Confluent", "availability_of", "check", "cku_of", "deletion_protection_of", "in_aws", "max_ecku_of",
    "networking_of", "secrets_of",
]  # fmt: skip

Networking = Literal["public", "privatelink", "peering"]


class Confluent(Section):
    """Confluent Cloud on AWS; read when `platform` is confluent."""

    tier: Tier = Field(
        "basic", description="The cluster's type; enterprise and freight are reachable from private networks only."
    )
    region: str = Field("us-east-1", description="The AWS region.")
    availability: Availability | None = Field(
        None,
        description="low or high (several zones); dedicated: single-zone or multi-zone. "
        "Default: the higher one in production, else the lower one. A change replaces the cluster.",
    )
    cku: Whole | None = Field(None, ge=1, description="The size of a dedicated cluster; default: the least possible.")
    max_ecku: Whole | None = Field(
        None,
        ge=1,
        description="How far the other tiers may scale by themselves. Default: Confluent's own in production, "
        "elsewhere twice what the workload needs on average.",
    )
    deletion_protection: bool | None = Field(
        None, description="Neither Terraform nor anyone else can delete the cluster. Default: as `production`."
    )
    stream_governance: Literal["essentials", "advanced"] = Field(
        "essentials", description="The package of Schema Registry; advanced costs by the hour."
    )
    authorization: Literal["acls", "role-bindings"] = Field(
        "acls", description="How clients get their rights on topics and groups; basic has ACLs only."
    )
    secrets: Literal["aws-sm", "file"] | None = Field(
        None,
        description="Where API keys are kept: AWS Secrets Manager, or files below .infra/env/<environment>/secrets "
        "(0600). Default: aws-sm in production, else file.",
    )
    networking: Networking | None = Field(
        None,
        description="How the cluster is reached; privatelink and peering need `network.vpc_id`. Only dedicated has the "
        "choice: basic and standard are public, enterprise and freight privatelink.",
    )
    aws_account: str | None = Field(
        None,
        description="The account of `network.vpc_id`, for a dedicated cluster's private network.",
        pattern=r"^[0-9]{12}$",
    )
    zone_ids: list[str] = Field(
        default_factory=list,
        description="With privatelink and dedicated: the zones of `network.subnet_ids` by the ids that are the same in "
        "every account (use1-az1 …), three.",
    )
    cidr: str | None = Field(None, description="With peering: the /16 Confluent's side takes, apart from your own.")
    routes: list[str] = Field(default_factory=list, description="With peering: your CIDR blocks that reach brokers.")
    cloud_api_key: SecretRef = Field(
        SecretRefValue("env", "CONFLUENT_CLOUD_API_KEY"),
        description="The Cloud API key's id, as a reference; default env:CONFLUENT_CLOUD_API_KEY.",
    )
    cloud_api_secret: SecretRef = Field(
        SecretRefValue("env", "CONFLUENT_CLOUD_API_SECRET"),
        description="Its secret, as a reference; default env:CONFLUENT_CLOUD_API_SECRET.",
    )
    adopted: AdoptedConfluent | None = Field(None, description="A cluster that was there before this environment.")

    @property
    def existing_network(self) -> str | None:
        """By what an adopted cluster is reached already; nothing of the connection is made then."""
        return self.adopted.network if self.adopted else None


def availability_of(environment: Environment) -> Availability:
    """As given; else the most the tier has in production, the least elsewhere."""
    given = environment.confluent.availability
    return given or TIERS[environment.confluent.tier].availabilities[-1 if environment.production else 0]


def networking_of(environment: Environment) -> Networking:
    """How the cluster is reached."""
    confluent = environment.confluent
    return confluent.networking or ("privatelink" if TIERS[confluent.tier].private else "public")


def cku_of(environment: Environment) -> int:
    """A dedicated cluster's size: as given, else the least its availability takes."""
    return environment.confluent.cku or (2 if availability_of(environment) == "multi-zone" else 1)


def max_ecku_of(environment: Environment) -> int | None:
    """How far the cluster may scale: to the workload's peak, twice the mean at least; None leaves it to Confluent."""
    confluent = environment.confluent
    if confluent.max_ecku or environment.production or confluent.tier == "dedicated":
        return confluent.max_ecku
    workload, facts = environment.workload, TIERS[confluent.tier]
    peak = workload.ingress.bytes_per_second / 10**6 * max(Decimal(2), workload.peak_to_mean)
    wants = (
        peak / facts.mb_in,
        peak * workload.fan_out / facts.mb_out,
        _partitions(environment) / facts.unit_partitions,
        max(facts.least, _least_units(environment)),
    )
    return min(max(math.ceil(want) for want in wants), facts.most)


def deletion_protection_of(environment: Environment) -> bool:
    """Whether what holds data is kept from being deleted."""
    given = environment.confluent.deletion_protection
    return environment.production if given is None else given


def secrets_of(environment: Environment) -> Literal["aws-sm", "file"]:
    """Where API keys are kept."""
    return environment.confluent.secrets or ("aws-sm" if environment.production else "file")


def in_aws(environment: Environment) -> bool:
    """Whether anything of it is made in an AWS account: secrets, or the near end of PrivateLink."""
    connects = networking_of(environment) == "privatelink" and not environment.confluent.existing_network
    return secrets_of(environment) == "aws-sm" or connects


def check(environment: Environment, positions: Positions) -> Iterator[Problem]:
    """What Confluent Cloud would refuse, found before anything is asked of it."""

    def problem(message: str, *path: str) -> Problem:
        return Problem(positions.at(*path), ".".join(path), message)

    yield from _region(environment, problem)
    yield from _size(environment, problem)
    yield from _network(environment, problem)
    yield from _topics(environment, problem)
    if environment.confluent.authorization == "role-bindings" and environment.confluent.tier == "basic":
        message = "basic has no roles for topics and groups; write acls, or take a larger tier"
        yield problem(message, "confluent", "authorization")


Say = Callable[..., Problem]


def _region(environment: Environment, problem: Say) -> Iterator[Problem]:
    region = environment.confluent.region
    if region in AWS_REGIONS:
        return
    close = difflib.get_close_matches(region.lower().replace("_", "-"), sorted(AWS_REGIONS), n=1, cutoff=0.7)
    hint = f"did you mean `{close[0]}`?" if close else f"there are {', '.join(sorted(AWS_REGIONS))}"
    yield problem(f"Confluent Cloud is not in the AWS region `{region}`; {hint}", "confluent", "region")


def _size(environment: Environment, problem: Say) -> Iterator[Problem]:
    confluent, facts = environment.confluent, TIERS[environment.confluent.tier]
    tier, availability = confluent.tier, availability_of(environment)
    if availability not in facts.availabilities:
        takes = " or ".join(facts.availabilities)
        yield problem(f"{tier} takes {takes}, not {availability}", "confluent", "availability")
        return
    other, units = ("max_ecku", "cku") if tier == "dedicated" else ("cku", "max_ecku")
    if getattr(confluent, other) is not None:
        instead = f"its size is `{units}`"
        yield problem(f"{tier} takes no `{other}`: {instead}", "confluent", other)
    given: int | None = getattr(confluent, units)
    if given is None:
        return
    least = max(facts.least, _least_units(environment))
    if given < least:
        why = f"{availability} needs" if least > facts.least else f"{tier} has"
        yield problem(f"{why} at least {least} {facts.unit}, got {given}", "confluent", units)
    elif given > facts.most:
        yield problem(f"{tier} has at most {facts.most} {facts.unit}, got {given}", "confluent", units)


def _least_units(environment: Environment) -> int:
    return 2 if availability_of(environment) in ("high", "multi-zone") else 1


def _network(environment: Environment, problem: Say) -> Iterator[Problem]:
    confluent, facts = environment.confluent, TIERS[environment.confluent.tier]
    way = networking_of(environment)
    if confluent.tier != "dedicated":
        only = "privatelink" if facts.private else "public"
        if way != only:
            yield problem(f"{confluent.tier} is {only} only; {way} needs dedicated", "confluent", "networking")
            return
    if way == "public":
        for name in ("aws_account", "zone_ids", "cidr", "routes"):
            if getattr(confluent, name):
                yield problem("a cluster that is public takes none; take the line out", "confluent", name)
        if confluent.existing_network:
            yield problem("a cluster that is public takes none", "confluent", "adopted", "network")
        return
    if confluent.existing_network:
        return  # whoever made the connection has answered what is asked below
    reason = f"{confluent.tier} is reached by {way} here"
    if environment.network.vpc_id is None:
        yield problem(f"{reason}: write the VPC to connect, `vpc_id: vpc-…`", "network", "vpc_id")
    if way == "privatelink" and not environment.network.clients:
        message = f"{reason}, but nobody may use it: write the clients' CIDR blocks or security groups"
        yield problem(message, "network", "clients")
    if confluent.tier == "dedicated" and confluent.aws_account is None:
        yield problem(f"{reason}: write the AWS account of the VPC, 12 digits", "confluent", "aws_account")
    if confluent.tier == "dedicated" and way == "privatelink" and len(set(confluent.zone_ids)) != 3:
        message = f"{reason}: write the ids of the subnets' three zones, such as [use1-az1, use1-az2, use1-az4]"
        yield problem(message, "confluent", "zone_ids")
    yield from _peering(environment, way, problem)


def _peering(environment: Environment, way: Networking, problem: Say) -> Iterator[Problem]:
    confluent = environment.confluent
    if way != "peering":
        for name in ("cidr", "routes"):
            if getattr(confluent, name):
                yield problem("only peering takes this; take the line out", "confluent", name)
        return
    if not confluent.routes:
        yield problem("peering needs your own CIDR blocks, such as [10.60.0.0/16]", "confluent", "routes")
    if confluent.cidr is None:
        yield problem("peering needs a /16 for Confluent's side, such as 10.200.0.0/16", "confluent", "cidr")
        return
    own = _block(confluent.cidr)
    if own is None or own.prefixlen != 16:
        yield problem(f"expected a CIDR block with /16, got '{confluent.cidr}'", "confluent", "cidr")
    for text in confluent.routes:
        route = _block(text)
        if route is None:
            yield problem(f"expected a CIDR block such as 10.60.0.0/16, got '{text}'", "confluent", "routes")
        elif own is not None and route.overlaps(own):
            yield problem(f"{route} and Confluent's {own} overlap, so neither could route to the other",
                          "confluent", "routes")  # fmt: skip


def _block(text: str) -> IPv4Network | None:
    try:
        return IPv4Network(text)
    except ValueError:
        return None


def _topics(environment: Environment, problem: Say) -> Iterator[Problem]:
    tier = environment.confluent.tier
    most = TIERS[tier].message_bytes
    for name, topic in environment.topics.items():
        for key, value in topic.config.items():
            path = ("topics", name, "config", key)
            if key not in TOPIC_SETTINGS:
                yield problem(f"Confluent Cloud does not let a topic set `{key}`; take the line out", *path)
            elif key == "cleanup.policy" and tier == "freight" and value != "delete":
                yield problem(f"freight keeps no compacted topics, so only `delete`, not `{value}`", *path)
            elif key == "max.message.bytes" and value.isdecimal() and int(value) > most:
                yield problem(f"{tier} takes messages of at most {most:,} bytes, got {int(value):,}", *path)
            elif key == "min.insync.replicas" and value not in ("1", "2"):
                yield problem(f"Confluent Cloud takes 1 or 2 of its 3 replicas, got {value}", *path)
    yield from _too_many(environment, problem)


def _too_many(environment: Environment, problem: Say) -> Iterator[Problem]:
    confluent, facts = environment.confluent, TIERS[environment.confluent.tier]
    count = _partitions(environment)
    if count > facts.partitions:
        fits = [name for name, each in TIERS.items() if each.partitions >= count]
        way = f"{_or(fits)} would hold them" if fits else "spread them over several clusters"
        message = f"{count:,} partitions, dead-letter topics included; {confluent.tier} takes {facts.partitions:,}"
        yield problem(f"{message} a cluster: {way}, or take fewer", "topics")
        return
    units = cku_of(environment) if confluent.tier == "dedicated" else confluent.max_ecku
    if units is not None and facts.least <= units <= facts.most and count > units * facts.unit_partitions:
        needed = -(-count // facts.unit_partitions)
        key = "cku" if confluent.tier == "dedicated" else "max_ecku"
        message = f"{units} {facts.unit} hold {units * facts.unit_partitions:,} partitions"
        yield problem(f"{message}, the topics have {count:,}: write at least {needed}", "confluent", key)


def _or(names: Sequence[str]) -> str:
    return " or ".join([*([", ".join(names[:-1])] if len(names) > 1 else []), names[-1]])


def _partitions(environment: Environment) -> int:
    """All topics' partitions; a dead-letter topic has one."""
    return sum(topic.partitions + bool(topic.dead_letter_of(name)) for name, topic in environment.topics.items())
