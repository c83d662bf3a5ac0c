"""Alert rules as CloudWatch alarms: inputs of PutMetricAlarm, one JSON object an alarm.

Rules about what MSK itself measures watch AWS/Kafka; the cluster stack declares those already, with the same
thresholds (`modules/platforms/declare/msk/alarms.py`), so they are for clusters that this project did not make. All
others watch the figures of `infra status --openmetrics`, which the CloudWatch agent's Prometheus scraper brings to the
namespace `infra`, by a Metrics Insights query: an alarm cannot know each topic's and group's dimensions beforehand.

Source: CloudWatch's API reference of PutMetricAlarm and its pages on Metrics Insights alarms, read 2026-11.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from modules.environment.model import Environment
from modules.environment.names import resource_name
from modules.status.rules import CloudWatch, Rule

__all__ = ["NAMESPACE", "alarms"]

NAMESPACE = "infra"
_COMPARISON = {">": "GreaterThanThreshold", "<": "LessThanThreshold"}
_PROVISIONED_ONLY = ("broker-disk", "broker-under-replicated", "cluster-offline-partitions")


def alarms(environment: Environment, rules: Sequence[Rule]) -> list[dict[str, Any]]:
    """Each fits `aws cloudwatch put-metric-alarm --cli-input-json`."""
    found: list[dict[str, Any]] = []
    for rule in rules:
        if rule.cloudwatch is None:
            found.append(_own(environment, rule))
        elif environment.platform == "msk":
            found += _of_msk(environment, rule, rule.cloudwatch)
    return found


def _common(environment: Environment, rule: Rule, *parts: str, period: int) -> dict[str, Any]:
    # An alarm looks at whole periods: one that need not last still has one.
    periods = max(1, rule.minutes * 60 // period)
    return {
        "AlarmName": resource_name(environment, "status", rule.id, *parts, limit=255),
        "AlarmDescription": re.sub(r"\{(\w+)\}", r"\1", f"{rule.what}. {rule.do}")[:1024],
        "ComparisonOperator": _COMPARISON[rule.comparison],
        "Threshold": rule.threshold,
        "EvaluationPeriods": periods,
        "DatapointsToAlarm": periods,
        "TreatMissingData": "notBreaching",
    }


def _own(environment: Environment, rule: Rule) -> dict[str, Any]:
    function = "MAX" if rule.comparison == ">" else "MIN"
    query = f"SELECT {function}({rule.metric}) FROM {NAMESPACE} WHERE environment = '{environment.name}'"  # noqa: S608
    metric = {"Id": "worst", "Expression": query, "Period": 60, "ReturnData": True}
    return {**_common(environment, rule, period=60), "Metrics": [metric]}


def _of_msk(environment: Environment, rule: Rule, its: CloudWatch) -> Iterator[dict[str, Any]]:
    mode = environment.msk.mode
    if mode == "serverless" or (mode == "express" and rule.id in _PROVISIONED_ONLY):
        return
    adopted = environment.msk.adopted
    cluster = adopted.name if adopted else resource_name(environment, "kafka", limit=64)
    for broker in range(1, environment.msk.brokers + 1) if its.per == "broker" else [0]:
        dimensions = [{"Name": "Cluster Name", "Value": cluster}]
        dimensions += [{"Name": "Broker ID", "Value": str(broker)}] if broker else []
        stats: list[dict[str, Any]] = [
            {
                "Id": f"m{number}",
                "MetricStat": {
                    "Metric": {"Namespace": "AWS/Kafka", "MetricName": name, "Dimensions": dimensions},
                    "Period": 300,
                    "Stat": its.statistic,
                },
                "ReturnData": len(its.metrics) == 1,
            }
            for number, name in enumerate(its.metrics, 1)
        ]
        if len(stats) > 1:
            added = " + ".join(str(each["Id"]) for each in stats)
            stats.append({"Id": "sum", "Expression": added, "Label": " + ".join(its.metrics), "ReturnData": True})
        parts = ("broker", str(broker)) if broker else ()
        yield {
            **_common(environment, rule, *parts, period=300),
            "TreatMissingData": its.missing,
            "Metrics": stats,
        }
