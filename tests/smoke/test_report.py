"""What a person and a machine get to see."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path

import pytest

from modules.environment.model import Slo
from modules.smoke.credits import Warehouse, WarehouseUse
from modules.smoke.document import to_json
from modules.smoke.figures import hops, results
from modules.smoke.load import LoadPlan
from modules.smoke.report import to_text
from modules.smoke.result import SmokeResult, Unmeasured
from modules.smoke.slo import evaluate, verdict
from modules.smoke.stages import Ledger
from modules.smoke.stats import duration, limit_text, summarise

GOLDEN = Path(__file__).parent / "golden"
MS = 1_000_000
SLO = Slo.model_validate({"acknowledged": {"p99": "100ms"}, "row_visible": {"p50": "5s", "p95": "10s"}})


def ledger_of(count: int, lost: int) -> Ledger:
    """Events 5 ms apart; event n is acknowledged after n fiftieths of a millisecond, and so on. The last are lost."""
    ledger = Ledger(0, count)
    for number in range(count):
        ledger.send(number, number * 5 * MS)
        if number >= count - lost:
            continue
        due, after = number * 5 * MS, (number + 1) * MS // 50
        for stage, taken in (
            ("acknowledged", after), ("consumed", after + MS), ("committed", after + 3 * MS),
            ("handed_over", after * 8), ("row_visible", after * 10),
        ):  # fmt: skip
            ledger.see(stage, number, due + taken, key=b"k" if stage == "consumed" else None)
    return ledger


def result(count: int = 2000, lost: int = 0, **more: object) -> SmokeResult:
    """A result computed by the real functions from known latencies."""
    ledger = ledger_of(count, lost)
    if lost:
        ledger.stages["row_visible"].duplicated = 2
        ledger.stages["consumed"].out_of_order = 3
        ledger.stages["consumed"].corrupted = 4
    stages = results(ledger, 30_000 * MS)
    slos = evaluate(SLO, stages)
    values = SmokeResult(
        environment="local", platform="local", topic="order-events", table="STREAMING.PUBLIC.ORDER_EVENTS",
        partitions=6, run_id="0123456789ab", started="2026-01-02T03:04:05+00:00",
        plan=LoadPlan(rate=200, count=count, warmup=200), deadline=30_000 * MS, sent=count, warmed_up=200,
        failed=0, failures=(), achieved_rate=199.96, lateness=summarise([90_000] * count),
        poll_error=summarise([25 * MS] * 40), polls=212, stages=stages, slos=slos,
        verdict=verdict(slos, stages, 30_000 * MS), notes=(), interrupted=False, hops=hops(ledger),
        channel_error=summarise([21 * MS] * 50), channel_polls=300, commits=1234,
        by_partition={partition: count // 6 + partition % 2 for partition in range(6)}, event_bytes=142.4,
        facts={"cpus": "2"},
    )  # fmt: skip
    return dataclasses.replace(values, **more)  # type: ignore[arg-type]


CASES = {
    "met": result(),
    "missed": result(lost=30, notes=("the broker said: Broker: Not enough in-sync replicas",)),
    "few": result(count=150),
    "interrupted": result(count=500, interrupted=True, plan=LoadPlan(rate=200, count=2000, warmup=200)),
    "cloud": result(
        platform="confluent",
        environment="dev",
        by_partition={0: 1000, 2: 1200},
        warehouse=WarehouseUse(Warehouse("STREAMING_WH", "X-Small", True, 60), 22.4),
        unmeasured=(Unmeasured("handed_over", "the right to list channels is missing"),),
        rate_kept=False,
        notes=("the client sent 150 events/s, not 200: the rate is too high for it",),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_final_table_is_the_golden_one(name: str) -> None:
    golden = GOLDEN / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(to_text(CASES[name]) + "\n")
    assert to_text(CASES[name]) + "\n" == golden.read_text()


@pytest.mark.parametrize("name", CASES)
def test_the_json_is_json_and_says_the_same(name: str) -> None:
    subject = CASES[name]
    document = json.loads(json.dumps(to_json(subject)))
    assert document["schema_version"] == 2
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
        "met": True, "missed": False, "few": False, "interrupted": False, "cloud": True,
    }  # fmt: skip


def test_durations_are_written_as_people_do() -> None:
    shown = [duration(one) for one in (None, 850_000, 12_340_000, 450_000_000, 1_500_000_000)]
    assert shown == ["–", "0.85 ms", "12.3 ms", "450 ms", "1.50 s"]
    assert [limit_text(one) for one in (100 * MS, 5000 * MS, 1500 * MS)] == ["100 ms", "5 s", "1.5 s"]
