"""Apicurio Registry on ECS Fargate, for a platform without a Schema Registry of its own.

Its schemas are in PostgreSQL (RDS), not in Kafka: KafkaSQL would need its topics and rights before there are any, for
those come in the stack behind this one, and MSK's IAM login is not in Apicurio's image. Compatibility is a rule of
each subject, set when its schema is registered; Apicurio itself has none until then.
"""

from __future__ import annotations

from dataclasses import dataclass

from modules.environment.model import Environment
from modules.platforms.aws import DATABASE_ROLE
from modules.platforms.declare.aws.balancer import Tasks, declare_http_balancer
from modules.platforms.declare.aws.certificates import host_of
from modules.platforms.declare.aws.network import NetworkRefs
from modules.platforms.declare.aws.provider import allow, name_tag, policy, trust_of_service
from modules.platforms.declare.aws.secrets import (
    KeyRef,
    declare_logins,
    password_of,
    pull_statements,
    read_statements,
)
from modules.platforms.declare.aws.security import (
    EVERYWHERE,
    Rule,
    client_rules,
    declare_security_group,
    group_id,
)
from modules.platforms.names import resource_name
from modules.resources.aws import (
    AwsCloudwatchLogGroup,
    AwsDbInstance,
    AwsDbSubnetGroup,
    AwsEcsCluster,
    AwsEcsService,
    AwsEcsTaskDefinition,
    AwsIamRole,
    AwsIamRolePolicy,
    AwsLb,
    AwsLbListener,
    AwsLbTargetGroup,
)
from modules.resources.base import Stack
from modules.resources.expressions import Expr, function

__all__ = ["Apicurio", "declare_apicurio", "log_days"]

_PORT, _HEALTH_PORT, _DATABASE_PORT = 8080, 9000, 5432


@dataclass(frozen=True)
class Apicurio:
    """What the registry is made of.

    Attributes:
        image: pinned by version or digest.
        tasks: how many answer.
        database_class: RDS's instance class.
    """

    image: str
    tasks: int
    database_class: str


def declare_apicurio(
    stack: Stack,
    environment: Environment,
    region: str,
    network: NetworkRefs,
    key: KeyRef,
    passwords: Expr,
    settings: Apicurio,
) -> str:
    """The registry behind an internal load balancer, and the URL of its Confluent-compatible API."""
    host = host_of(environment, "registry")
    _groups(stack, environment, network, 443 if host else 80)
    url, secret, database = _database(stack, environment, network, key, passwords, settings)
    balancer, target, listener = _balancer(stack, environment, network, host)
    group = AwsCloudwatchLogGroup(
        stack,
        "registry",
        name=f"/{environment.project}/{environment.name}/registry",
        retention_in_days=log_days(environment),
    )
    cluster = AwsEcsCluster(stack, "main", name=resource_name(environment, "tasks", limit=255))
    task = _task(stack, environment, region, settings.image, url, secret, key, group)
    AwsEcsService(
        stack,
        "registry",
        name=resource_name(environment, "registry", limit=255),
        cluster=cluster.attr("arn"),
        task_definition=task.attr("arn"),
        desired_count=settings.tasks,
        launch_type="FARGATE",
        propagate_tags="SERVICE",
        wait_for_steady_state=True,
        health_check_grace_period_seconds=120,
        deployment_circuit_breaker={"enable": True, "rollback": True},
        network_configuration={
            "subnets": network.subnet_ids,
            "security_groups": [group_id("registry")],
            "assign_public_ip": False,
        },
        load_balancer=[{"target_group_arn": target.attr("arn"), "container_name": "registry", "container_port": _PORT}],
        depends_on=[listener, database, *network.ready],
    )
    where = f"https://{host}" if host else f"http://{balancer.attr('dns_name')}"
    return f"{where}/apis/ccompat/v7"


def log_days(environment: Environment) -> int:
    """How long logs are kept."""
    return 90 if environment.production else 14


def _groups(stack: Stack, environment: Environment, network: NetworkRefs, port: int) -> None:
    """Clients → balancer → registry → database, and each no further."""
    declare_security_group(
        stack,
        environment,
        network.vpc_id,
        "registry-balancer",
        description="The Schema Registry's load balancer",
        ingress=client_rules(environment, {"registry": port}),
        egress={
            "registry": Rule(_PORT, group=group_id("registry")),
            "health": Rule(_HEALTH_PORT, group=group_id("registry")),
        },
    )
    declare_security_group(
        stack,
        environment,
        network.vpc_id,
        "registry",
        description="The Schema Registry",
        ingress={
            "balancer": Rule(_PORT, group=group_id("registry-balancer")),
            "health": Rule(_HEALTH_PORT, group=group_id("registry-balancer")),
        },
        egress={
            "database": Rule(_DATABASE_PORT, group=group_id("registry-database")),
            "image, logs and secrets": Rule(443, cidr=EVERYWHERE),
        },
    )
    declare_security_group(
        stack,
        environment,
        network.vpc_id,
        "registry-database",
        description="The Schema Registry's database",
        ingress={"registry": Rule(_DATABASE_PORT, group=group_id("registry"))},
        egress={},
    )


def _database(
    stack: Stack,
    environment: Environment,
    network: NetworkRefs,
    key: KeyRef,
    passwords: Expr,
    settings: Apicurio,
) -> tuple[str, Expr, AwsDbInstance]:
    """Its JDBC URL, the secret with its login, and the instance."""
    login = declare_logins(
        stack,
        environment,
        {DATABASE_ROLE: "registry"},
        key,
        passwords,
        id_="registry",
    )
    subnets = AwsDbSubnetGroup(
        stack,
        "registry",
        name=resource_name(environment, "registry", limit=255),
        subnet_ids=network.subnet_ids,
    )
    production = environment.production
    name = resource_name(environment, "registry", limit=60)
    instance = AwsDbInstance(
        stack,
        "registry",
        identifier=name,
        engine="postgres",
        engine_version="17",
        instance_class=settings.database_class,
        allocated_storage=20,
        max_allocated_storage=100,
        storage_type="gp3",
        storage_encrypted=True,
        kms_key_id=key.arn,
        db_name="registry",
        username="registry",
        password_wo=password_of(passwords, DATABASE_ROLE),
        password_wo_version=1,
        db_subnet_group_name=subnets.attr("name"),
        vpc_security_group_ids=[group_id("registry-database")],
        publicly_accessible=False,
        multi_az=production,
        backup_retention_period=14 if production else 1,
        copy_tags_to_snapshot=True,
        deletion_protection=production,
        skip_final_snapshot=not production,
        final_snapshot_identifier=f"{name}-end" if production else None,
        auto_minor_version_upgrade=True,
        apply_immediately=not production,
        lifecycle={"prevent_destroy": True} if production else None,
        depends_on=[login.versions],
    )
    # RDS's own authority is not in the image, so the connection is encrypted but the name not proved.
    url = f"jdbc:postgresql://{instance.attr('address')}:{_DATABASE_PORT}/registry?sslmode=require"
    return url, login.arns[DATABASE_ROLE], instance


def _balancer(
    stack: Stack, environment: Environment, network: NetworkRefs, host: str | None
) -> tuple[AwsLb, AwsLbTargetGroup, AwsLbListener]:
    return declare_http_balancer(
        stack,
        environment,
        "registry",
        Tasks(
            network.vpc_id,
            network.subnet_ids,
            _PORT,
            {"path": "/health/ready", "port": str(_HEALTH_PORT), "matcher": "200", "interval": 15},
        ),
        group=group_id("registry-balancer"),
        host=host,
        protected=environment.production,
    )


def _task(
    stack: Stack,
    environment: Environment,
    region: str,
    image: str,
    url: str,
    secret: Expr,
    key: KeyRef,
    group: AwsCloudwatchLogGroup,
) -> AwsEcsTaskDefinition:
    container = {
        "name": "registry",
        "image": image,
        "essential": True,
        "portMappings": [{"containerPort": port, "protocol": "tcp"} for port in (_PORT, _HEALTH_PORT)],
        "environment": [
            {"name": "APICURIO_STORAGE_KIND", "value": "sql"},
            {"name": "APICURIO_STORAGE_SQL_KIND", "value": "postgresql"},
            {"name": "APICURIO_DATASOURCE_URL", "value": url},
        ],
        "secrets": [
            {"name": f"APICURIO_DATASOURCE_{name.upper()}", "valueFrom": f"{secret}:{name}::"}
            for name in ("username", "password")
        ],
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {
                "awslogs-group": group.attr("name"),
                "awslogs-region": region,
                "awslogs-stream-prefix": "registry",
            },
        },
    }
    return AwsEcsTaskDefinition(
        stack,
        "registry",
        family=resource_name(environment, "registry", limit=255),
        requires_compatibilities=["FARGATE"],
        network_mode="awsvpc",
        cpu="512",
        memory="1024",
        execution_role_arn=_execution_role(stack, environment, image, secret, key, group),
        runtime_platform={"operating_system_family": "LINUX", "cpu_architecture": "X86_64"},
        container_definitions=function("jsonencode", stack.local("container_registry", [container])),
    )


def _execution_role(
    stack: Stack, environment: Environment, image: str, secret: Expr, key: KeyRef, group: AwsCloudwatchLogGroup
) -> Expr:
    """Whom ECS acts as when it starts the task; the task itself has no rights in AWS."""
    role = AwsIamRole(
        stack,
        "registry-start",
        name=resource_name(environment, "registry-start"),
        assume_role_policy=policy(stack, "registry_start_trust", trust_of_service("ecs-tasks.amazonaws.com")),
        tags=name_tag(environment, "registry-start"),
    )
    statements = [
        allow("Logs", ["logs:CreateLogStream", "logs:PutLogEvents"], [f"{group.attr('arn')}:*"]),
        *read_statements([secret], key),
        *pull_statements(image),
    ]
    AwsIamRolePolicy(
        stack,
        "registry-start",
        name="start",
        role=role.attr("id"),
        policy=policy(stack, "registry_start", statements),
    )
    return role.attr("arn")
