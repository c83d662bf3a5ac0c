"""Terraform's lock info: who holds a state, doing what, since when. The same JSON lies in the local
`.terraform.tfstate.lock.info` and in S3's `….tflock`.

Written by `infra` as well, where it changes a state itself (a migration, a restore), so that Terraform waits for it.
"""

from __future__ import annotations

import getpass
import json
import socket
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from modules.errors import StateLockedError
from modules.terraform.failures import state_locked

__all__ = ["LockInfo", "age_text", "me", "wait_for_lock"]

_TELL_SECONDS = 10.0
_POLL_SECONDS = 0.5


@dataclass(frozen=True)
class LockInfo:
    """One lock. Empty texts where the file does not say."""

    id: str
    who: str
    created: str
    operation: str
    etag: str = ""
    """Of the lock's object in S3: so that only this very lock is removed."""

    @classmethod
    def parse(cls, content: bytes, etag: str = "") -> LockInfo:
        """What a lock file says; one that is unreadable is a lock all the same."""
        try:
            found = json.loads(content)
            texts = {name: str(found.get(name) or "") for name in ("ID", "Who", "Created", "Operation")}
        except (ValueError, AttributeError):
            texts = {}
        operation = texts.get("Operation", "").removeprefix("OperationType").lower()
        return cls(texts.get("ID", ""), texts.get("Who", ""), texts.get("Created", ""), operation, etag)

    @classmethod
    def mine(cls, operation: str) -> LockInfo:
        """A new lock of this process."""
        return cls(str(uuid.uuid4()), me(), datetime.now(UTC).isoformat().replace("+00:00", "Z"), operation)

    def dump(self, path: str) -> bytes:
        """As Terraform writes it.

        Args:
            path: what is locked, `bucket/key`.
        """
        fields = {"ID": self.id, "Operation": self.operation, "Info": "", "Who": self.who, "Version": "infra"}
        return json.dumps({**fields, "Created": self.created, "Path": path}).encode()

    @property
    def host(self) -> str:
        return self.who.rpartition("@")[2]

    @property
    def since(self) -> str:
        """`2026-11-22 01:41:58 UTC`; as the lock has it where that is no time."""
        moment = self._moment()
        return moment.strftime("%Y-%m-%d %H:%M:%S UTC") if moment else self.created

    def age(self) -> timedelta | None:
        moment = self._moment()
        return datetime.now(UTC) - moment if moment else None

    def _moment(self) -> datetime | None:
        text = self.created.replace(" +0000 UTC", "Z").replace(" ", "T")
        head, dot, rest = text.partition(".")
        if dot:  # Go writes nanoseconds, which Python reads to the microsecond only
            digits = rest.rstrip("Zz")
            text = f"{head}.{digits[:6]}Z" if digits.isdigit() else text
        try:
            found = datetime.fromisoformat(text)
        except ValueError:
            return None
        return found if found.tzinfo else found.replace(tzinfo=UTC)

    def error(self, where: str, do: str | None = None) -> StateLockedError:
        """Who holds it, doing what, since when."""
        found = state_locked(where, who=self.who, since=self.since, doing=self.operation, lock=self.id)
        found.do = do or found.do
        return found


def me() -> str:
    """`user@host`, as Terraform names the holder of a lock."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = "unknown"
    return f"{user}@{socket.gethostname()}"


def age_text(age: timedelta | None) -> str:
    """`3 min`, `2 h 5 min`, `4 days`."""
    if age is None:
        return "age unknown"
    seconds = max(0, int(age.total_seconds()))
    if seconds < 60:
        return f"{seconds} s"
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86_400
    if hours < 1:
        return f"{minutes} min"
    return f"{hours} h {minutes % 60} min" if days < 2 else f"{days} days"


def wait_for_lock(
    holder: Callable[[], LockInfo | None],
    where: str,
    *,
    do: str,
    note: Callable[[str], None],
    check: Callable[[], None],
    timeout: float,
) -> None:
    """Wait until nobody holds it, saying who does and since when, at once and every ten seconds.

    Args:
        do: what a person can do when the time is up.
        check: raises when the run was interrupted.
        timeout: seconds; 0 refuses at once.

    Raises:
        StateLockedError: the time is up.
    """
    begun = time.monotonic()
    told = float("-inf")
    while (found := holder()) is not None:
        check()
        now = time.monotonic()
        if now - begun >= timeout:
            raise found.error(where, do)
        if now - told >= _TELL_SECONDS:
            left = timeout - (now - begun)
            doing = f" ({found.operation})" if found.operation else ""
            note(f"{where}: locked by {found.who}{doing} since {found.since}; waiting up to {left:.0f} s more")
            told = now
        time.sleep(min(_POLL_SECONDS, timeout))
