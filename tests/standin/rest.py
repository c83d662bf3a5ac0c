"""A small client of Snowpipe Streaming's REST API, written from its documentation, for the tests."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import httpx
import jwt

from modules.warehouse.connection import public_key_of

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def key_pair_jwt(user: str, key: Path, account: str = "INFRA-LOCAL") -> str:
    pem = key.read_text()
    digest = hashlib.sha256(base64.b64decode(public_key_of(pem))).digest()
    subject = f"{account}.{user}"
    now = int(time.time())
    claims = {
        "sub": subject,
        "iss": f"{subject}.SHA256:{base64.b64encode(digest).decode()}",
        "iat": now,
        "exp": now + 60,
    }
    return jwt.encode(claims, pem, algorithm="RS256")


class Rest:
    """One user's requests to one pipe."""

    def __init__(self, url: str, user: str, key: Path, table: str) -> None:
        database, schema, name = table.split(".")
        self.http = httpx.Client(base_url=url, timeout=60)
        self.user, self.key = user, key
        self.pipe = f"databases/{database}/schemas/{schema}/pipes/{name}-STREAMING"
        self.token = ""

    def login(self) -> Rest:
        bearer = {"Authorization": f"Bearer {key_pair_jwt(self.user, self.key)}"}
        host = self.http.get("/v2/streaming/hostname", headers=bearer).raise_for_status().json()["hostname"]
        form = {"grant_type": GRANT, "scope": host}
        self.token = self.http.post("/oauth/token", data=form, headers=bearer).raise_for_status().json()["token"]
        return self

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def open(self, channel: str, **body: Any) -> httpx.Response:
        return self.http.put(f"/v2/streaming/{self.pipe}/channels/{channel}", headers=self.headers, json=body)

    def drop(self, channel: str) -> httpx.Response:
        return self.http.delete(f"/v2/streaming/{self.pipe}/channels/{channel}", headers=self.headers)

    def append(
        self, channel: str, continuation: str, rows: Iterable[Any] | bytes, offset: object, **headers: str
    ) -> httpx.Response:
        payload = rows if isinstance(rows, bytes) else b"".join(json.dumps(row).encode() + b"\n" for row in rows)
        return self.http.post(
            f"/v2/streaming/data/{self.pipe}/channels/{channel}/rows",
            params={"continuationToken": continuation, "offsetToken": str(offset)},
            content=payload,
            headers={**self.headers, "Content-Type": "application/x-ndjson", **headers},
        )

    def statuses(self, *channels: str) -> dict[str, Any]:
        answer = self.http.post(
            f"/v2/streaming/{self.pipe}:bulk-channel-status", headers=self.headers, json={"channel_names": channels}
        )
        statuses: dict[str, Any] = answer.raise_for_status().json()["channel_statuses"]
        return statuses
