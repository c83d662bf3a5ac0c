"""The network of a platform in AWS: a VPC of its own, or an existing one by id.

A VPC that is made has one private subnet a zone and reaches what `modules.environment.network.egress_of` says it needs
to. Nothing in it has a public address but NAT gateways.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from modules.environment.model import Environment
from modules.environment.network import PRIVATE_ZONE, Egress, SnowflakeLink, egress_of, subnets_of
from modules.platforms.declare.aws.provider import name_tag
from modules.platforms.declare.aws.security import EVERYWHERE, Rule, declare_security_group
from modules.platforms.names import resource_name
from modules.resources.aws import (
    AwsEip,
    AwsInternetGateway,
    AwsNatGateway,
    AwsRoute,
    AwsRoute53Record,
    AwsRoute53Zone,
    AwsRouteTable,
    AwsRouteTableAssociation,
    AwsSubnet,
    AwsVpc,
    AwsVpcEndpoint,
    DataAwsAvailabilityZones,
    DataAwsSubnet,
)
from modules.resources.base import Resource, Stack
from modules.resources.expressions import Expr, each, instance

__all__ = ["NetworkRefs", "declare_network"]


@dataclass(frozen=True)
class NetworkRefs:
    """What is placed in a network refers to it by this.

    Attributes:
        vpc_id: the VPC.
        subnets: private subnets' ids by zone number (`"1"`, `"2"` …).
        zones: the zones' names (`us-east-1a`) by the same numbers.
        egress: how it reaches what is outside.
        ready: what must be there before something in it can reach outside; for `depends_on`.
    """

    vpc_id: str
    subnets: Mapping[str, str]
    zones: Mapping[str, Expr]
    egress: Egress
    ready: tuple[Resource, ...]

    @property
    def subnet_ids(self) -> list[str]:
        """The private subnets' ids in the zones' order."""
        return list(self.subnets.values())


def declare_network(stack: Stack, environment: Environment, region: str) -> NetworkRefs:
    """The VPC with its subnets, or references to the existing one."""
    if environment.network.vpc_id:
        return _existing(stack, environment.network.vpc_id, environment.network.subnet_ids, egress_of(environment))
    return _own(stack, environment, region)


def _existing(stack: Stack, vpc_id: str, subnet_ids: Sequence[str], egress: Egress) -> NetworkRefs:
    numbered = {str(number): subnet for number, subnet in enumerate(subnet_ids, 1)}
    found = DataAwsSubnet(
        stack,
        "private",
        for_each=numbered,
        vpc_id=vpc_id,
        filter=[{"name": "subnet-id", "values": [each.value()]}],
    )
    zones = {number: found.attr("availability_zone", key=number) for number in numbered}
    return NetworkRefs(vpc_id, numbered, zones, egress, ())


def _own(stack: Stack, environment: Environment, region: str) -> NetworkRefs:
    network, egress, blocks = environment.network, egress_of(environment), subnets_of(environment.network)
    vpc = AwsVpc(
        stack,
        "main",
        cidr_block=network.cidr,
        enable_dns_support=True,
        enable_dns_hostnames=True,
        tags=name_tag(environment, "vpc"),
    )
    names = DataAwsAvailabilityZones(
        stack, "available", state="available", filter=[{"name": "opt-in-status", "values": ["opt-in-not-required"]}]
    )
    numbers = [str(number + 1) for number in range(network.zones)]
    subnets = _subnets(stack, environment, vpc, "private", names, blocks.private)
    tables = AwsRouteTable(
        stack,
        "private",
        for_each=numbers,
        vpc_id=vpc.attr("id"),
        tags=_numbered(environment, "private"),
    )
    AwsRouteTableAssociation(
        stack,
        "private",
        for_each=numbers,
        subnet_id=subnets.attr("id", key=each.key),
        route_table_id=tables.attr("id", key=each.key),
    )
    ready = [*_nat(stack, environment, vpc, names, blocks.public, tables, egress.nat_gateways)]
    ready += _endpoints(stack, environment, vpc, region, subnets, tables, egress)
    if network.snowflake:
        ready.append(_snowflake(stack, environment, network.snowflake, vpc, subnets))
    zones = {number: subnets.attr("availability_zone", key=number) for number in numbers}
    ids = {number: subnets.attr("id", key=number) for number in numbers}
    return NetworkRefs(vpc.attr("id"), ids, zones, egress, tuple(ready))


def _subnets(
    stack: Stack,
    environment: Environment,
    vpc: AwsVpc,
    kind: str,
    names: DataAwsAvailabilityZones,
    blocks: Sequence[str],
) -> AwsSubnet:
    values = {
        str(number + 1): {"cidr": block, "zone": names.attr("names", number)} for number, block in enumerate(blocks)
    }
    return AwsSubnet(
        stack,
        kind,
        for_each=values,
        vpc_id=vpc.attr("id"),
        cidr_block=each.value("cidr"),
        availability_zone=each.value("zone"),
        map_public_ip_on_launch=False,
        tags=_numbered(environment, kind),
        # A zone that AWS adds may come first in its list; brokers must not move for that.
        lifecycle={"ignore_changes": ["availability_zone"]},
    )


def _nat(
    stack: Stack,
    environment: Environment,
    vpc: AwsVpc,
    names: DataAwsAvailabilityZones,
    blocks: Sequence[str],
    tables: AwsRouteTable,
    count: int,
) -> list[Resource]:
    """NAT gateways in public subnets, and the private subnets' way out through them; none for a count of 0."""
    if not count:
        return []
    gateway = AwsInternetGateway(stack, "main", vpc_id=vpc.attr("id"), tags=name_tag(environment, "internet"))
    public = AwsRouteTable(stack, "public", vpc_id=vpc.attr("id"), tags=name_tag(environment, "public"))
    AwsRoute(
        stack,
        "public",
        route_table_id=public.attr("id"),
        destination_cidr_block=EVERYWHERE,
        gateway_id=gateway.attr("id"),
    )
    subnets = _subnets(stack, environment, vpc, "public", names, blocks[:count])
    numbers = [str(number + 1) for number in range(count)]
    association = AwsRouteTableAssociation(
        stack,
        "public",
        for_each=numbers,
        subnet_id=subnets.attr("id", key=each.key),
        route_table_id=public.attr("id"),
    )
    address = AwsEip(stack, "nat", for_each=numbers, domain="vpc", tags=_numbered(environment, "nat"))
    nat = AwsNatGateway(
        stack,
        "main",
        for_each=numbers,
        allocation_id=address.attr("id", key=each.key),
        subnet_id=subnets.attr("id", key=each.key),
        tags=_numbered(environment, "nat"),
        depends_on=[gateway, association],
    )
    # One gateway serves all zones, or each its own.
    ways = {str(n + 1): str(n + 1 if count > 1 else 1) for n in range(environment.network.zones)}
    route = AwsRoute(
        stack,
        "private",
        for_each=ways,
        route_table_id=tables.attr("id", key=each.key),
        destination_cidr_block=EVERYWHERE,
        nat_gateway_id=nat.attr("id", key=each.value()),
    )
    return [route]


def _endpoints(
    stack: Stack,
    environment: Environment,
    vpc: AwsVpc,
    region: str,
    subnets: AwsSubnet,
    tables: AwsRouteTable,
    egress: Egress,
) -> list[Resource]:
    """Private ways to AWS's services: S3 always (ECR keeps its layers there), the others where there is no NAT."""
    numbers = [str(number + 1) for number in range(environment.network.zones)]
    made: list[Resource] = [
        AwsVpcEndpoint(
            stack,
            "gateway",
            for_each=list(egress.gateway_endpoints),
            vpc_id=vpc.attr("id"),
            vpc_endpoint_type="Gateway",
            service_name=f"com.amazonaws.{region}.{each.key}",
            route_table_ids=[instance(tables.address, number).get("id") for number in numbers],
            tags=_numbered(environment, "endpoint"),
        )
    ]
    if egress.interface_endpoints:
        group = declare_security_group(
            stack,
            environment,
            vpc.attr("id"),
            "endpoints",
            description="AWS services from inside the VPC",
            ingress={"https from the VPC": Rule(443, cidr=environment.network.cidr)},
            egress={},
        )
        made.append(
            AwsVpcEndpoint(
                stack,
                "interface",
                for_each=list(egress.interface_endpoints),
                vpc_id=vpc.attr("id"),
                vpc_endpoint_type="Interface",
                service_name=f"com.amazonaws.{region}.{each.key}",
                private_dns_enabled=True,
                subnet_ids=[subnets.attr("id", key=number) for number in numbers],
                security_group_ids=[group],
                tags=_numbered(environment, "endpoint"),
            )
        )
    return made


def _snowflake(
    stack: Stack, environment: Environment, link: SnowflakeLink, vpc: AwsVpc, subnets: AwsSubnet
) -> Resource:
    """PrivateLink to the Snowflake account, and a zone in which the account's private names are that endpoint."""
    numbers = [str(number + 1) for number in range(environment.network.zones)]
    inside = environment.network.cidr
    group = declare_security_group(
        stack,
        environment,
        vpc.attr("id"),
        "snowflake",
        description="Snowflake from inside the VPC",
        # Whether a certificate was revoked is asked on port 80, as everywhere.
        ingress={"https from the VPC": Rule(443, cidr=inside), "OCSP from the VPC": Rule(80, cidr=inside)},
        egress={},
    )
    endpoint = AwsVpcEndpoint(
        stack,
        "snowflake",
        vpc_id=vpc.attr("id"),
        vpc_endpoint_type="Interface",
        service_name=link.vpce_id,
        private_dns_enabled=False,
        subnet_ids=[subnets.attr("id", key=number) for number in numbers],
        security_group_ids=[group],
        tags=name_tag(environment, "snowflake"),
    )
    zone = AwsRoute53Zone(
        stack,
        "snowflake",
        name=PRIVATE_ZONE,
        comment=f"Private names of Snowflake for {resource_name(environment)}",
        vpc=[{"vpc_id": vpc.attr("id")}],
    )
    return AwsRoute53Record(
        stack,
        "snowflake",
        for_each=list(link.hosts),
        zone_id=zone.attr("zone_id"),
        name=each.key,
        type="CNAME",
        ttl=60,
        records=[endpoint.attr("dns_entry", 0, "dns_name")],
    )


def _numbered(environment: Environment, what: str) -> dict[str, str]:
    """The tag Name of something with instances."""
    return {"Name": f"{name_tag(environment, what)['Name']}-{each.key}"}
