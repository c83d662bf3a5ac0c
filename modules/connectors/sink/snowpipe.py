"""Snowflake's documented Snowpipe Streaming REST API (high-performance architecture), over httpx.

hostname → scoped token → open channel → append rows → channel status. What the caller meets: `ChannelStale` (open the
channel again and go on from its offset token), `SinkError` (a person must act), or an answer. Everything passing, a
429, a 5xx, a connection that breaks, is tried again with growing, jittered pauses for `patience` seconds. A login that
is refused reads the key's secret again, since the key may have been rotated. An append
whose answer was lost is safe to repeat: if it had arrived its continuation token is used up, and the server says stale.

Source: Snowflake's documentation, user-guide/snowpipe-streaming/snowpipe-streaming-high-performance-rest-api.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx

from modules.connectors.sink.settings import SinkSettings
from modules.errors import SecretError, SinkError
from modules.warehouse.connection import plain_key

__all__ = ["ChannelStale", "ChannelStatus", "KeyPairLogin", "OpenedChannel", "Snowpipe", "Stopping"]

_STALE = ("STALE_", "ERR_CHANNEL")
_SCOPED_TOKEN_SECONDS = 50 * 60
"""How long a scoped token is used when it does not say itself; Snowflake's live for an hour."""
_NEW_KEY_SECONDS = 30.0
"""How long a key that was just taken up may be refused before that is an error."""


class ChannelStale(Exception):
    """Another client opened the channel, or it is gone: open it again and go on from its offset token."""


class Stopping(Exception):
    """The sink is asked to stop while the warehouse does not answer."""


@dataclass(frozen=True)
class ChannelStatus:
    """What the warehouse knows of a channel. `committed` is the last committed offset token, None before the first."""

    committed: int | None
    errors: int
    """Rows refused since the channel was created."""
    created_ms: int
    last_error: str | None
    stale: bool = False


@dataclass(frozen=True)
class OpenedChannel:
    continuation: str
    status: ChannelStatus


class KeyPairLogin:
    """Makes the JSON web token of a Snowflake user with a key pair."""

    def __init__(self, organization: str, account: str, user: str, private_key: str) -> None:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

        try:
            self._key: Any = load_pem_private_key(private_key.encode(), password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            # The library's own words are left out: they may quote the key.
            raise SecretError(
                f"the private key of {user} is not an unencrypted PKCS#8 PEM key",
                do="write the key again, or deploy again to have one made",
            ) from None
        public = self._key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        fingerprint = "SHA256:" + base64.b64encode(hashlib.sha256(public).digest()).decode()
        self._subject = f"{organization}-{account}.{user}".upper()
        self._issuer = f"{self._subject}.{fingerprint}"

    def token(self) -> str:
        """Valid for ten minutes, of which only the next moment is used."""
        import jwt

        now = int(time.time())
        claims = {"iss": self._issuer, "sub": self._subject, "iat": now, "exp": now + 600}
        return jwt.encode(claims, self._key, algorithm="RS256")


class Snowpipe:
    """One table's pipe. Safe to call from several threads.

    Args:
        settings: the sink's.
        stopping: asked while waiting for a warehouse that does not answer; true ends the wait with `Stopping`.
        on_retry: told of each failed attempt, in words.
    """

    def __init__(
        self,
        settings: SinkSettings,
        *,
        stopping: Callable[[], bool] = lambda: False,
        on_retry: Callable[[str], None] = lambda _reason: None,
    ) -> None:
        target = settings.snowflake
        self._settings = settings
        self._control = target.url
        self._protocol = target.protocol
        self._port = target.port
        self._key = settings.private_key
        self._key_trusted_until = 0.0
        self._login = KeyPairLogin(target.organization, target.account, target.user, self._key)
        self._pipe_path = "/".join(
            ("databases", quote(settings.database), "schemas", quote(settings.schema), "pipes", quote(settings.pipe))
        )
        self._http = httpx.Client(
            timeout=httpx.Timeout(60.0, connect=10.0),
            limits=httpx.Limits(max_connections=64, max_keepalive_connections=64),
            trust_env=target.host not in ("127.0.0.1", "localhost"),
        )
        self._stopping = stopping
        self._on_retry = on_retry
        self._lock = threading.Lock()
        self._ingest: str | None = None
        self._scoped: str | None = None
        self._scoped_until = 0.0

    def close(self) -> None:
        self._http.close()

    def open_channel(self, name: str) -> OpenedChannel:
        """Open or reopen: whoever held the channel before can no longer append to it."""
        answer = self._call("PUT", f"/v2/streaming/{self._pipe_path}/channels/{quote(name, safe='')}", json={}).json()
        return OpenedChannel(answer["next_continuation_token"], _status(answer["channel_status"]))

    def append_rows(self, channel: str, continuation: str, rows: bytes, first: int, last: int) -> str:
        """Append NDJSON whose rows are the offsets `first` to `last`; gives the next continuation token.

        Raises:
            ChannelStale: nothing was appended by this call, or it was and its answer got lost.
        """
        headers = {"Content-Type": "application/x-ndjson"}
        if self._settings.compress:
            rows = gzip.compress(rows, compresslevel=1)
            headers["Content-Encoding"] = "gzip"
        response = self._call(
            "POST",
            f"/v2/streaming/data/{self._pipe_path}/channels/{quote(channel, safe='')}/rows",
            # `offsetToken` is what the API took before it told first and last apart.
            params={
                "continuationToken": continuation,
                "startOffsetToken": str(first),
                "endOffsetToken": str(last),
                "offsetToken": str(last),
            },
            content=rows,
            headers=headers,
        )
        return str(response.json()["next_continuation_token"])

    def channel_statuses(self, names: Sequence[str]) -> dict[str, ChannelStatus]:
        """The channels' states by their name; one the warehouse does not know is missing."""
        path = f"/v2/streaming/{self._pipe_path}:bulk-channel-status"
        answer = self._call("POST", path, json={"channel_names": list(names)}).json()
        by_name = {name.upper(): name for name in names}
        return {
            by_name[name.upper()]: _status(status)
            for name, status in (answer.get("channel_statuses") or {}).items()
            if name.upper() in by_name
        }

    def _call(self, method: str, path: str, **request: Any) -> httpx.Response:
        """One request to the ingest host, tried again while that can help."""
        started = time.monotonic()
        pause, renewed = 0.1, False
        headers = request.pop("headers", {})
        while True:
            wait: float | None = None
            try:
                base, token = self._session()
                response = self._http.request(
                    method, base + path, headers={**headers, **_bearer(token, "OAUTH")}, **request
                )
            except (httpx.TransportError, _Passing) as error:
                reason = str(error) or type(error).__name__
            else:
                if response.is_success:
                    return response
                code, message = _error_of(response)
                reason = f"HTTP {response.status_code} {code}: {message}"
                if response.status_code == 401 and not renewed:
                    renewed = True
                    self._forget_token(token)
                    continue
                if not _is_passing(response.status_code):
                    raise self._refusal(method, path, response.status_code, code, message)
                wait = _retry_after(response)
            self._on_retry(reason)
            self._wait(started, wait or pause * random.uniform(0.5, 1.0), reason)
            pause = min(pause * 2, 5.0)

    def _wait(self, started: float, pause: float, reason: str) -> None:
        waited = time.monotonic() - started
        if waited + pause > self._settings.patience:
            raise SinkError(
                f"the warehouse has not answered for {waited:.0f} s ({reason})",
                where=self._control,
                do="see to it that it runs, then start the sink again: it goes on where it was and nothing is lost",
            )
        end = time.monotonic() + pause
        while (left := end - time.monotonic()) > 0:
            if self._stopping():
                raise Stopping(reason)
            time.sleep(min(left, 0.1))

    def _refusal(self, method: str, path: str, status: int, code: str, message: str) -> Exception:
        """What a person, or the caller, must do about an answer that will not change by itself."""
        if code.startswith(_STALE) and method == "POST":
            return ChannelStale(f"{code}: {message}")
        if status in (401, 403):
            do = f"check the key and the rights of {self._settings.snowflake.user} (`infra deploy` grants them)"
        elif status == 404:
            do = f"create {self._settings.table} with `infra deploy`, and check the connector role's rights on it"
        else:
            do = "read the warehouse's message; the sink goes on where it was once the cause is gone"
        return SinkError(
            f"the warehouse refused {method} {path} (HTTP {status} {code}: {message})", where=self._control, do=do
        )

    def _session(self) -> tuple[str, str]:
        """The ingest host's address and a scoped token for it."""
        with self._lock:
            if self._ingest is None:
                text = _field(self._exchange("GET", "/v2/streaming/hostname"), "hostname")
                self._ingest = self._ingest_url(text)
            if self._scoped is None or time.monotonic() > self._scoped_until:
                form = {
                    "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
                    "scope": self._ingest.partition("://")[2],
                }
                self._scoped = _field(self._exchange("POST", "/oauth/token", data=form), "token", "access_token")
                self._scoped_until = time.monotonic() + _lifetime(self._scoped)
            return self._ingest, self._scoped

    def _exchange(self, method: str, path: str, **request: Any) -> httpx.Response:
        response = self._log_in(method, path, **request)
        if response.status_code == 401 and self._take_up_new_key():
            response = self._log_in(method, path, **request)
        if response.is_success:
            return response
        code, message = _error_of(response)
        fresh = response.status_code == 401 and time.monotonic() < self._key_trusted_until
        if fresh or _is_passing(response.status_code):
            raise _Passing(f"HTTP {response.status_code} {code}: {message}")
        raise SinkError(
            f"the warehouse did not accept the login of {self._settings.snowflake.user} (HTTP {response.status_code} "
            f"{code}: {message})",
            where=self._control,
            do="check the user, its public key (`infra deploy` sets it) and this machine's clock",
        )

    def _log_in(self, method: str, path: str, **request: Any) -> httpx.Response:
        headers = _bearer(self._login.token(), "KEYPAIR_JWT")
        return self._http.request(method, self._control + path, headers=headers, **request)

    def _take_up_new_key(self) -> bool:
        """Whether the secret holds another key than the one in use; it is used from now on."""
        target = self._settings.snowflake
        try:
            found = plain_key(target.private_key, target.passphrase, self._settings.project)
        except SecretError:
            return False
        if found == self._key:
            return False
        self._login = KeyPairLogin(target.organization, target.account, target.user, found)
        self._key, self._key_trusted_until = found, time.monotonic() + _NEW_KEY_SECONDS
        return True

    def _ingest_url(self, hostname: str) -> str:
        # Host names with an underscore have no valid certificate; Snowflake answers to the dashed form as well.
        host = hostname.strip().replace("_", "-")
        if self._protocol == "http" and ":" not in host:
            host = f"{host}:{self._port}"
        return f"{self._protocol}://{host}"

    def _forget_token(self, token: str) -> None:
        with self._lock:
            if self._scoped == token:
                self._scoped = None


class _Passing(Exception):
    """The login was not possible just now."""


def _bearer(token: str, kind: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}", "X-Snowflake-Authorization-Token-Type": kind}


def _is_passing(status: int) -> bool:
    return status in (408, 425, 429) or status >= 500


def _retry_after(response: httpx.Response) -> float | None:
    value = response.headers.get("Retry-After", "")
    return min(float(value), 30.0) if value.isdigit() else None


def _error_of(response: httpx.Response) -> tuple[str, str]:
    try:
        answer = response.json()
        return str(answer.get("code", "")), str(answer.get("message", ""))
    except (ValueError, AttributeError):
        return "", response.text[:300]


def _field(response: httpx.Response, *names: str) -> str:
    """A field of the JSON answer; Snowflake's tutorial shows the bare value instead, so that is taken too."""
    text = response.text.strip()
    if text.startswith("{"):
        answer = response.json()
        return str(next(answer[name] for name in names if name in answer))
    return text.strip('"')


def _lifetime(token: str) -> float:
    """Seconds for which a scoped token is used: until shortly before it ends, where it says so itself."""
    import jwt

    try:
        ends = jwt.decode(token, options={"verify_signature": False}).get("exp")
    except jwt.InvalidTokenError:
        return _SCOPED_TOKEN_SECONDS
    if not isinstance(ends, (int, float)):
        return _SCOPED_TOKEN_SECONDS
    left = float(ends) - time.time()
    return max(min(left - 60, left * 0.8), 1.0)


def _status(answer: dict[str, Any]) -> ChannelStatus:
    committed = answer.get("last_committed_offset_token")
    # The same count under two names: one when a channel is opened, the other in the bulk status.
    errors = answer.get("rows_error_count", answer.get("rows_errors")) or 0
    return ChannelStatus(
        committed=int(committed) if committed not in (None, "") else None,
        errors=int(errors),
        created_ms=int(answer.get("created_on_ms") or 0),
        last_error=answer.get("last_error_message") or None,
        stale=str(answer.get("channel_status_code", "")).startswith(_STALE),
    )
