"""Confluent Cloud's Terraform half, through `confluentinc/confluent`.

    cluster.py        environment, cluster, registry
    access.py         service accounts, their API keys and roles, and where keys are kept
    applications.py   likewise for applications, with their quotas
    keys.py           what all API keys say alike
    private.py        PrivateLink and peering
    topics.py         topics, rights on them, subjects

The cluster stack works with a Cloud API key. The stacks behind it work with the deployer's Kafka and registry keys,
which the cluster stack makes; they get the Cloud API key only where role bindings are made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from modules.environment.confluent import in_aws
from modules.environment.model import Environment
from modules.platforms.base import Platform, RegistryClient
from modules.platforms.declare.aws import aws_provider
from modules.platforms.declare.confluent.access import declare_access
from modules.platforms.declare.confluent.cluster import declare_cluster, declare_environment
from modules.platforms.declare.confluent.connect import capture_rights, declare_managed, has_managed
from modules.platforms.declare.confluent.private import connect_vpc, declare_network
from modules.platforms.declare.confluent.topics import (
    connector_rights,
    declare_acls,
    declare_role_bindings,
    declare_schemas,
    declare_topics,
    rights_of,
)
from modules.platforms.declare.connect_existing import declare_existing
from modules.project import Project
from modules.resources.base import Stack
from modules.resources.confluent import ConfluentProvider
from modules.resources.expressions import Expr, var
from modules.terraform.leftovers import held_by_provider
from modules.topics import AclSpec, SchemaSpec, TopicSpec, client_roles

__all__ = ["ConfluentDeclarations"]


class ConfluentDeclarations:
    """One environment with one cluster and its registry."""

    def __init__(self, environment: Environment, platform: Platform, project: Project) -> None:
        self._environment = environment
        self._project = project
        self._bindings = environment.confluent.authorization == "role-bindings"
        accounts = tuple(f"{role}_account" for role in client_roles(environment))
        crn = ("rbac_crn",) if self._bindings else ()
        self.cluster_inputs: tuple[str, ...] = (
            "cluster_id", "rest_endpoint", "registry_id", "registry_url", *accounts, *crn,
        )  # fmt: skip
        self._platform = platform
        self._managed = has_managed(environment)
        self.connect_inputs: tuple[str, ...] = ("environment_id",) if self._managed else ()

    def cluster(self, stack: Stack) -> None:
        environment = self._environment
        ConfluentProvider(stack, **_cloud_key(stack))
        state = self._project.environment_state(environment.name) / "cluster" / "terraform.tfstate"
        if in_aws(environment) or "hashicorp/aws" in held_by_provider(state):  # so that it can be taken away
            aws_provider(stack, environment, environment.confluent.region)
        outer = declare_environment(stack, environment)
        network = declare_network(stack, environment, outer)
        made = declare_cluster(stack, environment, outer, network)
        connect_vpc(stack, environment, made, network)
        declare_access(stack, environment, self._project, made)

    def kafka_provider(self, stack: Stack) -> None:
        """The one provider of the stack: Kafka, the registry where schemas are, the cloud where roles are bound."""
        registry: dict[str, Any] = {}
        if stack.node.id == "topics" and any(topic.value for topic in self._environment.topics.values()):
            registry = {
                "schema_registry_id": var("cluster_registry_id"),
                "schema_registry_rest_endpoint": var("cluster_registry_url"),
                "schema_registry_api_key": _secret(stack, "registry_api_key"),
                "schema_registry_api_secret": _secret(stack, "registry_api_secret"),
            }
        ConfluentProvider(
            stack,
            kafka_id=var("cluster_cluster_id"),
            kafka_rest_endpoint=var("cluster_rest_endpoint"),
            kafka_api_key=_secret(stack, "kafka_api_key"),
            kafka_api_secret=_secret(stack, "kafka_api_secret"),
            **registry,
            **(_cloud_key(stack) if self._bindings or (stack.node.id == "connect" and self._managed) else {}),
        )

    def registry_provider(self, stack: Stack) -> None:
        """Nothing: `kafka_provider` has configured the registry too."""

    def topics(self, stack: Stack, specs: Sequence[TopicSpec]) -> None:
        declare_topics(stack, self._environment, specs)

    def acls(self, stack: Stack, specs: Sequence[AclSpec]) -> None:
        """Rights as ACLs or role bindings; with the managed connector also those its own topics and group need."""
        connect = stack.node.id == "connect"
        managed = connect and self._environment.connect.kind == "managed"
        rights = list(connector_rights(specs)) if managed else rights_of(specs)
        if connect:
            rights += capture_rights(self._environment)
        (declare_role_bindings if self._bindings else declare_acls)(stack, rights)

    def connectors(self, stack: Stack) -> None:
        declare_managed(stack, self._environment, self._platform)
        registry = RegistryClient(var("cluster_registry_url"))
        declare_existing(stack, self._environment, self._platform, registry, login=True)

    def schemas(self, stack: Stack, specs: Sequence[SchemaSpec], texts: Mapping[str, str]) -> None:
        declare_schemas(stack, self._environment, specs, texts)


def _cloud_key(stack: Stack) -> dict[str, Any]:
    return {name: _secret(stack, f"confluent_{name}") for name in ("cloud_api_key", "cloud_api_secret")}


def _secret(stack: Stack, name: str) -> Expr:
    """A value that is in no plan and no state."""
    return stack.variable(name, sensitive=True, ephemeral=True)
