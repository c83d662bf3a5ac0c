"""An internal HTTP load balancer in front of tasks, with TLS where the environment has a domain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from modules.environment.model import Environment
from modules.platforms.declare.aws.certificates import declare_alias, declare_certificate
from modules.platforms.names import resource_name
from modules.resources.aws import AwsLb, AwsLbListener, AwsLbTargetGroup, AwsLbTargetGroup_HealthCheck
from modules.resources.base import Stack
from modules.resources.expressions import Expr

__all__ = ["TLS_POLICY", "Tasks", "declare_http_balancer"]

TLS_POLICY = "ELBSecurityPolicy-TLS13-1-2-2021-06"


@dataclass(frozen=True)
class Tasks:
    """What is behind a balancer.

    Attributes:
        port: what they listen on.
        health: how they are asked whether they are well.
    """

    vpc_id: str
    subnets: Sequence[str] | Expr
    port: int
    health: AwsLbTargetGroup_HealthCheck


def declare_http_balancer(
    stack: Stack,
    environment: Environment,
    id_: str,
    tasks: Tasks,
    *,
    group: Expr,
    host: str | None,
    protected: bool,
    tags: Mapping[str, str] | None = None,
) -> tuple[AwsLb, AwsLbTargetGroup, AwsLbListener]:
    """HTTPS on 443 with a certificate for `host` and its name in the zone; without a host HTTP on 80."""
    name = resource_name(environment, id_, limit=32)
    balancer = AwsLb(
        stack,
        id_,
        name=name,
        load_balancer_type="application",
        internal=True,
        subnets=tasks.subnets,
        security_groups=[group],
        drop_invalid_header_fields=True,
        enable_deletion_protection=protected,
        tags=tags,
    )
    target = AwsLbTargetGroup(
        stack,
        id_,
        name=name,
        vpc_id=tasks.vpc_id,
        target_type="ip",
        port=tasks.port,
        protocol="HTTP",
        deregistration_delay="30",
        health_check=tasks.health,
    )
    listener = AwsLbListener(
        stack,
        id_,
        load_balancer_arn=balancer.attr("arn"),
        port=443 if host else 80,
        protocol="HTTPS" if host else "HTTP",
        certificate_arn=declare_certificate(stack, environment, id_, host) if host else None,
        ssl_policy=TLS_POLICY if host else None,
        default_action=[{"type": "forward", "target_group_arn": target.attr("arn")}],
    )
    if host:
        declare_alias(stack, environment, id_, host, balancer)
    return balancer, target, listener
