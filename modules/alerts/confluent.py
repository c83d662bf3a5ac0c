"""What of the alert rules Confluent Cloud can watch itself: requests to its notifications API, for a person to send.

Confluent's notifications (`notifications/v1`: types, integrations, subscriptions) have conditions of their own. A
subscription names a type and where to send it; none takes a metric or a threshold, and the types' ids are told only by
the organization's own list. So this gives the requests in the order they are made, with the id left to the list's
answer, and names the rules that Confluent cannot watch: those are Prometheus', which reads the Metrics API's export.

Source: Confluent Cloud's API reference of notifications/v1 and its page on notifications, read 2026-11.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from modules.environment.model import Environment
from modules.status.rules import Rule

__all__ = ["notifications"]

_URL = "https://api.confluent.cloud/notifications/v1"
_OWN = {
    "connector-down": "a managed connector has failed",
    "task-down": "a managed connector's task has failed",
    "cluster-load": "a dedicated cluster is near its capacity",
}
"""Rule → the kind of event among Confluent's service notifications that stands for it."""


def notifications(environment: Environment, rules: Sequence[Rule]) -> dict[str, Any]:
    """The requests, and the rules that are left."""
    told = [rule for rule in rules if rule.id in _OWN]
    integration = f"{environment.project}-{environment.name}"
    requests: list[dict[str, Any]] = [
        {"method": "GET", "url": f"{_URL}/notification-types", "why": "the types' ids and their conditions"},
        {
            "method": "POST",
            "url": f"{_URL}/integrations",
            "body": {
                "display_name": integration,
                "description": f"alerts of environment {environment.name}",
                "target": {"kind": "Webhook", "webhook_url": "${WEBHOOK_URL}"},
            },
        },
    ]
    requests += [
        {
            "method": "POST",
            "url": f"{_URL}/subscriptions",
            "rule": rule.id,
            "for": _OWN[rule.id],
            "body": {
                "current_state": "ENABLED",
                "notification_type": {"id": "${NOTIFICATION_TYPE_ID}"},
                "integrations": [{"id": "${INTEGRATION_ID}"}],
            },
        }
        for rule in told
    ]
    return {
        "login": "a Cloud API key of an OrganizationAdmin, as HTTP basic authentication",
        "requests": requests,
        "not_for_confluent": [rule.id for rule in rules if rule not in told],
        "instead": f"infra status --env {environment.name} --rules prometheus",
    }
