"""Kafka Connect's REST API, as far as connectors need it, with errors a user can act on.

While a worker hands its tasks out anew it answers 409 to every change; such an answer is waited out.
API: https://kafka.apache.org/documentation/#connect_rest
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from modules.local.plugins.protocol.resource import Diagnostic, PluginError

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


class ConnectApi:
    """One HTTP connection pool, opened at the first request."""

    def __init__(self, pause: Callable[[float], None] = time.sleep) -> None:
        self._pause = pause
        self._url = ""
        self._login: tuple[str, str] | None = None
        self._headers: dict[str, str] = {}
        self._http: Any = None
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        return self._url

    def configure(self, url: str, login: tuple[str, str] | None, headers: Mapping[str, str]) -> None:
        with self._lock:
            self._url, self._login, self._headers, self._http = url.rstrip("/"), login, dict(headers), None

    def close(self) -> None:
        if self._http is not None:
            self._http.close()

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

    def _call(self, method: str, path: str, body: Any) -> Any:
        import httpx

        with self._lock:
            if self._http is None:
                headers = {"Accept": "application/json", **self._headers}
                self._http = httpx.Client(auth=self._login, timeout=_SECONDS, headers=headers, trust_env=False)
        try:
            answer = self._http.request(method, self._url + path, json=body)
        except httpx.HTTPError as error:
            diagnostic = unreachable(self._url)
            raise PluginError(diagnostic.summary, f"{diagnostic.detail} ({type(error).__name__})") from None
        if answer.status_code in (401, 403):
            raise PluginError(
                f"Kafka Connect at {self._url} refuses the login", "Check the provider's username and password."
            )
        if answer.is_error:
            raise ConnectRefusal(answer.status_code, _message(answer))
        return answer.json() if answer.content else None


def _message(answer: Any) -> str:
    try:
        return str(answer.json()["message"])
    except (ValueError, KeyError, TypeError):
        return str(answer.text[:500])
