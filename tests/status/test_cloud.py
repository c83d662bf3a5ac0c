"""CloudWatch and Confluent's Metrics API, and the right that is missing."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import boto3
import pytest
from botocore.stub import ANY, Stubber
from moto import mock_aws

from modules.environment.model import Environment
from modules.project import Project
from modules.status.cloud import CloudWatchCollector, ConfluentMetricsCollector
from tests.status.sources import NOW, Answers


@pytest.fixture
def msk(environment: Environment) -> Environment:
    its = environment.msk.model_copy(update={"mode": "provisioned", "brokers": 2})
    return environment.model_copy(update={"platform": "msk", "msk": its})


def test_cloudwatch_without_the_right_says_which(msk: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    client = boto3.client("cloudwatch", region_name="eu-central-1")
    with Stubber(client) as stub:
        asked = {"MetricDataQueries": ANY, "StartTime": ANY, "EndTime": ANY, "ScanBy": ANY}
        stub.add_client_error("get_metric_data", "AccessDenied", "no", expected_params=asked)
        part = CloudWatchCollector(msk, "c", client).read()
    assert part.missing[0].permission == "cloudwatch:GetMetricData"
    assert part.missing[0].why == "CloudWatch says AccessDenied: no"


def test_cloudwatch_gives_each_brokers_newest_value(msk: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    with mock_aws():
        client = boto3.client("cloudwatch", region_name="eu-central-1")
        now = datetime.now(UTC)
        for broker, used in (("1", 40.0), ("2", 91.0)):
            dimensions = [{"Name": "Cluster Name", "Value": "c"}, {"Name": "Broker ID", "Value": broker}]
            datum = {"MetricName": "KafkaDataLogsDiskUsed", "Dimensions": dimensions, "Value": used, "Timestamp": now}
            client.put_metric_data(Namespace="AWS/Kafka", MetricData=[datum])
        later = datetime.fromtimestamp(now.timestamp() + 60, UTC)
        part = CloudWatchCollector(msk, "c", client, clock=lambda: later).read()
    disks = [each for each in part.measured if each.metric == "infra_broker_disk_used_percent"]
    assert [(dict(each.labels)["broker"], each.value) for each in disks] == [("1", 40.0), ("2", 91.0)]


@pytest.fixture
def confluent(environment: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Environment, Project]:
    cluster = environment.confluent.model_copy(update={"tier": "dedicated"})
    its = environment.model_copy(update={"platform": "confluent", "confluent": cluster})
    for reference in (cluster.cloud_api_key, cluster.cloud_api_secret):
        assert reference.scheme == "env"
        monkeypatch.setenv(reference.name, "x")
    monkeypatch.setenv("INFRA_OUTPUTS", json.dumps({"cluster": {"cluster_id": "lkc-1"}}))
    return its, Project(tmp_path)


def test_the_metrics_api_is_asked_as_documented(confluent: tuple[Environment, Project], service: Answers) -> None:
    its = {"metric.topic": "t", "metric.consumer_group_id": "g"}
    values = (("2026-11-20T11:57:00Z", 0.5), ("2026-11-20T11:58:00Z", 0.85))
    service.body = json.dumps({"data": [{"timestamp": at, "value": value, **its} for at, value in values]}).encode()
    part = ConfluentMetricsCollector(*confluent, url=service.url, clock=lambda: NOW).read()
    assert [each.value for each in part.measured] == [85.0, 0.85], "a load is a share of one; a lag is as it is"
    (method, path, body), _ = service.asked
    assert (method, path) == ("POST", "/v2/metrics/cloud/query")
    assert body["filter"] == {"field": "resource.kafka.id", "op": "EQ", "value": "lkc-1"}
    assert body["intervals"] == ["2026-11-20T11:45:00Z/2026-11-20T12:00:00Z"]


def test_the_metrics_api_without_the_role_says_which(confluent: tuple[Environment, Project], service: Answers) -> None:
    service.code = 403
    part = ConfluentMetricsCollector(*confluent, url=service.url).read()
    assert part.missing[0].why == "the Metrics API answers 403"
    assert "MetricsViewer" in str(part.missing[0].permission)
