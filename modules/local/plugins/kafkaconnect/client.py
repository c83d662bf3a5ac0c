"""Kafka Connect's REST API, as far as connectors need it, with errors a user can act on.

While a worker hands its tasks out anew it answers 409 to every change; such an answer is waited out.
API: https://kafka.apache.org/documentation/#connect_rest
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from modules.local.plugins.protocol.resource import Diagnostic
from modules.local.plugins.rest import RestApi

__all__ = ["ConnectApi", "ConnectRefusal", "unreachable"]

_SECONDS = 30.0
_REBALANCE_SECONDS = 60.0
_PAUSE_SECONDS = 0.25


def unreachable(url: str, path: tuple[str, ...] = ()) -> Diagnostic:
    """What is said of a worker that does not answer."""
    return Diagnostic(
        f"Kafka Connect at {url} does not answer",
        "On a laptop start it with `infra local up --with connect`; `infra local logs connect` shows what is wrong.",
        path,
    )


class ConnectRefusal(Exception):
    """The worker answered with an error."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class ConnectApi(RestApi):
    """What is asked of a worker's connectors."""

    def __init__(self, pause: Callable[[float], None] = time.sleep) -> None:
        super().__init__("Kafka Connect", _SECONDS, "application/json", unreachable, _refusal)
        self._pause = pause

    def config(self, name: str) -> dict[str, str] | None:
        """A connector's settings as the worker has them; None without the connector."""
        try:
            found: dict[str, str] = self._settled("GET", f"/connectors/{quote(name, safe='')}/config")
        except ConnectRefusal as refusal:
            if refusal.status == 404:
                return None
            raise
        return found

    def put(self, name: str, config: Mapping[str, str]) -> None:
        """Make the connector, or change it in place; its tasks are started anew."""
        self._settled("PUT", f"/connectors/{quote(name, safe='')}/config", dict(config))

    def delete(self, name: str) -> None:
        """A connector that is already gone is none to delete."""
        try:
            self._settled("DELETE", f"/connectors/{quote(name, safe='')}")
        except ConnectRefusal as refusal:
            if refusal.status != 404:
                raise

    def _settled(self, method: str, path: str, body: Any = None) -> Any:
        deadline = time.monotonic() + _REBALANCE_SECONDS
        while True:
            try:
                return self._call(method, path, body)
            except ConnectRefusal as refusal:
                if refusal.status != 409 or time.monotonic() > deadline:
                    raise
            self._pause(_PAUSE_SECONDS)


def _refusal(answer: Any) -> ConnectRefusal:
    return ConnectRefusal(answer.status_code, _message(answer))


def _message(answer: Any) -> str:
    try:
        return str(answer.json()["message"])
    except (ValueError, KeyError, TypeError):
        return str(answer.text[:500])
