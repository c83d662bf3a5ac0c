"""The load balancer in front of Redpanda's built-in Schema Registry: internal, TLS all the way.

With `network.domain` it has a public certificate and speaks TLS to the brokers again; without, it passes TLS through
to them, under a name in a private zone that the brokers' own certificates are good for.
"""

from __future__ import annotations

from modules.environment.model import Environment
from modules.environment.redpanda import domain_of
from modules.platforms.declare.aws.balancer import TLS_POLICY
from modules.platforms.declare.aws.certificates import declare_alias, declare_certificate, host_of
from modules.platforms.declare.aws.network import NetworkRefs
from modules.platforms.declare.aws.provider import name_tag
from modules.platforms.declare.aws.security import group_id
from modules.platforms.declare.redpanda.nodes import REGISTRY_PORT
from modules.platforms.names import resource_name
from modules.resources.aws import AwsLb, AwsLbListener, AwsLbTargetGroup, AwsRoute53Record, AwsRoute53Zone
from modules.resources.base import Stack

__all__ = ["declare_balancer"]


def declare_balancer(
    stack: Stack, environment: Environment, network: NetworkRefs
) -> tuple[AwsLbTargetGroup, AwsLbListener, str]:
    """What brokers register with, what must be there before they do, and the registry's URL."""
    host = host_of(environment, "registry")
    balancer = AwsLb(
        stack,
        "registry",
        name=resource_name(environment, "registry", limit=32),
        load_balancer_type="network",
        internal=True,
        subnets=network.subnet_ids,
        security_groups=[group_id("registry-balancer")],
        enable_cross_zone_load_balancing=True,
        enable_deletion_protection=environment.production,
        tags=name_tag(environment, "registry"),
    )
    target = AwsLbTargetGroup(
        stack,
        "registry",
        name=resource_name(environment, "registry", limit=32),
        vpc_id=network.vpc_id,
        target_type="ip",
        port=REGISTRY_PORT,
        protocol="TLS" if host else "TCP",
        deregistration_delay="30",
        health_check={"protocol": "TCP", "interval": 10, "healthy_threshold": 2, "unhealthy_threshold": 3},
        tags=name_tag(environment, "registry"),
    )
    listener = AwsLbListener(
        stack,
        "registry",
        load_balancer_arn=balancer.attr("arn"),
        port=443,
        protocol="TLS" if host else "TCP",
        certificate_arn=declare_certificate(stack, environment, "registry", host) if host else None,
        ssl_policy=TLS_POLICY if host else None,
        default_action=[{"type": "forward", "target_group_arn": target.attr("arn")}],
        tags=name_tag(environment, "registry"),
    )
    if host:
        declare_alias(stack, environment, "registry", host, balancer)
        return target, listener, f"https://{host}"
    return target, listener, f"https://{_private_name(stack, environment, network, balancer)}"


def _private_name(stack: Stack, environment: Environment, network: NetworkRefs, balancer: AwsLb) -> str:
    """`registry.<domain>`, a zone of its own: the zone above it is Cloud Map's, which takes no other records."""
    name = f"registry.{domain_of(environment)}"
    zone = AwsRoute53Zone(
        stack,
        "registry",
        name=name,
        comment="The Schema Registry inside the VPC",
        vpc=[{"vpc_id": network.vpc_id}],
        force_destroy=False,
        tags=name_tag(environment, "registry"),
    )
    AwsRoute53Record(
        stack,
        "registry",
        zone_id=zone.attr("zone_id"),
        name=name,
        type="A",
        alias={
            "name": balancer.attr("dns_name"),
            "zone_id": balancer.attr("zone_id"),
            "evaluate_target_health": True,
        },
    )
    return name
