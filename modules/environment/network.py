"""The AWS network in the environment model: a VPC made for the environment, or one that is there already.

Read by the platforms that run in AWS (msk, redpanda) and for private connections to Confluent Cloud. What a VPC holds
(blocks of addresses, NAT gateways, endpoints) is derived here, without Terraform, so that the stacks and the cost
report say the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network, ip_network
from itertools import combinations, islice
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from modules.environment.connect import runs_in_vpc, sink_on_ecs, worker_on_ecs
from modules.environment.document import Problem
from modules.environment.section import Section
from modules.environment.types import Whole

if TYPE_CHECKING:
    from modules.environment.explain import Positions
    from modules.environment.model import Environment

__all__ = [
    "PRIVATE_ZONE", "Egress", "Network", "SnowflakeLink", "Subnets", "check", "egress_of", "images_of", "private_host",
    "subnets_of",
]  # fmt: skip

_SMALLEST, _LARGEST = 22, 16
"""Prefix lengths of the VPC that is made: AWS allows /16 to /28, a private subnet a zone with room for tasks /22."""

_NAME = 64
"""Characters of the name an ACM certificate is for."""

PRIVATE_ZONE = "privatelink.snowflakecomputing.com"
"""What the names of all accounts end in, reached by PrivateLink (docs.snowflake.com, admin-security-privatelink)."""

_PRIVATE_HOST = re.compile(rf"([a-z0-9]([a-z0-9_-]*[a-z0-9])?\.)+{re.escape(PRIVATE_ZONE)}")

_ECR = re.compile(r"[0-9]{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com/.+")


class SnowflakeLink(Section):
    """A private way to the Snowflake account (AWS PrivateLink), from a VPC that is made here."""

    vpce_id: str = Field(
        description="The endpoint service: `privatelink-vpce-id` of `SELECT SYSTEM$GET_PRIVATELINK_CONFIG()`.",
        pattern=r"^com\.amazonaws\.vpce\.[a-z0-9-]+\.vpce-svc-[0-9a-f]+$",
    )
    hosts: list[str] = Field(
        description="Names it answers to: the account's first (`regionless-privatelink-account-url`), then OCSP's and "
        "whatever else `SYSTEM$ALLOWLIST_PRIVATELINK()` lists.",
        min_length=1,
    )

    @property
    def region(self) -> str:
        """The AWS region of the service."""
        return self.vpce_id.split(".")[3]

    @property
    def account_host(self) -> str:
        """Where clients inside the VPC find the account."""
        return self.hosts[0]


class Network(Section):
    """Where brokers and what reaches them live."""

    cidr: str = Field("10.60.0.0/16", description="Addresses of the VPC that is made, /16 to /22.")
    zones: Whole = Field(3, ge=1, le=6, description="Availability zones; brokers are spread over them.")
    vpc_id: str | None = Field(None, description="An existing VPC instead of a new one.", pattern=r"^vpc-[0-9a-f]+$")
    subnet_ids: list[str] = Field(default_factory=list, description="Its private subnets, one a zone, with `vpc_id`.")
    clients: list[str] = Field(
        default_factory=list,
        description="Who may reach the brokers: CIDR blocks and security groups (`sg-…`); default: the VPC itself.",
    )
    egress: Literal["auto", "nat", "endpoints", "none"] = Field(
        "auto", description="How what runs in the VPC reaches Snowflake and AWS; auto: as what runs in it needs."
    )
    snowflake: SnowflakeLink | None = Field(
        None, description="PrivateLink to the Snowflake account, instead of NAT; Business Critical has it."
    )
    domain: str | None = Field(
        None,
        description="A DNS domain for what answers behind a load balancer, with `zone_id`: gives it TLS.",
        pattern=r"^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}$",
    )
    zone_id: str | None = Field(
        None, description="The public Route 53 zone that holds `domain`.", pattern=r"^Z[A-Z0-9]{5,31}$"
    )

    @property
    def admitted(self) -> tuple[str, ...]:
        """Who may reach the brokers; of an existing VPC the block is not known, so there clients must be named."""
        return tuple(self.clients) or (() if self.vpc_id else (self.cidr,))


@dataclass(frozen=True)
class Subnets:
    """Blocks of a VPC that is made, one a zone each."""

    private: tuple[str, ...]
    public: tuple[str, ...]


def subnets_of(network: Network) -> Subnets:
    """Sixteenths of the VPC for what is private, from its start; public ones, which hold NAT alone, from its end.

    The places do not depend on the number of zones, so that a zone can be added later.
    """
    vpc = IPv4Network(network.cidr)
    private = list(islice(vpc.subnets(prefixlen_diff=4), network.zones))
    public = list(list(vpc.subnets(new_prefix=max(vpc.prefixlen + 6, 24)))[-network.zones :])[::-1]
    return Subnets(tuple(map(str, private)), tuple(map(str, public)))


@dataclass(frozen=True)
class Egress:
    """How what runs in the VPC reaches what is outside. In a VPC that was there already nothing is made.

    Attributes:
        nat_gateways: how many; each has a public address.
        interface_endpoints: AWS services reached privately; an endpoint has an address in every zone.
        gateway_endpoints: those without a price.
        reasons: what needs it, in words for the report.
        snowflake: PrivateLink to the Snowflake account, with an address in every zone.
    """

    nat_gateways: int
    interface_endpoints: tuple[str, ...]
    gateway_endpoints: tuple[str, ...]
    reasons: tuple[str, ...]
    snowflake: bool = False


def egress_of(environment: Environment) -> Egress:
    """What the network is given so that connectors and tasks reach what they need.

    `auto` is a NAT gateway (one, or one a zone in production) where something in the VPC reaches the internet,
    endpoints where all it needs is in AWS, and neither where nothing runs there but brokers.
    """
    network = environment.network
    outside, inside = _internet_needs(environment), _aws_needs(environment)
    reasons = (*outside, *inside.values())
    if network.vpc_id or environment.platform not in ("msk", "redpanda"):
        return Egress(0, (), (), reasons)
    way = network.egress
    if way == "auto":
        way = "nat" if outside else "endpoints" if inside else "none"
    link = network.snowflake is not None
    gateways = (network.zones if environment.production else 1) if way == "nat" else 0
    return Egress(gateways, tuple(inside) if way == "endpoints" else (), ("s3",), reasons, link)


def private_host(environment: Environment) -> str | None:
    """Where connectors in the VPC find the Snowflake account; None where they take its public name."""
    link = environment.network.snowflake
    return link.account_host if link and runs_in_vpc(environment) else None


def images_of(environment: Environment) -> dict[str, str]:
    """What runs in the VPC as ECS tasks → its image."""
    return {**_images_of_platform(environment), **_image_of_connect(environment)}


def _image_of_connect(environment: Environment) -> dict[str, str]:
    image = environment.connect.image
    if image is None or not (worker_on_ecs(environment) or sink_on_ecs(environment)):
        return {}
    return {"Kafka Connect" if worker_on_ecs(environment) else "the sink": image}


def _images_of_platform(environment: Environment) -> dict[str, str]:
    if environment.platform == "msk" and environment.msk.registry.kind == "apicurio":
        return {"the Schema Registry": environment.msk.registry.image}
    if environment.platform == "redpanda":
        return {"Redpanda": str(getattr(environment.redpanda, "image", "docker.io/redpandadata/redpanda"))}
    return {}


def _internet_needs(environment: Environment) -> tuple[str, ...]:
    needs = [f"{who} pulls its image from {_host(image)}" for who, image in images_of(environment).items()
             if not _ECR.fullmatch(image)]  # fmt: skip
    if runs_in_vpc(environment) and environment.network.snowflake is None:
        needs.append("the sink connector reaches Snowflake")
    return tuple(needs)


def _aws_needs(environment: Environment) -> dict[str, str]:
    """Endpoint → why."""
    needs: dict[str, str] = {}
    if images_of(environment):
        needs |= dict.fromkeys(("ecr.api", "ecr.dkr"), "tasks pull images from ECR")
        needs |= {"logs": "tasks write logs", "secretsmanager": "tasks read their secrets"}
    if environment.platform == "redpanda" and environment.redpanda.compute == "ec2":
        needs |= dict.fromkeys(("ecs", "ecs-agent", "ecs-telemetry"), "machines join the ECS cluster")
    if runs_in_vpc(environment):
        needs |= {"logs": "the connector writes logs", "secretsmanager": "the connector reads its secrets"}
        if environment.platform == "msk" and environment.msk.registry.kind == "glue":
            needs |= dict.fromkeys(("glue", "sts"), "the connector reads schemas from Glue")
    return needs


def _host(image: str) -> str:
    first = image.partition("/")[0]
    return first if "." in first or ":" in first else "docker.io"


def check(environment: Environment, positions: Positions) -> Iterator[Problem]:
    """What is no network, and what would leave brokers open or tasks cut off."""

    def problem(message: str, *at: object) -> Problem:
        path = ".".join(str(each) for each in at if isinstance(each, str))
        return Problem(positions.at("network", *at), f"network.{path}" if path else "network", message)

    network = environment.network
    vpc = _network(network.cidr)
    if isinstance(vpc, str):
        yield problem(vpc, "cidr")
    elif not _LARGEST <= vpc.prefixlen <= _SMALLEST and not network.vpc_id:
        yield problem(f"a VPC takes a block from /16 to /22 here, not /{vpc.prefixlen}", "cidr")
    yield from _existing(network, problem)
    yield from _clients(network, vpc if isinstance(vpc, IPv4Network) else None, problem)
    yield from _egress(environment, problem)
    yield from _snowflake(environment, problem)
    if network.domain and len(host := f"registry-{environment.project}-{environment.name}.{network.domain}") > _NAME:
        yield problem(f"a certificate's name has {_NAME} characters at most; {host} has {len(host)}", "domain")
    if (network.domain is None) != (network.zone_id is None):
        given, missing = ("domain", "zone_id") if network.domain else ("zone_id", "domain")
        yield problem(f"`{given}` needs `{missing}` beside it: the certificate is proved in that zone", given)


def _network(text: str) -> IPv4Network | str:
    """The block, or what is wrong with the text."""
    try:
        found = ip_network(text)
    except ValueError:
        try:
            loose = ip_network(text, strict=False)
        except ValueError:
            return f"'{text}' is no CIDR block; write one such as 10.60.0.0/16"
        return f"'{text}' has bits set behind its prefix; the block is {loose}"
    return found if isinstance(found, IPv4Network) else f"'{text}' is an IPv6 block; MSK and ECS here take IPv4"


def _existing(network: Network, problem: Callable[..., Problem]) -> Iterator[Problem]:
    if network.vpc_id is None:
        if network.subnet_ids:
            yield problem("subnets of which VPC? write `vpc_id` as well, or take the line out", "subnet_ids")
        return
    if not network.subnet_ids:
        yield problem(f"{network.vpc_id} needs `subnet_ids`: its private subnets, one a zone", "vpc_id")
    elif len(set(network.subnet_ids)) < network.zones:
        count = len(set(network.subnet_ids))
        yield problem(
            f"{count} different subnets for {network.zones} zones; give one a zone, or lower `zones`", "subnet_ids"
        )
    elif len(network.subnet_ids) > network.zones:
        yield problem(f"{len(network.subnet_ids)} subnets for {network.zones} zones; raise `zones`", "subnet_ids")
    if not network.clients:
        yield problem("nobody could reach the brokers; name the clients' blocks or security groups", "clients")
    for number, subnet in enumerate(network.subnet_ids):
        if not re.fullmatch(r"subnet-[0-9a-f]+", subnet):
            yield problem(f"'{subnet}' is no subnet's id (`subnet-…`)", "subnet_ids", number)


def _clients(network: Network, vpc: IPv4Network | None, problem: Callable[..., Problem]) -> Iterator[Problem]:
    blocks: list[IPv4Network] = []
    for number, client in enumerate(network.clients):
        if client.startswith("sg-"):
            if not re.fullmatch(r"sg-[0-9a-f]+", client):
                yield problem(f"'{client}' is no security group's id (`sg-…`)", "clients", number)
            continue
        block = _network(client)
        if isinstance(block, str):
            yield problem(f"{block}, or a security group's id (`sg-…`)", "clients", number)
        elif block.prefixlen < 8:
            yield problem(
                f"{block} is next to everyone; name the clients' own blocks (/8 or smaller)", "clients", number
            )
        else:
            blocks.append(block)
    for one, other in combinations(blocks, 2):
        if one.overlaps(other):
            yield problem(f"{one} and {other} overlap; keep the larger one", "clients")
    if vpc is not None and network.vpc_id is None:
        for block in blocks:
            if vpc.overlaps(block) and not block.subnet_of(vpc):
                yield problem(
                    f"{vpc} and the clients' {block} overlap, so neither could route to the other; "
                    "choose another block for the VPC", "cidr"
                )  # fmt: skip


def _snowflake(environment: Environment, problem: Callable[..., Problem]) -> Iterator[Problem]:
    link, network = environment.network.snowflake, environment.network
    if link is None:
        return
    if environment.platform not in ("msk", "redpanda"):
        yield problem(f"{environment.platform} runs in no VPC that is made here; take it out", "snowflake")
        return
    if network.vpc_id:
        yield problem(f"{network.vpc_id} is there already: whoever owns it makes the endpoint in it", "snowflake")
    edition = environment.workload.snowflake_edition
    if edition != "business_critical":
        yield problem(
            f"Snowflake has PrivateLink from Business Critical on; `workload.snowflake_edition` is {edition}",
            "snowflake",
        )
    region = environment.msk.region if environment.platform == "msk" else environment.redpanda.region
    if link.region != region:
        yield problem(f"the account's service is in {link.region}, this VPC in {region}", "snowflake", "vpce_id")
    for number, host in enumerate(link.hosts):
        if not _PRIVATE_HOST.fullmatch(host):
            yield problem(f"'{host}' is no name below {PRIVATE_ZONE}", "snowflake", "hosts", number)
    if link.account_host.startswith("ocsp."):
        yield problem("the first name is to be the account's, not OCSP's", "snowflake", "hosts")
    if len(set(link.hosts)) < len(link.hosts):
        yield problem("a name is given twice; take one out", "snowflake", "hosts")


def _egress(environment: Environment, problem: Callable[..., Problem]) -> Iterator[Problem]:
    way, outside = environment.network.egress, _internet_needs(environment)
    if environment.network.vpc_id or environment.platform not in ("msk", "redpanda"):
        return
    if way in ("endpoints", "none") and outside:
        reasons = "; ".join(outside)
        yield problem(f"`{way}` leads to no place outside AWS, but {reasons}; write `nat` or `auto`", "egress")
    elif way == "none" and (inside := _aws_needs(environment)):
        reasons = "; ".join(dict.fromkeys(inside.values()))
        yield problem(f"`none` leads nowhere, but {reasons}; write `endpoints`, `nat` or `auto`", "egress")
