"""Holds a stack's state file for the Terraform in the same process, so that it is not written after every resource.

With a state in a file Terraform writes all of it again whenever a resource is done, which for 1,000 of them is most of
an apply's time. To a store that is asked over HTTP it writes every 20 s, when it is interrupted, and at the end. So for
a run that changes many resources (`serving.py` decides) the child process (`child.py`) is that store: it listens on the
loopback interface for as long as Terraform lives, and the file is where it always was.

The lock is Terraform's own for files, a record lock on the state beside `.terraform.tfstate.lock.info`, so that
`records.py` and a person's Terraform see no difference. A state is replaced whole or not at all. What a killed run had
made and not yet written is found again by its journal (`journal.py`). Standard library only: it is loaded into
Terraform's own process.
"""

from __future__ import annotations

import base64
import contextlib
import hmac
import os
import secrets
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

__all__ = ["StateFile", "serve"]

_STATE = "terraform.tfstate"
_LOCK_INFO = ".terraform.tfstate.lock.info"
_USER = "infra"
_SOCKET = "INFRA_STATE_SOCKET"


class StateFile:
    """A state in a file, with Terraform's own lock for files."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / _STATE
        self._info = folder / _LOCK_INFO
        self._held: int | None = None
        """The locked file. A record lock is gone with the first descriptor of the file that is closed, so while it is
        held, everything goes through this one."""

    def read(self) -> bytes:
        """The state; empty where there is none."""
        if self._held is not None:
            return os.pread(self._held, os.fstat(self._held).st_size, 0)
        try:
            return self._path.read_bytes()
        except FileNotFoundError:
            return b""

    def write(self, content: bytes) -> None:
        """Replace the state; what is read meanwhile is the old one or the new one.

        Raises:
            OSError: it cannot be written; the old one is as it was.
        """
        new = self._path.with_name(f"{_STATE}.new")
        descriptor = os.open(new, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            with open(descriptor, "wb", closefd=False) as file:
                file.write(content)
            os.fsync(descriptor)
            if self._held is not None:
                _try_lock(descriptor)  # nobody else knows it yet
            new.replace(self._path)
        except OSError:
            os.close(descriptor)
            new.unlink(missing_ok=True)
            raise
        if self._held is None:
            os.close(descriptor)
        else:
            os.close(self._held)
            self._held = descriptor

    def lock(self, info: bytes) -> bytes | None:
        """Take the lock; None, or where somebody else has it, what they say of themselves."""
        if self._held is not None:
            return self._said()
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        if not _try_lock(descriptor):
            os.close(descriptor)
            return self._said()
        self._held = descriptor
        self._info.write_bytes(info)
        return None

    def unlock(self) -> None:
        """Let go of it; a file that was made only to be locked goes too."""
        if self._held is None:
            return
        if not os.fstat(self._held).st_size:
            self._path.unlink(missing_ok=True)
        self._info.unlink(missing_ok=True)
        os.close(self._held)
        self._held = None

    def _said(self) -> bytes:
        with contextlib.suppress(OSError):
            return self._info.read_bytes()
        return b"{}"


def serve(folder: Path) -> None:
    """Serve a working folder's state to this process.

    Go reads the variables that a process was started with, whatever is set later. So the first call takes a port, says
    in the environment where it is, and starts this program anew in the same process; the second one serves there.

    Raises:
        OSError: no port can be had on the loopback interface.
    """
    descriptor, password = os.environ.get(_SOCKET), os.environ.get("TF_HTTP_PASSWORD")
    if descriptor is None or password is None:
        _start_anew()
    else:
        server = _listening(socket.socket(fileno=int(descriptor)), _handler(StateFile(folder), password))
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 3600.0}, daemon=True).start()


def _start_anew() -> None:
    listening = socket.create_server(("127.0.0.1", 0))
    listening.set_inheritable(True)
    address = f"http://127.0.0.1:{listening.getsockname()[1]}/state"
    kept = {key: value for key, value in os.environ.items() if not key.startswith("TF_HTTP_")}
    ours = {
        _SOCKET: str(listening.fileno()),
        "TF_HTTP_ADDRESS": address,
        "TF_HTTP_LOCK_ADDRESS": address,
        "TF_HTTP_UNLOCK_ADDRESS": address,
        "TF_HTTP_USERNAME": _USER,
        "TF_HTTP_PASSWORD": secrets.token_urlsafe(24),
        # What cannot be written now cannot be written in a second either.
        "TF_HTTP_RETRY_MAX": "0",
    }
    os.execve(sys.executable, sys.orig_argv, {**kept, **ours})  # noqa: S606


def _listening(there: socket.socket, handler: type[BaseHTTPRequestHandler]) -> ThreadingHTTPServer:
    from http.server import ThreadingHTTPServer

    there.set_inheritable(False)  # no plugin is to keep the port
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler, bind_and_activate=False)
    server.socket.close()
    server.socket, server.daemon_threads = there, True
    return server


def _handler(state: StateFile, password: str) -> type[BaseHTTPRequestHandler]:
    from http.server import BaseHTTPRequestHandler

    expected = b"Basic " + base64.b64encode(f"{_USER}:{password}".encode())
    turn = threading.Lock()

    def get(body: bytes) -> tuple[int, bytes]:
        content = state.read()
        return (200, content) if content else (204, b"")

    def post(body: bytes) -> tuple[int, bytes]:
        state.write(body)
        return 200, b""

    def lock(body: bytes) -> tuple[int, bytes]:
        other = state.lock(body)
        return (200, b"") if other is None else (423, other)

    def unlock(body: bytes) -> tuple[int, bytes]:
        state.unlock()
        return 200, b""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._within(get)

        def do_POST(self) -> None:
            self._within(post)

        def do_LOCK(self) -> None:
            self._within(lock)

        def do_UNLOCK(self) -> None:
            self._within(unlock)

        def _within(self, do: Callable[[bytes], tuple[int, bytes]]) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if not hmac.compare_digest((self.headers.get("Authorization") or "").encode(), expected):
                code, answer = 401, b""
            else:
                try:
                    with turn:
                        code, answer = do(body)
                except OSError as error:
                    # Into Terraform's log, from which its failure is told (`failures.py`).
                    print(f"{_STATE}: {error.strerror or error}", file=sys.stderr, flush=True)
                    code, answer = 507, b""
            self.send_response(code)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing: the log is Terraform's."""

    return Handler


def _try_lock(descriptor: int) -> bool:
    import fcntl

    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
