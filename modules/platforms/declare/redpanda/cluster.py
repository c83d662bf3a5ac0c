"""Redpanda's declarations: the cluster on ECS, then topics, users and rights through `mongey/kafka`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from modules.environment.model import Environment
from modules.environment.redpanda import Size, size_of
from modules.platforms.base import Platform, RegistryClient
from modules.platforms.declare.aws.connect_tasks import SINK_OUTPUTS, EcsInputs, declare_ecs
from modules.platforms.declare.aws.connect_worker import scram_login
from modules.platforms.declare.aws.connectors import (
    KEY_OUTPUT,
    NETWORK_INPUTS,
    Reached,
    declare_connectors_group,
    on_ecs,
    place_of,
    secret_of,
)
from modules.platforms.declare.aws.network import NetworkRefs, declare_network
from modules.platforms.declare.aws.provider import aws_provider, name_tag
from modules.platforms.declare.aws.secrets import KeyRef, declare_key
from modules.platforms.declare.aws.security import group_id
from modules.platforms.declare.connect_existing import declare_existing
from modules.platforms.declare.mongey import declare_acls, declare_quotas, declare_schemas, declare_topics
from modules.platforms.declare.redpanda.brokers import Surroundings, declare_brokers
from modules.platforms.declare.redpanda.gates import Gates
from modules.platforms.declare.redpanda.machines import Machines
from modules.platforms.declare.redpanda.nodes import ADMIN_USER, KAFKA_PORT, MECHANISM, nodes_of
from modules.platforms.declare.redpanda.registry import declare_balancer
from modules.platforms.declare.redpanda.secrets import declare_secrets
from modules.platforms.declare.redpanda.security import declare_groups, start_role, volume_role
from modules.platforms.names import password_variable, resource_name
from modules.platforms.quotas import quotas_of
from modules.platforms.redpanda import AUTHORITY, users_of
from modules.project import Project
from modules.resources.aws import AwsCloudwatchLogGroup, AwsEcsCluster
from modules.resources.base import Resource, Stack
from modules.resources.expressions import Expr, each, function, var
from modules.resources.kafka import KafkaProvider, KafkaUserScramCredential
from modules.resources.schemaregistry import SchemaregistryProvider
from modules.topics import AclSpec, SchemaSpec, TopicSpec

__all__ = ["IGNORED", "RedpandaDeclarations"]

IGNORED = frozenset(
    [
        "file.delete.delay.ms",
        "flush.messages",
        "follower.replication.throttled.replicas",
        "index.interval.bytes",
        "leader.replication.throttled.replicas",
        "message.downconversion.enable",
        "message.format.version",
        "message.timestamp.difference.max.ms",
        "min.insync.replicas",
        "preallocate",
        "segment.index.bytes",
        "segment.jitter.ms",
        "unclean.leader.election.enable",
    ]
)
"""Topic settings that Redpanda takes and forgets (`allowlist_topic_noop_confs` in its source): a plan would find them
missing for ever. With Raft every write with acks=all is on a majority, so nothing is lost by leaving them out."""

_TOPICS_VERSION, _USERS_VERSION = "2.1.0", "2.7.0"
"""The protocol the plugin speaks: its documentation wants 2.1.0 for Redpanda; SCRAM users came to Kafka with 2.7."""


class RedpandaDeclarations:
    """Brokers of one's own on ECS."""

    def __init__(self, environment: Environment, platform: Platform, project: Project) -> None:
        self._environment = environment
        self._platform = platform
        self._project = project
        # What is behind the cluster waits for the logins of new applications: its users get what is in them.
        logins = (_login_output(name) for name in environment.applications)
        self.cluster_inputs: tuple[str, ...] = ("bootstrap_servers", "registry_url", *logins)
        self.connect_inputs: tuple[str, ...] = ()
        if on_ecs(environment):
            self.connect_inputs = (*NETWORK_INPUTS, *SINK_OUTPUTS, KEY_OUTPUT)

    def cluster(self, stack: Stack) -> None:
        environment, its = self._environment, self._environment.redpanda
        size = size_of(its)
        aws_provider(stack, environment, its.region)
        network = declare_network(stack, environment, its.region)
        key = declare_key(stack, environment, "redpanda", "Volumes and secrets of Redpanda")
        secrets = declare_secrets(stack, environment, key)
        declare_groups(stack, environment, network)
        target, listener, registry_url = declare_balancer(stack, environment, network)
        logs = self._logs(stack)
        cluster = self._ecs(stack)
        roles: list[Resource | str] = ["aws_iam_role_policy.brokers-start"]
        volume = None
        if its.compute == "fargate":
            volume = volume_role(stack, environment, key)
            roles += ["aws_iam_role_policy.volumes", "aws_iam_role_policy_attachment.volumes"]
        around = Surroundings(
            network=network,
            cluster=cluster,
            logs=logs,
            secrets=secrets,
            key=key.arn,
            start=start_role(stack, environment, secrets, key, logs),
            volume=volume,
            target=target,
            listener=listener,
            ready=(*secrets.written, *network.ready, *roles),
        )
        gates = Gates(stack, environment, secrets, self._ecs_name, watched=not self._project.offline)
        declare_brokers(stack, environment, size, around, gates, self._machines(stack, network, key, cluster, size))
        stack.output("bootstrap_servers", ",".join(f"{node.address}:{KAFKA_PORT}" for node in nodes_of(environment)))
        stack.output("registry_url", registry_url)
        reached = {
            "kafka": Reached(group_id("brokers"), KAFKA_PORT),
            "registry": Reached(group_id("registry-balancer"), 443),
        }
        declare_connectors_group(stack, environment, network, reached)
        if on_ecs(environment):
            stack.output(KEY_OUTPUT, key.arn, description="The key that opens logins.")
        # The authority's certificate comes with the login, from Secrets Manager.
        stack.output("client_settings", {"security.protocol": "SASL_SSL", "sasl.mechanism": MECHANISM})
        stack.output("credentials", dict(secrets.credentials))
        for name in environment.applications:
            stack.output(_login_output(name), secrets.credentials[name], description=f"The login of {name}.")

    @property
    def _ecs_name(self) -> str:
        return resource_name(self._environment, "brokers", limit=255)

    def _ecs(self, stack: Stack) -> AwsEcsCluster:
        insights = "enabled" if self._environment.production else "disabled"
        return AwsEcsCluster(
            stack,
            "brokers",
            name=self._ecs_name,
            setting=[{"name": "containerInsights", "value": insights}],
            tags=name_tag(self._environment, "brokers"),
        )

    def _logs(self, stack: Stack) -> AwsCloudwatchLogGroup:
        environment = self._environment
        return AwsCloudwatchLogGroup(
            stack,
            "brokers",
            name=f"/{environment.project}/{environment.name}/redpanda",
            retention_in_days=environment.redpanda.log_retention.milliseconds // 86_400_000,
            tags=name_tag(environment, "brokers"),
        )

    def _machines(
        self, stack: Stack, network: NetworkRefs, key: KeyRef, cluster: AwsEcsCluster, size: Size
    ) -> Machines | None:
        if self._environment.redpanda.compute == "fargate":
            return None
        return Machines(stack, self._environment, network, key, cluster, size)

    def kafka_provider(self, stack: Stack) -> None:
        self._kafka(stack, _TOPICS_VERSION)

    def _kafka(self, stack: Stack, version: str, alias: str | None = None) -> KafkaProvider:
        """The provider as the administrator; its variables are declared once a stack."""
        names = ("kafka_admin_password", "kafka_authority")
        password, authority = (
            stack.variable(name, sensitive=True, ephemeral=True) if alias is None else var(name) for name in names
        )
        return KafkaProvider(
            stack,
            bootstrap_servers=function("split", ",", var("cluster_bootstrap_servers")),
            kafka_version=version,
            tls_enabled=True,
            ca_cert=authority,
            sasl_mechanism=MECHANISM.lower().replace("sha-", "sha"),
            sasl_username=ADMIN_USER,
            sasl_password=password,
            alias=alias,
        )

    def registry_provider(self, stack: Stack) -> None:
        SchemaregistryProvider(
            stack,
            schema_registry_url=var("cluster_registry_url"),
            username=ADMIN_USER,
            password=var("kafka_admin_password"),
        )

    def topics(self, stack: Stack, specs: Sequence[TopicSpec]) -> None:
        """Topics, without settings that Redpanda forgets, the users they are for, and what users may take at most."""
        asked = [replace(spec, config=tuple(pair for pair in spec.config if pair[0] not in IGNORED)) for spec in specs]
        declare_topics(stack, asked, kept=self._environment.production)
        self._users(stack)

    def _users(self, stack: Stack) -> None:
        """`kafka_user_scram_credential.user["producer"]`; the administrator is made by the brokers' first start."""
        users = users_of(self._environment)
        passwords = {user: stack.variable(password_variable(user), sensitive=True, ephemeral=True) for user in users}
        choices = ", ".join(f'"{user}" = {password.inner}' for user, password in passwords.items())
        provider = self._kafka(stack, _USERS_VERSION, alias="users")
        KafkaUserScramCredential(
            stack,
            "user",
            for_each=list(users),
            username=each.key,
            scram_mechanism=MECHANISM,
            password_wo=Expr.of(f"{{{choices}}}[each.key]"),
            password_wo_version=str(self._environment.redpanda.password_version),
            provider=provider,
        )
        declare_quotas(stack, quotas_of(self._environment), provider=provider)

    def acls(self, stack: Stack, specs: Sequence[AclSpec]) -> None:
        declare_acls(stack, specs, self._platform.principal)

    def connectors(self, stack: Stack) -> None:
        registry = RegistryClient(var("cluster_registry_url"))
        if on_ecs(self._environment):
            aws_provider(stack, self._environment, self._environment.redpanda.region)
            authority = secret_of(AUTHORITY)
            key = var(f"cluster_{KEY_OUTPUT}")
            login = scram_login(secret_of("sink"), key, MECHANISM, authority=authority)
            inputs = EcsInputs(
                bootstrap=var("cluster_bootstrap_servers"),
                login=login,
                registry=registry,
                registry_login=True,
                private_authority=self._environment.network.domain is None,
                outputs=SINK_OUTPUTS,
                readable=(*login.readable, ("secretsmanager:GetSecretValue", secret_of("registry"))),
            )
            place = place_of(self._environment.redpanda.region)
            declare_ecs(stack, self._environment, self._platform, place, inputs)
        declare_existing(stack, self._environment, self._platform, registry, login=True)

    def schemas(self, stack: Stack, specs: Sequence[SchemaSpec], texts: Mapping[str, str]) -> None:
        declare_schemas(stack, specs, texts, kept=self._environment.production)


def _login_output(application: str) -> str:
    return f"{application}_login"
