"""What the cloud itself measures of a cluster: CloudWatch for MSK, Confluent's Metrics API. It is minutes old.

Which of CloudWatch's metrics stand for a figure is said by the alert rule that looks at it (`rules.yaml`). Express has
no disk or replicas of one's own; Serverless has none of these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from modules.environment.model import Environment
from modules.environment.secrets import resolve_secret
from modules.errors import InfraError
from modules.project import Project, recorded_outputs
from modules.status.readings import Measured, Missing, Part
from modules.status.rules import load_rules

__all__ = ["CONFLUENT_METRICS", "CloudWatchCollector", "ConfluentMetricsCollector"]

_BACK = timedelta(minutes=15)
"""How far back to look; the newest value there is taken."""

_ONLY_PROVISIONED = {
    "infra_broker_disk_used_percent", "infra_broker_under_replicated_partitions", "infra_cluster_offline_partitions",
}  # fmt: skip

CONFLUENT_METRICS: Mapping[str, str] = {
    "infra_cluster_load_percent": "io.confluent.kafka.server/cluster_load_percent",
    "infra_cluster_consumer_lag": "io.confluent.kafka.server/consumer_lag_offsets",
}
"""Metric here → the Metrics API's. Only Dedicated clusters have a load."""
_CONFLUENT_URL = "https://api.telemetry.confluent.cloud"


class CloudWatchCollector:
    """One GetMetricData for all metrics of a cluster."""

    name = "CloudWatch"

    def __init__(
        self,
        environment: Environment,
        cluster: str,
        client: Any = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._environment = environment
        self._cluster = cluster
        self._client = client
        self._clock = clock

    def read(self) -> Part:
        from botocore.exceptions import BotoCoreError, ClientError

        queries = list(self._queries())
        if not queries:
            return Part()
        what = f"disk, processors and replicas of {self._cluster}"
        permission = "cloudwatch:GetMetricData"
        try:
            values = self._ask([each for _, _, query in queries for each in query])
        except ClientError as error:
            its = error.response["Error"]
            why = f"CloudWatch says {its.get('Code')}: {its.get('Message', '')}".rstrip(": ")
            denied = "AccessDenied" in str(its.get("Code"))
            return Part(missing=(Missing(what, why, permission if denied else None),))
        except BotoCoreError as error:
            return Part(missing=(Missing(what, str(error), f"an AWS login with {permission}"),))
        measured = [
            Measured(metric, values[query[-1]["Id"]], "CloudWatch", labels)
            for metric, labels, query in queries
            if query[-1]["Id"] in values
        ]
        missing = () if measured else (Missing(what, "CloudWatch has no value of the last 15 minutes"),)
        return Part(measured=tuple(measured), missing=missing)

    def close(self) -> None:
        """Nothing is held open."""

    def _queries(self) -> Iterator[tuple[str, tuple[tuple[str, str], ...], list[dict[str, Any]]]]:
        mode = self._environment.msk.mode
        if mode == "serverless":
            return
        for number, rule in enumerate(load_rules()):
            its, metric = rule.cloudwatch, rule.metric
            if its is None or (mode == "express" and metric in _ONLY_PROVISIONED):
                continue
            brokers = range(1, self._environment.msk.brokers + 1) if its.per == "broker" else [0]
            for broker in brokers:
                dimensions = {"Cluster Name": self._cluster} | ({"Broker ID": str(broker)} if broker else {})
                labels = (("broker", str(broker)),) if broker else (("cluster", self._cluster),)
                yield metric, labels, _query(f"q{number}b{broker}", its.metrics, its.statistic, dimensions)

    def _ask(self, queries: list[dict[str, Any]]) -> dict[str, float]:
        """Id → the newest value."""
        if self._client is None:
            import boto3

            self._client = boto3.client("cloudwatch", region_name=self._environment.msk.region)
        now = self._clock()
        pages = self._client.get_paginator("get_metric_data").paginate(
            MetricDataQueries=queries, StartTime=now - _BACK, EndTime=now, ScanBy="TimestampDescending"
        )
        found: dict[str, float] = {}
        for page in pages:
            for result in page["MetricDataResults"]:
                if result["Values"]:
                    found.setdefault(result["Id"], float(result["Values"][0]))
        return found


def _query(id_: str, names: tuple[str, ...], statistic: str, dimensions: Mapping[str, str]) -> list[dict[str, Any]]:
    """What GetMetricData takes; the last one is the one whose value counts."""
    told = [{"Name": name, "Value": value} for name, value in dimensions.items()]

    def stat(name: str) -> dict[str, Any]:
        metric = {"Namespace": "AWS/Kafka", "MetricName": name, "Dimensions": told}
        return {"Metric": metric, "Period": 300, "Stat": statistic}

    if len(names) == 1:
        return [{"Id": id_, "MetricStat": stat(names[0])}]
    parts = [
        {"Id": f"{id_}m{number}", "MetricStat": stat(name), "ReturnData": False} for number, name in enumerate(names)
    ]
    return [*parts, {"Id": id_, "Expression": " + ".join(str(each["Id"]) for each in parts)}]


class ConfluentMetricsCollector:
    """One query a metric; the API's values are about three minutes old."""

    name = "Confluent Metrics"

    def __init__(
        self,
        environment: Environment,
        project: Project,
        url: str = _CONFLUENT_URL,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._environment = environment
        self._project = project
        self._url = url
        self._clock = clock

    def read(self) -> Part:
        outputs = recorded_outputs(self._project, self._environment.name, "cluster")
        what = "load and lag as Confluent measures them"
        if not outputs or not outputs.get("cluster_id"):
            return Part(missing=(Missing(what, "the cluster was never deployed from here", "`infra deploy`"),))
        confluent = self._environment.confluent
        try:
            login = tuple(
                resolve_secret(each, self._project) for each in (confluent.cloud_api_key, confluent.cloud_api_secret)
            )
        except InfraError as error:
            return Part(missing=(Missing(what, error.what, "a Cloud API key whose owner is MetricsViewer"),))
        measured: list[Measured] = []
        missing: list[Missing] = []
        for metric, theirs in CONFLUENT_METRICS.items():
            if metric == "infra_cluster_load_percent" and confluent.tier != "dedicated":
                continue
            found = self._ask(theirs, str(outputs["cluster_id"]), (login[0], login[1]))
            if isinstance(found, Missing):
                missing.append(found)
            else:
                measured += [Measured(metric, value, "Confluent", labels) for labels, value in found]
        return Part(measured=tuple(measured), missing=tuple(missing))

    def close(self) -> None:
        """Nothing is held open."""

    def _ask(
        self, metric: str, cluster: str, login: tuple[str, str]
    ) -> list[tuple[tuple[tuple[str, str], ...], float]] | Missing:
        import httpx

        now = self._clock().replace(second=0, microsecond=0)
        groups = {"metric.topic": "topic", "metric.consumer_group_id": "group"} if "lag" in metric else {}
        begin, end = (each.isoformat().replace("+00:00", "Z") for each in (now - _BACK, now))
        body = {
            "aggregations": [{"metric": metric}],
            "filter": {"field": "resource.kafka.id", "op": "EQ", "value": cluster},
            "granularity": "PT1M",
            "group_by": list(groups),
            "intervals": [f"{begin}/{end}"],
            "limit": 1000,
        }
        what = f"{metric.rpartition('/')[2]} of {cluster}"
        try:
            answer = httpx.post(f"{self._url}/v2/metrics/cloud/query", json=body, auth=login, timeout=10.0)
        except httpx.HTTPError as error:
            return Missing(what, f"the Metrics API does not answer: {str(error) or type(error).__name__}")
        if answer.status_code in (401, 403):
            role = "MetricsViewer for the owner of confluent.cloud_api_key, a Cloud API key (not a cluster's)"
            return Missing(what, f"the Metrics API answers {answer.status_code}", role)
        if not answer.is_success:
            return Missing(what, f"the Metrics API answers {answer.status_code}: {_first_error(answer)}")
        newest: dict[tuple[tuple[str, str], ...], tuple[str, float]] = {}
        for point in answer.json().get("data", ()):
            labels = tuple((name, str(point.get(field, ""))) for field, name in groups.items())
            if labels not in newest or point["timestamp"] > newest[labels][0]:
                newest[labels] = (str(point["timestamp"]), float(point["value"]))
        scale = 100.0 if metric.endswith("_percent") else 1.0
        return [(labels, value * scale) for labels, (_, value) in sorted(newest.items())]


def _first_error(answer: Any) -> str:
    try:
        return str(answer.json()["errors"][0]["detail"])
    except (ValueError, LookupError, TypeError):
        return "no reason given"
