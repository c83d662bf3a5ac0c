"""Alert rules as a Prometheus rule file, over what `infra status --openmetrics` writes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from modules.status.rules import Rule

__all__ = ["rule_file"]


def rule_file(environment: str, rules: Sequence[Rule]) -> str:
    """One group, in the rules' order; `promtool check rules` takes it."""
    import yaml

    group = {"name": f"infra-{environment}", "rules": [_rule(environment, each) for each in rules]}
    text: str = yaml.safe_dump({"groups": [group]}, sort_keys=False, allow_unicode=True, width=120)
    return text


def _rule(environment: str, rule: Rule) -> dict[str, Any]:
    return {
        "alert": _camel(rule.id),
        "expr": f'{rule.metric}{{environment="{environment}"}} {rule.comparison} {rule.threshold:g}',
        "for": f"{rule.minutes}m",
        "labels": {"severity": rule.severity},
        "annotations": {"summary": _template(rule.what), "description": _template(rule.do)},
    }


def _camel(id_: str) -> str:
    return "Infra" + "".join(word.capitalize() for word in id_.split("-"))


def _template(text: str) -> str:
    """`{group}` becomes Prometheus' own way to name a label; the value keeps four significant digits at most."""
    found = re.sub(r"\{(\w+)\}", r"{{ $labels.\1 }}", text)
    return found.replace("{{ $labels.value }}", "{{ $value | humanize }}")
