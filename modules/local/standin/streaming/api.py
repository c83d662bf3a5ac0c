"""Snowpipe Streaming's REST endpoints."""

from __future__ import annotations

import io
import json
import logging
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Any

import jwt
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from modules.local.standin.account import Account
from modules.local.standin.auth import user_of_jwt
from modules.local.standin.catalog import Entity
from modules.local.standin.columns import columns_of
from modules.local.standin.errors import SnowflakeError
from modules.local.standin.network import admit
from modules.local.standin.privileges import Access, roles_of_user
from modules.local.standin.streaming.channels import Channel, ChannelKey, StreamingError, stale, token_parts
from modules.local.standin.streaming.convert import convert
from modules.local.standin.streaming.ingest_v1 import IngestV1
from modules.local.standin.streaming.writer import Append, Writer

__all__ = ["Streaming"]

_log = logging.getLogger(__name__)
_MAX_PAYLOAD = 16 * 1024 * 1024
_SCOPED_SECONDS = 3600
_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_SUFFIX = "-STREAMING"
_CHANNEL = "/v2/streaming/databases/{database}/schemas/{schema}/pipes/{pipe}/channels/{channel}"
_ROWS = "/v2/streaming/data/databases/{database}/schemas/{schema}/pipes/{pipe}/channels/{channel}/rows"
_STATUS = "/v2/streaming/databases/{database}/schemas/{schema}/pipes/{pipe}:bulk-channel-status"

_Endpoint = Callable[[Request], Awaitable[Response]]


def _unauthorized(code: str, message: str) -> StreamingError:
    return StreamingError(401, code, message)


class Streaming:
    """The endpoints over one account."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._writer = Writer(account.engine, account.catalog)
        self._classic = IngestV1(account, self._writer)
        self._secret = secrets.token_bytes(32)
        """Signs scoped tokens; they end with the process, and clients exchange anew on 401."""

    def close(self) -> None:
        self._writer.close()

    def routes(self) -> list[Route]:
        return [
            Route("/v2/streaming/hostname", _guarded(self._hostname), methods=["GET"]),
            Route("/oauth/token", _guarded(self._token), methods=["POST"]),
            Route(_CHANNEL, _guarded(self._open), methods=["PUT"]),
            Route(_CHANNEL, _guarded(self._drop), methods=["DELETE"]),
            Route(_ROWS, _guarded(self._rows), methods=["POST"]),
            Route(_STATUS, _guarded(self._statuses), methods=["POST"]),
            *self._classic.routes(),
        ]

    # -- who -----------------------------------------------------------------------------------------------------------

    def _user(self, request: Request, *, scoped: bool) -> Entity:
        """The user of a key-pair JWT or, where `scoped`, of a token this server gave out."""
        token = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
        if not token:
            raise _unauthorized("390103", "Session token not found in the request data.")
        if scoped and jwt_algorithm(token) == "HS256":
            try:
                name = str(jwt.decode(token, self._secret, algorithms=["HS256"])["sub"])
            except (jwt.PyJWTError, KeyError):
                raise _unauthorized("390318", "OAuth access token expired or invalid.") from None
            user = self._account.catalog.get("USER", (name,))
            if user is not None:
                return user  # let in when the token was given out, an hour ago at most
        try:
            user = user_of_jwt(self._account.catalog, token)
            admit(self._account.catalog, user, request.client.host if request.client else "")
            return user
        except SnowflakeError as error:
            raise _unauthorized(f"{error.code}", error.message) from None

    def _access(self, user: Entity) -> Access:
        """A REST request acts in the user's default role."""
        role = user.props.get("DEFAULT_ROLE")
        available = roles_of_user(self._account.catalog, user.name[0])
        return Access(self._account.catalog, role if role in available else "PUBLIC")

    def _table(self, request: Request) -> tuple[Entity, str]:
        """The table behind the path's default pipe, if the user may insert into it; and the pipe's name.

        Raises:
            StreamingError: 404, no such pipe or table, or not allowed.
        """
        access = self._access(self._user(request, scoped=True))
        database, schema, pipe = (request.path_params[part] for part in ("database", "schema", "pipe"))
        if not pipe.upper().endswith(_SUFFIX):
            raise StreamingError(
                404, "ERR_PIPE_DOES_NOT_EXIST_OR_NOT_AUTHORIZED", f"Pipe '{pipe}' does not exist or not authorized."
            )
        wanted = tuple(part.upper() for part in (database, schema, pipe[: -len(_SUFFIX)]))
        exact = self._account.catalog.get("TABLE", wanted)
        tables = [exact] if exact is not None else self._account.catalog.of_kind("TABLE")
        for table in tables:
            if tuple(part.upper() for part in table.name) == wanted:
                try:
                    return access.table(table.name, "INSERT"), f"{table.name[2]}{_SUFFIX}"
                except SnowflakeError:
                    break
        raise StreamingError(
            404,
            "ERR_TABLE_DOES_NOT_EXIST_NOT_AUTHORIZED",
            f"Table '{'.'.join(wanted)}' does not exist or not authorized.",
        )

    # -- endpoints -----------------------------------------------------------------------------------------------------

    async def _hostname(self, request: Request) -> Response:
        self._user(request, scoped=False)
        return JSONResponse({"hostname": request.headers.get("Host", "127.0.0.1")})

    async def _token(self, request: Request) -> Response:
        from urllib.parse import parse_qs

        form = parse_qs((await request.body()).decode("utf-8", "replace"))
        if form.get("grant_type") != [_GRANT]:
            raise StreamingError(400, "unsupported_grant_type", f"grant_type must be {_GRANT}")
        if not form.get("scope"):
            raise StreamingError(400, "invalid_scope", "scope must be the account's ingest hostname")
        user = self._user(request, scoped=False)
        claims = {"sub": user.name[0], "scope": form["scope"][0], "exp": int(time.time()) + _SCOPED_SECONDS}
        return JSONResponse({"token": jwt.encode(claims, self._secret, algorithm="HS256")})

    async def _open(self, request: Request) -> Response:
        table, pipe = self._table(request)
        key, name = self._key(request, table, pipe)
        body = await _json(request)
        given = "offset_token" in body and body["offset_token"] is not None
        channel = await run_in_threadpool(
            self._writer.open, key, name, table.id, str(body["offset_token"]) if given else None, given
        )
        return JSONResponse({"next_continuation_token": channel.token, "channel_status": channel.status(key)})

    async def _drop(self, request: Request) -> Response:
        table, pipe = self._table(request)
        key, _ = self._key(request, table, pipe)
        await run_in_threadpool(self._writer.drop, key, table.id)
        return JSONResponse({})

    @staticmethod
    def _key(request: Request, table: Entity, pipe: str) -> tuple[ChannelKey, str]:
        name = request.path_params["channel"]
        return ChannelKey(table.name, pipe, name.upper()), name

    async def _rows(self, request: Request) -> Response:
        started = time.monotonic()
        table, pipe = self._table(request)
        key, _ = self._key(request, table, pipe)
        query = request.query_params
        continuation = query.get("continuationToken")
        if not continuation:
            raise stale()
        token_parts(continuation)
        payload = await _payload(request)
        end = query.get("endOffsetToken", query.get("offsetToken"))
        channel = await run_in_threadpool(self._append, table, key, continuation, end, payload, started)
        return JSONResponse({"next_continuation_token": channel.token})

    def _append(
        self, table: Entity, key: ChannelKey, continuation: str, end: str | None, payload: bytes, started: float
    ) -> Channel:
        columns = columns_of(table)
        defaults = {
            column.name: self._account.engine.default_value(column.default) for column in columns if column.default
        }
        batch = convert(payload, columns, defaults)
        return self._writer.append(Append(key, table.id, continuation, end, batch, started))

    async def _statuses(self, request: Request) -> Response:
        table, pipe = self._table(request)
        names = (await _json(request)).get("channel_names")
        if not isinstance(names, list):
            raise StreamingError(400, "INVALID_REQUEST", "channel_names must be a list of names")
        statuses = {}
        for name in names:
            key = ChannelKey(table.name, pipe, str(name).upper())
            channel = self._writer.find(key, table.id)
            if channel is not None:
                statuses[str(name)] = channel.status(key)
        return JSONResponse({"channel_statuses": statuses})


def jwt_algorithm(token: str) -> str:
    try:
        return str(jwt.get_unverified_header(token).get("alg"))
    except jwt.PyJWTError:
        return ""


async def _json(request: Request) -> dict[str, Any]:
    body = await request.body()
    if not body.strip():
        return {}
    try:
        parsed = json.loads(body)
    except ValueError:
        raise StreamingError(400, "INVALID_REQUEST", "the request's body is not JSON") from None
    if not isinstance(parsed, dict):
        raise StreamingError(400, "INVALID_REQUEST", "the request's body is not a JSON object")
    return parsed


async def _payload(request: Request) -> bytes:
    """The rows, decompressed; more than 16 MB is refused before it is all read."""
    too_large = StreamingError(413, "REQUEST_PAYLOAD_TOO_LARGE", "The maximum size of a request payload is 16 MB.")
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > _MAX_PAYLOAD:
            raise too_large
        chunks.append(chunk)
    body = b"".join(chunks)
    encoding = request.headers.get("Content-Encoding", "identity").lower()
    if encoding == "identity":
        return body
    if encoding not in ("gzip", "zstd"):
        raise StreamingError(415, "UNSUPPORTED_CONTENT_ENCODING", "Content-Encoding must be gzip or zstd")
    import pyarrow as pa

    try:
        with pa.CompressedInputStream(io.BytesIO(body), encoding) as stream:
            rows = bytes(stream.read(_MAX_PAYLOAD + 1))
    except (OSError, pa.ArrowInvalid):
        raise StreamingError(400, "INVALID_REQUEST", f"the payload is not {encoding}") from None
    if len(rows) > _MAX_PAYLOAD:
        raise too_large
    return rows


def _guarded(endpoint: _Endpoint) -> _Endpoint:
    async def run(request: Request) -> Response:
        try:
            return await endpoint(request)
        except StreamingError as error:
            return JSONResponse({"code": error.code, "message": error.message}, status_code=error.status)
        except Exception as error:
            # A defect, or the disk: the client keeps its rows and tries again.
            _log.exception("internal error on %s", request.url.path)
            message = f"{type(error).__name__}: {error}"
            return JSONResponse({"code": "INTERNAL_ERROR", "message": message}, status_code=500)

    return run
