"""What connectors in an AWS network share, whatever runs them: a security group, and one secret with their logins.

The group belongs to the cluster stack, so that brokers and registry admit it; the secret to the connect stack, whose
variables bring its values and whose write-only argument keeps them out of plan and state.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from modules.environment.capture import debezium_sources
from modules.environment.connect import runs_in_vpc, sink_on_ecs, worker_on_ecs
from modules.environment.model import Environment
from modules.platforms.connector import PRIVATE_KEY, REGISTRY_LOGIN, password_of_source
from modules.platforms.declare.aws.network import NetworkRefs
from modules.platforms.declare.aws.security import EVERYWHERE, Rule, declare_security_group
from modules.platforms.names import resource_name
from modules.resources.aws import (
    AwsCloudwatchLogGroup,
    AwsSecretsmanagerSecret,
    AwsSecretsmanagerSecretVersion,
    AwsVpcSecurityGroupIngressRule,
)
from modules.resources.base import Resource, Stack
from modules.resources.expressions import Expr, each, function, var

__all__ = [
    "KEY_OUTPUT", "NETWORK_INPUTS", "Place", "Reached", "SecretRef", "declare_connectors_group", "declare_logs",
    "declare_secret", "on_ecs", "place_of", "secret_of",
]  # fmt: skip

NETWORK_INPUTS = ("vpc_id", "connector_subnets", "connectors_group")
"""Outputs of the cluster stack where something runs in its network."""

KEY_OUTPUT = "logins_key_arn"
"""The key that opens clients' logins, where something on ECS reads one."""


@dataclass(frozen=True)
class Reached:
    """What connectors reach inside: a security group and its port. `ours`: it is made here, so it can admit them."""

    group: str
    port: int
    ours: bool = True


@dataclass(frozen=True)
class Place:
    """Where something of the connect stack is put, from the cluster stack's outputs."""

    region: str
    vpc_id: Expr
    subnets: Expr
    group: Expr


@dataclass(frozen=True)
class SecretRef:
    """The secret with what connectors log in with: a JSON object."""

    name: str
    arn: Expr
    keys: tuple[str, ...]
    written: Resource


def declare_connectors_group(
    stack: Stack, environment: Environment, network: NetworkRefs, reached: Mapping[str, Reached]
) -> None:
    """The group `connectors`, who admits it, and where it is; nothing where nothing runs in the network."""
    if not runs_in_vpc(environment):
        return
    databases = {
        f"database of {name}": Rule(source.port, cidr=EVERYWHERE)
        for name, source in debezium_sources(environment).items()
    }
    group = declare_security_group(
        stack,
        environment,
        network.vpc_id,
        "connectors",
        description="Connectors",
        ingress={},
        egress={
            **{name: Rule(each_.port, group=each_.group) for name, each_ in reached.items()},
            **databases,
            "Snowflake, logs and secrets": Rule(443, cidr=EVERYWHERE),
        },
    )
    ours = {name: {"group": its.group, "port": its.port} for name, its in reached.items() if its.ours}
    if ours:
        AwsVpcSecurityGroupIngressRule(
            stack,
            "from-connectors",
            for_each=ours,
            security_group_id=each.value("group"),
            description="connectors",
            ip_protocol="tcp",
            from_port=each.value("port"),
            to_port=each.value("port"),
            referenced_security_group_id=group,
            tags={"Name": "connectors"},
        )
    stack.output("vpc_id", network.vpc_id, description="The network.")
    stack.output("connector_subnets", ",".join(network.subnet_ids), description="Where connectors are.")
    stack.output("connectors_group", group, description="The security group of connectors.")


def on_ecs(environment: Environment) -> bool:
    """Whether the connect stack runs tasks."""
    return worker_on_ecs(environment) or sink_on_ecs(environment)


def secret_of(role: str) -> Expr:
    """The ARN of a role's login, from the cluster stack's `credentials`."""
    return function("trimprefix", var("cluster_credentials").get(role), "aws-sm:")


def place_of(region: str) -> Place:
    """Where connectors are put, in the connect stack."""
    subnets = function("split", ",", var("cluster_connector_subnets"))
    return Place(region, var("cluster_vpc_id"), subnets, var("cluster_connectors_group"))


def declare_secret(
    stack: Stack,
    environment: Environment,
    *,
    private_key: bool,
    registry: bool,
    sources: tuple[str, ...],
    whose: str = "connectors",
) -> SecretRef:
    """`<project>-<environment>-<whose>`: `private_key`, `registry` and the passwords of sources by name.

    Args:
        whose: connectors; or something else that runs beside them and has a secret of its own.
    """
    variables = {"private_key": PRIVATE_KEY} if private_key else {}
    if registry:
        variables["registry"] = REGISTRY_LOGIN
    variables |= {name: password_of_source(name) for name in sources}
    values = {
        key: stack.variable(name, sensitive=True, ephemeral=True, description="Written, never kept.")
        for key, name in variables.items()
    }
    name = resource_name(environment, whose, limit=256)
    secret = AwsSecretsmanagerSecret(
        stack,
        whose,
        name=name,
        description=f"What {whose.replace('-', ' ')} of {environment.project}-{environment.name} log in with",
        recovery_window_in_days=30 if environment.production else 0,
    )
    written = AwsSecretsmanagerSecretVersion(
        stack,
        whose,
        secret_id=secret.attr("id"),
        secret_string_wo=function("jsonencode", values),
        secret_string_wo_version=environment.connect.secrets_version,
    )
    return SecretRef(name, secret.attr("arn"), tuple(variables), written)


def declare_logs(stack: Stack, environment: Environment, whose: str = "connect") -> AwsCloudwatchLogGroup:
    """The log group of all connectors; or of something else that runs beside them."""
    return AwsCloudwatchLogGroup(
        stack,
        whose,
        name=f"/{environment.project}/{environment.name}/{whose}",
        retention_in_days=90 if environment.production else 14,
    )
