"""A channel's state, and the continuation tokens that keep two clients from writing to it at once."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from typing import Any

from modules.local.standin.tokenizer import Name

__all__ = ["Channel", "ChannelKey", "StreamingError", "stale", "token_parts"]


class StreamingError(Exception):
    """An answer of the REST API other than 2xx: `{"code": …, "message": …}`."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


def stale() -> StreamingError:
    return StreamingError(
        400,
        "STALE_CONTINUATION_TOKEN_SEQUENCER",
        "Channel sequencer in the continuation token is stale. Please reopen the channel",
    )


@dataclass(frozen=True)
class ChannelKey:
    """Names as the catalogue has them; the channel's in upper case (they ignore case)."""

    table: Name
    pipe: str
    channel: str

    @property
    def database(self) -> str:
        return self.table[0]


@dataclass
class Channel:
    """What is kept of a channel, in the same database file as its rows."""

    name: str
    table_id: int
    """The catalogue's id: a table made anew under the same name has new channels."""
    created_on_ms: int
    client_sequencer: int = 0
    row_sequencer: int = 0
    offset_token: str | None = None
    rows_inserted: int = 0
    rows_parsed: int = 0
    rows_error_count: int = 0
    last_error_offset_upper_bound: str | None = None
    last_error_message: str | None = None
    last_error_timestamp: int | None = None
    latency_ms: int = 0

    @classmethod
    def new(cls, name: str, table_id: int) -> Channel:
        return cls(name, table_id, int(time.time() * 1000))

    def dump(self) -> str:
        return json.dumps(asdict(self))

    @property
    def token(self) -> str:
        """The continuation token the next append must bring."""
        return f"{self.created_on_ms}_{self.client_sequencer}_{self.row_sequencer}"

    def accept(self, token: str) -> None:
        """Raise unless the token is the one given last.

        Raises:
            StreamingError: someone reopened the channel, or rows were appended with this token before.
        """
        created, client, row = token_parts(token)
        if (created, client) != (self.created_on_ms, self.client_sequencer):
            raise stale()
        if row != self.row_sequencer:
            raise StreamingError(
                400,
                "ERR_CHANNEL_HAS_INVALID_ROW_SEQUENCER",
                "Row sequencer in the continuation token is not the next one. Please reopen the channel",
            )

    def status(self, key: ChannelKey) -> dict[str, Any]:
        """The documented fields. `rows_errors` is the bulk endpoint's name for `rows_error_count`; both are given."""
        return {
            "database_name": key.table[0],
            "schema_name": key.table[1],
            "pipe_name": key.pipe,
            "channel_name": self.name,
            "channel_status_code": "ACTIVE",
            "last_committed_offset_token": self.offset_token,
            "created_on_ms": self.created_on_ms,
            "rows_inserted": self.rows_inserted,
            "rows_parsed": self.rows_parsed,
            "rows_error_count": self.rows_error_count,
            "rows_errors": self.rows_error_count,
            "last_error_offset_upper_bound": self.last_error_offset_upper_bound,
            "last_error_message": self.last_error_message,
            "last_error_timestamp": self.last_error_timestamp,
            "snowflake_avg_processing_latency_ms": self.latency_ms,
        }


def token_parts(token: str) -> tuple[int, int, int]:
    parts = token.split("_")
    if len(parts) != 3 or not all(part.isdigit() for part in parts):
        raise stale()
    return int(parts[0]), int(parts[1]), int(parts[2])
