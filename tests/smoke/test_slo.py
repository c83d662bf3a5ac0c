"""SLOs: met, missed, not known."""

from __future__ import annotations

from pathlib import Path

import pytest

from modules.environment.loader import load_environment
from modules.environment.model import Slo
from modules.errors import ConfigError
from modules.project import Project
from modules.smoke.figures import StageResult
from modules.smoke.slo import evaluate, verdict
from modules.smoke.stats import summarise

MS = 1_000_000
SLO = Slo.model_validate({"acknowledged": {"p99": "100ms"}, "row_visible": {"p50": "5s", "p95": "10s"}})


def stage(name: str, latencies_ms: list[int], lost: int = 0) -> StageResult:
    return StageResult(name, summarise([one * MS for one in latencies_ms], lost), 0, 0, 0, 0)


def stages(acknowledged: list[int], rows: list[int], lost: int = 0) -> tuple[StageResult, ...]:
    return stage("acknowledged", acknowledged), stage("consumed", acknowledged), stage("row_visible", rows, lost)


def test_every_limit_of_the_yaml_is_evaluated_and_nothing_else() -> None:
    results = evaluate(SLO, stages([1] * 1000, [1000] * 1000))
    assert [(one.stage, one.percentile, one.outcome) for one in results] == [
        ("acknowledged", "p99", "met"), ("row_visible", "p50", "met"), ("row_visible", "p95", "met"),
    ]  # fmt: skip
    assert verdict(results, stages([1] * 1000, [1000] * 1000), 30_000 * MS).outcome == "met"


def test_a_limit_is_kept_at_the_limit_and_missed_just_above() -> None:
    exact = evaluate(SLO, stages([100] * 1000, [1] * 1000))[0]
    above = evaluate(SLO, stages([101] * 1000, [1] * 1000))[0]
    assert (exact.outcome, above.outcome) == ("met", "missed")


def test_a_miss_names_stage_percentile_limit_and_measured_value() -> None:
    measured = stages([250] * 1000, [1] * 1000)
    result = verdict(evaluate(SLO, measured), measured, 30_000 * MS)
    assert result.outcome == "missed"
    assert result.sentences == ("acknowledged p99 is 250 ms, the limit is 100 ms",)


def test_one_lost_event_is_a_miss_though_every_percentile_is_kept() -> None:
    measured = stages([1] * 1000, [1] * 999, lost=1)
    results = evaluate(SLO, measured)
    assert {one.outcome for one in results} == {"met"}
    assert verdict(results, measured, 30_000 * MS).outcome == "missed"


def test_a_percentile_among_the_lost_is_a_miss() -> None:
    measured = stages([1] * 1000, [1] * 400, lost=600)
    results = evaluate(SLO, measured)
    assert [(one.outcome, one.measured) for one in results[1:]] == [("missed", None), ("missed", None)]
    sentences = verdict(results, measured, 30_000 * MS).sentences
    assert "row_visible p50 is more than 30 s, the limit is 5 s" in sentences


def test_too_few_samples_are_neither_met_nor_missed_and_say_how_many_it_takes() -> None:
    measured = stages([1] * 100, [1] * 100)
    results = evaluate(SLO, measured)
    assert [one.outcome for one in results] == ["not enough samples", "met", "not enough samples"]
    result = verdict(results, measured, 30_000 * MS)
    assert result.outcome == "not enough samples"
    assert "1,000" in result.sentences[0]


def test_without_an_slo_only_a_loss_is_a_miss() -> None:
    kept, torn = stages([1] * 10, [1] * 10), stages([1] * 10, [1] * 9, lost=1)
    assert verdict(evaluate(Slo(), kept), kept, MS).outcome == "met"
    assert verdict(evaluate(Slo(), torn), torn, MS).outcome == "missed"


def test_a_doubt_about_the_run_is_no_proof_and_no_miss() -> None:
    kept = stages([1] * 1000, [1] * 1000)
    result = verdict(evaluate(SLO, kept), kept, 30_000 * MS, ["the client sent too little"])
    assert (result.outcome, result.sentences) == ("not enough samples", ("the client sent too little",))


def test_an_slo_key_that_is_unknown_is_refused_with_the_ones_there_are(tmp_path: Path) -> None:
    folder = tmp_path / "environments"
    folder.mkdir()
    (folder / "odd.yaml").write_text("platform: local\nslo:\n  acknowledged: {p98: 1s}\n  seen: {p50: 1s}\n")
    with pytest.raises(ConfigError) as caught:
        load_environment(Project(tmp_path), "odd")
    text = str(caught.value)
    assert "environments/odd.yaml:3" in text and "p98" in text
    assert "environments/odd.yaml:4" in text and "seen" in text
