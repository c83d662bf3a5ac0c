"""What a person and a machine get to see."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from modules.environment.model import Slo
from modules.smoke.load import LoadPlan
from modules.smoke.report import to_json, to_text
from modules.smoke.result import SmokeResult
from modules.smoke.slo import evaluate, verdict
from modules.smoke.stages import StageResult
from modules.smoke.stats import duration, limit_text, summarise

GOLDEN = Path(__file__).parent / "golden"
MS = 1_000_000
SLO = Slo.model_validate({"acknowledged": {"p99": "100ms"}, "row_visible": {"p50": "5s", "p95": "10s"}})


def result(count: int = 2000, lost: int = 0, **more: object) -> SmokeResult:
    """A result computed by the real functions from latencies 1, 2, 3 … fiftieths of a millisecond."""
    back = [number * MS // 50 for number in range(1, count + 1 - lost)]
    stages = (
        StageResult("acknowledged", summarise(back, lost), 0, 0, 0, 0),
        StageResult("consumed", summarise([one + MS for one in back], lost), 0, 0, 0, 3 if lost else 0),
        StageResult("row_visible", summarise([one * 10 for one in back], lost), 1 if lost else 0, 0, 2, 0),
    )
    slos = evaluate(SLO, stages)
    values = SmokeResult(
        environment="local", platform="local", topic="order-events", table="STREAMING.PUBLIC.ORDER_EVENTS",
        partitions=6, run_id="0123456789ab", started="2026-01-02T03:04:05+00:00",
        plan=LoadPlan(rate=200, count=count, warmup=200), deadline=30_000 * MS, sent=count, warmed_up=200,
        failed=0, failures=(), achieved_rate=199.96, lateness=summarise([90_000] * count),
        poll_error=summarise([25 * MS] * 40), polls=212, stages=stages, slos=slos,
        verdict=verdict(slos, stages, 30_000 * MS), notes=(), interrupted=False,
    )  # fmt: skip
    return dataclasses.replace(values, **more)  # type: ignore[arg-type]


CASES = {
    "met": result(),
    "missed": result(lost=30, notes=("the broker said: Broker: Not enough in-sync replicas",)),
    "few": result(count=150),
    "interrupted": result(count=500, interrupted=True, plan=LoadPlan(rate=200, count=2000, warmup=200)),
}


@pytest.mark.parametrize("name", CASES)
def test_the_final_table_is_the_golden_one(name: str) -> None:
    assert to_text(CASES[name]) + "\n" == (GOLDEN / f"{name}.txt").read_text()


@pytest.mark.parametrize("name", CASES)
def test_the_json_is_json_and_says_the_same(name: str) -> None:
    subject = CASES[name]
    document = json.loads(json.dumps(to_json(subject)))
    assert document["schema_version"] == 1
    assert document["verdict"]["met"] is subject.met
    assert document["stages"]["row_visible"]["lost"] == subject.stage("row_visible").summary.lost
    assert document["load"]["warmup_discarded"] == 200


def test_a_withheld_percentile_is_null_with_its_reason() -> None:
    few = to_json(CASES["few"])["stages"]["acknowledged"]
    assert (few["p99_ms"], few["withheld"]["p99"]) == (None, "too few samples")
    lost = to_json(CASES["missed"])["stages"]["acknowledged"]
    assert (lost["p99_ms"], lost["withheld"]["p99"]) == (None, "beyond deadline")


def test_only_a_proven_and_whole_run_is_met() -> None:
    assert {name: one.met for name, one in CASES.items()} == {
        "met": True, "missed": False, "few": False, "interrupted": False,
    }  # fmt: skip


def test_durations_are_written_as_people_do() -> None:
    shown = [duration(one) for one in (None, 850_000, 12_340_000, 450_000_000, 1_500_000_000)]
    assert shown == ["–", "0.85 ms", "12.3 ms", "450 ms", "1.50 s"]
    assert [limit_text(one) for one in (100 * MS, 5000 * MS, 1500 * MS)] == ["100 ms", "5 s", "1.5 s"]
