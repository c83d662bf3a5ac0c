"""Security groups: rules by name, clients only from the YAML, and nothing open to everyone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from modules.environment.model import Environment
from modules.errors import SynthError
from modules.platforms.declare.aws.provider import name_tag
from modules.platforms.names import resource_name
from modules.resources.aws import AwsSecurityGroup, AwsVpcSecurityGroupEgressRule, AwsVpcSecurityGroupIngressRule
from modules.resources.base import Stack
from modules.resources.expressions import Expr, each, reference

__all__ = ["EVERYWHERE", "Rule", "client_rules", "declare_security_group", "group_id"]

EVERYWHERE = "0.0.0.0/0"


@dataclass(frozen=True)
class Rule:
    """TCP ports open for a block of addresses or for a security group, one of the two."""

    port: int
    cidr: str | None = None
    group: str | None = None
    to_port: int | None = None


def client_rules(environment: Environment, ports: Mapping[str, int]) -> dict[str, Rule]:
    """Ingress of the clients the YAML names (`network.clients`): `kafka from 10.0.0.0/8`."""
    rules = {}
    for what, port in ports.items():
        for client in environment.network.admitted:
            group = client.startswith("sg-")
            rules[f"{what} from {client}"] = Rule(port, group=client) if group else Rule(port, cidr=client)
    return rules


def group_id(id_: str) -> Expr:
    """A group's id before it is declared: two groups may let each other in."""
    return reference(f"aws_security_group.{id_}", "id")


def declare_security_group(
    stack: Stack,
    environment: Environment,
    vpc_id: str,
    id_: str,
    *,
    description: str,
    ingress: Mapping[str, Rule],
    egress: Mapping[str, Rule],
) -> Expr:
    """A group `<project>-<environment>-<id>` with a rule for each name, and its id.

    Terraform takes away the rule by which AWS lets everything out, so `egress` says all that may leave. Answers to what
    was let in need no rule.

    Raises:
        SynthError: an ingress rule would be open to everyone.
    """
    for name, rule in ingress.items():
        if rule.cidr == EVERYWHERE:
            raise SynthError(f"security group {id_} would be open to everyone ({name})", do="name the clients' blocks")
    group = AwsSecurityGroup(
        stack,
        id_,
        name=resource_name(environment, id_, limit=255),
        description=description,
        vpc_id=vpc_id,
        tags=name_tag(environment, id_),
    ).attr("id")
    for rules, kind in ((ingress, AwsVpcSecurityGroupIngressRule), (egress, AwsVpcSecurityGroupEgressRule)):
        if rules:
            kind(
                stack,
                id_,
                for_each={name: _values(rule) for name, rule in rules.items()},
                security_group_id=group,
                description=each.key,
                ip_protocol="tcp",
                from_port=each.value("from"),
                to_port=each.value("to"),
                cidr_ipv4=each.value("cidr"),
                referenced_security_group_id=each.value("group"),
                tags={"Name": each.key},
            )
    return group


def _values(rule: Rule) -> dict[str, object]:
    return {"from": rule.port, "to": rule.to_port or rule.port, "cidr": rule.cidr, "group": rule.group}
