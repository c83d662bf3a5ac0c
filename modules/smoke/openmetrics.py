"""A smoke run as an OpenMetrics file, for Prometheus and whatever else reads the format. Times in seconds."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from modules.smoke.stats import PERCENTILES

__all__ = ["to_openmetrics"]

Run = Mapping[str, Any]

_COUNTED = {
    "lost": "Events that were not back by the deadline.",
    "duplicated": "Sightings beyond the first of an event.",
    "out_of_order": "Events seen after a later one of the same key.",
    "corrupted": "Events whose content was not what was sent.",
}


def to_openmetrics(run: Run) -> str:
    """The text of a document of `infra smoke --json`, with `# EOF` at its end.

    A percentile that is not known has no sample: a missing value is no zero.
    """
    from prometheus_client.openmetrics.exposition import generate_latest
    from prometheus_client.registry import CollectorRegistry

    class Collected:
        def collect(self) -> list[Any]:
            return [*_latencies(run), *_counts(run), *_facts(run)]

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Collected())
    text: bytes = generate_latest(registry)  # type: ignore[no-untyped-call]
    return text.decode()


def _seconds(milliseconds: float) -> float:
    return round(milliseconds / 1000, 6)


def _base(run: Run) -> dict[str, str]:
    return {"environment": str(run["environment"]), "platform": str(run["platform"])}


def _latencies(run: Run) -> list[Any]:
    from prometheus_client.core import GaugeMetricFamily

    names = [*_base(run), "stage", "percentile"]
    stages = GaugeMetricFamily(
        "infra_smoke_latency_seconds", "From the intended send time to the stage.", labels=names, unit="seconds"
    )
    limits = GaugeMetricFamily(
        "infra_smoke_slo_limit_seconds", "What the environment allows.", labels=[*names, "level"], unit="seconds"
    )
    base = list(_base(run).values())
    for stage, its in run["stages"].items():
        for percentile in (*PERCENTILES, "max", "mean"):
            value = its[f"{percentile.replace('.', '_')}_ms"]
            if value is not None:
                stages.add_metric([*base, stage, percentile], _seconds(value))
    for one in run["slo"]:
        if one["limit_ms"] is not None:
            limits.add_metric([*base, one["stage"], one["percentile"], one["level"]], _seconds(one["limit_ms"]))
    hops = GaugeMetricFamily(
        "infra_smoke_hop_seconds", "From one stage to the next, of the same event.",
        labels=[*_base(run), "from", "to", "percentile"], unit="seconds",
    )  # fmt: skip
    for hop in run["hops"]:
        for percentile in (*PERCENTILES, "max", "mean"):
            value = hop[f"{percentile.replace('.', '_')}_ms"]
            if value is not None:
                hops.add_metric([*base, hop["from"], hop["to"], percentile], _seconds(value))
    return [stages, hops, limits]


def _counts(run: Run) -> list[Any]:
    from prometheus_client.core import CounterMetricFamily

    base = list(_base(run).values())
    found = []
    for name, words in _COUNTED.items():
        family = CounterMetricFamily(f"infra_smoke_{name}", words, labels=[*_base(run), "stage"])
        for stage, its in run["stages"].items():
            if its[name] is not None:
                family.add_metric([*base, stage], its[name])
        found.append(family)
    sent = CounterMetricFamily("infra_smoke_sent", "Measured events that were sent.", labels=list(_base(run)))
    sent.add_metric(base, run["load"]["sent"])
    return [*found, sent]


def _facts(run: Run) -> list[Any]:
    from prometheus_client.core import GaugeMetricFamily

    base, names = list(_base(run).values()), list(_base(run))
    values = {
        "infra_smoke_met": ("1 where every SLO is known to be met.", float(run["verdict"]["met"])),
        "infra_smoke_rate": ("Events a second that were asked for.", run["load"]["rate"]),
        "infra_smoke_achieved_rate": ("Events a second that were sent.", run["load"]["achieved_rate"]),
    }
    found = []
    for name, (words, value) in values.items():
        family = GaugeMetricFamily(name, words, labels=names)
        family.add_metric(base, value)
        found.append(family)
    at = GaugeMetricFamily("infra_smoke_started_seconds", "When, as Unix time.", labels=names, unit="seconds")
    at.add_metric(base, datetime.fromisoformat(run["started"]).timestamp())
    return [*found, at]
