"""Applications on Confluent Cloud: each has a service account, a Kafka key, a registry key that reads the schemas of
its topics, and its quota on a cluster that takes one.

They are resources of their own beside those of `access.py`, so that an application that comes or goes touches nobody
else's.
"""

from __future__ import annotations

from modules.environment import capture
from modules.environment.confluent import cku_of
from modules.environment.confluent_facts import TIERS
from modules.environment.model import Environment
from modules.environment.source import source_principal
from modules.platforms.declare.confluent.cluster import Cluster
from modules.platforms.declare.confluent.keys import target_in_hand, unready
from modules.platforms.names import resource_name
from modules.platforms.quotas import quotas_of
from modules.resources.base import Stack
from modules.resources.confluent import (
    ConfluentApiKey,
    ConfluentKafkaClientQuota,
    ConfluentRoleBinding,
    ConfluentServiceAccount,
)
from modules.resources.expressions import Expr, each
from modules.topics import application_subjects

__all__ = ["declare_applications", "keys_of_applications"]

_NAME_LIMIT = 64
"""Characters of a name that Confluent shows."""


def keys_of_applications(environment: Environment) -> dict[str, dict[str, str]]:
    """Credential → the application whose key it is, and what the key is for."""
    keys: dict[str, dict[str, str]] = {}
    managed = capture.principals(environment)  # a managed connector works as its account, without a key
    for name in (each_ for each_ in environment.applications if each_ not in managed):
        keys[name] = {"account": name, "of": "kafka"}
        if application_subjects(environment, name):
            keys[f"{name}-registry"] = {"account": name, "of": "registry"}
    return keys


def declare_applications(stack: Stack, environment: Environment, made: Cluster) -> ConfluentApiKey:
    """Accounts with the output `<name>_account`, what they may read in the registry, their quotas, and their keys."""
    accounts = ConfluentServiceAccount(
        stack,
        "application",
        for_each={
            name: {
                "name": resource_name(environment, name, limit=_NAME_LIMIT),
                "description": _description(environment, name),
            }
            for name in environment.applications
        },
        display_name=each.value("name"),
        description=each.value("description"),
    )
    for name in environment.applications:
        account = accounts.attr("id", key=name)
        stack.output(f"{name}_account", account, description=f"The service account of {name}.")
    roles = _readers(stack, environment, made, accounts)
    _quotas(stack, environment, made, accounts)
    return _keys(stack, environment, made, accounts, roles)


def _description(environment: Environment, name: str) -> str:
    its = environment.applications[name]
    said = its.description or "An application"
    return f"{said} ({its.owner})" if its.owner else said


def _readers(
    stack: Stack, environment: Environment, made: Cluster, accounts: ConfluentServiceAccount
) -> ConfluentRoleBinding | None:
    """`confluent_role_binding.application["billing reads order-events-value"]`."""
    registry = made.registry.attr("resource_name")
    bindings = {
        f"{name} reads {subject}": {
            "principal": f"User:{accounts.attr('id', key=name)}",
            "role": "DeveloperRead",
            "pattern": f"{registry}/subject={subject}",
        }
        for name in environment.applications
        for subject in application_subjects(environment, name)
    }
    for topic, (source, _) in capture.captured_topics(environment).items():
        name = source_principal(source)
        if name in capture.principals(environment):
            bindings[f"{name} registers {topic}-value"] = {
                "principal": f"User:{accounts.attr('id', key=name)}",
                "role": "DeveloperWrite",
                "pattern": f"{registry}/subject={topic}-value",
            }
    if not bindings:
        return None
    return ConfluentRoleBinding(
        stack,
        "application",
        for_each=bindings,
        principal=each.value("principal"),
        role_name=each.value("role"),
        crn_pattern=each.value("pattern"),
    )


def _quotas(stack: Stack, environment: Environment, made: Cluster, accounts: ConfluentServiceAccount) -> None:
    """`confluent_kafka_client_quota.application["billing"]`, in bytes a second of the whole cluster."""
    specs = quotas_of(environment)
    if not specs:
        return
    # Both rates have to be given; what is not limited gets all the cluster can carry.
    most = TIERS[environment.confluent.tier]
    units = cku_of(environment) * 10**6
    ConfluentKafkaClientQuota(
        stack,
        "application",
        for_each={
            spec.role: {
                "name": resource_name(environment, spec.role, limit=_NAME_LIMIT),
                "ingress": str(spec.produce if spec.produce is not None else most.mb_in * units),
                "egress": str(spec.consume if spec.consume is not None else most.mb_out * units),
            }
            for spec in specs
        },
        display_name=each.value("name"),
        description=f"Quota of {each.key}",
        principals=[accounts.attr("id", key=each.key)],
        throughput={"ingress_byte_rate": each.value("ingress"), "egress_byte_rate": each.value("egress")},
        kafka_cluster={"id": made.kafka.attr("id")},
        environment={"id": made.environment.attr("id")},
    )


def _keys(
    stack: Stack,
    environment: Environment,
    made: Cluster,
    accounts: ConfluentServiceAccount,
    roles: ConfluentRoleBinding | None,
) -> ConfluentApiKey:
    def account(name: str) -> Expr:
        return accounts.attr(name, key=each.value("account"))

    keys = {
        credential: {**its, "name": resource_name(environment, credential, limit=_NAME_LIMIT)}
        for credential, its in keys_of_applications(environment).items()
    }
    return ConfluentApiKey(
        stack,
        "application",
        for_each=keys,
        display_name=each.value("name"),
        description=f"{each.value('of')} key of {each.value('account')}",
        owner={"id": account("id"), "api_version": account("api_version"), "kind": account("kind")},
        managed_resource=target_in_hand(made),
        disable_wait_for_ready=unready(environment),
        depends_on=[roles] if roles else [],
    )
