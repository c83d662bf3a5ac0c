"""The alert rules of `infra status` in the languages of those who watch day and night."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from modules.environment.model import Environment
    from modules.status.rules import Rule

__all__ = ["LANGUAGES", "render"]

LANGUAGES = ("prometheus", "cloudwatch", "confluent")


def render(language: str, environment: Environment, rules: Sequence[Rule]) -> str:
    """The rules as a file's text: YAML for Prometheus, JSON for the others."""
    import json

    from modules.alerts.cloudwatch import alarms
    from modules.alerts.confluent import notifications
    from modules.alerts.prometheus import rule_file

    if language == "prometheus":
        return rule_file(environment.name, rules)
    documents: dict[str, Callable[[], Any]] = {
        "cloudwatch": lambda: alarms(environment, rules),
        "confluent": lambda: notifications(environment, rules),
    }
    return json.dumps(documents[language](), indent=2) + "\n"
