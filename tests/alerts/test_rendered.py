"""The same rules in each language: their metrics, thresholds and times, and nothing that language cannot take."""

from __future__ import annotations

import json
from pathlib import Path

import boto3
import pytest
import yaml
from moto import mock_aws

from modules.alerts import LANGUAGES, render
from modules.alerts.cloudwatch import alarms
from modules.environment import load_environment
from modules.environment.model import Environment
from modules.platforms.declare.msk.alarms import alarms_of
from modules.project import Project
from modules.status.rules import load_rules

RULES = load_rules()
REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def environment() -> Environment:
    return load_environment(Project(REPOSITORY), "local")


@pytest.fixture(scope="module")
def msk(environment: Environment) -> Environment:
    provisioned = environment.msk.model_copy(update={"mode": "provisioned", "brokers": 3})
    return environment.model_copy(update={"platform": "msk", "msk": provisioned, "name": "prod"})


def test_prometheus_has_every_rule_with_its_own_threshold_and_time(environment: Environment) -> None:
    (group,) = yaml.safe_load(render("prometheus", environment, RULES))["groups"]
    assert group["name"] == "infra-local"
    for rule, told in zip(RULES, group["rules"], strict=True):
        assert told["expr"] == f'{rule.metric}{{environment="local"}} {rule.comparison} {rule.threshold:g}'
        assert told["for"] == f"{rule.minutes}m"
        assert told["labels"]["severity"] == rule.severity
    stale = next(each for each in group["rules"] if each["alert"] == "InfraTableStale")
    assert stale["annotations"]["summary"] == "{{ $labels.table }} is {{ $value | humanize }} s behind Kafka"


def test_cloudwatch_takes_every_alarm(msk: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    found = alarms(msk, RULES)
    with mock_aws():
        client = boto3.client("cloudwatch", region_name="eu-central-1")
        for alarm in found:
            client.put_metric_alarm(**alarm)  # botocore checks each against the API's own model
        kept = client.describe_alarms()["MetricAlarms"]
    assert {each["AlarmName"] for each in kept} == {each["AlarmName"] for each in found}
    assert len({each["AlarmName"] for each in found}) == len(found)


def test_thresholds_are_those_of_the_alarms_that_the_msk_stack_declares(msk: Environment) -> None:
    declared = alarms_of(msk, "c")
    by_id = {rule.id: rule for rule in RULES}
    for name, id_ in (
        ("controller", "no-controller"),
        ("cpu broker 2", "broker-cpu"),
        ("disk broker 3", "broker-disk"),
        ("under-replicated broker 1", "broker-under-replicated"),
        ("offline partitions", "cluster-offline-partitions"),
    ):
        rule, alarm = by_id[id_], declared[name]
        assert rule.cloudwatch is not None
        assert (alarm.threshold, alarm.minutes, alarm.metrics) == (
            rule.threshold,
            rule.minutes,
            rule.cloudwatch.metrics,
        )


def test_only_what_a_mode_measures_is_watched(msk: Environment) -> None:
    def watched(mode: str) -> set[str]:
        its = msk.model_copy(update={"msk": msk.msk.model_copy(update={"mode": mode})})
        return {each["AlarmName"] for each in alarms(its, RULES) if "AWS/Kafka" in json.dumps(each)}

    assert len(watched("provisioned")) == 3 * 3 + 2
    assert len(watched("express")) == 3 + 1
    assert watched("serverless") == set()


def test_confluent_gets_what_it_can_watch_and_the_rest_is_named(environment: Environment) -> None:
    told = json.loads(render("confluent", environment, RULES))
    assert [each["method"] for each in told["requests"]] == ["GET", "POST", "POST", "POST", "POST"]
    watched = {each["rule"] for each in told["requests"] if "rule" in each}
    assert watched | set(told["not_for_confluent"]) == {rule.id for rule in RULES}
    assert "lag-growing" in told["not_for_confluent"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_placeholder_of_ours_is_left_in_what_a_machine_reads(environment: Environment, language: str) -> None:
    text = render(language, environment, RULES)
    assert text.endswith("\n")
    if language == "prometheus":
        assert "{value}" not in text and "{topic}" not in text
