"""Starts the stand-in: `python -m modules.local.standin --data DIR --port PORT --admin-user U --admin-public-key F`."""

from __future__ import annotations

import argparse
import contextlib
import logging
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from modules.errors import InfraError, LocalError, SecretError
from modules.local.standin.auth import public_key_body

_HOST = "127.0.0.1"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m modules.local.standin", description="The Snowflake stand-in.")
    parser.add_argument("--data", type=Path, required=True, help="folder of the catalogue and the databases")
    parser.add_argument("--port", type=int, required=True, help="port on 127.0.0.1")
    parser.add_argument("--admin-user", required=True, help="a user with ACCOUNTADMIN, made if absent")
    parser.add_argument("--admin-public-key", type=Path, required=True, help="file with that user's RSA public key")
    return parser.parse_args()


def _public_key(file: Path) -> str:
    try:
        return public_key_body(file.read_text())
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not text"
        raise SecretError(f"cannot read the administrator's public key: {reason}", where=str(file)) from None
    except ValueError:
        raise SecretError(
            "this is not an RSA public key",
            where=str(file),
            do="give the body of a PEM public key (openssl rsa -pubout), with or without its headers",
        ) from None


def _listen(port: int) -> socket.socket:
    # The protocol is named so that asyncio switches Nagle off on accepted connections (40 ms a request otherwise).
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((_HOST, port))
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise LocalError(
            f"cannot listen: {reason}", where=f"{_HOST}:{port}", do="choose another port or stop what uses it"
        ) from None
    return listener


def main() -> int:
    arguments = _arguments()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    for noisy in ("snowflake", "fakesnow", "uvicorn"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    # It logs statements it does not understand as they stand, with whatever secrets they hold.
    logging.getLogger("sqlglot").setLevel(logging.CRITICAL)
    try:
        listener = _listen(arguments.port)
        key = _public_key(arguments.admin_public_key)
        _serve(arguments, listener, key)
    except InfraError as error:
        print(" ".join(line.strip() for line in str(error).splitlines()), file=sys.stderr)
        return 1
    return 0


def _server(uvicorn: Any, config: Any) -> Any:
    """A uvicorn server that ends normally on SIGTERM and SIGINT; uvicorn's own raises the signal again when done,
    which would skip the checkpoint."""

    class Server(uvicorn.Server):  # type: ignore[misc]
        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            for wanted in (signal.SIGTERM, signal.SIGINT):
                signal.signal(wanted, self.handle_exit)
            yield

    return Server(config)


def _serve(arguments: argparse.Namespace, listener: socket.socket, key: str) -> None:
    import uvicorn

    from modules.local.standin.account import Account
    from modules.local.standin.server import build_app
    from modules.local.standin.streaming.api import Streaming

    account = Account(arguments.data, arguments.admin_user.upper(), key)
    streaming = Streaming(account)
    try:
        config = uvicorn.Config(
            build_app(account, streaming),
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=5,
        )
        _server(uvicorn, config).run(sockets=[listener])
    finally:
        streaming.close()
        account.close()


if __name__ == "__main__":
    sys.exit(main())
