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


def written(tmp_path: Path, slo: str) -> Slo:
    folder = tmp_path / "environments"
    folder.mkdir(exist_ok=True)
    (folder / "odd.yaml").write_text(f"platform: local\nslo:\n{slo}")
    return load_environment(Project(tmp_path), "odd").slo


WARNED = "  row_visible: {p95: 10s, max: 20s, lost: 3, warn: {p95: 8s, lost: 1}}\n"


def test_beyond_a_warning_and_within_the_limit_the_run_is_met_and_says_so(tmp_path: Path) -> None:
    measured = stages([1] * 1000, [9000] * 1000)
    results = evaluate(written(tmp_path, WARNED), measured)
    assert [(one.percentile, one.level, one.outcome) for one in results] == [
        ("p95", "fail", "met"), ("p95", "warn", "warned"), ("max", "fail", "met"),
        ("lost", "fail", "met"), ("lost", "warn", "met"),
    ]  # fmt: skip
    found = verdict(results, measured, 30_000 * MS)
    assert (found.outcome, found.sentences) == ("met", ("3 of 3 SLOs met, nothing lost",))
    assert found.warnings == ("row_visible p95 is 9.00 s, a warning is set at 8 s",)


def test_a_warning_that_too_few_events_leave_open_does_not_fail_the_run(tmp_path: Path) -> None:
    measured = stages([1] * 100, [9000] * 100)
    slo = written(tmp_path, "  row_visible: {p50: 10s, warn: {p95: 12s}}\n")
    found = verdict(evaluate(slo, measured), measured, 30_000 * MS)
    assert found.outcome == "met"
    assert found.warnings == ("row_visible p95 needs 200 events to be known; send more (--count)",)


def test_as_many_lost_as_are_allowed_are_no_miss_and_one_more_is(tmp_path: Path) -> None:
    slo = written(tmp_path, "  row_visible: {lost: 3, warn: {lost: 1}}\n")
    kept, torn = stages([1] * 997, [1] * 997, lost=3), stages([1] * 996, [1] * 996, lost=4)
    allowed = verdict(evaluate(slo, kept), kept, 30_000 * MS)
    assert (allowed.outcome, allowed.sentences) == ("met", ("1 of 1 SLOs met, 3 lost, which is allowed",))
    assert allowed.warnings == ("row_visible lost 3, a warning is set for more than 1",)
    missed = verdict(evaluate(slo, torn), torn, 30_000 * MS)
    assert missed.outcome == "missed"
    assert missed.sentences == ("row_visible: 4 of 1,000 events were not back within 30 s; 3 may be",)


def test_the_slowest_is_held_to_max_and_a_lost_event_is_slower_than_any(tmp_path: Path) -> None:
    slo = written(tmp_path, "  row_visible: {max: 20s, lost: 1}\n")
    slow, torn = stages([1] * 30, [1] * 29 + [21_000]), stages([1] * 30, [1] * 29, lost=1)
    assert verdict(evaluate(slo, slow), slow, 30_000 * MS).sentences == (
        "row_visible max is 21.00 s, the limit is 20 s",
    )
    assert verdict(evaluate(slo, torn), torn, 30_000 * MS).sentences == (
        "row_visible max is more than 30 s, the limit is 20 s",
    )


@pytest.mark.parametrize(
    ("slo", "line"),
    [
        (
            "  row_visible: {p999: 1s}\n",
            "environments/odd.yaml:3: slo.row_visible.p999: unknown key `p999`; did you mean `p99_9`?",
        ),
        (
            "  row_visible:\n    p95: 10s\n    warn: {p99.9: 1s}\n",
            "environments/odd.yaml:5: slo.row_visible.warn.p99.9: unknown key `p99.9`; did you mean `p99_9`?",
        ),
        (
            "  row_visibel: {p95: 1s}\n",
            "environments/odd.yaml:3: slo.row_visibel: unknown key `row_visibel`; did you mean `row_visible`?",
        ),
        (
            "  consumed: {warn: {p95: 2s}, p95: 1s}\n",
            "environments/odd.yaml:3: slo.consumed.warn.p95: the run fails at 1s already, so it never only warns "
            "at 2s; write less",
        ),
        (
            "  consumed: {warn: {lost: 2}}\n",
            "environments/odd.yaml:3: slo.consumed.warn.lost: more than 0 lost fail the run already, so it never only "
            "warns at 2; write how many may be lost: slo.consumed.lost",
        ),
        (
            "  consumed: {p99: 2s, max: 1s}\n",
            "environments/odd.yaml:3: slo.consumed.max: max (1s) is below p99 (2s); a higher percentile is never "
            "faster",
        ),
        (
            "  consumed: {p95: fast}\n",
            "environments/odd.yaml:3: slo.consumed.p95: expected a duration such as 30d, 12h, 60s or 250ms, got 'fast'",
        ),
    ],
)
def test_what_is_wrong_with_an_slo_is_said_with_file_and_line(tmp_path: Path, slo: str, line: str) -> None:
    with pytest.raises(ConfigError) as caught:
        written(tmp_path, slo)
    assert list(caught.value.details) == [line]
