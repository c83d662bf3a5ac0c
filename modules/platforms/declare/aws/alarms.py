"""Alarms: a topic that people subscribe to by e-mail, and CloudWatch alarms that write to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from modules.environment.model import Environment
from modules.platforms.names import resource_name
from modules.resources.aws import (
    AwsCloudwatchMetricAlarm,
    AwsCloudwatchMetricAlarm_MetricQuery,
    AwsSnsTopic,
    AwsSnsTopicSubscription,
)
from modules.resources.base import Stack
from modules.resources.expressions import Expr, each

__all__ = ["Alarm", "declare_alarm_topic", "declare_alarms"]


@dataclass(frozen=True)
class Alarm:
    """One metric, or the sum of several, against a threshold.

    Attributes:
        metrics: one name, or names that are added up.
        dimensions: CloudWatch's own names → values.
        minutes: how long it must last, in periods of five.
        missing: what no data means; a metric that is only there while something is wrong is `notBreaching`.
    """

    description: str
    metrics: tuple[str, ...]
    dimensions: Mapping[str, str]
    comparison: Literal["GreaterThanThreshold", "LessThanThreshold"]
    threshold: float
    statistic: Literal["Average", "Maximum", "Sum"] = "Maximum"
    minutes: int = 5
    missing: Literal["notBreaching", "breaching", "missing"] = "notBreaching"


def declare_alarm_topic(stack: Stack, environment: Environment, emails: Sequence[str]) -> Expr:
    """Where alarms are written, and its ARN. Each address gets a mail to confirm first.

    The topic has no customer key: alarms say what is wrong with which metric, and AWS's own key would keep CloudWatch
    from writing to it.
    """
    topic = AwsSnsTopic(stack, "alarms", name=resource_name(environment, "alarms", limit=256))
    if emails:
        AwsSnsTopicSubscription(
            stack,
            "alarms",
            for_each=list(emails),
            topic_arn=topic.attr("arn"),
            protocol="email",
            endpoint=each.key,
        )
    return topic.attr("arn")


def declare_alarms(
    stack: Stack, environment: Environment, namespace: str, alarms: Mapping[str, Alarm], topic: Expr
) -> None:
    """`aws_cloudwatch_metric_alarm.metric["disk broker 1"]` for single metrics, `.sum[…]` for added ones."""
    single = {name: alarm for name, alarm in alarms.items() if len(alarm.metrics) == 1}
    summed = {name: alarm for name, alarm in alarms.items() if len(alarm.metrics) > 1}
    if single:
        AwsCloudwatchMetricAlarm(
            stack,
            "metric",
            for_each={name: _values(environment, name, alarm) for name, alarm in single.items()},
            alarm_name=each.value("name"),
            alarm_description=each.value("description"),
            namespace=namespace,
            metric_name=each.value("metric"),
            dimensions=each.value("dimensions"),
            statistic=each.value("statistic"),
            period=300,
            evaluation_periods=each.value("periods"),
            comparison_operator=each.value("comparison"),
            threshold=each.value("threshold"),
            treat_missing_data=each.value("missing"),
            alarm_actions=[topic],
            ok_actions=[topic],
        )
    for metrics in dict.fromkeys(alarm.metrics for alarm in summed.values()):
        same = {name: alarm for name, alarm in summed.items() if alarm.metrics == metrics}
        _sum_of(stack, environment, namespace, metrics, same, topic)


def _sum_of(
    stack: Stack,
    environment: Environment,
    namespace: str,
    metrics: Sequence[str],
    alarms: Mapping[str, Alarm],
    topic: Expr,
) -> None:
    """Alarms on the sum of the same metrics; the metrics are blocks, so they are the same in every instance."""
    names = [f"m{number}" for number in range(1, len(metrics) + 1)]
    queries: list[AwsCloudwatchMetricAlarm_MetricQuery] = [
        {"id": "sum", "expression": " + ".join(names), "label": " + ".join(metrics), "return_data": True}
    ]
    for name, metric in zip(names, metrics, strict=True):
        queries.append(
            {
                "id": name,
                "metric": {
                    "namespace": namespace,
                    "metric_name": metric,
                    "dimensions": each.value("dimensions"),
                    "stat": each.value("statistic"),
                    "period": 300,
                },
            }
        )
    AwsCloudwatchMetricAlarm(
        stack,
        "sum",
        for_each={name: _values(environment, name, alarm) for name, alarm in alarms.items()},
        alarm_name=each.value("name"),
        alarm_description=each.value("description"),
        evaluation_periods=each.value("periods"),
        comparison_operator=each.value("comparison"),
        threshold=each.value("threshold"),
        treat_missing_data=each.value("missing"),
        metric_query=queries,
        alarm_actions=[topic],
        ok_actions=[topic],
    )


def _values(environment: Environment, name: str, alarm: Alarm) -> dict[str, object]:
    return {
        "name": resource_name(environment, *name.split(), limit=255),
        "description": alarm.description,
        "metric": alarm.metrics[0],
        "dimensions": dict(alarm.dimensions),
        "statistic": alarm.statistic,
        "periods": alarm.minutes // 5,
        "comparison": alarm.comparison,
        "threshold": alarm.threshold,
        "missing": alarm.missing,
    }
