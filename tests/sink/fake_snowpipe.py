"""A small HTTP server with Snowpipe Streaming's REST API, for what the stand-in cannot be made to do on purpose:
committing late, answering 503, losing an answer after having appended, counting refused rows.

It keeps the documented rules: an open bumps the client sequencer and drops what is not committed, an append needs the
newest continuation token. `tests/sink/test_contract.py` holds it and the stand-in to the same contract.
"""

from __future__ import annotations

import gzip
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import jwt


@dataclass
class Channel:
    created_ms: int
    client: int = 0
    row: int = 0
    committed: str | None = None
    rows: list[dict[str, Any]] = field(default_factory=list)
    waiting: list[tuple[str, list[dict[str, Any]]]] = field(default_factory=list)
    errors: int = 0
    last_error: str | None = None


class FakeSnowpipe:
    """`failures` are taken one a request: (status, code, applied) answers so, after appending when `applied`."""

    def __init__(self, public_key: Any) -> None:
        self.public_key = public_key
        self.channels: dict[str, Channel] = {}
        self.failures: list[tuple[int, str, bool]] = []
        self.refuse: Callable[[dict[str, Any]], bool] = lambda row: False
        self.commit_at_once = True
        self.tokens = 0
        self.expire_tokens = False
        self.requests: list[str] = []
        self.bodies: list[int] = []
        self.lock = threading.Lock()
        self.port = 0
        self._valid = ""

    @property
    def rows(self) -> list[dict[str, Any]]:
        return [row for channel in self.channels.values() for row in channel.rows]

    def commit(self) -> None:
        with self.lock:
            for channel in self.channels.values():
                self._commit(channel)

    def steal(self, name: str) -> None:
        """What another client does: open the channel."""
        with self.lock:
            self._open(name)

    def _commit(self, channel: Channel) -> None:
        for token, rows in channel.waiting:
            for row in rows:
                if self.refuse(row):
                    channel.errors += 1
                    channel.last_error = "Numeric value 'x' is not recognized"
                else:
                    channel.rows.append(row)
            channel.committed = token
        channel.waiting = []

    def _open(self, name: str) -> Channel:
        channel = self.channels.setdefault(name, Channel(created_ms=time.time_ns() // 1_000_000))
        channel.waiting = []
        channel.client += 1
        channel.row = 0
        return channel

    def status(self, name: str, channel: Channel, count_name: str) -> dict[str, Any]:
        return {
            "channel_name": name,
            "channel_status_code": "ACTIVE",
            "last_committed_offset_token": channel.committed,
            "created_on_ms": channel.created_ms,
            count_name: channel.errors,
            "last_error_message": channel.last_error,
        }

    def answer(self, method: str, target: str, headers: Any, body: bytes) -> tuple[int, Any]:
        url = urlsplit(target)
        self.requests.append(f"{method} {url.path}")
        bearer = headers.get("Authorization", "").removeprefix("Bearer ")
        if url.path in ("/v2/streaming/hostname", "/oauth/token"):
            try:
                claims = jwt.decode(bearer, self.public_key, algorithms=["RS256"])
            except jwt.InvalidTokenError as error:
                return 401, {"code": "390144", "message": f"JWT token is invalid: {error}"}
            assert claims["sub"] == "INFRA-LOCAL.SVC_KAFKA_CONNECTOR"
            if url.path == "/v2/streaming/hostname":
                return 200, {"hostname": f"127.0.0.1:{self.port}"}
            assert parse_qs(body.decode())["scope"] == [f"127.0.0.1:{self.port}"]
            self.tokens += 1
            self._valid = f"scoped-{self.tokens}"
            return 200, {"token": self._valid}
        if bearer != self._valid or self.expire_tokens:
            self.expire_tokens = False
            return 401, {"code": "390318", "message": "the token has expired"}
        with self.lock:
            return self._streaming(method, url.path, parse_qs(url.query), headers, body)

    def _streaming(self, method: str, path: str, query: dict[str, list[str]], headers: Any, body: bytes) -> Any:
        failure = self.failures.pop(0) if self.failures else None
        if failure and not failure[2]:
            return failure[0], {"code": failure[1], "message": "made to fail"}
        if path.endswith(":bulk-channel-status"):
            names = json.loads(body)["channel_names"]
            known = {name: self.channels[name] for name in names if name in self.channels}
            return 200, {"channel_statuses": {n: self.status(n, c, "rows_errors") for n, c in known.items()}}
        parts = [unquote(part) for part in path.split("/")]
        name = parts[parts.index("channels") + 1]
        assert parts[parts.index("pipes") + 1] == "ORDER_EVENTS-STREAMING"
        if method == "PUT":
            channel = self._open(name)
            token = f"{channel.client}.{channel.row}"
            return 200, {
                "next_continuation_token": token,
                "channel_status": self.status(name, channel, "rows_error_count"),
            }
        channel = self.channels[name]
        if query["continuationToken"] != [f"{channel.client}.{channel.row}"]:
            return 400, {"code": "STALE_CONTINUATION_TOKEN_SEQUENCER", "message": "stale. Please reopen the channel"}
        if headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        self.bodies.append(len(body))
        channel.row += 1
        channel.waiting.append((query["offsetToken"][0], [json.loads(line) for line in body.splitlines()]))
        if self.commit_at_once:
            self._commit(channel)
        if failure:
            return failure[0], {"code": failure[1], "message": "made to fail after it was applied"}
        return 200, {"next_continuation_token": f"{channel.client}.{channel.row}"}


@contextmanager
def running(public_key: Any) -> Iterator[FakeSnowpipe]:
    fake = FakeSnowpipe(public_key)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, content = fake.answer(self.command, self.path, self.headers, body)
            data = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_PUT = do_POST = _answer

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    fake.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
