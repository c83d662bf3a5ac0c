"""A service with a REST API, as a plugin talks to it: one connection pool, and errors a user can act on.

What may be asked of a service, and what its refusals look like, is each client's own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

from modules.local.plugins.protocol.resource import Diagnostic, PluginError

__all__ = ["RestApi"]


class RestApi:
    """The pool is opened at the first request.

    Args:
        service: as it is called within a sentence.
        seconds: how long an answer may take.
        accept: the kinds of answers.
        unreachable: what is said of an address that does not answer.
        refusal: the exception for an answer that is an error.
    """

    def __init__(
        self,
        service: str,
        seconds: float,
        accept: str,
        unreachable: Callable[[str], Diagnostic],
        refusal: Callable[[Any], Exception],
    ) -> None:
        self._service = service
        self._seconds = seconds
        self._accept = accept
        self._unreachable = unreachable
        self._refusal = refusal
        self._url = ""
        self._login: tuple[str, str] | None = None
        self._headers: dict[str, str] = {}
        self._http: Any = None
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        return self._url

    def configure(self, url: str, login: tuple[str, str] | None, headers: Mapping[str, str] | None = None) -> None:
        with self._lock:
            self._url, self._login, self._headers, self._http = url.rstrip("/"), login, dict(headers or {}), None

    def close(self) -> None:
        if self._http is not None:
            self._http.close()

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        import httpx

        with self._lock:
            if self._http is None:
                headers = {"Accept": self._accept, **self._headers}
                self._http = httpx.Client(auth=self._login, timeout=self._seconds, headers=headers, trust_env=False)
        try:
            answer = self._http.request(method, self._url + path, json=body)
        except httpx.HTTPError as error:
            diagnostic = self._unreachable(self._url)
            raise PluginError(diagnostic.summary, f"{diagnostic.detail} ({type(error).__name__})") from None
        if answer.status_code in (401, 403):
            raise PluginError(
                f"{self._service} at {self._url} refuses the login", "Check the provider's username and password."
            )
        if answer.is_error:
            raise self._refusal(answer)
        return answer.json() if answer.content else None
