"""Alert rules: data in `rules.yaml`, held against a look's samples. They alone decide what is unhealthy."""

from __future__ import annotations

import difflib
import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Literal

from modules.errors import ConfigError
from modules.status.metrics import METRICS, Sample

if TYPE_CHECKING:
    from modules.environment.model import Environment

__all__ = ["CloudWatch", "Finding", "Rule", "findings", "load_rules", "rules_of"]

Severity = Literal["critical", "warning"]

_COMPARE: Mapping[str, Callable[[float, float], bool]] = {">": operator.gt, "<": operator.lt}


@dataclass(frozen=True)
class CloudWatch:
    """Where CloudWatch has the same figure: its metrics (added up), and whether there is one a broker or a cluster."""

    metrics: tuple[str, ...]
    statistic: str
    per: Literal["broker", "cluster"]
    missing: str = "notBreaching"


@dataclass(frozen=True)
class Rule:
    """One rule. `minutes`: how long it must last before someone is called."""

    id: str
    what: str
    metric: str
    comparison: Literal[">", "<"]
    threshold: float
    minutes: int
    severity: Severity
    do: str
    cloudwatch: CloudWatch | None = None

    def broken(self, value: float) -> bool:
        return _COMPARE[self.comparison](value, self.threshold)


@dataclass(frozen=True)
class Finding:
    """A rule that is broken now."""

    rule: str
    severity: Severity
    what: str
    do: str
    value: float
    labels: Mapping[str, str] = field(default_factory=dict)


@cache
def load_rules() -> tuple[Rule, ...]:
    """The rules that come along, in their order."""
    import yaml

    text = resources.files("modules.status").joinpath("rules.yaml").read_text()
    return tuple(_rule(each) for each in yaml.safe_load(text))


def _rule(its: Mapping[str, Any]) -> Rule:
    lasts = str(its["for"])
    cloudwatch = its.get("cloudwatch")
    found = Rule(
        its["id"],
        its["what"],
        its["metric"],
        its["comparison"],
        float(its["threshold"]),
        int(lasts[:-1]) * {"m": 1, "h": 60}[lasts[-1]],
        its["severity"],
        its["do"],
        CloudWatch(**{**cloudwatch, "metrics": tuple(cloudwatch["metrics"])}) if cloudwatch else None,
    )
    if found.metric not in METRICS or found.comparison not in _COMPARE:
        raise ConfigError(f"rule {found.id}: no metric {found.metric}, or no comparison {found.comparison}")
    return found


def rules_of(environment: Environment) -> tuple[Rule, ...]:
    """The rules with an environment's own thresholds.

    Raises:
        ConfigError: it names a rule that is not there.
    """
    given, rules = environment.alerts, load_rules()
    for name in given:
        if name not in {rule.id for rule in rules}:
            close = difflib.get_close_matches(name, [rule.id for rule in rules], n=1)
            do = f"did you mean `{close[0]}`?" if close else f"choose of: {', '.join(rule.id for rule in rules)}"
            raise ConfigError(f"alerts: there is no rule `{name}`", where=environment.source, do=do)
    return tuple(replace(rule, threshold=float(given.get(rule.id, rule.threshold))) for rule in rules)


def findings(rules: Iterable[Rule], samples: Iterable[Sample]) -> tuple[Finding, ...]:
    """What is broken, critical first."""
    by_metric: dict[str, list[Sample]] = {}
    for sample in samples:
        by_metric.setdefault(sample.metric, []).append(sample)
    found = [
        Finding(
            rule.id, rule.severity, _text(rule.what, sample), _text(rule.do, sample), sample.value, dict(sample.labels)
        )
        for rule in rules
        for sample in by_metric.get(rule.metric, ())
        if rule.broken(sample.value)
    ]
    return tuple(sorted(found, key=lambda each: each.severity != "critical"))


def _text(template: str, sample: Sample) -> str:
    value = f"{sample.value:,.0f}"
    return template.format(**{**dict(sample.labels), "value": value})
