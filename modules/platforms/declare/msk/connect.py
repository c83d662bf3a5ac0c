"""MSK Connect: a connector with the plugin, the worker configuration, the role and the log group that it needs.

Secrets are in Secrets Manager; the connector's configuration, which anyone who may describe it can read, holds
references that its workers resolve. AWS's own config provider must therefore be in the plugin beside the connector
(docs.aws.amazon.com/msk/latest/developerguide/msk-connect-config-provider.html; docs/connectors.md says how).
A role has what docs.aws.amazon.com/msk/latest/developerguide/msk-connect-service-execution-role.html names, for its own
topics and groups only. Each source is a connector with a role of its own; all sinks share one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from modules.connectors.declared import sinks_on, sources_on
from modules.connectors.settings import ConnectorConfig, RegistryLogin
from modules.environment.capture import debezium_sources
from modules.environment.connect import Plugin
from modules.environment.model import Environment
from modules.errors import SynthError
from modules.platforms.base import Platform, RegistryClient
from modules.platforms.declare.aws.connectors import Place, SecretRef, declare_logs, declare_secret
from modules.platforms.declare.aws.provider import allow, name_tag, policy
from modules.platforms.names import resource_name
from modules.project import Project
from modules.resources.aws import (
    AwsIamRole,
    AwsIamRolePolicy,
    AwsMskconnectConnector,
    AwsMskconnectConnector_Capacity,
    AwsMskconnectCustomPlugin,
    AwsMskconnectWorkerConfiguration,
    AwsS3Bucket,
    AwsS3BucketPublicAccessBlock,
    AwsS3BucketVersioning,
    AwsS3Object,
    DataAwsCallerIdentity,
)
from modules.resources.base import Resource, Stack
from modules.resources.expressions import each, function, instance, literal, var
from modules.topics import AclSpec, debezium_acls, sink_connector_acls

__all__ = ["declare_msk_connect"]

_KAFKA_CONNECT = "3.7.x"
_PROVIDER = "secretsmanager"
_PROVIDER_CLASS = "com.amazonaws.kafka.config.providers.SecretsManagerConfigProvider"
_OWN = "__amazon_msk_connect_*"
"""What names of a connector's own topics and groups begin with."""

_SINKS = "connect-sink"


@dataclass(frozen=True)
class _Connectors:
    """Connectors that share a plugin and a role, `connect-sink` or `connect-<source>`."""

    key: str
    plugin: Plugin
    connectors: Mapping[str, ConnectorConfig]
    acls: Sequence[AclSpec]


def declare_msk_connect(
    stack: Stack,
    environment: Environment,
    platform: Platform,
    project: Project,
    place: Place,
    registry: RegistryClient,
    *,
    login: bool,
) -> None:
    """`aws_mskconnect_connector.sink["order-events"]` and `.source["shop"]`, with all they need; nothing without any.

    Args:
        login: the registry has a login, which converters need.

    Raises:
        SynthError: a plugin's file is not there.
    """
    lots = _lots(environment, platform, registry, login=login)
    if not lots:
        return
    sources = tuple(source for lot in lots if lot.key != _SINKS for source in lot.connectors)
    secret = declare_secret(stack, environment, private_key=len(sources) < len(lots), registry=login, sources=sources)
    roles = _roles(stack, environment, lots, secret, registry)
    plugins = _plugins(stack, environment, project, lots)
    worker = AwsMskconnectWorkerConfiguration(
        stack,
        "connect",
        name=resource_name(environment, "connect", limit=128),
        description="How workers find secrets",
        properties_file_content="".join(f"{name}={value}\n" for name, value in _worker(environment, place).items()),
    )
    logs = declare_logs(stack, environment)
    ready: list[Resource | str] = [secret.written, "aws_iam_role_policy.connect"]
    for id_, chosen in (("sink", lots[:1] if lots[0].key == _SINKS else []), ("source", [*lots])):
        members = {
            name: {"lot": lot.key, "name": config.name, "config": {**config.config, **config.sensitive}}
            for lot in chosen
            if (lot.key == _SINKS) == (id_ == "sink")
            for name, config in lot.connectors.items()
        }
        if members:
            AwsMskconnectConnector(
                stack,
                id_,
                for_each=members,
                name=each.value("name"),
                kafkaconnect_version=_KAFKA_CONNECT,
                connector_configuration=each.value("config"),
                capacity=_capacity(environment),
                kafka_cluster={
                    "apache_kafka_cluster": {
                        "bootstrap_servers": var("cluster_admin_bootstrap_servers"),
                        "vpc": {"security_groups": [place.group], "subnets": place.subnets},
                    }
                },
                # Both default to nothing at all.
                kafka_cluster_client_authentication={"authentication_type": "IAM"},
                kafka_cluster_encryption_in_transit={"encryption_type": "TLS"},
                plugin=[
                    {
                        "custom_plugin": {
                            "arn": plugins.attr("arn", key=each.value("lot")),
                            "revision": plugins.attr("latest_revision", key=each.value("lot")),
                        }
                    }
                ],
                worker_configuration={"arn": worker.attr("arn"), "revision": worker.attr("latest_revision")},
                service_execution_role_arn=roles.attr("arn", key=each.value("lot")),
                log_delivery={
                    "worker_log_delivery": {"cloudwatch_logs": {"enabled": True, "log_group": logs.attr("name")}}
                },
                depends_on=ready,
            )


def _lots(environment: Environment, platform: Platform, registry: RegistryClient, *, login: bool) -> list[_Connectors]:
    name = resource_name(environment, "connectors", limit=256)
    registry_login = RegistryLogin(_reference(name, "registry")) if login else None
    sinks = sinks_on(
        environment,
        "managed",
        lambda: platform.snowflake_client("connector"),
        registry,
        private_key=_reference(name, "private_key"),
        registry_login=registry_login,
    )
    lots = []
    if sinks and environment.connect.plugin is not None:
        lots.append(_Connectors(_SINKS, environment.connect.plugin, sinks, sink_connector_acls(environment, "sink")))
    for source, config in sources_on(
        environment,
        "managed",
        registry,
        password=lambda source: _reference(name, source),
        registry_login=registry_login,
    ):
        plugin = debezium_sources(environment)[source].plugin
        assert plugin is not None  # checked when the environment was read
        acls = debezium_acls(environment, source, source)
        lots.append(_Connectors(f"connect-{source}", plugin, {source: config}, acls))
    return lots


def _reference(secret: str, key: str) -> str:
    return literal(f"${{{_PROVIDER}:{secret}:{key}}}")


def _worker(environment: Environment, place: Place) -> dict[str, str]:
    string = "org.apache.kafka.connect.storage.StringConverter"
    return {
        "key.converter": string,
        "value.converter": string,
        "config.providers": _PROVIDER,
        f"config.providers.{_PROVIDER}.class": _PROVIDER_CLASS,
        f"config.providers.{_PROVIDER}.param.region": place.region,
        **{name: literal(value) for name, value in environment.connect.worker.items()},
    }


def _capacity(environment: Environment) -> AwsMskconnectConnector_Capacity:
    capacity = environment.connect.capacity
    scale = capacity.autoscale
    if scale is None:
        return {"provisioned_capacity": {"mcu_count": capacity.mcu, "worker_count": capacity.workers}}
    return {
        "autoscaling": {
            "mcu_count": capacity.mcu,
            "min_worker_count": scale.least,
            "max_worker_count": scale.most,
            "scale_in_policy": {"cpu_utilization_percentage": scale.scale_in},
            "scale_out_policy": {"cpu_utilization_percentage": scale.scale_out},
        }
    }


def _plugins(
    stack: Stack, environment: Environment, project: Project, lots: Sequence[_Connectors]
) -> AwsMskconnectCustomPlugin:
    """One for each lot; a file is uploaded under its own digest, for a plugin never changes."""
    uploads = {lot.key: _file(environment, project, lot) for lot in lots if lot.plugin.file}
    bucket = _bucket(stack, environment, uploads) if uploads else None
    places: dict[str, dict[str, object]] = {}
    for lot in lots:
        if lot.key in uploads:
            assert bucket is not None
            key: str = instance("aws_s3_object.plugin", lot.key).get("key")
            arn: str = bucket.attr("arn")
            digest = uploads[lot.key][1]
        else:
            key, arn = str(lot.plugin.key), f"arn:aws:s3:::{lot.plugin.bucket}"
            digest = hashlib.sha256(f"{arn}/{key}".encode()).hexdigest()
        ends = str(lot.plugin.file or lot.plugin.key).rpartition(".")[2].upper()
        # Of another name when it is another one, so that the new is there before the old goes.
        name = resource_name(environment, lot.key, digest[:8], limit=128)
        places[lot.key] = {"name": name, "type": ends, "bucket": arn, "key": key}
    return AwsMskconnectCustomPlugin(
        stack,
        "connect",
        for_each=places,
        name=each.value("name"),
        content_type=each.value("type"),
        location={"s3": {"bucket_arn": each.value("bucket"), "file_key": each.value("key")}},
        lifecycle={"create_before_destroy": True},
    )


def _file(environment: Environment, project: Project, lot: _Connectors) -> tuple[Path, str]:
    path = project.root / str(lot.plugin.file)
    try:
        with path.open("rb") as stream:
            return path, hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        where = "connect.plugin" if lot.key == _SINKS else f"sources.{next(iter(lot.connectors))}.plugin"
        raise SynthError(
            f"the connector's program cannot be read: {error.strerror}",
            where=f"{environment.source}: {where}.file ({lot.plugin.file})",
            do="put it there; docs/connectors.md says what is in it",
        ) from None


def _bucket(stack: Stack, environment: Environment, uploads: Mapping[str, tuple[Path, str]]) -> AwsS3Bucket:
    """A private bucket with the uploaded files; AWS encrypts what is in it by itself."""
    bucket = AwsS3Bucket(
        stack,
        "plugins",
        bucket_prefix=resource_name(environment, "plugins", limit=36) + "-",
        force_destroy=not environment.production,
        tags=name_tag(environment, "plugins"),
    )
    AwsS3BucketPublicAccessBlock(
        stack,
        "plugins",
        bucket=bucket.attr("id"),
        block_public_acls=True,
        block_public_policy=True,
        ignore_public_acls=True,
        restrict_public_buckets=True,
    )
    AwsS3BucketVersioning(stack, "plugins", bucket=bucket.attr("id"), versioning_configuration={"status": "Enabled"})
    AwsS3Object(
        stack,
        "plugin",
        for_each={
            key: {"key": f"{digest[:16]}/{path.name}", "file": str(path), "digest": digest}
            for key, (path, digest) in uploads.items()
        },
        bucket=bucket.attr("id"),
        key=each.value("key"),
        source=each.value("file"),
        source_hash=each.value("digest"),
        lifecycle={"create_before_destroy": True},
    )
    return bucket


def _roles(
    stack: Stack,
    environment: Environment,
    lots: Sequence[_Connectors],
    secret: SecretRef,
    registry: RegistryClient,
) -> AwsIamRole:
    """`aws_iam_role.connect["sink"]`; who may take it on is MSK Connect, for this account only."""
    account = DataAwsCallerIdentity(stack, "current").attr("account_id")
    trust = {
        "Sid": "Assume",
        "Effect": "Allow",
        "Principal": {"Service": "kafkaconnect.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"aws:SourceAccount": account}},
    }
    roles = AwsIamRole(
        stack,
        "connect",
        for_each={lot.key: resource_name(environment, lot.key) for lot in lots},
        name=each.value(),
        description=f"Connectors of {environment.project}-{environment.name}",
        assume_role_policy=policy(stack, "connect_trust", [trust]),
        tags=name_tag(environment, "connect"),
    )
    AwsIamRolePolicy(
        stack,
        "connect",
        for_each={
            lot.key: policy(stack, lot.key.replace("-", "_"), _statements(lot, secret, registry)) for lot in lots
        },
        name="connect",
        role=roles.attr("id", key=each.key),
        policy=each.value(),
    )
    return roles


_READ, _WRITE = ("ReadData", "DescribeTopic"), ("WriteData", "DescribeTopic")
_GROUP = ("AlterGroup", "DescribeGroup")


def _statements(lot: _Connectors, secret: SecretRef, registry: RegistryClient) -> list[dict[str, object]]:
    def arns(kind: str, names: Sequence[str]) -> list[str]:
        prefix = function("replace", var("cluster_arn"), ":cluster/", f":{kind}/")
        return [f"{prefix}/{name}" for name in names]

    def of(kind: str, operation: str) -> list[str]:
        return [
            each_.resource_name for each_ in lot.acls if (each_.resource_type, each_.operation) == (kind, operation)
        ]

    def kafka(sid: str, actions: Sequence[str], resources: Sequence[str]) -> list[dict[str, object]]:
        return [allow(sid, [f"kafka-cluster:{action}" for action in actions], resources)] if resources else []

    connect = ("Connect", "DescribeCluster", "WriteDataIdempotently")
    statements = [
        *kafka("Connect", connect, [var("cluster_arn")]),
        *kafka("ReadTopics", _READ, arns("topic", of("Topic", "Read"))),
        *kafka("WriteTopics", _WRITE, arns("topic", of("Topic", "Write"))),
        *kafka("Groups", _GROUP, arns("group", of("Group", "Read"))),
        # What the service keeps for the connector; it names these, and makes them.
        *kafka("OwnTopics", ("CreateTopic", "ReadData", "WriteData", "DescribeTopic"), arns("topic", [_OWN])),
        *kafka("OwnGroups", _GROUP, arns("group", [_OWN])),
        allow("Secret", ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"], [secret.arn]),
    ]
    if registry.kind == "glue":
        # A version is asked for by its id alone, which has no resource.
        statements.append(allow("Schemas", ["glue:GetSchemaVersion"], ["*"]))
        if lot.key != _SINKS:
            write = ["glue:CreateSchema", "glue:GetSchemaByDefinition", "glue:RegisterSchemaVersion"]
            own = function("replace", var("cluster_registry_arn"), ":registry/", ":schema/")
            statements.append(allow("RegisterSchemas", write, [var("cluster_registry_arn"), f"{own}/*"]))
    return statements
