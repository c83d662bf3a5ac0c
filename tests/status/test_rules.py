"""Rules are data: each names a metric that is there, and they alone say what is unhealthy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from modules.connectors.status import ConnectorState, TaskState
from modules.environment import load_environment
from modules.environment.model import Environment
from modules.errors import ConfigError
from modules.project import Project
from modules.status.lag import Positions, group_lag
from modules.status.metrics import METRICS, Sample, samples, to_openmetrics
from modules.status.readings import DeadLetters, Part, Reached, Reason, TopicState
from modules.status.rules import findings, load_rules, rules_of

RULES = load_rules()


def broken(part: Part, brokers: int | None = None) -> list[tuple[str, str]]:
    return [(each.rule, each.what) for each in findings(RULES, samples(part, brokers))]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_each_rule_is_complete(rule: object) -> None:
    assert rule.metric in METRICS  # type: ignore[attr-defined]
    assert rule.do.endswith(".")  # type: ignore[attr-defined]


def test_ids_are_given_once() -> None:
    assert len({rule.id for rule in RULES}) == len(RULES)


def test_a_look_without_trouble_breaks_none() -> None:
    still = Positions(1, {0: 5}, {0: 0}, {0: 5})
    part = Part(
        reached=(Reached("kafka", "b:9092", True),),
        topics=(TopicState("t", 1, 1, (), (), {0: 5}, 5, 0.0),),
        lags=(group_lag("g", "t", still, still),),
        connectors=(ConnectorState("c", "sink", "t", "kafka-connect", "RUNNING", None, (TaskState(0, "RUNNING"),)),),
        dead_letters=(DeadLetters("t.dlq", 4, 0),),
    )
    assert broken(part) == []


def test_each_kind_of_trouble_is_named() -> None:
    now, before = Positions(2, {0: 9}, {0: 0}, {0: 5}), Positions(0, {0: 7}, {0: 0}, {0: 5})
    part = Part(
        reached=(Reached("registry", "http://r", False, "it does not answer"),),
        topics=(TopicState("t", 2, 3, (1,), (0,), {0: 5}, 5, 0.0),),
        lags=(group_lag("g", "t", now, before, waiting_seconds=400),),
        connectors=(
            ConnectorState("c", "sink", "t", "kafka-connect", "RUNNING", None, (TaskState(3, "FAILED", "x"),)),
        ),
        dead_letters=(DeadLetters("t.dlq", 4, 2, (Reason("undecodable", "bad", 4),)),),
    )
    assert broken(part) == [
        ("service-down", "registry does not answer"),
        ("offline-partitions", "t: partitions without a leader, which take and give nothing: 1"),
        ("under-replicated", "t: partitions whose copies are behind: 1"),
        ("lag-growing", "g falls behind in t: more comes than it deals with"),
        ("lag-waiting", "g is 400 s behind in t"),
        ("task-down", "task 3 of c does not run: FAILED"),
        ("dead-letters", "t.dlq has new messages: 2 × undecodable"),
    ]


def test_critical_ones_come_first() -> None:
    found = findings(
        RULES,
        [
            Sample("infra_key_age_days", 200, (("key", "K"),)),
            Sample("infra_broker_disk_used_percent", 90, (("broker", "1"),)),
        ],
    )
    assert [each.rule for each in found] == ["broker-disk", "key-old"]


def environment(**alerts: float) -> Environment:
    local = load_environment(Project(Path(__file__).resolve().parents[2]), "local")
    return local.model_copy(update={"alerts": {name.replace("_", "-"): value for name, value in alerts.items()}})


def test_an_environment_may_set_another_threshold() -> None:
    late = [Sample("infra_consumer_group_waiting_seconds", 400, (("group", "g"), ("topic", "t")))]
    assert findings(RULES, late)
    assert not findings(rules_of(environment(lag_waiting=1000)), late)


def test_a_threshold_for_a_rule_that_is_not_there_is_refused() -> None:
    with pytest.raises(ConfigError) as caught:
        rules_of(environment(lag_waitin=1000))
    assert str(caught.value) == (
        "environments/local.yaml: alerts: there is no rule `lag-waitin`\n  → did you mean `lag-waiting`?"
    )


def test_the_exposition_is_openmetrics_that_a_parser_reads() -> None:
    from prometheus_client.openmetrics import parser

    parse: Any = parser.text_string_to_metric_families

    now, before = Positions(2, {0: 9}, {0: 0}, {0: 5}), Positions(0, {0: 7}, {0: 0}, {0: 5})
    part = Part(lags=(group_lag('g"1', "t", now, before, waiting_seconds=4),), reached=(Reached("kafka", "b", True),))
    text = to_openmetrics("dev", samples(part), healthy=False)
    families = {family.name: family for family in parse(text)}
    assert text.endswith("# EOF\n")
    assert families["infra_healthy"].samples[0].value == 0
    (lag,) = families["infra_consumer_group_lag"].samples
    assert (lag.labels, lag.value) == ({"environment": "dev", "group": 'g"1', "topic": "t"}, 4.0)
    (drain,) = families["infra_consumer_group_drain_seconds"].samples
    assert drain.value == float("inf")
