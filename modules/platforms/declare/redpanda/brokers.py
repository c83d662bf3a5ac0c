"""The brokers: a task definition, a name and a service each, one behind the other.

A service stops its one task before it starts the next: two would claim one name and, on EC2, one volume. The load
balancer's opinion of the registry never ends a task (the grace period is as long as ECS takes it), nor does a cluster
that is not healthy: a check that failed on all brokers at once would end them all at once, and on Fargate their data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from modules.environment.model import Environment
from modules.environment.redpanda import Size, domain_of, storage_of
from modules.platforms.declare.aws.network import NetworkRefs
from modules.platforms.declare.aws.provider import name_tag
from modules.platforms.declare.aws.security import group_id
from modules.platforms.declare.redpanda.gates import Gates, service_name
from modules.platforms.declare.redpanda.machines import Machines, placement
from modules.platforms.declare.redpanda.nodes import (
    ADMIN_PORT,
    DATA,
    KAFKA_PORT,
    REGISTRY_PORT,
    RPC_PORT,
    Node,
    bootstrap_file,
    broker_file,
    nodes_of,
    start_script,
)
from modules.platforms.declare.redpanda.secrets import Secrets
from modules.platforms.names import default_tags, resource_name
from modules.resources.aws import (
    AwsCloudwatchLogGroup,
    AwsEcsCluster,
    AwsEcsService,
    AwsEcsTaskDefinition,
    AwsLbListener,
    AwsLbTargetGroup,
    AwsServiceDiscoveryPrivateDnsNamespace,
    AwsServiceDiscoveryService,
)
from modules.resources.base import Resource, Stack
from modules.resources.expressions import Expr, each, function, local

__all__ = ["Surroundings", "declare_brokers"]

_CONTAINER = "redpanda"
_FOREVER = 2_147_483_647
_OPEN_FILES = {"fargate": 65_535, "ec2": 1_048_576}
_LISTENS = f"bash -c '</dev/tcp/127.0.0.1/{RPC_PORT}'"
"""The internal port opens before the cluster is founded; the Admin API only behind it, so it cannot be asked here."""


@dataclass(frozen=True)
class Surroundings:
    """What brokers are placed in.

    Attributes:
        key: ARN of the key for volumes.
        start: ARN of the role that starts tasks.
        volume: ARN of the role that makes Fargate's volumes; None on EC2.
        ready: what must be there before the first broker.
    """

    network: NetworkRefs
    cluster: AwsEcsCluster
    logs: AwsCloudwatchLogGroup
    secrets: Secrets
    key: Expr
    start: Expr
    volume: Expr | None
    target: AwsLbTargetGroup
    listener: AwsLbListener
    ready: tuple[Resource | str, ...]


def declare_brokers(
    stack: Stack, environment: Environment, size: Size, around: Surroundings, gates: Gates, machines: Machines | None
) -> None:
    """All brokers, chained: gate, machine, service, and the next gate waits for that service."""
    nodes = nodes_of(environment)
    # The same for all of them; a task definition is read by people too.
    stack.local("broker_start", start_script(size, environment.redpanda.compute))
    stack.local("broker_bootstrap", bootstrap_file(environment))
    tasks = _tasks(stack, environment, size, around)
    names = _names(stack, environment, around.network)
    shared = machines.triggers() if machines else {"storage": storage_of(environment)}
    waits: list[Resource | str] = [*around.ready, names, around.listener]
    for node in nodes:
        touched = {"task": tasks.attr("arn", key=node.key), **shared}
        gate = gates.before(node, touched, waits)
        place = [machines.declare(node, [gate])] if machines else []
        service = _service(stack, environment, node, around, tasks, names, [gate, *place])
        waits = [service]
    gates.settled({node.key: tasks.attr("arn", key=node.key) for node in nodes} | dict(shared), waits)


def _names(stack: Stack, environment: Environment, network: NetworkRefs) -> AwsServiceDiscoveryService:
    """`broker-<n>.<domain>`: the address of whichever task is that broker's now, healthy or not."""
    zone = AwsServiceDiscoveryPrivateDnsNamespace(
        stack,
        "brokers",
        name=domain_of(environment),
        description=f"Redpanda brokers of {environment.project}-{environment.name}",
        vpc=network.vpc_id,
        tags=name_tag(environment, "brokers"),
    )
    return AwsServiceDiscoveryService(
        stack,
        "broker",
        for_each={node.key: node.name for node in nodes_of(environment)},
        name=each.value(),
        description=f"Redpanda, {each.value()}",
        dns_config={
            "namespace_id": zone.attr("id"),
            "routing_policy": "MULTIVALUE",
            "dns_records": [{"type": "A", "ttl": 10}],
        },
        tags=name_tag(environment, "brokers"),
    )


def _tasks(stack: Stack, environment: Environment, size: Size, around: Surroundings) -> AwsEcsTaskDefinition:
    fargate = environment.redpanda.compute == "fargate"
    return AwsEcsTaskDefinition(
        stack,
        "broker",
        for_each={node.key: [_container(stack, environment, node, around)] for node in nodes_of(environment)},
        family=f"{resource_name(environment, 'broker', limit=250)}-{each.key}",
        container_definitions=function("jsonencode", each.value()),
        requires_compatibilities=["FARGATE" if fargate else "EC2"],
        network_mode="awsvpc",
        cpu=str(size.vcpu * 1024),
        memory=str(size.task // 2**20),
        execution_role_arn=around.start,
        runtime_platform={"operating_system_family": "LINUX", "cpu_architecture": size.architecture},
        volume=[{"name": "data", "configure_at_launch": True} if fargate else {"name": "data", "host_path": DATA}],
        tags=name_tag(environment, "broker"),
        # The one before stays good until every broker is on the new one.
        lifecycle={"create_before_destroy": True},
    )


def _container(stack: Stack, environment: Environment, node: Node, around: Surroundings) -> Mapping[str, Any]:
    its = environment.redpanda
    file = stack.local(f"broker_{node.number}", broker_file(environment, node, around.network.zones[node.zone]))
    files = _OPEN_FILES[its.compute]
    values = {
        "BROKER_FILE": function("jsonencode", file),
        "BOOTSTRAP_FILE": function("jsonencode", local("broker_bootstrap")),
        # A task reads its secrets when it starts, so a new certificate is a new task.
        "CERTIFICATE_VERSION": str(its.certificate_version),
    }
    admin, tls = around.secrets.admin, around.secrets.tls
    secrets = {
        **{f"ADMIN_{part.upper()}": f"{admin}:{part}::" for part in ("username", "password")},
        **{f"TLS_{part.upper()}": f"{tls}:{part}::" for part in ("ca", "certificate", "private_key")},
    }
    return {
        "name": _CONTAINER,
        "image": its.image,
        "essential": True,
        "user": "0",
        "entryPoint": ["/bin/sh", "-c"],
        "command": [local("broker_start")],
        "stopTimeout": 120,
        "portMappings": [
            {"containerPort": port, "protocol": "tcp"} for port in (KAFKA_PORT, ADMIN_PORT, RPC_PORT, REGISTRY_PORT)
        ],
        "mountPoints": [{"sourceVolume": "data", "containerPath": DATA, "readOnly": False}],
        "ulimits": [{"name": "nofile", "softLimit": files, "hardLimit": files}],
        "environment": [{"name": name, "value": value} for name, value in values.items()],
        "secrets": [{"name": name, "valueFrom": where} for name, where in secrets.items()],
        "healthCheck": {
            "command": ["CMD-SHELL", _LISTENS],
            "interval": 30,
            "timeout": 5,
            "retries": 10,
            "startPeriod": 300,
        },
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {
                "awslogs-group": around.logs.attr("name"),
                "awslogs-region": its.region,
                "awslogs-stream-prefix": node.name,
            },
        },
    }


def _service(
    stack: Stack,
    environment: Environment,
    node: Node,
    around: Surroundings,
    tasks: AwsEcsTaskDefinition,
    names: AwsServiceDiscoveryService,
    waits: list[Resource | str],
) -> AwsEcsService:
    fargate = environment.redpanda.compute == "fargate"
    return AwsEcsService(
        stack,
        node.name,
        name=service_name(environment, node),
        cluster=around.cluster.attr("arn"),
        task_definition=tasks.attr("arn", key=node.key),
        desired_count=1,
        launch_type="FARGATE" if fargate else "EC2",
        platform_version="1.4.0" if fargate else None,
        deployment_maximum_percent=100,
        deployment_minimum_healthy_percent=0,
        deployment_circuit_breaker={"enable": True, "rollback": False},
        availability_zone_rebalancing="DISABLED",
        enable_execute_command=False,
        enable_ecs_managed_tags=True,
        propagate_tags="SERVICE",
        wait_for_steady_state=True,
        health_check_grace_period_seconds=_FOREVER,
        network_configuration={
            "subnets": [around.network.subnets[node.zone]],
            "security_groups": [group_id("brokers")],
            "assign_public_ip": False,
        },
        service_registries={"registry_arn": names.attr("arn", key=node.key)},
        load_balancer=[
            {
                "target_group_arn": around.target.attr("arn"),
                "container_name": _CONTAINER,
                "container_port": REGISTRY_PORT,
            }
        ],
        placement_constraints=None if fargate else [{"type": "memberOf", "expression": placement(node)}],
        volume_configuration=_volume(environment, around) if around.volume is not None else None,
        timeouts={"create": "60m", "update": "60m"},
        tags=name_tag(environment, node.name),
        depends_on=waits,
    )


def _volume(environment: Environment, around: Surroundings) -> Any:
    """A Fargate task's volume: made with it and gone with it."""
    return {
        "name": "data",
        "managed_ebs_volume": {
            "role_arn": around.volume,
            "encrypted": True,
            "kms_key_id": around.key,
            "file_system_type": "xfs",
            "volume_type": "gp3",
            "size_in_gb": storage_of(environment),
            # The provider's default tags do not reach what ECS makes.
            "tag_specifications": [
                {"resource_type": "volume", "propagate_tags": "SERVICE", "tags": default_tags(environment)}
            ],
        },
    }
