"""AWS Glue as the Schema Registry: the registry in the cluster stack, its schemas in the stack behind, one reader.

Clients read schemas as one IAM role, whichever way they log in to Kafka, as they share one login of the registry on
every platform. The role may look a version up and nothing else; what is registered is Terraform's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from modules.environment.model import Environment
from modules.platforms.declare.aws.provider import allow, policy
from modules.platforms.names import resource_name
from modules.resources.aws import AwsGlueRegistry, AwsGlueSchema, AwsIamRolePolicy
from modules.resources.base import Stack
from modules.resources.expressions import Expr, each, literal, var
from modules.topics import SchemaSpec

__all__ = ["REGISTRY_ROLE", "declare_glue_registry", "declare_glue_schemas", "declare_reader", "registry_name"]

REGISTRY_ROLE = "registry"
"""Whom clients read schemas as."""

_EVERY_VERSION = "_TRANSITIVE"
"""How the YAML's levels end that bind all earlier versions; Glue's end in `_ALL`."""


def registry_name(environment: Environment) -> str:
    """The registry's name: the YAML's, else the environment's own."""
    return environment.msk.registry.registry_name or resource_name(environment, limit=255)


def declare_glue_registry(stack: Stack, environment: Environment, region: str) -> tuple[str, Expr]:
    """The registry: its URL as clients are told it, `glue://REGION/NAME`, and its ARN."""
    name = registry_name(environment)
    made = AwsGlueRegistry(
        stack,
        "main",
        registry_name=name,
        description=f"Schemas of {environment.project}-{environment.name}",
        lifecycle={"prevent_destroy": True} if environment.production else None,
    )
    return f"glue://{region}/{name}", made.attr("arn")


def declare_reader(stack: Stack, role: str) -> None:
    """What decoding takes, and finding the version to encode with."""
    # By its id alone a version has no ARN: AWS's own example for deserializers allows it on everything
    # (AWS Glue Developer Guide, "Getting started with Schema Registry", read 2026-11).
    AwsIamRolePolicy(
        stack,
        "registry-reader",
        name="schemas",
        role=role,
        policy=policy(stack, "registry_reader", [allow("Schemas", ["glue:GetSchemaVersion"], ["*"])]),
        depends_on=["aws_iam_role.kafka"],
    )


def declare_glue_schemas(stack: Stack, specs: Sequence[SchemaSpec], texts: Mapping[str, str], *, kept: bool) -> None:
    """`aws_glue_schema.value["order-events-value"]`. `kept`: Terraform refuses a plan that would destroy one."""
    if not specs:
        return
    AwsGlueSchema(
        stack,
        "value",
        for_each={
            spec.subject: {
                "schema": literal(texts[spec.subject]),
                "compatibility": spec.compatibility.replace(_EVERY_VERSION, "_ALL"),
            }
            for spec in specs
        },
        schema_name=each.key,
        registry_arn=var("cluster_registry_arn"),
        data_format="AVRO",
        compatibility=each.value("compatibility"),
        schema_definition=each.value("schema"),
        lifecycle={"prevent_destroy": True} if kept else None,
    )
