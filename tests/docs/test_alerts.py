"""The page on alerts has every rule as it is."""

from __future__ import annotations

from pathlib import Path

from modules.status.rules import load_rules

PAGE = Path(__file__).resolve().parents[2] / "docs" / "alerts.md"


def test_the_table_is_that_of_the_rules() -> None:
    told = [line for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    wanted = []
    for rule in load_rules():
        lasts = f"{rule.minutes // 60} h" if rule.minutes >= 60 else f"{rule.minutes} min"
        broken = f"`{rule.metric}` {rule.comparison} {rule.threshold:g}"
        wanted.append(f"| `{rule.id}` | {rule.severity} | {broken} | {lasts} |")
    assert told == wanted
