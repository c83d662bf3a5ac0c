"""A look as JSON: every record under its own name, findings and what could not be read beside them."""

from __future__ import annotations

from dataclasses import asdict, fields
from datetime import datetime
from decimal import Decimal
from typing import Any

from modules.status.connectors import offer_of
from modules.status.gather import Status

__all__ = ["to_json"]


def to_json(status: Status) -> dict[str, Any]:
    """Ages and lags in seconds, times in UTC, credits as strings."""
    found = status.found
    document: dict[str, Any] = {
        "environment": status.environment,
        "platform": status.platform,
        "at": status.at.isoformat(timespec="seconds"),
        "seconds": round(status.seconds, 3),
        "healthy": status.healthy,
        "findings": [_plain(asdict(each)) for each in status.findings],
    }
    for each in fields(found):
        document[each.name] = [_plain(asdict(one)) for one in getattr(found, each.name)]
    for told, connector in zip(document["connectors"], found.connectors, strict=True):
        told["healthy"] = connector.healthy
        if not connector.healthy:
            told["restart"] = offer_of(status.environment, connector)
    return document


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, Decimal):
        return str(value)
    return round(value, 3) if isinstance(value, float) else value
