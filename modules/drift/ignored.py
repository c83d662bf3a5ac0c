"""What drift is left out: rules every environment has (`ignored.yaml`), and the environment's own (`drift.ignore`)."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from modules.drift.model import Drift, DriftReport, IgnoredDrift
from modules.drift.words import matches
from modules.environment.drift import DriftIgnore
from modules.errors import ConfigError

__all__ = ["Sifted", "leave_out", "limited", "rules", "sift"]

_FILE = Path(__file__).with_name("ignored.yaml")


@dataclass(frozen=True)
class Rule:
    """An entry of `ignored.yaml`."""

    id: str
    type: str
    names: tuple[str, ...]
    reason: str
    facts: Mapping[str, Any] = field(default_factory=dict)

    def fits(self, drift: Drift) -> bool:
        kind = drift.kind == "unmanaged" and self.type in ("*", drift.type)
        known = all(drift.facts.get(key) == value for key, value in self.facts.items())
        return kind and known and any(matches(drift.name, each) for each in self.names)


@dataclass(frozen=True)
class Sifted:
    """What stays in the report, what is left out of it, and entries of `drift.ignore` that would apply no more."""

    drifts: tuple[Drift, ...]
    ignored: tuple[IgnoredDrift, ...]
    expired: tuple[str, ...]


@cache
def rules() -> tuple[Rule, ...]:
    import yaml

    loaded = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    return tuple(
        Rule(each["id"], each["type"], tuple(each["names"]), each["reason"], each.get("facts", {})) for each in loaded
    )


def sift(drifts: Iterable[Drift], own: Iterable[DriftIgnore], today: date) -> Sifted:
    """The environment's entries hold for every kind of drift; the rules for what nobody declared."""
    own = tuple(own)
    kept: list[Drift] = []
    ignored: list[IgnoredDrift] = []
    expired: dict[str, None] = {}
    for drift in drifts:
        if rule := next((each for each in rules() if each.fits(drift)), None):
            ignored.append(IgnoredDrift(drift, rule.id, rule.reason))
            continue
        fitting = [each for each in own if _fits(each, drift)]
        holding = next((each for each in fitting if each.until is None or today <= each.until), None)
        if holding is not None:
            until = holding.until.isoformat() if holding.until else None
            ignored.append(IgnoredDrift(drift, "drift.ignore", holding.reason, until))
            continue
        kept.append(drift)
        for each in fitting:
            expired[f"`{each.match}` ({each.reason}) was to be left alone until {each.until}"] = None
    return Sifted(tuple(kept), tuple(ignored), tuple(expired))


def leave_out(report: DriftReport, patterns: Sequence[str]) -> DriftReport:
    """Without what fits one of the patterns of `--ignore`."""
    out = [each for each in report.drifts if any(_named(each, pattern) for pattern in patterns)]
    kept = tuple(each for each in report.drifts if each not in out)
    left = tuple(IgnoredDrift(each, "--ignore", "left out of this run") for each in out)
    return replace(report, drifts=kept, ignored=(*report.ignored, *left))


def limited(report: DriftReport, patterns: Sequence[str]) -> DriftReport:
    """Only what fits one of the patterns of `--only`; everything without any.

    Raises:
        ConfigError: a pattern fits nothing; close names are suggested.
    """
    for pattern in patterns:
        if not any(_named(each, pattern) for each in report.drifts):
            close = difflib.get_close_matches(pattern, [each.what for each in report.drifts], n=3, cutoff=0.5)
            do = f"did you mean `{'`, `'.join(close)}`?" if close else "take a name as `infra drift` shows it"
            raise ConfigError(f"nothing that drifted is called `{pattern}`", where="--only", do=do)
    if not patterns:
        return report
    kept = tuple(each for each in report.drifts if any(_named(each, pattern) for pattern in patterns))
    return replace(report, drifts=kept)


def _fits(entry: DriftIgnore, drift: Drift) -> bool:
    return _named(drift, entry.match)


def _named(drift: Drift, pattern: str) -> bool:
    names = [drift.what, drift.name]
    if drift.address:
        names += [drift.address, f"{drift.stack}: {drift.address}"]
    return any(matches(each, pattern) for each in names)
