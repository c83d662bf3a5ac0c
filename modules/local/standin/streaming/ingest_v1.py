"""The classic Snowpipe Streaming endpoints (`/v1/streaming/…`), which Snowflake's Kafka connector 2.x and 3.x speak.

The client writes encrypted blobs to a folder both can see (`LOCAL_FS`) and then registers them; rows and offset tokens
become visible with the registration, in one transaction a chunk. Not documented by Snowflake, read off the wire of
`com.snowflake:snowflake-kafka-connector:2.5.0`. A request that is understood is answered with 200; `status_code` says
how it went.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

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
from modules.local.standin.streaming import bdec
from modules.local.standin.streaming.channels import Channel, ChannelKey
from modules.local.standin.streaming.writer import Writer
from modules.local.standin.tokenizer import Tokens

__all__ = ["IngestV1"]

_log = logging.getLogger(__name__)
SUCCESS, NO_TABLE, NO_CHANNEL, GENERAL, OLD_CLIENT, WRONG_ROW = 0, 4, 8, 10, 20, 21
"""`status_code`: 20 for a client that was reopened over, 21 for a registration that is not the channel's next one."""
_STALE_SECONDS = 3600
"""Blobs that were never registered are deleted after so long."""


class _Refused(Exception):
    """An answer other than success."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class IngestV1:
    """The endpoints over one account."""

    def __init__(self, account: Account, writer: Writer) -> None:
        self._account = account
        self._writer = writer
        self._stage = account.folder / "stage"
        self._stage.mkdir(mode=0o700, exist_ok=True)
        self._secret = _kept_secret(account.folder / "stage.key")
        self._prefix = hashlib.sha256(self._secret + b"prefix").hexdigest()[:8]
        self._sweep()

    def routes(self) -> list[Route]:
        endpoints: dict[str, Callable[[Access, dict[str, Any]], dict[str, Any]]] = {
            "client/configure": self._configure,
            "channels/open": self._open,
            "channels/drop": self._drop,
            "channels/status": self._status,
            "channels/write/blobs": self._register,
        }
        return [
            Route(f"/v1/streaming/{path}{slash}", self._endpoint(run), methods=["POST"])
            for path, run in endpoints.items()
            for slash in ("/", "")
        ]

    def _endpoint(self, run: Callable[[Access, dict[str, Any]], dict[str, Any]]) -> Callable[[Request], Any]:
        async def answer(request: Request) -> Response:
            try:
                body = json.loads(await request.body() or b"{}")
                access = self._access(request, str(body.get("role") or ""))
                return JSONResponse(
                    {"status_code": SUCCESS, "message": "Success", **await _threaded(run, access, body)}
                )
            except _Refused as refused:
                return JSONResponse({"status_code": refused.code, "message": refused.message})
            except SnowflakeError as error:
                return JSONResponse({"code": f"{error.code}", "message": error.message}, status_code=401)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                _log.exception("a request on %s that is not understood", request.url.path)
                message = f"not understood: {type(error).__name__}"
                return JSONResponse({"status_code": GENERAL, "message": message}, status_code=400)
            except Exception as error:
                # A defect, or the disk: the client keeps its rows and tries again.
                _log.exception("internal error on %s", request.url.path)
                message = f"{type(error).__name__}: {error}"
                return JSONResponse({"status_code": GENERAL, "message": message}, status_code=500)

        return answer

    def _access(self, request: Request, role: str) -> Access:
        """The rights of the role the request names, if the key pair's user has it; else of the user's default role."""
        token = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
        catalog = self._account.catalog
        user = user_of_jwt(catalog, token)
        admit(catalog, user, request.client.host if request.client else "")
        available = roles_of_user(catalog, user.name[0])
        wanted = Tokens(role).name()[0] if role else user.props.get("DEFAULT_ROLE")
        if role and wanted not in available:
            raise SnowflakeError(390189, "08001", f"Role '{wanted}' does not exist or not authorized.")
        return Access(catalog, wanted if wanted in available else "PUBLIC")

    # -- endpoints -----------------------------------------------------------------------------------------------------

    def _configure(self, _access: Access, _body: dict[str, Any]) -> dict[str, Any]:
        self._sweep()
        location = {"locationType": "LOCAL_FS", "location": str(self._stage), "path": "", "creds": {}}
        return {"prefix": self._prefix, "deployment_id": 1, "stage_location": location}

    def _open(self, access: Access, body: dict[str, Any]) -> dict[str, Any]:
        table = self._table(access, body)
        name = str(body["channel"])
        token = body.get("offset_token")
        channel = self._writer.open(
            _key(table, name), name, table.id, str(token) if token is not None else None, token is not None
        )
        return {
            **_place(table),
            "channel": name,
            "client_sequencer": channel.client_sequencer,
            "row_sequencer": channel.row_sequencer,
            "offset_token": channel.offset_token,
            "table_columns": [bdec.describe(column, number) for number, column in enumerate(columns_of(table), 1)],
            "encryption_key": self._encryption_key(table),
            "encryption_key_id": table.id,
        }

    def _drop(self, access: Access, body: dict[str, Any]) -> dict[str, Any]:
        table = self._table(access, body)
        name = str(body["channel"])
        key = _key(table, name)
        channel = self._writer.find(key, table.id)
        given = body.get("client_sequencer")
        if channel is not None and given is not None and int(given) != channel.client_sequencer:
            raise _Refused(OLD_CLIENT, "The channel was opened by another client.")
        self._writer.drop(key, table.id)
        return {**_place(table), "channel": name}

    def _status(self, access: Access, body: dict[str, Any]) -> dict[str, Any]:
        return {"channels": [self._status_of(access, asked) for asked in body.get("channels") or []]}

    def _status_of(self, access: Access, asked: dict[str, Any]) -> dict[str, Any]:
        try:
            table = self._table(access, asked)
        except _Refused as refused:
            return {"status_code": refused.code, "message": refused.message}
        channel = self._writer.find(_key(table, str(asked.get("channel_name") or asked.get("channel"))), table.id)
        if channel is None:
            return {"status_code": NO_CHANNEL, "message": "The channel does not exist."}
        given = asked.get("client_sequencer")
        old = given is not None and int(given) != channel.client_sequencer
        return {
            "status_code": OLD_CLIENT if old else SUCCESS,
            "message": "The channel was opened by another client." if old else "Success",
            "persisted_client_sequencer": channel.client_sequencer,
            "persisted_row_sequencer": channel.row_sequencer,
            "persisted_offset_token": channel.offset_token,
        }

    def _register(self, access: Access, body: dict[str, Any]) -> dict[str, Any]:
        answered = []
        for blob in body.get("blobs") or []:
            chunks = [self._chunk(access, blob, chunk) for chunk in blob["chunks"]]
            answered.append({"path": blob["path"], "chunks": chunks})
            # All that can ever come of it has come: a client whose chunk was refused writes a new blob.
            self._blob(blob["path"]).unlink(missing_ok=True)
        return {"blobs": answered}

    # -- a chunk -------------------------------------------------------------------------------------------------------

    def _chunk(self, access: Access, blob: dict[str, Any], chunk: dict[str, Any]) -> dict[str, Any]:
        """Commit one chunk's rows and its channels' tokens, or nothing of it; the answer has each channel's status.

        A chunk does not say which of its rows are whose, so one channel that may not go on stops those with it: they
        reopen and send again from what was committed.
        """
        place = {name: chunk[name] for name in ("database", "schema", "table")}
        failure: _Refused | None = None
        channels = chunk["channels"]
        codes = dict.fromkeys((channel["channel_name"] for channel in channels), SUCCESS)
        try:
            table = self._table(access, chunk)
            codes.update(self._sequence(table, channels))
            if not any(codes.values()):
                self._commit(table, blob, chunk)
        except _Refused as refused:
            failure = refused
        except bdec.BlobError as error:
            _log.warning("a blob for %s was refused: %s", ".".join(place.values()), error)
            failure = _Refused(GENERAL, str(error))
        except _Stale as stale:
            codes.update(stale.codes)
        if failure is not None:
            codes = dict.fromkeys(codes, failure.code)
        elif any(codes.values()):
            codes = {name: code or WRONG_ROW for name, code in codes.items()}
        statuses = [
            {
                "channel": channel["channel_name"],
                "client_sequencer": channel["client_sequencer"],
                "status_code": codes[channel["channel_name"]],
                "message": failure.message if failure else "",
            }
            for channel in channels
        ]
        return {**place, "channels": statuses}

    def _sequence(self, table: Entity, channels: list[dict[str, Any]]) -> dict[str, int]:
        """A status for each channel: is it this client's, and is this its next registration?"""
        codes = {}
        for asked in channels:
            channel = self._writer.find(_key(table, asked["channel_name"]), table.id)
            if channel is None:
                codes[asked["channel_name"]] = NO_CHANNEL
            elif int(asked["client_sequencer"]) != channel.client_sequencer:
                codes[asked["channel_name"]] = OLD_CLIENT
            else:
                following = int(asked["row_sequencer"]) == channel.row_sequencer + 1
                codes[asked["channel_name"]] = SUCCESS if following else WRONG_ROW
        return codes

    def _commit(self, table: Entity, blob: dict[str, Any], chunk: dict[str, Any]) -> None:
        start, length = int(chunk["chunk_start_offset"]), int(chunk["chunk_length"])
        try:
            with self._blob(blob["path"]).open("rb") as file:
                file.seek(start)
                data = file.read(length)
        except OSError as error:
            raise bdec.BlobError(f"the blob cannot be read: {error.strerror}") from None
        if len(data) != length:
            raise bdec.BlobError("the blob is shorter than it is said to be")
        rows = bdec.rows_of(bdec.decrypt(data, self._encryption_key(table), blob["path"], start), columns_of(table))
        stated = (chunk.get("eps") or {}).get("rows")
        if stated is not None and int(stated) != rows.num_rows:
            raise bdec.BlobError(f"the chunk has {rows.num_rows} rows, {stated} were announced")

        def change() -> tuple[Any, dict[ChannelKey, Channel]]:
            codes = self._sequence(table, chunk["channels"])
            if any(codes.values()) or self._account.catalog.get("TABLE", table.name) is not table:
                raise _Stale(codes)
            # Whose rows they are is known only where there is one channel.
            count = rows.num_rows if len(codes) == 1 else 0
            return rows, dict(self._advanced(table, asked, count) for asked in chunk["channels"])

        self._writer.commit(table.name, change)

    def _advanced(self, table: Entity, asked: dict[str, Any], rows: int) -> tuple[ChannelKey, Channel]:
        key = _key(table, asked["channel_name"])
        channel = self._writer.find(key, table.id)
        assert channel is not None
        token = asked.get("offset_token")
        return key, replace(
            channel,
            row_sequencer=int(asked["row_sequencer"]),
            offset_token=str(token) if token is not None else channel.offset_token,
            rows_inserted=channel.rows_inserted + rows,
            rows_parsed=channel.rows_parsed + rows,
        )

    # -- places --------------------------------------------------------------------------------------------------------

    def _table(self, access: Access, body: dict[str, Any]) -> Entity:
        """The table a request names, if the role may insert into it; names come as SQL identifiers."""
        name = tuple(Tokens(str(body[part])).name()[0] for part in ("database", "schema", "table"))
        try:
            return access.table(name, "INSERT")
        except SnowflakeError as error:
            raise _Refused(NO_TABLE, error.message) from None

    def _encryption_key(self, table: Entity) -> str:
        """One for each table, the same after a restart: a blob may be written before it and registered after it."""
        return base64.b64encode(hmac.digest(self._secret, f"table {table.id}".encode(), "sha256")).decode()

    def _blob(self, path: str) -> Path:
        """The blob's file; never one outside of the stage."""
        file = (self._stage / path).resolve()
        if not file.is_relative_to(self._stage.resolve()):
            raise _Refused(GENERAL, "the path leaves the stage")
        return file

    def _sweep(self) -> None:
        """Delete blobs whose client was killed before it registered them."""
        now = time.time()
        for file in self._stage.rglob("*.bdec"):
            if now - file.stat().st_mtime > _STALE_SECONDS:
                file.unlink(missing_ok=True)


class _Stale(Exception):
    """Between the look and the commit the channel moved on."""

    def __init__(self, codes: dict[str, int]) -> None:
        super().__init__("stale")
        self.codes = codes if any(codes.values()) else dict.fromkeys(codes, WRONG_ROW)


async def _threaded(run: Callable[..., dict[str, Any]], *arguments: Any) -> dict[str, Any]:
    return await run_in_threadpool(run, *arguments)


def _key(table: Entity, channel: str) -> ChannelKey:
    """A classic channel belongs to its table; it has no pipe."""
    return ChannelKey(table.name, "", channel.upper())


def _place(table: Entity) -> dict[str, str]:
    return dict(zip(("database", "schema", "table"), table.name, strict=True))


def _kept_secret(file: Path) -> bytes:
    """Random bytes that stay the same for the data folder's life (0600)."""
    import os

    if not file.exists():
        staged = file.with_suffix(".new")
        descriptor = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as out:
            out.write(secrets.token_bytes(32))
        staged.replace(file)
    return file.read_bytes()
