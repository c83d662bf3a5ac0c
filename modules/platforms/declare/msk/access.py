"""Rights on MSK as IAM: a role for each part a client can play, and policies made from the same intent as Kafka's ACLs.

With `authentication: iam` all rights are here, for Kafka's ACLs do not bind IAM identities. With `scram` clients have
ACLs, and only the administrator is an IAM role: MSK lets nobody name a super user, so who makes the first ACL on a
cluster that denies by default must have its rights elsewhere.
Actions: service-authorization reference, "Apache Kafka APIs for Amazon MSK clusters", read 2026-11.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from modules.environment.model import Environment
from modules.errors import SynthError
from modules.platforms.declare.aws.provider import allow, name_tag, policy
from modules.platforms.declare.msk.cluster import cluster_name
from modules.platforms.names import resource_name
from modules.platforms.quotas import quotas_of
from modules.resources.aws import (
    AwsIamPolicy,
    AwsIamRole,
    AwsIamRolePolicy,
    AwsIamRolePolicyAttachment,
    DataAwsCallerIdentity,
)
from modules.resources.base import Stack
from modules.resources.expressions import Expr, each, function
from modules.topics import AclSpec

__all__ = ["declare_admin_rights", "declare_policies", "declare_roles", "role_name"]

_TOPIC = {
    "Write": ("WriteData", "DescribeTopic"),
    "Read": ("ReadData", "DescribeTopic"),
    "Describe": ("DescribeTopic",),
}
_GROUP = {"Read": ("AlterGroup", "DescribeGroup"), "Describe": ("DescribeGroup",)}
_TRANSACTIONAL_ID = {"Write": ("AlterTransactionalId", "DescribeTransactionalId")}
_OF_TYPE: dict[str, Mapping[str, tuple[str, ...]]] = {
    "Topic": _TOPIC,
    "Group": _GROUP,
    "TransactionalID": _TRANSACTIONAL_ID,
}
_ARN_KIND = {"TransactionalID": "transactional-id"}
_ADMIN_TOPICS = (
    "CreateTopic",
    "DeleteTopic",
    "AlterTopic",
    "DescribeTopic",
    "AlterTopicDynamicConfiguration",
    "DescribeTopicDynamicConfiguration",
)

_POLICY_LIMIT = 6_144
"""Characters of a managed policy, white space not counted (IAM's quotas)."""

_POLICIES_A_ROLE = 10
"""Managed policies that a role takes unless the account's quota was raised (IAM's quotas)."""

_ID_LENGTH = 38
"""A cluster's id at the end of its ARN: a UUID and a number."""


def role_name(environment: Environment, role: str) -> str:
    """The IAM role of a part; known before it is made, so that the stacks behind can attach policies to it."""
    return resource_name(environment, "kafka", role)


def declare_roles(stack: Stack, environment: Environment, roles: Sequence[str]) -> Mapping[str, Expr]:
    """The roles and their ARNs; whom the YAML trusts may take them on, else whom this account allows to."""
    account = DataAwsCallerIdentity(stack, "current").attr("account_id")
    trusted = environment.msk.trusted or [f"arn:aws:iam::{account}:root"]
    trust = policy(
        stack,
        "kafka_trust",
        [{"Sid": "Assume", "Effect": "Allow", "Principal": {"AWS": trusted}, "Action": "sts:AssumeRole"}],
    )
    made = AwsIamRole(
        stack,
        "kafka",
        for_each={role: role_name(environment, role) for role in roles},
        name=each.value(),
        description=f"Clients that are the {each.key} of {environment.project}-{environment.name}",
        assume_role_policy=trust,
        tags=name_tag(environment, "kafka"),
    )
    return {role: made.attr("arn", key=role) for role in roles}


def declare_admin_rights(stack: Stack, environment: Environment, cluster_arn: Expr) -> None:
    """What making topics, ACLs and quotas takes, without reading or writing a single event."""
    acls = ("AlterCluster",) if environment.msk.login == "scram" else ()
    quotas = ("AlterClusterDynamicConfiguration", "DescribeClusterDynamicConfiguration")
    statements = [
        allow(
            "Cluster",
            _actions(("Connect", "DescribeCluster", *acls, *(quotas if quotas_of(environment) else ()))),
            [cluster_arn],
        ),
        # A topic that leaves the YAML is deleted by whom no longer knows its name; this cluster's topics only.
        allow("Topics", _actions(_ADMIN_TOPICS), [_arn(cluster_arn, "topic", "*")]),
        allow("Groups", _actions(("DescribeGroup",)), [_arn(cluster_arn, "group", "*")]),
    ]
    AwsIamRolePolicy(
        stack,
        "kafka-admin",
        name="kafka",
        role=role_name(environment, "admin"),
        policy=policy(stack, "kafka_admin", statements),
        depends_on=["aws_iam_role.kafka"],
    )


def declare_policies(stack: Stack, environment: Environment, specs: Sequence[AclSpec], cluster_arn: Expr) -> None:
    """`aws_iam_policy.access["producer"]`, attached to the role; a part with very many topics has several."""
    values: dict[str, dict[str, object]] = {}
    for role in dict.fromkeys(spec.role for spec in specs):
        parts = list(_split([spec for spec in specs if spec.role == role], _arn_length(environment)))
        if len(parts) > _POLICIES_A_ROLE:
            raise SynthError(
                f"the rights of the {role} need {len(parts)} IAM policies; a role takes {_POLICIES_A_ROLE}",
                where=f"{environment.source}: topics",
                do="use `authentication: scram`, for ACLs have no such limit, or several environments",
            )
        for number, part in enumerate(parts, 1):
            key = role if number == 1 else f"{role}-{number}"
            document = policy(stack, f"kafka_{key}", _statements(part, cluster_arn))
            values[key] = {
                "role": role_name(environment, role),
                "name": resource_name(environment, "kafka", key, limit=128),
                "policy": document,
            }
    if not values:
        return
    made = AwsIamPolicy(stack, "access", for_each=values, name=each.value("name"), policy=each.value("policy"))
    AwsIamRolePolicyAttachment(
        stack,
        "access",
        for_each={key: its["role"] for key, its in values.items()},
        role=each.value(),
        policy_arn=made.attr("arn", key=each.key),
    )


def _arn_length(environment: Environment) -> int:
    """What an ARN of a topic takes in a policy beside the topic's own name."""
    prefix = f"arn:aws:kafka:{environment.msk.region}:123456789012:topic/{cluster_name(environment)}//"
    return len(prefix) + _ID_LENGTH + len('"",*')


def _split(specs: Sequence[AclSpec], arn_length: int) -> Iterator[list[AclSpec]]:
    """Rules in lots that fit a policy each."""
    part: list[AclSpec] = []
    size = start = 1_000  # the document, its statements' actions, the cluster's own ARN
    for spec in specs:
        length = len(spec.resource_name) + arn_length
        if part and size + length > _POLICY_LIMIT:
            yield part
            part, size = [], start
        part.append(spec)
        size += length
    if part:
        yield part


def _statements(specs: Sequence[AclSpec], cluster_arn: Expr) -> list[dict[str, object]]:
    """One statement for each kind of right, so that the policy reads like a table."""
    writes = any(spec.operation == "Write" for spec in specs)
    connect = ("Connect", "WriteDataIdempotently") if writes else ("Connect",)
    statements = [allow("Connect", _actions(connect), [cluster_arn])]
    kinds: dict[tuple[str, str], list[str]] = {}
    for spec in specs:
        star = "*" if spec.pattern == "Prefixed" else ""
        kind = _ARN_KIND.get(spec.resource_type, spec.resource_type.lower())
        arn = _arn(cluster_arn, kind, spec.resource_name + star)
        kinds.setdefault((spec.resource_type, spec.operation), []).append(arn)
    for (resource, operation), arns in kinds.items():
        actions = _OF_TYPE[resource][operation]
        statements.append(allow(f"{operation}{resource}s", _actions(actions), arns))
    return statements


def _actions(names: Sequence[str]) -> list[str]:
    return [f"kafka-cluster:{name}" for name in names]


def _arn(cluster_arn: Expr, kind: str, name: str) -> str:
    """`arn:…:cluster/NAME/ID` → `arn:…:topic/NAME/ID/<name>`."""
    return f"{function('replace', cluster_arn, ':cluster/', f':{kind}/')}/{name}"
