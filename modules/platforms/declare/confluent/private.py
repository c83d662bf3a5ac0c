"""How a private cluster is reached from the VPC of `network.vpc_id`.

    enterprise, freight    a PrivateLink attachment of the Confluent environment, connected to a VPC endpoint
    dedicated privatelink  a Confluent network of its own, opened to the AWS account, and a VPC endpoint
    dedicated peering      a Confluent network with a block of its own, peered with the VPC

A peering has to be accepted in AWS, and routes to Confluent's block set in the VPC, by whoever owns it: the VPC is not
ours. PrivateLink needs nothing of the kind; its names are answered by a private zone in the VPC.
"""

from __future__ import annotations

from collections.abc import Sequence

from modules.environment.confluent import networking_of
from modules.environment.model import Environment
from modules.platforms.declare.aws import client_rules, declare_security_group
from modules.platforms.declare.aws.provider import name_tag
from modules.platforms.declare.confluent.cluster import Cluster
from modules.platforms.names import resource_name
from modules.resources.aws import AwsRoute53Record, AwsRoute53Zone, AwsVpcEndpoint
from modules.resources.base import Resource, Stack
from modules.resources.confluent import (
    ConfluentEnvironment,
    ConfluentNetwork,
    ConfluentPeering,
    ConfluentPrivateLinkAccess,
    ConfluentPrivateLinkAttachment,
    ConfluentPrivateLinkAttachmentConnection,
)
from modules.resources.expressions import Expr

__all__ = ["connect_vpc", "declare_network"]

_PORTS = {"kafka": 9092, "https": 443}
"""What an endpoint answers on: brokers, and the REST interface topics are made through."""


def declare_network(stack: Stack, environment: Environment, made: ConfluentEnvironment) -> ConfluentNetwork | None:
    """The network a dedicated cluster is put into; None for every other, and where one was there already."""
    way, confluent = networking_of(environment), environment.confluent
    if confluent.tier != "dedicated" or way == "public" or confluent.existing_network:
        return None
    peering = way == "peering"
    return ConfluentNetwork(
        stack,
        "main",
        display_name=resource_name(environment),
        cloud="AWS",
        region=confluent.region,
        connection_types=[way.upper()],
        cidr=confluent.cidr if peering else None,
        zones=None if peering else list(confluent.zone_ids),
        dns_config=None if peering else {"resolution": "PRIVATE"},
        environment={"id": made.attr("id")},
    )


def connect_vpc(stack: Stack, environment: Environment, made: Cluster, network: ConfluentNetwork | None) -> None:
    """Connects the VPC, in the way the environment says."""
    way = networking_of(environment)
    if way == "public" or environment.confluent.existing_network:
        return
    if network is None:
        _attachment(stack, environment, made.environment)
    elif way == "privatelink":
        _access(stack, environment, made.environment, network)
    else:
        _peering(stack, environment, made.environment, network)


def _attachment(stack: Stack, environment: Environment, made: ConfluentEnvironment) -> None:
    attachment = ConfluentPrivateLinkAttachment(
        stack,
        "main",
        display_name=resource_name(environment),
        cloud="AWS",
        region=environment.confluent.region,
        environment={"id": made.attr("id")},
    )
    endpoint = _endpoint(
        stack, environment, attachment.attr("aws", 0, "vpc_endpoint_service_name"), attachment.attr("dns_domain"), ()
    )
    ConfluentPrivateLinkAttachmentConnection(
        stack,
        "main",
        display_name=resource_name(environment),
        environment={"id": made.attr("id")},
        aws={"vpc_endpoint_id": endpoint.attr("id")},
        private_link_attachment={"id": attachment.attr("id")},
    )


def _access(stack: Stack, environment: Environment, made: ConfluentEnvironment, network: ConfluentNetwork) -> None:
    assert environment.confluent.aws_account is not None  # `check` asks for it
    access = ConfluentPrivateLinkAccess(
        stack,
        "main",
        display_name=resource_name(environment),
        aws={"account": environment.confluent.aws_account},
        environment={"id": made.attr("id")},
        network={"id": network.attr("id")},
    )
    # A block the provider fills: `[0]` would fail wherever it is planned empty rather than unknown.
    service = Expr.of(f"one({network.attr('aws').inner}[*].private_link_endpoint_service)")
    _endpoint(stack, environment, service, network.attr("dns_domain"), [access])


def _peering(stack: Stack, environment: Environment, made: ConfluentEnvironment, network: ConfluentNetwork) -> None:
    confluent, vpc = environment.confluent, environment.network.vpc_id
    assert confluent.aws_account is not None and vpc is not None  # `check` asks for them
    ConfluentPeering(
        stack,
        "main",
        display_name=resource_name(environment),
        aws={
            "account": confluent.aws_account,
            "vpc": vpc,
            "routes": list(confluent.routes),
            "customer_region": confluent.region,
        },
        environment={"id": made.attr("id")},
        network={"id": network.attr("id")},
    )


def _endpoint(
    stack: Stack, environment: Environment, service: Expr, domain: Expr, waits: Sequence[Resource]
) -> AwsVpcEndpoint:
    """An endpoint that the named clients alone reach, and a zone in which every name of the cluster is it."""
    vpc = environment.network.vpc_id
    assert vpc is not None  # `check` asks for it
    group = declare_security_group(
        stack,
        environment,
        vpc,
        "confluent",
        description="Clients of Confluent Cloud through PrivateLink",
        ingress=client_rules(environment, _PORTS),
        egress={},
    )
    endpoint = AwsVpcEndpoint(
        stack,
        "confluent",
        vpc_id=vpc,
        vpc_endpoint_type="Interface",
        service_name=service,
        subnet_ids=environment.network.subnet_ids,
        security_group_ids=[group],
        private_dns_enabled=False,
        tags=name_tag(environment, "confluent"),
        depends_on=waits,
    )
    zone = AwsRoute53Zone(
        stack,
        "confluent",
        name=domain,
        comment=f"Names of Confluent Cloud for {resource_name(environment)}",
        vpc=[{"vpc_id": vpc}],
    )
    # A wildcard also answers for names with a zone in them, as long as no other record is there.
    AwsRoute53Record(
        stack,
        "confluent",
        zone_id=zone.attr("zone_id"),
        name=f"*.{domain}",
        type="CNAME",
        ttl=60,
        records=[endpoint.attr("dns_entry", 0, "dns_name")],
    )
    return endpoint
