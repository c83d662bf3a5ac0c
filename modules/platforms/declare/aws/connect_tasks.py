"""What of the connect stack runs on ECS, the same for MSK and Redpanda: a Kafka Connect with its connectors, or the
project's own sink as a task for small loads.

The sink's task is told by its environment what a machine of one's own knows from the last deploy: the cluster's
addresses (`INFRA_OUTPUTS`), and where its Snowflake key is (`INFRA_CONNECTOR_KEY`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from modules.connectors.declared import sinks_on, sources_on
from modules.connectors.settings import RegistryLogin
from modules.environment.connect import sink_on_ecs, worker_on_ecs
from modules.environment.model import Environment
from modules.platforms.base import Platform, RegistryClient
from modules.platforms.declare.aws.connect_worker import (
    KafkaLogin,
    declare_task,
    declare_worker,
    env_reference,
    rights_of,
)
from modules.platforms.declare.aws.connectors import Place, declare_logs, declare_secret
from modules.platforms.declare.aws.provider import allow
from modules.platforms.declare.connect_rest import declare_rest_connectors
from modules.platforms.names import resource_name
from modules.resources.aws import AwsEcsCluster, AwsEcsService
from modules.resources.base import Stack
from modules.resources.expressions import Expr, function, literal, var
from modules.resources.kafka_connect import KafkaConnectProvider

__all__ = ["SINK_OUTPUTS", "EcsInputs", "declare_ecs"]

SINK_OUTPUTS = ("bootstrap_servers", "registry_url", "client_settings", "credentials")
"""What the sink's task knows of the cluster, as every client does."""

_CPU, _MEMORY = "512", "1024"


_SINK_TASK = "sink-task"


@dataclass(frozen=True)
class EcsInputs:
    """What a platform knows of it.

    Attributes:
        bootstrap: Kafka's addresses for the worker's login.
        login: how a worker logs in to Kafka.
        registry: where schemas are; `registry_login` says that it wants one.
        private_authority: the registry's certificate is of the brokers' own authority.
        outputs: the cluster stack's that the sink reads.
        readable: ARNs that the sink's task reads at run time, with the keys that open them: (action, ARN).
        assumes: IAM roles the sink's task takes on.
    """

    bootstrap: Expr
    login: KafkaLogin
    registry: RegistryClient
    registry_login: bool
    outputs: Sequence[str]
    readable: tuple[tuple[str, str], ...] = ()
    assumes: tuple[str, ...] = ()
    private_authority: bool = False


def declare_ecs(stack: Stack, environment: Environment, platform: Platform, place: Place, inputs: EcsInputs) -> None:
    """The worker with its connectors, or the sink's service; nothing where nothing runs on ECS."""
    if worker_on_ecs(environment):
        _worker(stack, environment, platform, place, inputs)
    elif sink_on_ecs(environment):
        _sink(stack, environment, place, inputs)


def _worker(stack: Stack, environment: Environment, platform: Platform, place: Place, inputs: EcsInputs) -> None:
    authority = literal("${env:KAFKA_CA}") if inputs.private_authority else None
    login = RegistryLogin(env_reference("registry"), authority) if inputs.registry_login else None
    connectors = sinks_on(
        environment,
        "kafka-connect",
        lambda: platform.snowflake_client("connector"),
        inputs.registry,
        private_key=env_reference("private_key"),
        registry_login=login,
    )
    sinks = bool(connectors)
    sources = dict(
        sources_on(environment, "kafka-connect", inputs.registry, password=env_reference, registry_login=login)
    )
    if not sinks and not sources:
        return
    secret = declare_secret(
        stack, environment, private_key=sinks, registry=inputs.registry_login, sources=tuple(sources)
    )
    logs = declare_logs(stack, environment)
    url, service = declare_worker(stack, environment, place, inputs.bootstrap, inputs.login, secret, logs)
    KafkaConnectProvider(stack, url=url)
    declare_rest_connectors(stack, [*connectors.values(), *sources.values()], waits=[service])
    stack.output("rest_url", url, description="Kafka Connect's REST interface.")


def _sink(stack: Stack, environment: Environment, place: Place, inputs: EcsInputs) -> None:
    if not any(topic.sink for topic in environment.topics.values()):
        return
    # MSK Connect may run beside it, and has its own.
    secret = declare_secret(stack, environment, private_key=True, registry=False, sources=(), whose=_SINK_TASK)
    logs = declare_logs(stack, environment, _SINK_TASK)
    outputs: Mapping[str, Expr] = {name: var(f"cluster_{name}") for name in inputs.outputs}
    readable = [("secretsmanager:GetSecretValue", secret.arn), *inputs.readable]
    statements = [
        *(allow(f"Read{number}", [action], [arn]) for number, (action, arn) in enumerate(readable, 1)),
        *([allow("Assume", ["sts:AssumeRole"], inputs.assumes)] if inputs.assumes else []),
    ]
    container = {
        "command": ["infra", "--plain", "sink", "--env", environment.name],
        "environment": [
            {"name": "AWS_DEFAULT_REGION", "value": place.region},
            {"name": "INFRA_OUTPUTS", "value": function("jsonencode", {"cluster": outputs})},
            {"name": "INFRA_CONNECTOR_KEY", "value": f"aws-sm:{secret.arn}#private_key"},
        ],
    }
    # It reads its secrets itself, anew at each login, so that a rotated one is taken up.
    task = declare_task(
        stack,
        environment,
        place,
        "sink",
        container,
        KafkaLogin({}, statements=tuple(statements)),
        replace(secret, keys=()),
        logs,
        (_CPU, _MEMORY),
    )
    cluster = AwsEcsCluster(stack, "connect", name=resource_name(environment, "connect", limit=255))
    AwsEcsService(
        stack,
        "sink",
        name=resource_name(environment, "sink", limit=255),
        cluster=cluster.attr("arn"),
        task_definition=task.attr("arn"),
        desired_count=environment.connect.tasks,
        launch_type="FARGATE",
        propagate_tags="SERVICE",
        wait_for_steady_state=True,
        deployment_circuit_breaker={"enable": True, "rollback": True},
        network_configuration={
            "subnets": place.subnets,
            "security_groups": [place.group],
            "assign_public_ip": False,
        },
        depends_on=[secret.written, *rights_of(stack)],
    )
