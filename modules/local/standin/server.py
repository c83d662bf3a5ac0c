"""The HTTP application and its one-line log."""

from __future__ import annotations

import logging
import time
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from modules.local.standin.account import Account
from modules.local.standin.sql_api import sql_routes

__all__ = ["build_app"]

_log = logging.getLogger(__name__)


class _Log:
    """One line a request: method, path, status, time. No query string, headers or body: they hold tokens."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = time.monotonic(), 0

        async def watch(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watch)
        finally:
            if scope["path"] != "/health":
                spent = (time.monotonic() - started) * 1000
                _log.info("%s %s %s %.0f ms", scope["method"], scope["path"], status, spent)


async def _broken(request: Request, error: Exception) -> Response:
    """A defect of the stand-in. Drivers retry 5xx for minutes, so it is told as a failed statement."""
    _log.error("internal error on %s", request.url.path, exc_info=error)
    message = f"SQL execution internal error: {type(error).__name__}: {error}"
    return JSONResponse({"data": None, "code": "000603", "message": message, "success": False})


def build_app(account: Account) -> Any:
    app = Starlette(routes=sql_routes(account), exception_handlers={Exception: _broken})
    return _Log(app)
