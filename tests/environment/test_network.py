"""The AWS network in the model: what is none is refused with its line, and egress follows from what runs in it."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Network
from itertools import combinations

import pytest

from modules.environment import Environment, load_environment
from modules.environment.network import Network, egress_of, images_of, subnets_of
from modules.errors import ConfigError
from tests.environment.conftest import Write

Refusal = Callable[..., ConfigError]

HEAD = ("extends: base", "platform: msk")
THREE = "subnet_ids: [subnet-0a, subnet-0b, subnet-0c]"
ECR = "msk: {registry: {image: '123456789012.dkr.ecr.us-east-1.amazonaws.com/registry:3.3.3'}}"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("cidr: 10.60.0.0", "cidr: a VPC takes a block from /16 to /22 here, not /32"),
        ("cidr: ten", "cidr: 'ten' is no CIDR block; write one such as 10.60.0.0/16"),
        ("cidr: 10.60.1.0/16", "cidr: '10.60.1.0/16' has bits set behind its prefix; the block is 10.60.0.0/16"),
        ("cidr: 10.0.0.0/8", "cidr: a VPC takes a block from /16 to /22 here, not /8"),
        ("cidr: 10.0.0.0/24", "cidr: a VPC takes a block from /16 to /22 here, not /24"),
        ("cidr: 'fd00::/16'", "cidr: 'fd00::/16' is an IPv6 block; MSK and ECS here take IPv4"),
        (
            "clients: [10.60.0.0/12]",
            "clients: '10.60.0.0/12' has bits set behind its prefix; the block is 10.48.0.0/12, or a security group's "
            "id (`sg-…`)",
        ),
        (
            "clients: [0.0.0.0/0]",
            "clients: 0.0.0.0/0 is next to everyone; name the clients' own blocks (/8 or smaller)",
        ),
        ("clients: [sg-xyz]", "clients: 'sg-xyz' is no security group's id (`sg-…`)"),
        ("clients: [10.0.0.0/16, 10.0.4.0/24]", "clients: 10.0.0.0/16 and 10.0.4.0/24 overlap; keep the larger one"),
        (
            "cidr: 10.60.0.0/16, clients: [10.0.0.0/8]",
            "cidr: 10.60.0.0/16 and the clients' 10.0.0.0/8 overlap, so neither could route to the other; choose "
            "another block for the VPC",
        ),
        ("subnet_ids: [subnet-0a]", "subnet_ids: subnets of which VPC? write `vpc_id` as well, or take the line out"),
        (
            "vpc_id: vpc-0a, clients: [sg-0a]",
            "vpc_id: vpc-0a needs `subnet_ids`: its private subnets, one a zone",
        ),
        (
            "vpc_id: vpc-0a, clients: [sg-0a], subnet_ids: [subnet-0a, subnet-0b]",
            "subnet_ids: 2 different subnets for 3 zones; give one a zone, or lower `zones`",
        ),
        (
            "vpc_id: vpc-0a, clients: [sg-0a], subnet_ids: [subnet-0a, subnet-0b, subnet-0b]",
            "subnet_ids: 2 different subnets for 3 zones; give one a zone, or lower `zones`",
        ),
        (
            "vpc_id: vpc-0a, clients: [sg-0a], subnet_ids: [subnet-0a, subnet-0b, subnet-0c, subnet-0d]",
            "subnet_ids: 4 subnets for 3 zones; raise `zones`",
        ),
        (
            "vpc_id: vpc-0a, clients: [sg-0a], subnet_ids: [subnet-0a, subnet-0b, subnet-XX]",
            "subnet_ids: 'subnet-XX' is no subnet's id (`subnet-…`)",
        ),
        (
            f"vpc_id: vpc-0a, {THREE}",
            "clients: nobody could reach the brokers; name the clients' blocks or security groups",
        ),
        (
            f"domain: {'a' * 50}.example.com, zone_id: Z0123456",
            f"domain: a certificate's name has 64 characters at most; registry-streaming-dev.{'a' * 50}.example.com "
            "has 85",
        ),
        ("domain: a.example.com", "domain: `domain` needs `zone_id` beside it: the certificate is proved in that zone"),
        ("zone_id: Z0123456", "zone_id: `zone_id` needs `domain` beside it: the certificate is proved in that zone"),
        (
            "egress: endpoints",
            "egress: `endpoints` leads to no place outside AWS, but the Schema Registry pulls its image from quay.io; "
            "write `nat` or `auto`",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_line(refusal: Refusal, line: str, expected: str) -> None:
    assert f"environments/dev.yaml:3: network.{expected}" in refusal(*HEAD, f"network: {{{line}}}").details


def test_tasks_that_only_need_aws_still_need_a_way_there(refusal: Refusal) -> None:
    (line,) = refusal(*HEAD, ECR, "network: {egress: none}").details
    assert line == (
        "environments/dev.yaml:4: network.egress: `none` leads nowhere, but tasks pull images from ECR; tasks write "
        "logs; tasks read their secrets; write `endpoints`, `nat` or `auto`"
    )


@pytest.fixture
def load(write: Write) -> Callable[..., Environment]:
    return lambda *lines: load_environment(write(dev="\n".join([*HEAD, *lines]) + "\n"), "dev")


def test_blocks_never_overlap_and_do_not_move_when_a_zone_is_added() -> None:
    for prefix in range(16, 23):
        most = subnets_of(Network(cidr=f"10.60.0.0/{prefix}", zones=6))
        blocks = [IPv4Network(block) for block in (*most.private, *most.public)]
        assert len(blocks) == 12
        assert not any(one.overlaps(other) for one, other in combinations(blocks, 2))
        assert all(block.subnet_of(IPv4Network(f"10.60.0.0/{prefix}")) and block.prefixlen <= 28 for block in blocks)
        for zones in range(1, 6):
            fewer = subnets_of(Network(cidr=f"10.60.0.0/{prefix}", zones=zones))
            assert fewer.private == most.private[:zones] and fewer.public == most.public[:zones]


def test_an_image_from_outside_aws_gets_a_nat_gateway(load: Callable[..., Environment]) -> None:
    egress = egress_of(load())
    assert (egress.nat_gateways, egress.interface_endpoints, egress.gateway_endpoints) == (1, (), ("s3",))
    assert "the Schema Registry pulls its image from quay.io" in egress.reasons


def test_production_has_a_nat_gateway_a_zone(load: Callable[..., Environment]) -> None:
    environment = load("production: true", "network: {domain: a.example.com, zone_id: Z0123456}")
    assert egress_of(environment).nat_gateways == 3


def test_an_image_in_ecr_is_reached_by_endpoints(load: Callable[..., Environment]) -> None:
    egress = egress_of(load(ECR))
    assert egress.nat_gateways == 0
    assert egress.interface_endpoints == ("ecr.api", "ecr.dkr", "logs", "secretsmanager")


def test_brokers_alone_need_no_way_out(load: Callable[..., Environment]) -> None:
    environment = load("msk: {registry: {kind: external, url: 'https://registry.example.com'}}")
    assert images_of(environment) == {}
    assert (egress_of(environment).nat_gateways, egress_of(environment).interface_endpoints) == (0, ())


def test_a_connector_in_the_vpc_must_reach_snowflake(load: Callable[..., Environment]) -> None:
    environment = load(
        "connect: {kind: managed, plugin: {file: c.zip}}",
        "msk: {registry: {kind: external, url: 'https://r.example.com'}}",
    )
    assert egress_of(environment).nat_gateways == 1
    assert egress_of(environment).reasons[0] == "the sink connector reaches Snowflake"


def test_nothing_is_made_in_a_vpc_that_was_there(load: Callable[..., Environment]) -> None:
    environment = load(f"network: {{vpc_id: vpc-0a, {THREE}, clients: [sg-0a]}}")
    egress = egress_of(environment)
    assert (egress.nat_gateways, egress.interface_endpoints, egress.gateway_endpoints) == (0, (), ())


def test_without_named_clients_the_vpc_itself_is_admitted(load: Callable[..., Environment]) -> None:
    assert load().network.admitted == ("10.60.0.0/16",)
    assert load("network: {clients: [10.0.0.0/16]}").network.admitted == ("10.0.0.0/16",)


LINK = "vpce_id: com.amazonaws.vpce.us-east-1.vpce-svc-0a1b2c"
HOSTS = "hosts: [a-b.privatelink.snowflakecomputing.com, ocsp.a-b.privatelink.snowflakecomputing.com]"
CRITICAL = "workload: {snowflake_edition: business_critical}"


def test_privatelink_takes_the_place_of_nat_where_nothing_else_needs_it(load: Callable[..., Environment]) -> None:
    network = f"network: {{snowflake: {{{LINK}, {HOSTS}}}}}"
    inside = "connect: {kind: managed, plugin: {file: c.zip}}"
    egress = egress_of(load(network, CRITICAL, inside, ECR))
    assert (egress.nat_gateways, egress.snowflake) == (0, True)
    assert {"logs", "secretsmanager"} <= set(egress.interface_endpoints)
    from_quay = egress_of(load(network, CRITICAL, inside))
    assert (from_quay.nat_gateways, from_quay.snowflake) == (1, True)
    assert from_quay.reasons[0] == "the Schema Registry pulls its image from quay.io"


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (
            [f"network: {{snowflake: {{{LINK}, {HOSTS}}}}}"],
            "network.snowflake: Snowflake has PrivateLink from Business Critical on; `workload.snowflake_edition` is "
            "standard",
        ),
        (
            [f"network: {{snowflake: {{{LINK.replace('us-east-1', 'eu-west-1')}, {HOSTS}}}}}", CRITICAL],
            "network.snowflake.vpce_id: the account's service is in eu-west-1, this VPC in us-east-1",
        ),
        (
            [f"network: {{snowflake: {{{LINK}, hosts: [a-b.snowflakecomputing.com]}}}}", CRITICAL],
            "network.snowflake.hosts: 'a-b.snowflakecomputing.com' is no name below privatelink.snowflakecomputing.com",
        ),
        (
            [f"network: {{snowflake: {{{LINK}, hosts: [ocsp.a.privatelink.snowflakecomputing.com]}}}}", CRITICAL],
            "network.snowflake.hosts: the first name is to be the account's, not OCSP's",
        ),
        (
            [f"network: {{vpc_id: vpc-0a, {THREE}, clients: [sg-0a], snowflake: {{{LINK}, {HOSTS}}}}}", CRITICAL],
            "network.snowflake: vpc-0a is there already: whoever owns it makes the endpoint in it",
        ),
    ],
)
def test_what_privatelink_could_not_be_is_refused_with_its_line(
    refusal: Refusal, lines: list[str], expected: str
) -> None:
    (problem,) = refusal(*HEAD, *lines).details
    assert problem.startswith("environments/") and problem.endswith(f": {expected}"), problem
