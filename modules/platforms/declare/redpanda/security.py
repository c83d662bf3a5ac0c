"""Who reaches a Redpanda cluster, and what its tasks and machines may do in AWS.

A broker's task has no rights at all: Redpanda asks nothing of AWS. What starts it may read its two secrets and write
its logs. `WILDCARDS` names the only actions on `*`, each with its reason.
"""

from __future__ import annotations

import re

from modules.environment.model import Environment
from modules.platforms.declare.aws.network import NetworkRefs
from modules.platforms.declare.aws.provider import allow, name_tag, policy, trust_of_service
from modules.platforms.declare.aws.secrets import KeyRef, read_statements
from modules.platforms.declare.aws.security import EVERYWHERE, Rule, client_rules, declare_security_group, group_id
from modules.platforms.declare.redpanda.nodes import ADMIN_PORT, KAFKA_PORT, REGISTRY_PORT, RPC_PORT
from modules.platforms.declare.redpanda.secrets import Secrets
from modules.platforms.names import resource_name
from modules.resources.aws import (
    AwsCloudwatchLogGroup,
    AwsEcsCluster,
    AwsIamInstanceProfile,
    AwsIamRole,
    AwsIamRolePolicy,
    AwsIamRolePolicyAttachment,
)
from modules.resources.base import Stack
from modules.resources.expressions import Expr

__all__ = ["WILDCARDS", "declare_groups", "machine_profile", "start_role", "volume_role"]

WILDCARDS = {
    "ecr:GetAuthorizationToken": "has no resource: the token is the account's",
    "ecs:DiscoverPollEndpoint": "has no resource: it tells the agent where ECS is, before it belongs to a cluster",
}
"""Actions that AWS gives no narrower resource than `*`."""

_ECR = re.compile(r"(?P<account>[0-9]{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com/(?P<name>[^:@]+)")


def declare_groups(stack: Stack, environment: Environment, network: NetworkRefs) -> None:
    """Groups `brokers` and `registry-balancer`; with machines of one's own also `machines`."""
    brokers, balancer = group_id("brokers"), group_id("registry-balancer")
    declare_security_group(
        stack,
        environment,
        network.vpc_id,
        "brokers",
        description="Redpanda brokers",
        ingress={
            **client_rules(environment, {"kafka": KAFKA_PORT}),
            **_operators(environment),
            "brokers": Rule(RPC_PORT, group=brokers),
            "kafka from brokers": Rule(KAFKA_PORT, group=brokers),
            "registry": Rule(REGISTRY_PORT, group=balancer),
        },
        egress={
            "brokers": Rule(RPC_PORT, group=brokers),
            "kafka of brokers": Rule(KAFKA_PORT, group=brokers),
            "image, logs and secrets": Rule(443, cidr=EVERYWHERE),
        },
    )
    declare_security_group(
        stack,
        environment,
        network.vpc_id,
        "registry-balancer",
        description="The load balancer of Redpanda's Schema Registry",
        ingress=client_rules(environment, {"registry": 443}),
        egress={"registry": Rule(REGISTRY_PORT, group=brokers)},
    )
    if environment.redpanda.compute == "ec2":
        declare_security_group(
            stack,
            environment,
            network.vpc_id,
            "machines",
            description="The brokers' machines",
            ingress={},
            egress={"ECS, image and logs": Rule(443, cidr=EVERYWHERE)},
        )


def _operators(environment: Environment) -> dict[str, Rule]:
    rules = {}
    for each in environment.redpanda.operators or environment.network.clients:
        group = each.startswith("sg-")
        rules[f"admin from {each}"] = Rule(ADMIN_PORT, group=each) if group else Rule(ADMIN_PORT, cidr=each)
    return rules


def start_role(
    stack: Stack, environment: Environment, secrets: Secrets, key: KeyRef, logs: AwsCloudwatchLogGroup
) -> Expr:
    """Whom ECS acts as when it starts a broker: reads its secrets, writes its logs, pulls from a private ECR."""
    role = _role(stack, environment, "brokers-start", "ecs-tasks.amazonaws.com")
    statements = [
        allow("Logs", ["logs:CreateLogStream", "logs:PutLogEvents"], [f"{logs.attr('arn')}:*"]),
        *read_statements(secrets.of_tasks, key),
    ]
    private = _ECR.match(environment.redpanda.image)
    if private:
        repository = f"arn:aws:ecr:{private['region']}:{private['account']}:repository/{private['name']}"
        pull = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
        statements += [allow("Image", pull, [repository]), allow("Token", ["ecr:GetAuthorizationToken"], ["*"])]
    _inline(stack, role, "brokers-start", statements)
    return role.attr("arn")


def volume_role(stack: Stack, environment: Environment, key: KeyRef) -> Expr:
    """Whom ECS acts as when it makes a Fargate task's volume; AWS's own policy, and the use of the key."""
    role = _role(stack, environment, "volumes", "ecs.amazonaws.com")
    AwsIamRolePolicyAttachment(
        stack,
        "volumes",
        role=role.attr("name"),
        policy_arn="arn:aws:iam::aws:policy/service-role/AmazonECSInfrastructureRolePolicyForVolumes",
    )
    grant = allow("Grant", ["kms:CreateGrant"], [key.arn])
    grant["Condition"] = {"Bool": {"kms:GrantIsForAWSResource": "true"}}
    use = allow("Key", ["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKeyWithoutPlaintext"], [key.arn])
    _inline(stack, role, "volumes", [use, grant])
    return role.attr("arn")


def machine_profile(stack: Stack, environment: Environment, cluster: AwsEcsCluster) -> Expr:
    """What a broker's machine may do: be a machine of this ECS cluster, and nothing else."""
    role = _role(stack, environment, "machines", "ec2.amazonaws.com")
    arn = cluster.attr("arn")
    itself = f'${{replace({arn.inner}, ":cluster/", ":container-instance/")}}/*'
    joins = ["ecs:RegisterContainerInstance", "ecs:DeregisterContainerInstance"]
    tells = ["ecs:SubmitAttachmentStateChanges", "ecs:SubmitContainerStateChange", "ecs:SubmitTaskStateChange"]
    hears = ["ecs:Poll", "ecs:StartTelemetrySession", "ecs:UpdateContainerInstancesState"]
    statements = [
        allow("Cluster", [*joins, *tells], [arn]),
        # Its id is given to it when it joins; the condition holds it to this cluster.
        {**allow("Machine", hears, [itself]), "Condition": {"ArnEquals": {"ecs:cluster": arn}}},
        allow("Find", ["ecs:DiscoverPollEndpoint"], ["*"]),
    ]
    _inline(stack, role, "machines", statements)
    profile = AwsIamInstanceProfile(
        stack,
        "machines",
        name=resource_name(environment, "machines", limit=128),
        role=role.attr("name"),
        tags=name_tag(environment, "machines"),
    )
    return profile.attr("name")


def _role(stack: Stack, environment: Environment, id_: str, service: str) -> AwsIamRole:
    return AwsIamRole(
        stack,
        id_,
        name=resource_name(environment, id_),
        assume_role_policy=policy(stack, f"{id_}_trust".replace("-", "_"), trust_of_service(service)),
        tags=name_tag(environment, id_),
    )


def _inline(stack: Stack, role: AwsIamRole, id_: str, statements: list[dict[str, object]]) -> None:
    AwsIamRolePolicy(
        stack,
        id_,
        name=id_,
        role=role.attr("id"),
        policy=policy(stack, id_.replace("-", "_"), statements),
    )
