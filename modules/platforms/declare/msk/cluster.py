"""The brokers: provisioned (with disks that grow), Express (MSK keeps the data elsewhere) or Serverless.

Everything is refused that is not asked for: TLS only, no one without a login, no topic that nobody declared, no leader
that has lost events, and no right where there is no ACL.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from modules.environment.model import Environment
from modules.environment.msk import storage_ceiling_gib, storage_gib
from modules.platforms.declare.aws.network import NetworkRefs
from modules.platforms.declare.aws.registry import log_days
from modules.platforms.declare.aws.secrets import KeyRef
from modules.platforms.names import resource_name
from modules.resources.aws import (
    AwsAppautoscalingPolicy,
    AwsAppautoscalingTarget,
    AwsCloudwatchLogGroup,
    AwsMskCluster,
    AwsMskCluster_BrokerNodeGroupInfo,
    AwsMskCluster_ConfigurationInfo,
    AwsMskConfiguration,
    AwsMskServerlessCluster,
)
from modules.resources.base import Lifecycle, Stack
from modules.resources.expressions import Expr

__all__ = ["Brokers", "cluster_name", "declare_brokers", "server_properties"]

_TARGET_FULL = 60
"""Per cent of the disk at which it is made larger; AWS advises 50 to 60 (msk-autoexpand.html)."""


@dataclass(frozen=True)
class Brokers:
    """A cluster's ARN and where it is reached, by login."""

    arn: Expr
    iam: Expr
    scram: Expr | None


def cluster_name(environment: Environment) -> str:
    """The cluster's name, under which CloudWatch keeps its metrics."""
    if environment.msk.adopted:
        return environment.msk.adopted.name
    return resource_name(environment, "kafka", limit=64)


def server_properties(environment: Environment) -> str:
    """The brokers' configuration. MSK itself would let everyone in where there is no ACL, and elect leaders that have
    lost events."""
    its = {"allow.everyone.if.no.acl.found": "false", "auto.create.topics.enable": "false"}
    if environment.msk.mode == "provisioned":  # Express fixes the rest, and refuses it in a configuration
        replicas = min(3, environment.msk.brokers)
        its |= {
            "default.replication.factor": str(replicas),
            "log.retention.ms": str(environment.workload_retention.milliseconds),
            "min.insync.replicas": str(min(2, max(1, replicas - 1))),
            "offsets.topic.replication.factor": str(replicas),
            "transaction.state.log.min.isr": str(min(2, max(1, replicas - 1))),
            "transaction.state.log.replication.factor": str(replicas),
            "unclean.leader.election.enable": "false",
        }
    return "".join(f"{name}={value}\n" for name, value in sorted(its.items()))


def declare_brokers(
    stack: Stack, environment: Environment, network: NetworkRefs, groups: Sequence[str], key: KeyRef | None
) -> Brokers:
    """The cluster. `key` encrypts its disks, unless they are by another already; Serverless uses AWS's own."""
    if environment.msk.mode == "serverless":
        return _serverless(stack, environment, network, groups)
    assert key is not None
    return _provisioned(stack, environment, network, groups, key)


def _serverless(stack: Stack, environment: Environment, network: NetworkRefs, groups: Sequence[str]) -> Brokers:
    cluster = AwsMskServerlessCluster(
        stack,
        "main",
        cluster_name=cluster_name(environment),
        client_authentication={"sasl": {"iam": {"enabled": True}}},
        vpc_config=[{"subnet_ids": network.subnet_ids, "security_group_ids": list(groups)}],
        lifecycle=_kept(environment),
    )
    return Brokers(cluster.attr("arn"), cluster.attr("bootstrap_brokers_sasl_iam"), None)


def _provisioned(
    stack: Stack, environment: Environment, network: NetworkRefs, groups: Sequence[str], key: KeyRef
) -> Brokers:
    msk = environment.msk
    logs = AwsCloudwatchLogGroup(
        stack,
        "brokers",
        name=f"/{environment.project}/{environment.name}/msk",
        retention_in_days=log_days(environment),
    )
    cluster = AwsMskCluster(
        stack,
        "main",
        cluster_name=cluster_name(environment),
        kafka_version=msk.version,
        number_of_broker_nodes=msk.brokers,
        enhanced_monitoring="PER_BROKER" if environment.production else "DEFAULT",
        broker_node_group_info=_nodes(environment, network, groups),
        configuration_info=_configuration(stack, environment),
        # The administrator logs in by IAM in any case: see `access.py`.
        client_authentication={"unauthenticated": False, "sasl": {"iam": True, "scram": msk.login == "scram"}},
        encryption_info={
            "encryption_at_rest_kms_key_arn": (msk.adopted.kms_key if msk.adopted else None) or key.arn,
            "encryption_in_transit": {"client_broker": "TLS", "in_cluster": True},
        },
        logging_info={"broker_logs": {"cloudwatch_logs": {"enabled": True, "log_group": logs.attr("name")}}},
        open_monitoring={
            "prometheus": {
                "jmx_exporter": {"enabled_in_broker": msk.open_monitoring},
                "node_exporter": {"enabled_in_broker": msk.open_monitoring},
            }
        },
        lifecycle=_kept(environment, "broker_node_group_info[0].storage_info[0].ebs_storage_info[0].volume_size")
        if msk.mode == "provisioned"
        else _kept(environment),
    )
    if msk.mode == "provisioned":
        _growing_disks(stack, environment, cluster)
    scram = cluster.attr("bootstrap_brokers_sasl_scram") if msk.login == "scram" else None
    return Brokers(cluster.attr("arn"), cluster.attr("bootstrap_brokers_sasl_iam"), scram)


def _configuration(stack: Stack, environment: Environment) -> AwsMskCluster_ConfigurationInfo:
    """The environment's own, or the one that an adopted cluster keeps."""
    adopted = environment.msk.adopted
    if adopted and adopted.configuration:
        arn, _, revision = adopted.configuration.partition("#")
        return {"arn": arn, "revision": int(revision)}
    configuration = AwsMskConfiguration(
        stack,
        "main",
        name=resource_name(environment, "kafka", limit=255),
        server_properties=server_properties(environment),
    )
    return {"arn": configuration.attr("arn"), "revision": configuration.attr("latest_revision")}


def _nodes(environment: Environment, network: NetworkRefs, groups: Sequence[str]) -> AwsMskCluster_BrokerNodeGroupInfo:
    nodes: AwsMskCluster_BrokerNodeGroupInfo = {
        "instance_type": environment.msk.broker_type,
        "client_subnets": network.subnet_ids,
        "security_groups": list(groups),
        "connectivity_info": {"public_access": {"type": "DISABLED"}},
    }
    if environment.msk.mode == "provisioned":
        nodes["storage_info"] = {"ebs_storage_info": {"volume_size": storage_gib(environment)}}
    return nodes


def _growing_disks(stack: Stack, environment: Environment, cluster: AwsMskCluster) -> None:
    """Disks that grow by themselves up to the ceiling; MSK cannot make one smaller again."""
    target = AwsAppautoscalingTarget(
        stack,
        "disk",
        service_namespace="kafka",
        scalable_dimension="kafka:broker-storage:VolumeSize",
        resource_id=cluster.attr("arn"),
        min_capacity=1,
        max_capacity=storage_ceiling_gib(environment),
    )
    AwsAppautoscalingPolicy(
        stack,
        "disk",
        name=resource_name(environment, "disk", limit=256),
        policy_type="TargetTrackingScaling",
        service_namespace=target.attr("service_namespace"),
        scalable_dimension=target.attr("scalable_dimension"),
        resource_id=target.attr("resource_id"),
        target_tracking_scaling_policy_configuration={
            "predefined_metric_specification": {"predefined_metric_type": "KafkaBrokerStorageUtilization"},
            "target_value": _TARGET_FULL,
            "disable_scale_in": True,
        },
    )


def _kept(environment: Environment, *ignored: str) -> Lifecycle | None:
    """What guards the events: nothing that would destroy the cluster is planned in production."""
    lifecycle: Lifecycle = {}
    if environment.production:
        lifecycle["prevent_destroy"] = True
    if ignored:
        lifecycle["ignore_changes"] = list(ignored)  # the disk has grown by itself since
    return lifecycle or None
