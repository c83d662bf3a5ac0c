"""JUnit XML and OpenMetrics of a run, read back by the libraries that others read them with."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from typing import Any

import pytest
from junitparser import JUnitXml
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from modules.smoke.junit import to_junit
from modules.smoke.openmetrics import to_openmetrics
from tests.smoke.runs import run_of


@pytest.fixture(scope="module")
def run() -> dict[str, Any]:
    return run_of(4000, lost=3)


def cases(run: dict[str, Any]) -> dict[str, Any]:
    (suite,) = JUnitXml.fromroot(ElementTree.fromstring(to_junit(run)))  # type: ignore[arg-type]
    return {case.name: case for case in suite}


def test_junits_time_is_how_long_events_were_sent(run: dict[str, Any]) -> None:
    found = cases({**run, "load": {**run["load"], "sent": 500, "achieved_rate": 200.0}})
    times = {name: case.time for name, case in found.items()}
    assert times.pop("the run is whole") == 2.5
    assert set(times.values()) == {0}


def test_junit_has_a_case_for_every_slo_and_every_stages_losses(run: dict[str, Any]) -> None:
    found = cases(run)
    assert list(found)[:3] == ["acknowledged p99 ≤ 100 ms", "row visible p50 ≤ 5 s", "row visible p95 ≤ 10 s"]
    assert len(found) == 3 + 5 + 1
    assert all(case.is_passed for name, case in found.items() if name != "row visible lost ≤ 0")
    (failure,) = found["row visible lost ≤ 0"].result
    assert failure.message == "row_visible lost is 3 of 4,000, the limit is 0"


@pytest.mark.parametrize(
    ("change", "name", "kind", "words"),
    [
        (
            {"outcome": "missed", "measured_ms": 250.0},
            "acknowledged p99 ≤ 100 ms",
            "Failure",
            "acknowledged p99 is 250 ms, the limit is 100 ms",
        ),
        (
            {"outcome": "missed", "measured_ms": None},
            "acknowledged p99 ≤ 100 ms",
            "Failure",
            "acknowledged p99 is more than 30 s, the limit is 100 ms",
        ),
        (
            {"outcome": "warned", "level": "warn", "measured_ms": 250.0},
            "acknowledged p99 ≤ 100 ms (warn)",
            "Skipped",
            "warning: acknowledged p99 is 250 ms, the limit is 100 ms",
        ),
        (
            {"outcome": "not enough samples", "measured_ms": None},
            "acknowledged p99 ≤ 100 ms",
            "Error",
            "acknowledged p99 is not known from 4,000 events",
        ),
    ],
)
def test_junit_says_missed_warned_and_not_proven_apart(
    run: dict[str, Any], change: dict[str, Any], name: str, kind: str, words: str
) -> None:
    first, *others = run["slo"]
    (result,) = cases({**run, "slo": [{**first, **change}, *others]})[name].result
    assert (type(result).__name__, result.message) == (kind, words)


def test_openmetrics_is_read_by_prometheus_own_parser_and_has_the_documents_values(run: dict[str, Any]) -> None:
    text = to_openmetrics(run)
    assert text.endswith("# EOF\n")
    families = {family.name: family for family in text_string_to_metric_families(text)}
    latencies = {
        (sample.labels["stage"], sample.labels["percentile"]): sample.value
        for sample in families["infra_smoke_latency_seconds"].samples
    }
    for stage, its in run["stages"].items():
        for percentile in ("p50", "p95", "p99", "max", "mean"):
            assert latencies[stage, percentile] == pytest.approx(its[f"{percentile}_ms"] / 1000, abs=1e-6)
        assert (stage, "p99.9") not in latencies, "4,000 events do not tell p99.9"
    lost = {sample.labels["stage"]: sample.value for sample in families["infra_smoke_lost"].samples}
    assert lost == {stage: its["lost"] for stage, its in run["stages"].items()}
    assert families["infra_smoke_lost"].type == "counter"
    assert [sample.value for sample in families["infra_smoke_met"].samples] == [0.0]
    limits = {
        tuple(sample.labels.values()): sample.value for sample in families["infra_smoke_slo_limit_seconds"].samples
    }
    assert sorted(limits.values()) == [0.1, 5.0, 10.0]
