"""Guards of who can reach what: public endpoints, rights on everything, data in clear."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from modules.guards.facts import Facts, Found, known, texts
from modules.terraform.plan import Change

__all__ = ["public_endpoint", "unencrypted", "wildcard_rights"]

_EVERYWHERE = ("0.0.0.0/0", "::/0")

_ACLS = {"kafka_acl": "acl_", "confluent_kafka_acl": ""}
"""ACL types → what the names of principal, operation and permission begin with."""

_KAFKA_HUGE = ("ALL", "ALTER", "ALTERCONFIGS", "ALTER_CONFIGS", "CLUSTERACTION", "CLUSTER_ACTION")
"""Operations that on the cluster come to everything."""

_POLICIES = ("policy", "inline_policy", "assume_role_policy", "repository_policy", "access_policy")

_NO_RESOURCE = (
    "ecr:GetAuthorizationToken", "cloudwatch:PutMetricData", "ec2:Describe", "autoscaling:Describe", "pricing:",
    "xray:PutTraceSegments", "xray:PutTelemetryRecords", "kafka:ListClusters", "kafka:ListConfigurations",
    "kafka:ListKafkaVersions", "ssmmessages:", "sts:GetCallerIdentity", "application-autoscaling:Describe",
    "secretsmanager:ListSecrets", "secretsmanager:GetRandomPassword", "elasticloadbalancing:Describe",
    "ecs:DiscoverPollEndpoint",  # where an agent finds ECS, before it belongs to a cluster
    "glue:GetSchemaVersion",  # by its id alone a version has no ARN (Glue: "Getting started with Schema Registry")
)  # fmt: skip
"""Actions (as they begin) for which AWS takes no other resource than `*` (its service authorization reference)."""

_ADMINISTRATORS = ("AdministratorAccess", "PowerUserAccess", "IAMFullAccess")
_CONFLUENT = ("OrganizationAdmin", "AccountAdmin", "EnvironmentAdmin", "CloudClusterAdmin", "NetworkAdmin")
_SNOWFLAKE_ADMINISTRATORS = ("ACCOUNTADMIN", "SECURITYADMIN", "ORGADMIN", "GLOBALORGADMIN")
_SNOWFLAKE_HUGE = ("ALL", "ALL PRIVILEGES", "OWNERSHIP", "MANAGE GRANTS")

OWN_DEPLOYER = ('confluent_role_binding.role["deployer administers the cluster"]',
                'confluent_role_binding.role["deployer owns subjects"]')  # fmt: skip
"""What the cluster stack itself needs to make topics and subjects with: its own service account (docs/confluent.md)."""


# --- public-endpoint ---


def public_endpoint(facts: Facts) -> Iterator[Found]:
    """Addresses that the whole internet reaches, and rules that let it in."""
    for stack, change, after in facts.made():
        for message in _PUBLIC.get(change.type, _nothing)(after):
            yield Found(stack, change.address, message)


def _nothing(after: Mapping[str, Any]) -> Iterable[str]:
    return ()


def _ingress_rule(after: Mapping[str, Any]) -> Iterable[str]:
    if after.get("type", "ingress") != "ingress":
        return
    given = [known(after.get(name)) for name in ("cidr_ipv4", "cidr_ipv6", "cidr_blocks", "ipv6_cidr_blocks")]
    if any(each in _EVERYWHERE for one in given for each in texts(one)):
        yield f"{_ports(after)} is open to the whole internet"


def _group(after: Mapping[str, Any]) -> Iterable[str]:
    for rule in _blocks(after, "ingress"):
        yield from _ingress_rule({**rule, "type": "ingress"})


def _ports(rule: Mapping[str, Any]) -> str:
    first, last = rule.get("from_port"), rule.get("to_port")
    if first is None or first == -1 or str(rule.get("ip_protocol", rule.get("protocol"))) == "-1":
        return "every port"
    return f"port {first}" if first == last else f"ports {first} to {last}"


def _balancer(after: Mapping[str, Any]) -> Iterable[str]:
    if after.get("internal") is False:
        yield "a load balancer with a public address"


def _msk(after: Mapping[str, Any]) -> Iterable[str]:
    for node in _blocks(after, "broker_node_group_info"):
        for connectivity in _blocks(node, "connectivity_info"):
            for access in _blocks(connectivity, "public_access"):
                if access.get("type") not in (None, "DISABLED"):
                    yield "the brokers get public addresses"


def _flag(name: str, wrong: bool, message: str) -> Any:
    def judge(after: Mapping[str, Any]) -> Iterable[str]:
        if after.get(name) is wrong:
            yield message

    return judge


def _task(after: Mapping[str, Any]) -> Iterable[str]:
    if any(each.get("assign_public_ip") is True for each in _blocks(after, "network_configuration")):
        yield "its tasks get public addresses"


def _bucket(after: Mapping[str, Any]) -> Iterable[str]:
    names = ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets")
    if open_ := [name for name in names if after.get(name) is False]:
        yield f"the bucket may be opened to the public ({', '.join(open_)} is false)"


def _snowflake_network(after: Mapping[str, Any]) -> Iterable[str]:
    if any(each in _EVERYWHERE for name in ("allowed_ip_list", "value_list") for each in texts(after.get(name))):
        yield "Snowflake lets every address log in"


_PUBLIC: Mapping[str, Any] = {
    "aws_vpc_security_group_ingress_rule": _ingress_rule,
    "aws_security_group_rule": _ingress_rule,
    "aws_security_group": _group,
    "aws_lb": _balancer,
    "aws_msk_cluster": _msk,
    "aws_db_instance": _flag("publicly_accessible", True, "the database gets a public address"),
    "aws_instance": _flag("associate_public_ip_address", True, "the machine gets a public address"),
    "aws_subnet": _flag("map_public_ip_on_launch", True, "every machine in the subnet gets a public address"),
    "aws_ecs_service": _task,
    "aws_s3_bucket_public_access_block": _bucket,
    "snowflake_network_policy": _snowflake_network,
    "snowflake_network_rule": _snowflake_network,
}


# --- wildcard-rights ---


def wildcard_rights(facts: Facts) -> Iterator[Found]:
    """Rights on everything, for everybody, or that let their holder give itself more."""
    for stack, change, after in facts.made():
        if change.address in OWN_DEPLOYER:
            continue
        for message in _wide(change, after):
            yield Found(stack, change.address, message)


def _wide(change: Change, after: Mapping[str, Any]) -> Iterable[str]:
    if change.type in _ACLS:
        yield from _acl(after, _ACLS[change.type])
    elif change.type.startswith("aws_") and change.type != "aws_kms_key":
        for name in _POLICIES:
            for text in [after.get(name), *(each.get("policy") for each in _blocks(after, name))]:
                yield from _policy(text)
        if (arn := str(after.get("policy_arn") or "")).rpartition("/")[2] in _ADMINISTRATORS:
            yield f"attaches {arn.rpartition('/')[2]}: everything in the account"
    elif change.type == "confluent_role_binding":
        yield from _role_binding(after)
    elif change.type.startswith("snowflake_grant_"):
        yield from _grant(change.type, after)


def _acl(after: Mapping[str, Any], prefix: str) -> Iterable[str]:
    if str(after.get(f"{prefix}permission_type", after.get("permission"))).upper() == "DENY":
        return
    principal = known(after.get(f"{prefix}principal"))
    operation = str(known(after.get(f"{prefix}operation")) or "?")
    kind, name = str(known(after.get("resource_type")) or "?"), known(after.get("resource_name"))
    if principal == "User:*":
        yield f"everybody (User:*) may {operation.lower()} {kind.lower()} {name}"
    if name == "*":
        yield f"{principal or 'a principal'} may {operation.lower()} every {kind.lower()}"
    elif kind.upper() == "CLUSTER" and operation.upper() in _KAFKA_HUGE:
        yield f"{principal or 'a principal'} may {operation.lower()} the cluster, which comes to everything"
    elif operation.upper() == "ALL":
        yield f"{principal or 'a principal'} may do everything with {kind.lower()} {name}, deleting it included"


def _policy(text: Any) -> Iterable[str]:
    try:
        statements = json.loads(text)["Statement"] if isinstance(text, str) else []
    except (ValueError, KeyError, TypeError):
        return
    for statement in [statements] if isinstance(statements, dict) else statements:
        if not isinstance(statement, dict) or statement.get("Effect") != "Allow":
            continue
        which = f" (statement {statement['Sid']})" if statement.get("Sid") else ""
        actions = texts(statement.get("Action"))
        wide = [each for each in actions if each == "*" or each.endswith(":*")]
        if wide or "NotAction" in statement:
            yield f"allows {'every action' if '*' in wide or not wide else ', '.join(wide)}{which}"
        principal = statement.get("Principal")
        anyone = "*" in texts(principal.get("AWS") if isinstance(principal, dict) else principal)
        if anyone and not statement.get("Condition"):
            yield f"everybody is allowed (Principal `*` without a condition){which}"
        bound = actions and all(each.startswith(_NO_RESOURCE) for each in actions)
        if "*" in texts(statement.get("Resource")) and not bound and not statement.get("Condition") and not anyone:
            shown = ", ".join(actions[:3]) + (" …" if len(actions) > 3 else "")
            yield f"allows {shown or 'actions'} on every resource{which}"


def _role_binding(after: Mapping[str, Any]) -> Iterable[str]:
    role, where = known(after.get("role_name")), str(known(after.get("crn_pattern")) or "")
    if role in _CONFLUENT:
        yield f"{role} may do everything in its scope, giving rights included"
    elif where.endswith("=*"):
        yield f"{role} on every {where.rpartition('/')[2].partition('=')[0]}"


def _grant(type_: str, after: Mapping[str, Any]) -> Iterable[str]:
    role = str(known(after.get("account_role_name") or after.get("database_role_name") or after.get("role_name")) or "")
    plain = role.strip('"').upper()
    if type_ == "snowflake_grant_account_role":
        if plain in _SNOWFLAKE_ADMINISTRATORS:
            yield f"gives the role {plain}, which may do everything"
        return
    privileges = [each.upper() for each in texts(after.get("privileges"))]
    huge = [each for each in privileges if each in _SNOWFLAKE_HUGE]
    if after.get("all_privileges") is True or huge:
        yield f"{role} gets {', '.join(huge) or 'all privileges'}"
    elif plain == "PUBLIC" and (privileges or type_ == "snowflake_grant_ownership"):
        yield f"PUBLIC, that is everybody, gets {', '.join(privileges) or 'ownership'}"
    elif type_ == "snowflake_grant_ownership":
        on = _blocks(after, "on")
        if plain and any(each.get("all") or each.get("future") for each in on):
            yield f"{role} gets the ownership of everything there is, or will be"


# --- unencrypted ---


def unencrypted(facts: Facts) -> Iterator[Found]:
    """Disks, databases, queues and connections in clear."""
    for stack, change, after in facts.made():
        for message, fix in _CLEAR.get(change.type, _no_clear)(after):
            yield Found(stack, change.address, message, fix)


def _no_clear(after: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    return ()


def _msk_clear(after: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    for block in _blocks(after, "encryption_info"):
        for transit in _blocks(block, "encryption_in_transit"):
            if transit.get("client_broker") in ("PLAINTEXT", "TLS_PLAINTEXT"):
                yield "clients may talk to the brokers in clear", "set client_broker to TLS"
            if transit.get("in_cluster") is False:
                yield "brokers talk to each other in clear", "set in_cluster to true"
    for block in _blocks(after, "client_authentication"):
        if block.get("unauthenticated") is True:
            yield "clients need no login", "set unauthenticated to false"


def _stored(name: str, what: str) -> Any:
    def judge(after: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        if after.get(name) is False:
            yield f"{what} is stored in clear", f"set {name} to true"

    return judge


def _listener(after: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    action = (_blocks(after, "default_action") or [{}])[0].get("type")
    if after.get("protocol") == "HTTP" and action != "redirect":
        yield "it answers HTTP without TLS", "listen with HTTPS and a certificate, or redirect to it"


def _machine(after: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    for name in ("root_block_device", "ebs_block_device"):
        if any(each.get("encrypted") is False for each in _blocks(after, name)):
            yield f"its {name} is stored in clear", "set encrypted to true"


_CLEAR: Mapping[str, Any] = {
    "aws_msk_cluster": _msk_clear,
    "aws_db_instance": _stored("storage_encrypted", "the database"),
    "aws_ebs_volume": _stored("encrypted", "the volume"),
    "aws_efs_file_system": _stored("encrypted", "the file system"),
    "aws_lb_listener": _listener,
    "aws_instance": _machine,
}


def _blocks(side: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """A nested block's instances; a plan has them as a list, also where there can be one only."""
    found = side.get(name)
    found = [found] if isinstance(found, dict) else found
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
