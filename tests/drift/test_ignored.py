"""What is left out of the report: by rules that are data, by the YAML with a reason and a last day, by options."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from modules.drift.ignored import leave_out, limited, rules, sift
from modules.drift.model import Drift
from modules.environment import load_environment
from modules.environment.drift import DriftIgnore
from modules.errors import ConfigError
from tests.drift.parts import new_project, report

TODAY = date(2026, 11, 22)


def unmanaged(type_: str, name: str, **facts: object) -> Drift:
    return Drift("unmanaged", type_, name, facts=facts)


def test_every_rule_has_an_id_of_its_own_and_a_reason() -> None:
    assert len({each.id for each in rules()}) == len(rules())
    assert all(each.reason and each.names for each in rules())


@pytest.mark.parametrize(
    ("drift", "rule"),
    [
        (unmanaged("topic", "__consumer_offsets"), "kafka-internal"),
        (unmanaged("topic", "_schemas"), "registry-storage"),
        (unmanaged("topic", "connect-offsets"), "connect-internal"),
        (unmanaged("topic", "_infra_smoke"), "smoke"),
        (unmanaged("role", "ACCOUNTADMIN"), "snowflake-roles"),
        (unmanaged("database", "SNOWFLAKE"), "snowflake-databases"),
        (unmanaged("schema", "STREAMING.INFORMATION_SCHEMA"), "information-schema"),
        (unmanaged("pipe", "STREAMING.PUBLIC.ORDER_EVENTS-STREAMING"), "streaming-pipes"),
        (unmanaged("stage", "S.P.SNOWFLAKE_KAFKA_CONNECTOR_x_STAGE_y"), "connector-objects"),
        (unmanaged("role granted", "ANALYST to user ALICE", to_a_person=True), "people"),
        (unmanaged("topic", "clicks"), None),
        (unmanaged("role", "ACCOUNTADMIN_TOO"), None),
        (unmanaged("role granted", "KAFKA_CONNECTOR to user ALICE"), None),
        (Drift("missing", "topic", "__consumer_offsets"), None),
    ],
)
def test_what_services_make_themselves_is_left_out(drift: Drift, rule: str | None) -> None:
    found = sift([drift], (), TODAY)
    assert [each.rule for each in found.ignored] == ([rule] if rule else [])
    assert len(found.drifts) == (0 if rule else 1)


def test_what_the_laptops_kafka_connect_worker_is_given_is_left_out() -> None:
    from modules.adoption.live import _word
    from modules.drift.kafka import _acl
    from modules.local.connect import CONFIG_TOPIC, OFFSET_TOPIC, STATUS_TOPIC
    from modules.local.connect_access import worker_acls

    ids = [
        f"{each.principal}|{each.host}|{_word(each.operation)}|{_word(each.permission_type)}|{_word(each.restype)}"
        f"|{each.name}|{_word(each.resource_pattern_type)}"
        for each in worker_acls()
    ]
    topics = [unmanaged("topic", name) for name in (CONFIG_TOPIC, OFFSET_TOPIC, STATUS_TOPIC)]
    assert sift([*topics, *(_acl(each) for each in ids)], (), TODAY).drifts == ()
    assert len(sift([_acl("User:connect|*|Read|Allow|Topic|orders|Literal")], (), TODAY).drifts) == 1


@pytest.mark.parametrize("match", ["topic clicks*", "clicks.raw", "topics: kafka_topic.topic*", 'kafka_topic*raw"]'])
def test_the_yaml_leaves_out_by_name_or_address_until_a_day(match: str) -> None:
    drift = Drift("missing", "topic", "clicks.raw", "topics", 'kafka_topic.topic["clicks.raw"]')
    own = DriftIgnore(match=match, reason="moved by hand", until=date(2026, 11, 22))
    found = sift([drift], [own], TODAY)
    assert (found.drifts, [each.until for each in found.ignored]) == ((), ["2026-11-22"])
    over = sift([drift], [own], date(2026, 11, 23))
    assert over.drifts == (drift,)
    assert over.expired == (f"`{match}` (moved by hand) was to be left alone until 2026-11-22",)


def test_an_ignore_with_another_day_than_a_day_is_told_with_its_place(tmp_path: Path) -> None:
    text = (
        "extends: local\ndrift:\n  ignore:\n    - {match: topic clicks, reason: known, until: soon}\n    - {match: x}\n"
    )
    with pytest.raises(ConfigError) as caught:
        load_environment(new_project(tmp_path, mine=text), "mine")
    lines = "\n".join(caught.value.details or [str(caught.value)])
    assert "environments/mine.yaml:4: drift.ignore.0.until: expected a day such as 2027-01-31, got 'soon'" in lines
    assert "environments/mine.yaml:5: drift.ignore.1.reason: missing" in lines


def test_a_run_can_be_limited_and_a_name_that_fits_nothing_is_told() -> None:
    found = report(unmanaged("topic", "clicks"), unmanaged("role", "SHADOW"))
    assert [each.name for each in limited(found, ["topic *"]).drifts] == ["clicks"]
    without = leave_out(found, ["role SHADOW"])
    assert ([each.name for each in without.drifts], without.ignored[0].rule) == (["clicks"], "--ignore")
    with pytest.raises(ConfigError) as caught:
        limited(found, ["topic clicsk"])
    assert caught.value.what == "nothing that drifted is called `topic clicsk`"
    assert caught.value.do == "did you mean `topic clicks`?"
