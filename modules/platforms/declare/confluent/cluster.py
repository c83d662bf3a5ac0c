"""The Confluent environment, its cluster and the registry that comes with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from modules.environment.confluent import availability_of, cku_of, deletion_protection_of, max_ecku_of
from modules.environment.model import Environment
from modules.platforms.names import resource_name
from modules.resources.base import Lifecycle, Stack
from modules.resources.confluent import (
    ConfluentEnvironment,
    ConfluentKafkaCluster,
    ConfluentNetwork,
    DataConfluentSchemaRegistryCluster,
)
from modules.resources.expressions import Expr, function

__all__ = ["Cluster", "declare_cluster", "declare_environment", "protection"]


@dataclass(frozen=True)
class Cluster:
    """What else in the stack refers to."""

    environment: ConfluentEnvironment
    kafka: ConfluentKafkaCluster
    registry: DataConfluentSchemaRegistryCluster


def protection(environment: Environment) -> Lifecycle | None:
    """For what holds data: with deletion protection a plan that would destroy it is an error."""
    return {"prevent_destroy": True} if deletion_protection_of(environment) else None


def declare_environment(stack: Stack, environment: Environment) -> ConfluentEnvironment:
    """Confluent's environment; its registry holds the schemas of what is in the topics."""
    adopted = environment.confluent.adopted
    return ConfluentEnvironment(
        stack,
        "main",
        display_name=adopted.environment_name if adopted else resource_name(environment),
        stream_governance={"package": environment.confluent.stream_governance.upper()},
        lifecycle=protection(environment),
    )


def declare_cluster(
    stack: Stack, environment: Environment, made: ConfluentEnvironment, network: ConfluentNetwork | None
) -> Cluster:
    """Cluster and registry in the Confluent environment, and the outputs that say where they are."""
    adopted, existing = environment.confluent.adopted, environment.confluent.existing_network
    within = network.attr("id") if network else existing if existing and existing.startswith("n-") else None
    kafka = ConfluentKafkaCluster(
        stack,
        "main",
        display_name=adopted.cluster_name if adopted else resource_name(environment),
        availability=availability_of(environment).upper().replace("-", "_"),
        cloud="AWS",
        region=environment.confluent.region,
        environment={"id": made.attr("id")},
        network={"id": within} if within else None,
        deletion_protection=deletion_protection_of(environment),
        lifecycle=protection(environment),
        **_size(environment),
    )
    # The registry comes into being with the environment's first cluster: until then this must not be looked up. With
    # `depends_on`, or a resource named in the lookup itself, Terraform puts it off whenever that resource changes: the
    # registry is unknown then, and its keys and role bindings would be made anew. A local value in between keeps it.
    there = stack.local(
        "registry_environment", Expr.of(f'{kafka.attr("id").inner} != "" ? {made.attr("id").inner} : ""')
    )
    registry = DataConfluentSchemaRegistryCluster(stack, "main", environment={"id": there})
    bootstrap = function("trimprefix", kafka.attr("bootstrap_endpoint"), "SASL_SSL://")
    stack.output("bootstrap_servers", bootstrap, description="Kafka's address.")
    stack.output("registry_url", registry.attr("rest_endpoint"), description="The Schema Registry's address.")
    stack.output("client_settings", {"security.protocol": "SASL_SSL", "sasl.mechanism": "PLAIN"})
    stack.output("environment_id", made.attr("id"))
    stack.output("cluster_id", kafka.attr("id"))
    stack.output("rest_endpoint", kafka.attr("rest_endpoint"), description="Kafka's address for topics and ACLs.")
    stack.output("rbac_crn", kafka.attr("rbac_crn"), description="What role bindings begin with.")
    stack.output("registry_id", registry.attr("id"))
    return Cluster(made, kafka, registry)


def _size(environment: Environment) -> dict[str, Any]:
    tier = environment.confluent.tier
    if tier == "dedicated":
        return {"dedicated": {"cku": cku_of(environment)}}
    most = max_ecku_of(environment)
    settings: Mapping[str, int] = {"max_ecku": most} if most else {}
    return {tier: [settings]}
