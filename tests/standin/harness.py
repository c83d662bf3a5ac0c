"""A stand-in as a real process on a free port, and logins to it by the real connector."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx

from modules.environment.types import SecretRefValue
from modules.platforms.base import SnowflakeClient
from modules.project import Project
from modules.warehouse.connection import connect, make_key_pair

ROOT = Path(__file__).resolve().parents[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class StandIn:
    """One data folder; start and stop the server over it as often as wanted."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.admin_key = folder / "admin.p8"
        self.public = folder / "admin.pub"
        self.public.write_text(make_key_pair(self.admin_key))
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    def command(self) -> list[str]:
        data = str(self.folder / "data")
        args = ["--data", data, "--port", str(self.port), "--admin-user", "INFRA_ADMIN"]
        return [sys.executable, "-m", "modules.local.standin", *args, "--admin-public-key", str(self.public)]

    def start(self) -> StandIn:
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(self.command(), cwd=ROOT, stdout=log, stderr=log)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise AssertionError(f"the stand-in ended: {self.log}")
            try:
                if httpx.get(f"{self.url}/health", timeout=1).status_code == 200:
                    return self
            except httpx.HTTPError:
                time.sleep(0.05)
        raise AssertionError(f"the stand-in did not start: {self.log}")

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(how)
        code = self.process.wait(60)
        self.process = None
        return code

    def client(
        self, user: str = "INFRA_ADMIN", role: str = "ACCOUNTADMIN", key: Path | None = None, **more: Any
    ) -> Any:
        return SnowflakeClient(
            organization="INFRA",
            account="LOCAL",
            user=user,
            role=role,
            private_key=SecretRefValue("file", str(key or self.admin_key)),
            host="127.0.0.1",
            port=self.port,
            protocol="http",
            **more,
        )

    def connect(
        self, user: str = "INFRA_ADMIN", role: str = "ACCOUNTADMIN", key: Path | None = None, **more: Any
    ) -> Any:
        """A connection of the unmodified Snowflake connector."""
        return connect(self.client(user, role, key), Project(self.folder), **more)

    def user(self, connection: Any, name: str, role: str) -> Path:
        """A service user with a key of its own and one role; the key's file."""
        key = self.folder / f"{name}.p8"
        run(connection, f'CREATE ROLE IF NOT EXISTS "{role}"')
        run(
            connection,
            f"CREATE USER {name} TYPE = SERVICE DEFAULT_ROLE = {role} RSA_PUBLIC_KEY = '{make_key_pair(key)}'",
        )
        run(connection, f"GRANT ROLE {role} TO USER {name}")
        return key


def run(connection: Any, sql: str, params: Any = None) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        return list(cursor.execute(sql, params).fetchall())


def records(connection: Any, sql: str) -> list[dict[str, Any]]:
    """Rows by column name, as SHOW is read."""
    with connection.cursor() as cursor:
        cursor.execute(sql)
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def refusal(connection: Any, sql: str) -> tuple[int, str, str]:
    """The error a statement gives: number, SQL state, message."""
    from snowflake.connector.errors import Error

    try:
        run(connection, sql)
    except Error as error:
        return int(error.errno or 0), str(error.sqlstate), str(error.msg)
    raise AssertionError(f"no error from {sql}")
