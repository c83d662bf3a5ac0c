"""The decision table covers every option, with prices from the price book and what each lacks for the environment."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from modules.choice import decide, lacks
from modules.choice.decision import read_traits
from modules.cost import report
from modules.cost.catalog import OPTIONS, option_of
from modules.environment import load_environment
from modules.environment.model import Environment
from modules.project import Project

ROOT = Path(__file__).parents[2]


def environment(**settings: Any) -> Environment:
    topic = {"value": {"schema": "x.avsc"}, "sink": {"table": "A.B.C"}}
    return Environment.model_validate(
        {"name": "dev", "source": "dev.yaml", "platform": "confluent", "topics": {"orders": topic}, **settings}
    )


def test_every_option_that_has_a_price_has_traits_with_a_source() -> None:
    traits = read_traits()
    assert set(traits) == set(OPTIONS)
    for option, each in traits.items():
        assert "(read 20" in each.source, option
        assert each.burden in ("none", "little", "some", "much", "all"), option
        assert each.limits and not any(text.isdecimal() for text in each.limits), option


def test_each_price_is_the_one_the_cost_report_gives() -> None:
    asked = environment()
    decision = decide(asked)
    assert {each.option for each in decision.choices} == set(OPTIONS)
    chosen = decision.chosen
    assert chosen and chosen.option == "confluent-basic"
    assert chosen.month == report(asked).total


def test_the_cheapest_fits_lacks_nothing_and_has_a_known_price() -> None:
    decision = decide(environment())
    best = decision.cheapest
    assert best and best.month.exact and not best.misfits and not best.lacks
    able = [each for each in decision.choices if each.month.exact and not each.misfits and not each.lacks]
    assert best.month.known == min(each.month.known for each in able)


def test_what_cannot_carry_the_workload_says_so_and_comes_last() -> None:
    choices = decide(environment(workload={"ingress": "100GB/day"}, topics={"t": {"partitions": 5000}})).choices
    misfits = [bool(each.misfits) for each in choices]
    assert any(misfits) and misfits == sorted(misfits)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (
            {"confluent": {"tier": "freight"}},
            "Freight takes no idempotent producer, which `infra produce` and the sink's dead letters use",
        ),
        (
            {"production": True},
            "Basic has a 99.5 % SLA in a single zone, and `production: true` asks for more",
        ),
        (
            {"connect": {"kind": "managed", "tasks": 3}},
            "Basic runs one task a connector, `connect.tasks` asks for 3",
        ),
        (
            {"confluent": {"tier": "enterprise"}},
            "it is reached from a private network only, and `network.vpc_id` names none",
        ),
        (
            {"platform": "msk", "msk": {"mode": "serverless"},
             "topics": {"orders": {"config": {"min.insync.replicas": "2"}}}},
            "Serverless takes few topic settings, not orders: min.insync.replicas",
        ),
        (
            {"platform": "redpanda", "redpanda": {"compute": "fargate"}, "production": True},
            "on Fargate a broker's volume dies with its task, and `production: true` holds data that matters",
        ),
        (
            {"platform": "redpanda", "connect": {"kind": "managed"}},
            "Redpanda has no managed connectors; `connect.kind: kafka-connect` or `sink` runs one of your own",
        ),
    ],
)  # fmt: skip
def test_what_a_platform_lacks_is_said(settings: dict[str, Any], sentence: str) -> None:
    assert sentence in lacks(environment(**settings))


def test_a_laptop_lacks_nothing_and_a_plain_environment_neither() -> None:
    assert lacks(environment(platform="local")) == []
    assert lacks(environment()) == []
    assert option_of(environment(platform="local")) is None


def test_the_command_prints_the_table_and_the_same_as_json() -> None:
    command = [sys.executable, "-c", "import sys; from cli.main import main; sys.exit(main())", "platforms"]
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    found = json.loads(
        subprocess.run([*command, "--json"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    )
    choices = decide(load_environment(Project(ROOT), "local")).choices
    assert [each["option"] for each in found["options"]] == [each.option for each in choices]
    for each in found["options"]:
        assert each["title"] in shown
        assert all(each[name] for name in ("best_for", "operational_burden", "aws_integration", "scaling", "limits"))
