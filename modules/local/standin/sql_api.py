"""The HTTP endpoints Snowflake's drivers use: log in, query, close, renew, heartbeat, abort, telemetry."""

from __future__ import annotations

import gzip
import json
import logging
import threading
import uuid
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from modules.local.standin import statements
from modules.local.standin.account import Account
from modules.local.standin.auth import ACCOUNT
from modules.local.standin.dump import dump
from modules.local.standin.errors import SnowflakeError, insufficient_privileges
from modules.local.standin.login import login
from modules.local.standin.privileges import Access
from modules.local.standin.results import Result
from modules.local.standin.sessions import MASTER_VALIDITY_SECONDS, TOKEN_VALIDITY_SECONDS, Session
from modules.local.standin.statements.context import Context

__all__ = ["sql_routes"]

_log = logging.getLogger(__name__)
_DML = frozenset({0x3000, 0x3100, 0x3200, 0x3300, 0x3400, 0x3500})
_REMEMBERED = 500
"""How many answered request ids are kept, so that a driver's retry of a sent statement does not run it twice."""


def _failure(error: SnowflakeError, query_id: str | None = None) -> JSONResponse:
    code = f"{error.code:06d}"
    data = {
        "internalError": False,
        "errorCode": code,
        "sqlState": error.sqlstate,
        "queryId": query_id,
        "line": -1,
        "pos": -1,
    }
    return JSONResponse({"data": data, "code": code, "message": error.message, "success": False, "headers": None})


def _success(data: Any = None) -> JSONResponse:
    return JSONResponse({"data": data, "code": None, "message": None, "success": True})


async def _body(request: Request) -> dict[str, Any]:
    body = await request.body()
    if request.headers.get("Content-Encoding") == "gzip":
        body = gzip.decompress(body)
    if not body:
        return {}
    try:
        parsed = json.loads(body)
    except ValueError:
        raise SnowflakeError(390101, "08001", "The request's body is not JSON.") from None
    return parsed if isinstance(parsed, dict) else {}


def _token(request: Request) -> str | None:
    """`Authorization: Snowflake Token="…"`."""
    header = request.headers.get("Authorization", "")
    return header.split('"')[1] if header.startswith("Snowflake Token=") and header.count('"') >= 2 else None


def _bindings(body: dict[str, Any]) -> tuple[Any, list[tuple[Any, ...]] | None]:
    """The statement's parameters, or the rows of an array binding."""
    from fakesnow.converter import from_binding

    given = body.get("bindings") or {}
    if not given:
        return None, None

    def one(binding: dict[str, Any], value: Any) -> Any:
        return None if value is None else from_binding({**binding, "value": value})

    if not all(key.isdigit() for key in given):
        return {key: one(binding, binding["value"]) for key, binding in given.items()}, None
    ordered = [given[str(position)] for position in range(1, len(given) + 1)]
    if any(isinstance(binding["value"], list) for binding in ordered):
        columns = [[one(binding, value) for value in binding["value"]] for binding in ordered]
        return None, list(zip(*columns, strict=True))
    return tuple(one(binding, binding["value"]) for binding in ordered), None


class _Api:
    def __init__(self, account: Account) -> None:
        self.account = account
        self._answers: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self._running: dict[str, Session] = {}
        self._lock = threading.Lock()

    def _session(self, request: Request) -> Session:
        return self.account.sessions.get(_token(request))

    async def login(self, request: Request) -> Response:
        body = await _body(request)
        account = self.account
        client = request.client.host if request.client else "127.0.0.1"
        parts = (account.catalog, account.engine, account.sessions, request.query_params, body.get("data") or {})
        data = await run_in_threadpool(login, *parts, client)
        return _success(data)

    async def query(self, request: Request) -> Response:
        session = self._session(request)
        body = await _body(request)
        request_id = request.query_params.get("requestId") or str(uuid.uuid4())
        query_id = str(uuid.uuid4())
        try:
            return JSONResponse(await run_in_threadpool(self._query, session, body, request_id, query_id))
        except SnowflakeError as error:
            return _failure(error, query_id)

    def _query(self, session: Session, body: dict[str, Any], request_id: str, query_id: str) -> dict[str, Any]:
        with session.lock:
            with self._lock:
                if request_id in self._answers:
                    return self._answers[request_id]
                self._running[request_id] = session
            try:
                params, batch = _bindings(body)
                context = Context(self.account.catalog, self.account.engine, self.account.sessions, session)
                result = statements.run(context, str(body.get("sqlText", "")), params, batch)
            finally:
                with self._lock:
                    self._running.pop(request_id, None)
            answer = {"data": _data(session, result, query_id), "code": None, "message": None, "success": True}
            if result.type_id in _DML or result.type_id >= 0x5000:
                with self._lock:
                    self._answers[request_id] = answer
                    while len(self._answers) > _REMEMBERED:
                        self._answers.popitem(last=False)
            return answer

    async def session(self, request: Request) -> Response:
        session = self._session(request)
        if request.query_params.get("delete"):
            self.account.sessions.close(session)
            await run_in_threadpool(self._release, session)
        return _success()

    def _release(self, session: Session) -> None:
        with session.lock:
            self.account.engine.release(session)

    async def renew(self, request: Request) -> Response:
        session = self.account.sessions.renew(_token(request))
        return _success(
            {
                "sessionToken": session.token,
                "validityInSecondsST": TOKEN_VALIDITY_SECONDS,
                "masterToken": session.master_token,
                "validityInSecondsMT": MASTER_VALIDITY_SECONDS,
                "sessionId": session.id,
            }
        )

    async def heartbeat(self, request: Request) -> Response:
        self._session(request)
        return _success()

    async def abort(self, request: Request) -> Response:
        self._session(request)
        body = await _body(request)
        with self._lock:
            running = self._running.get(str(body.get("requestId", "")))
        if running is not None:
            self.account.engine.interrupt(running)
        return _success()

    async def telemetry(self, request: Request) -> Response:
        """Taken and forgotten."""
        return _success("Log Received")

    async def catalogue(self, request: Request) -> Response:
        """The account as data, for comparing; see `dump`."""
        session = self._session(request)
        if not Access(self.account.catalog, session.role).admin:
            raise insufficient_privileges("ACCOUNT", ACCOUNT)
        return _success(await run_in_threadpool(dump, self.account.catalog))

    async def health(self, request: Request) -> Response:
        return JSONResponse({"status": "ok"})


def _data(session: Session, result: Result, query_id: str) -> dict[str, Any]:
    return {
        "parameters": [{"name": "TIMEZONE", "value": "Etc/UTC"}],
        "rowtype": [column.wire() for column in result.columns],
        "rowset": [list(row) for row in result.rows],
        "total": len(result.rows),
        "returned": len(result.rows),
        "queryId": query_id,
        "statementTypeId": result.type_id,
        "queryResultFormat": "json",
        "finalDatabaseName": session.database,
        "finalSchemaName": session.schema,
        "finalWarehouseName": session.warehouse,
        "finalRoleName": session.role,
        **result.extra,
    }


def _guarded(endpoint: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    async def run(request: Request) -> Response:
        try:
            return await endpoint(request)
        except SnowflakeError as error:
            return _failure(error)
        except Exception as error:
            # A defect. Drivers retry 5xx for minutes, so it is told as a failed statement.
            _log.exception("internal error on %s", request.url.path)
            return _failure(
                SnowflakeError(603, "XX000", f"SQL execution internal error: {type(error).__name__}: {error}")
            )

    return run


def sql_routes(account: Account) -> list[Route]:
    api = _Api(account)
    posts = {
        "/session/v1/login-request": api.login,
        "/queries/v1/query-request": api.query,
        "/queries/v1/abort-request": api.abort,
        "/session": api.session,
        "/session/token-request": api.renew,
        "/session/heartbeat": api.heartbeat,
        "/telemetry/send": api.telemetry,
        "/telemetry/send/sessionless": api.telemetry,
    }
    routes = [Route(path, _guarded(endpoint), methods=["POST"]) for path, endpoint in posts.items()]
    gets = [
        Route("/health", api.health, methods=["GET"]),
        Route("/catalogue", _guarded(api.catalogue), methods=["GET"]),
    ]
    return [*routes, *gets]
