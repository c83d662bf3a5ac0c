"""The laptop platform's Terraform half: its services are up already, so its cluster stack only says where they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from modules.environment.model import Environment
from modules.local.endpoints import load_endpoints
from modules.platforms.base import Platform
from modules.platforms.declare.connect_local import declare_local_connectors
from modules.platforms.declare.mongey import declare_acls, declare_schemas, declare_topics, declare_users
from modules.platforms.local import MECHANISM, application_password, application_references, password_version
from modules.project import Project
from modules.resources.base import Stack
from modules.resources.builtin import terraform_data
from modules.resources.expressions import var
from modules.resources.kafka import KafkaProvider
from modules.resources.schemaregistry import SchemaregistryProvider
from modules.topics import AclSpec, SchemaSpec, TopicSpec

__all__ = ["LocalDeclarations"]


class LocalDeclarations:
    """Kafka over SASL/SCRAM on loopback, the registry without a login.

    Applications are SCRAM users that the topics stack makes. Their quotas are left out: see `quotas.py`.
    """

    cluster_inputs = ("bootstrap_servers", "registry_url")
    connect_inputs: tuple[str, ...] = ()

    def __init__(self, environment: Environment, platform: Platform, project: Project) -> None:
        self._environment = environment
        self._platform = platform
        self._project = project

    def cluster(self, stack: Stack) -> None:
        endpoints = load_endpoints(self._project)
        where = terraform_data(
            stack,
            "cluster",
            {
                "bootstrap_servers": endpoints.kafka_bootstrap,
                "registry_url": endpoints.registry_url,
            },
        )
        stack.output("bootstrap_servers", where.get("bootstrap_servers"), description="Kafka's address.")
        # What clients use is read from the platform's own record, which knows the ports of this moment.
        stack.output("client_settings", {"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": MECHANISM})
        stack.output("credentials", application_references(self._project, self._environment))
        stack.output("registry_url", where.get("registry_url"), description="The Schema Registry's address.")

    def kafka_provider(self, stack: Stack) -> None:
        password = stack.variable("kafka_admin_password", sensitive=True, ephemeral=True)
        KafkaProvider(
            stack,
            bootstrap_servers=[var("cluster_bootstrap_servers")],
            tls_enabled=False,
            sasl_mechanism="scram-sha256",
            sasl_username="admin",
            sasl_password=password,
        )

    def registry_provider(self, stack: Stack) -> None:
        SchemaregistryProvider(stack, schema_registry_url=var("cluster_registry_url"))

    def topics(self, stack: Stack, specs: Sequence[TopicSpec]) -> None:
        declare_topics(stack, specs)
        applications = self._environment.applications
        # A rehearsal makes no password.
        versions = {
            name: "1" if self._project.offline else password_version(application_password(self._project, name))
            for name in applications
        }
        declare_users(stack, versions, MECHANISM)

    def acls(self, stack: Stack, specs: Sequence[AclSpec]) -> None:
        declare_acls(stack, specs, self._platform.principal)

    def connectors(self, stack: Stack) -> None:
        declare_local_connectors(stack, self._environment, self._platform, self._project)

    def schemas(self, stack: Stack, specs: Sequence[SchemaSpec], texts: Mapping[str, str]) -> None:
        declare_schemas(stack, specs, texts)
