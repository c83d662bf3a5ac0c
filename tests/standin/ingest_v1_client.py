"""A client of the classic Snowpipe Streaming protocol as Snowflake's Java SDK speaks it, small enough for tests.

Its blobs are made here from scratch, not with the server's code: encryption and packing are checked from both sides.
"""

from __future__ import annotations

import base64
import hashlib
import io
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from tests.standin.rest import key_pair_jwt

__all__ = ["Classic"]


class Classic:
    """One user's client of one table."""

    def __init__(self, url: str, user: str, key: Path, table: str, role: str) -> None:
        self.http = httpx.Client(base_url=url, timeout=60)
        self.user, self.key, self.role = user, key, role
        self.place = dict(zip(("database", "schema", "table"), table.split("."), strict=True))
        self.blobs = 0

    def post(self, path: str, **body: Any) -> httpx.Response:
        bearer = {"Authorization": f"Bearer {key_pair_jwt(self.user, self.key, account='127')}"}
        return self.http.post(f"/v1/streaming/{path}/", headers=bearer, json={"role": self.role, **body})

    def told(self, path: str, **body: Any) -> dict[str, Any]:
        told: dict[str, Any] = self.post(path, **body).raise_for_status().json()
        return told

    def stage(self) -> Path:
        where = self.told("client/configure")["stage_location"]
        assert where["locationType"] == "LOCAL_FS"
        return Path(where["location"])

    def open(self, channel: str, **body: Any) -> dict[str, Any]:
        return self.told("channels/open", channel=channel, write_mode="CLOUD_STORAGE", **self.place, **body)

    def status(self, channel: str, sequencer: int) -> dict[str, Any]:
        asked = {**self.place, "channel_name": channel, "client_sequencer": sequencer}
        (found,) = self.told("channels/status", channels=[asked])["channels"]
        status: dict[str, Any] = found
        return status

    def write(self, rows: pa.Table, key: str, *, path: str | None = None, offset: int = 0) -> dict[str, Any]:
        """A blob with one chunk in the stage; what its registration says of it."""
        self.blobs += 1
        path = path or f"2026/11/21/10/0/blob{self.blobs}_{self.user}.bdec"
        buffer = io.BytesIO()
        pq.write_table(rows, buffer, compression="GZIP", store_decimal_as_integer=False)
        derived = hashlib.sha256(base64.b64decode(key) + path.encode()).digest()
        counter = bytes(8) + (offset // 16).to_bytes(8, "big")
        encryptor = Cipher(algorithms.AES(derived), modes.CTR(counter)).encryptor()
        chunk = encryptor.update(buffer.getvalue()) + encryptor.finalize()
        file = self.stage() / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(bytes(offset) + chunk)
        return {
            "path": path, "md5": hashlib.md5(chunk).hexdigest(), "bdec_version": 3,
            "chunks": [{**self.place, "chunk_start_offset": offset, "chunk_length": len(chunk),
                        "eps": {"rows": rows.num_rows}}],
        }  # fmt: skip

    def register(self, blob: dict[str, Any], *channels: tuple[str, int, int, str]) -> list[int]:
        """Each channel's status; a channel is (name, client sequencer, row sequencer, offset token)."""
        names = ("channel_name", "client_sequencer", "row_sequencer", "offset_token")
        (chunk,) = blob["chunks"]
        chunk = {**chunk, "channels": [dict(zip(names, each, strict=True)) for each in channels]}
        told = self.told("channels/write/blobs", blobs=[{**blob, "chunks": [chunk]}])
        assert told["status_code"] == 0
        ((answered,),) = [each["chunks"] for each in told["blobs"]]
        return [each["status_code"] for each in answered["channels"]]
