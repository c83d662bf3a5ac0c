"""What drift is left out: rules every environment has (`ignored.yaml`), and the environment's own (`drift.ignore`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from modules.drift.model import Drift, IgnoredDrift
from modules.drift.words import matches
from modules.environment.drift import DriftIgnore

__all__ = ["Sifted", "rules", "sift"]

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


def _fits(entry: DriftIgnore, drift: Drift) -> bool:
    names = [drift.what, drift.name]
    if drift.address:
        names += [drift.address, f"{drift.stack}: {drift.address}"]
    return any(matches(each, entry.match) for each in names)
