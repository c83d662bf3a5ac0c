"""A smoke run as JUnit XML, for a CI server's test page: one test case for each SLO, and each stage's losses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modules.smoke.report import title
from modules.smoke.stats import duration, limit_text

__all__ = ["to_junit"]

Run = Mapping[str, Any]


def to_junit(run: Run) -> str:
    """The XML of a document of `infra smoke --json`.

    A missed limit is a failure, one that too few events leave open an error, one to warn at is skipped with its text.
    """
    from junitparser import JUnitXml, TestSuite

    suite = TestSuite(f"infra smoke {run['environment']}")
    suite.timestamp = str(run["started"]).removesuffix("+00:00")
    for name in ("run_id", "platform", "topic", "table", "carried_by"):
        suite.add_property(name, str(run[name]))
    suite.add_property("rate", f"{run['load']['rate']:,.10g}/s, {run['load']['sent']:,} events")
    for one in run["slo"]:
        if one["percentile"] != "lost" or one["level"] == "warn":
            suite.add_testcase(_limit(one, run))
    for stage, its in run["stages"].items():
        suite.add_testcase(_losses(stage, its, run))
    suite.add_testcase(_whole(run))
    xml = JUnitXml("infra smoke")
    xml.add_testsuite(suite)
    body: bytes = xml.tostring()  # type: ignore[no-untyped-call]
    return f'<?xml version="1.0" encoding="utf-8"?>\n{body.decode()}\n'


def _case(run: Run, name: str) -> Any:
    from junitparser import TestCase

    return TestCase(name, classname=f"infra.smoke.{run['environment']}", time=0)


def _limit(one: Mapping[str, Any], run: Run) -> Any:
    from junitparser import Error, Failure, Skipped

    limit = f"{one['limit']:,}" if one["limit_ms"] is None else limit_text(int(one["limit_ms"] * 1e6))
    case = _case(run, f"{title(one['stage'])} {one['percentile']} ≤ {limit}{' (warn)' * (one['level'] == 'warn')}")
    said = f"{one['stage']} {one['percentile']} is {_measured(one, run)}, the limit is {limit}"
    if one["outcome"] == "missed":
        case.result = [Failure(said, "slo missed")]
    elif one["outcome"] == "warned":
        case.result = [Skipped(f"warning: {said}")]
    elif one["outcome"] == "not enough samples":
        said = f"{one['stage']} {one['percentile']} is not known from {run['stages'][one['stage']]['n']:,} events"
        case.result = [Error(said, "not proven")] if one["level"] == "fail" else [Skipped(f"warning: {said}")]
    else:
        case.system_out = said
    return case


def _measured(one: Mapping[str, Any], run: Run) -> str:
    if one["limit_ms"] is None:
        return f"{one['measured']:,}"
    if one["measured_ms"] is None:
        return f"more than {limit_text(int(run['load']['deadline_ms'] * 1e6))}"
    return duration(one["measured_ms"] * 1e6)


def _losses(stage: str, its: Mapping[str, Any], run: Run) -> Any:
    from junitparser import Failure

    allowed = next(
        (
            one["limit"]
            for one in run["slo"]
            if (one["stage"], one["percentile"], one["level"]) == (stage, "lost", "fail")
        ),
        0,
    )
    case = _case(run, f"{title(stage)} lost ≤ {allowed:,}")
    said = f"{stage} lost is {its['lost']:,} of {run['load']['sent']:,}, the limit is {allowed:,}"
    altered = f"{its['corrupted']:,} events were not what was sent" if its["corrupted"] else ""
    failed = [each for each in (said if its["lost"] > allowed else "", altered) if each]
    if failed:
        case.result = [Failure("; ".join(failed), "events lost or altered")]
    else:
        case.system_out = said
    return case


def _whole(run: Run) -> Any:
    """Whether the run proves anything: not cut short, and at the rate that was asked for."""
    from junitparser import Error

    case = _case(run, "the run is whole")
    load = run["load"]
    # The time of it all is the run's: limits and losses are read off it in none.
    case.time = round(load["sent"] / load["achieved_rate"], 3) if load["achieved_rate"] else 0
    reasons = ["it was interrupted"] if run["interrupted"] else []
    if run["verdict"]["outcome"] == "not enough samples":
        reasons += run["verdict"]["because"]
    if reasons:
        case.result = [Error("; ".join(reasons), "not proven")]
    return case
