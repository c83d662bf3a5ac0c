"""What of MSK is watched: disk, replicas, processors, the controller, and how far the sink is behind.

Thresholds are those of the alert rules (`modules/status/rules.yaml`), which follow AWS's best practices. Express
brokers have no disk and no replicas of ours to watch: CloudWatch has no such metrics for them; Serverless has consumer
lag alone.
"""

from __future__ import annotations

from collections.abc import Mapping

from modules.environment.model import Environment
from modules.environment.smoke import own_sinks
from modules.platforms.declare.aws.alarms import Alarm
from modules.status.rules import Rule, rules_of
from modules.topics import sink_group

__all__ = ["NAMESPACE", "alarms_of"]

NAMESPACE = "AWS/Kafka"


def alarms_of(environment: Environment, cluster: str) -> dict[str, Alarm]:
    """Name → alarm; `cluster` is the cluster's name, by which its metrics are found."""
    mode = environment.msk.mode
    rules = {rule.id: rule for rule in rules_of(environment)}
    found: dict[str, Alarm] = {}
    if mode != "serverless":
        found["controller"] = Alarm(
            "No controller is active: no partition gets a new leader",
            ("ActiveControllerCount",),
            {"Cluster Name": cluster},
            "LessThanThreshold",
            rules["no-controller"].threshold,
            minutes=rules["no-controller"].minutes,
            missing="breaching",
        )
        for broker in range(1, environment.msk.brokers + 1):
            found |= _broker(mode, rules, str(broker), {"Cluster Name": cluster, "Broker ID": str(broker)})
    if mode == "provisioned":
        found["offline partitions"] = Alarm(
            "Partitions without a leader: nothing is written to or read from them",
            ("OfflinePartitionsCount",),
            {"Cluster Name": cluster},
            "GreaterThanThreshold",
            rules["cluster-offline-partitions"].threshold,
        )
    return {**found, **_lag(environment, cluster)}


def _broker(mode: str, rules: Mapping[str, Rule], broker: str, its: dict[str, str]) -> dict[str, Alarm]:
    found = {
        f"cpu broker {broker}": Alarm(
            f"Broker {broker} is short of processor: a broker less could not be made up for",
            ("CpuUser", "CpuSystem"),
            its,
            "GreaterThanThreshold",
            rules["broker-cpu"].threshold,
            statistic="Average",
            minutes=rules["broker-cpu"].minutes,
        )
    }
    if mode == "express":
        for metric, what in (("ProduceThrottleTime", "write"), ("FetchThrottleTime", "read")):
            found[f"{what} throttled broker {broker}"] = Alarm(
                f"Broker {broker} holds back clients that {what}: it is at the rate its size allows",
                (metric,),
                its,
                "GreaterThanThreshold",
                0,
                statistic="Average",
            )
        return found
    found[f"disk broker {broker}"] = Alarm(
        f"Broker {broker}'s disk is filling up",
        ("KafkaDataLogsDiskUsed",),
        its,
        "GreaterThanThreshold",
        rules["broker-disk"].threshold,
    )
    found[f"under-replicated broker {broker}"] = Alarm(
        f"Broker {broker} leads partitions whose copies are behind",
        ("UnderReplicatedPartitions",),
        its,
        "GreaterThanThreshold",
        rules["broker-under-replicated"].threshold,
        minutes=rules["broker-under-replicated"].minutes,
    )
    return found


def _lag(environment: Environment, cluster: str) -> dict[str, Alarm]:
    return {
        f"lag {name}": Alarm(
            f"The sink is far behind in {name}",
            ("SumOffsetLag",),
            {"Cluster Name": cluster, "Consumer Group": sink_group(name), "Topic": name},
            "GreaterThanThreshold",
            environment.msk.alarm_lag,
            minutes=15,
        )
        for name in own_sinks(environment)
    }
