"""The HTTP application and its one-line log."""

from __future__ import annotations

import logging
import time
from typing import Any

from starlette.applications import Starlette

from modules.local.standin.account import Account
from modules.local.standin.sql_api import sql_routes
from modules.local.standin.streaming.api import Streaming

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


def build_app(account: Account, streaming: Streaming) -> Any:
    """All endpoints over one account."""
    app = Starlette(routes=[*sql_routes(account), *streaming.routes()])
    return _Log(app)
