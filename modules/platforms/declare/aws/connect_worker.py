"""A Kafka Connect of one's own on ECS Fargate: workers that find each other by their group, and their REST interface.

Connectors are made over the REST interface by Terraform, from where `network.clients` are, so it is behind an internal
load balancer that admits those only. It has no login of its own: whoever is admitted may read and change connectors.
Secrets are not among what they can read: ECS gives them to the workers, and settings refer to them (`${env:NAME}`,
org.apache.kafka.common.config.provider.EnvVarConfigProvider).
The image is Apache Kafka's with connectors in /opt/plugins (hub.docker.com/r/apache/kafka; docs/connectors.md).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from modules.environment.model import Environment
from modules.platforms.declare.aws.balancer import Tasks, declare_http_balancer
from modules.platforms.declare.aws.certificates import host_of
from modules.platforms.declare.aws.connectors import Place, SecretRef
from modules.platforms.declare.aws.provider import allow, name_tag, policy, trust_of_service
from modules.platforms.declare.aws.secrets import pull_statements
from modules.platforms.declare.aws.security import Rule, client_rules, declare_security_group
from modules.platforms.names import resource_name
from modules.resources.aws import (
    AwsCloudwatchLogGroup,
    AwsEcsCluster,
    AwsEcsService,
    AwsEcsTaskDefinition,
    AwsIamRole,
    AwsIamRolePolicy,
    AwsLb,
    AwsLbListener,
    AwsLbTargetGroup,
    AwsVpcSecurityGroupIngressRule,
)
from modules.resources.base import DependsOn, Resource, Stack
from modules.resources.expressions import Expr, function, literal
from modules.topics import worker_group, worker_topics

__all__ = [
    "KafkaLogin", "declare_task", "declare_worker", "env_reference", "iam_login", "rights_of", "scram_login",
    "variable_of",
]  # fmt: skip

_PORT = 8083
_CPU, _MEMORY, _HEAP = "1024", "4096", "2g"
_CLIENTS = ("", "producer.", "consumer.", "admin.")
"""A worker's own client, and those of its connectors."""

_START = (
    'FILE="$(mktemp)" && printf "%s\\n" "$WORKER_PROPERTIES" > "$FILE" && '
    'exec /opt/kafka/bin/connect-distributed.sh "$FILE"'
)


@dataclass(frozen=True)
class KafkaLogin:
    """How a Java client logs in.

    Attributes:
        settings: of the client, secrets as references to the task's environment.
        secrets: environment variable → what ECS reads it from (`<arn>:<key>::`).
        readable: ARNs of the secrets and keys for that.
        statements: what the task itself may do in AWS.
    """

    settings: Mapping[str, str]
    secrets: Mapping[str, str] = field(default_factory=dict)
    readable: tuple[tuple[str, str], ...] = ()
    """(action, ARN) pairs."""
    statements: tuple[Mapping[str, object], ...] = ()


def scram_login(secret: str, key: str, mechanism: str, *, authority: str | None = None) -> KafkaLogin:
    """A user and password from a secret that `key` opens; `authority`: the secret with the brokers' own, `ca`."""
    user, password = (literal(f"${{env:KAFKA_{each.upper()}}}") for each in ("username", "password"))
    module = "org.apache.kafka.common.security.scram.ScramLoginModule"
    settings = {
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": mechanism,
        "sasl.jaas.config": f'{module} required username="{user}" password="{password}";',
    }
    secrets = {f"KAFKA_{each.upper()}": f"{secret}:{each}::" for each in ("username", "password")}
    readable = [("secretsmanager:GetSecretValue", secret), ("kms:Decrypt", key)]
    if authority is not None:
        settings |= {"ssl.truststore.type": "PEM", "ssl.truststore.certificates": literal("${env:KAFKA_CA}")}
        secrets["KAFKA_CA"] = f"{authority}:ca::"
        readable.append(("secretsmanager:GetSecretValue", authority))
    return KafkaLogin(settings, secrets, tuple(readable))


def iam_login(role_arn: str) -> KafkaLogin:
    """MSK's IAM login as a role; the image needs github.com/aws/aws-msk-iam-auth in its class path."""
    package = "software.amazon.msk.auth.iam"
    return KafkaLogin(
        {
            "security.protocol": "SASL_SSL",
            "sasl.mechanism": "AWS_MSK_IAM",
            "sasl.jaas.config": f'{package}.IAMLoginModule required awsRoleArn="{role_arn}";',
            "sasl.client.callback.handler.class": f"{package}.IAMClientCallbackHandler",
        },
        statements=(allow("Assume", ["sts:AssumeRole"], [role_arn]),),
    )


def variable_of(key: str) -> str:
    """The environment variable that holds a part of the connectors' secret."""
    return f"SECRET_{key.upper().replace('-', '_')}"


def env_reference(key: str) -> str:
    """A setting's reference to that part, as Terraform passes it on."""
    return literal(f"${{env:{variable_of(key)}}}")


def declare_worker(
    stack: Stack,
    environment: Environment,
    place: Place,
    bootstrap: Expr,
    login: KafkaLogin,
    secret: SecretRef,
    logs: AwsCloudwatchLogGroup,
) -> tuple[str, Resource]:
    """The workers: their REST interface's URL, and the service that must be up before connectors are made."""
    host = host_of(environment, "connect")
    balancer, target, listener = _balancer(stack, environment, place, host)
    own = {name: literal(value) for name, value in environment.connect.worker.items()}
    properties = {**_properties(environment, bootstrap, login), **own}
    text = "".join(f"{name}={value}\n" for name, value in properties.items())
    container = {
        "entryPoint": ["sh", "-ec"],
        "command": [_START],
        "portMappings": [{"containerPort": _PORT, "protocol": "tcp"}],
        "environment": [
            {"name": "KAFKA_HEAP_OPTS", "value": f"-Xms{_HEAP} -Xmx{_HEAP}"},
            {"name": "WORKER_PROPERTIES", "value": text},
            # ECS reads secrets when it starts a task: another version of them is another task.
            {"name": "SECRETS_VERSION", "value": str(environment.connect.secrets_version)},
        ],
    }
    task = declare_task(stack, environment, place, "connect", container, login, secret, logs, (_CPU, _MEMORY))
    service = AwsEcsService(
        stack,
        "connect",
        name=resource_name(environment, "connect", limit=255),
        cluster=_cluster(stack, environment),
        task_definition=task.attr("arn"),
        desired_count=2 if environment.production else 1,
        launch_type="FARGATE",
        propagate_tags="SERVICE",
        wait_for_steady_state=True,
        health_check_grace_period_seconds=180,
        deployment_circuit_breaker={"enable": True, "rollback": True},
        network_configuration={
            "subnets": place.subnets,
            "security_groups": [place.group],
            "assign_public_ip": False,
        },
        load_balancer=[{"target_group_arn": target.attr("arn"), "container_name": "connect", "container_port": _PORT}],
        depends_on=[listener, secret.written, *rights_of(stack)],
    )
    return (f"https://{host}" if host else f"http://{balancer.attr('dns_name')}"), service


def declare_task(
    stack: Stack,
    environment: Environment,
    place: Place,
    id_: str,
    container: Mapping[str, object],
    login: KafkaLogin,
    secret: SecretRef,
    logs: AwsCloudwatchLogGroup,
    size: tuple[str, str],
) -> AwsEcsTaskDefinition:
    """A Fargate task of one container, its secrets, and two roles: what starts it may read secrets and write logs; the
    task itself may do what its login needs, often nothing."""
    image = str(environment.connect.image)
    secrets = {variable_of(key): f"{secret.arn}:{key}::" for key in secret.keys} | dict(login.secrets)
    start = [
        allow("Logs", ["logs:CreateLogStream", "logs:PutLogEvents"], [f"{logs.attr('arn')}:*"]),
        *([allow("Secret", ["secretsmanager:GetSecretValue"], [secret.arn])] if secret.keys else []),
        *(allow(f"Login{number}", [action], [arn]) for number, (action, arn) in enumerate(login.readable, 1)),
        *pull_statements(image),
    ]
    full = {
        "name": id_,
        "image": image,
        "essential": True,
        **container,
        "secrets": [{"name": name, "valueFrom": value} for name, value in sorted(secrets.items())],
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {
                "awslogs-group": logs.attr("name"),
                "awslogs-region": place.region,
                "awslogs-stream-prefix": id_,
            },
        },
    }
    return AwsEcsTaskDefinition(
        stack,
        id_,
        family=resource_name(environment, id_, limit=255),
        requires_compatibilities=["FARGATE"],
        network_mode="awsvpc",
        cpu=size[0],
        memory=size[1],
        execution_role_arn=_role(stack, environment, f"{id_}-start", start),
        task_role_arn=_role(stack, environment, f"{id_}-task", list(login.statements)) if login.statements else None,
        runtime_platform={"operating_system_family": "LINUX", "cpu_architecture": "X86_64"},
        container_definitions=function("jsonencode", stack.local(f"container_{id_}", [full])),
    )


def _cluster(stack: Stack, environment: Environment) -> Expr:
    cluster = AwsEcsCluster(stack, "connect", name=resource_name(environment, "connect", limit=255))
    return cluster.attr("arn")


def rights_of(stack: Stack) -> DependsOn:
    """What lets a login use Kafka; a worker or sink without it fails at its start."""
    made = stack.declared.get("resource", {})
    return [f"{kind}.{id_}" for kind, id_ in (("kafka_acl", "allow"), ("aws_iam_policy", "access")) if kind in made]


def _properties(environment: Environment, bootstrap: Expr, login: KafkaLogin) -> dict[str, str]:
    """A worker's configuration (kafka.apache.org/documentation/#connectconfigs)."""
    topics = worker_topics(environment)
    security = {f"{client}{name}": value for client in _CLIENTS for name, value in login.settings.items()}
    string = "org.apache.kafka.connect.storage.StringConverter"
    return {
        "bootstrap.servers": bootstrap,
        **security,
        "group.id": worker_group(environment),
        **{f"{what.rstrip('s')}.storage.topic": topic for what, topic in topics.items() if what != "status"},
        "status.storage.topic": topics["status"],
        **{f"{what}.storage.replication.factor": "3" for what in ("config", "offset", "status")},
        "listeners": f"http://0.0.0.0:{_PORT}",
        "plugin.path": "/opt/plugins",
        "key.converter": string,
        "value.converter": string,
        "topic.creation.enable": "false",
        "config.providers": "env",
        "config.providers.env.class": "org.apache.kafka.common.config.provider.EnvVarConfigProvider",
        "config.providers.env.param.allowlist.pattern": "^(SECRET|KAFKA)_.*",
    }


def _balancer(
    stack: Stack, environment: Environment, place: Place, host: str | None
) -> tuple[AwsLb, AwsLbTargetGroup, AwsLbListener]:
    port = 443 if host else 80
    group = declare_security_group(
        stack,
        environment,
        place.vpc_id,
        "connect-balancer",
        description="Kafka Connect's load balancer",
        ingress=client_rules(environment, {"connect": port}),
        egress={"workers": Rule(_PORT, group=place.group)},
    )
    for id_, source, description in (("workers", group, "REST interface"), ("between", place.group, "among workers")):
        # Workers hand requests on to the one that leads.
        AwsVpcSecurityGroupIngressRule(
            stack,
            id_,
            security_group_id=place.group,
            description=description,
            ip_protocol="tcp",
            from_port=_PORT,
            to_port=_PORT,
            referenced_security_group_id=source,
            tags={"Name": description},
        )
    return declare_http_balancer(
        stack,
        environment,
        "connect",
        Tasks(place.vpc_id, place.subnets, _PORT, {"path": "/connectors", "matcher": "200", "interval": 15}),
        group=group,
        host=host,
        protected=False,
        tags=name_tag(environment, "connect"),
    )


def _role(stack: Stack, environment: Environment, id_: str, statements: Sequence[Mapping[str, object]]) -> Expr:
    role = AwsIamRole(
        stack,
        id_,
        name=resource_name(environment, id_),
        assume_role_policy=policy(stack, f"{id_.replace('-', '_')}_trust", trust_of_service("ecs-tasks.amazonaws.com")),
        tags=name_tag(environment, id_),
    )
    AwsIamRolePolicy(
        stack,
        id_,
        name="task",
        role=role.attr("id"),
        policy=policy(stack, id_.replace("-", "_"), statements),
    )
    return role.attr("arn")
