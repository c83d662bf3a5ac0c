"""Loopback ports: chosen free, remembered, and when one is taken, who has it.

Ports are picked below the range the system uses for outgoing connections: a client that keeps retrying a dead service
there can connect to itself and so hold the service's own port.
"""

from __future__ import annotations

import json
import random
import socket
from collections.abc import Collection
from pathlib import Path

from modules.errors import LocalError

__all__ = ["choose", "holder", "is_free", "is_listening", "load_ports", "save_ports"]

RANGE = range(20_000, 30_000)
HOST = "127.0.0.1"


def choose(label: str, given: int | None, remembered: int | None, avoid: Collection[int] = ()) -> int:
    """A port for the setting `label`: the given one, else the remembered one if free, else a free one.

    Raises:
        LocalError: the given port is in use.
    """
    if given is not None:
        if given in avoid:
            raise LocalError(
                f"port {given} is given twice", where=f"local.{label}", do="give each service a port of its own"
            )
        if not is_free(given):
            raise _in_use(label, given)
        return given
    if remembered is not None and remembered not in avoid and is_free(remembered):
        return remembered
    for port in random.sample(RANGE, 200):
        if port not in avoid and is_free(port):
            return port
    raise LocalError("no free port found on 127.0.0.1", do=f"give one in the YAML: local.{label}")


def is_free(port: int) -> bool:
    """True when a server could listen there now."""
    if is_listening(port):
        return False
    with socket.socket() as probe:
        # As servers do, so that a connection of an earlier run in TIME_WAIT does not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def is_listening(port: int) -> bool:
    """True when something accepts connections on the loopback port."""
    try:
        with socket.create_connection((HOST, port), timeout=1) as connection:
            # A connection to itself (both ends the same) is nobody listening.
            return bool(connection.getsockname() != connection.getpeername())
    except OSError:
        return False


def holder(port: int) -> str | None:
    """The process that listens on the port, as `name (pid N)`; None when it cannot be known."""
    import psutil

    try:
        for connection in psutil.net_connections(kind="tcp"):
            local = connection.laddr
            if local and local.port == port and connection.status == psutil.CONN_LISTEN and connection.pid:
                return f"{psutil.Process(connection.pid).name()} (pid {connection.pid})"
    except (psutil.Error, OSError):
        # macOS and other users' processes need more rights; the port's number has to do.
        return None
    return None


def load_ports(path: Path) -> dict[str, int]:
    """What an earlier `up` recorded; empty when there is nothing usable."""
    try:
        document = json.loads(path.read_text())
        return {str(name): int(port) for name, port in document.items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def save_ports(path: Path, ports: dict[str, int]) -> None:
    path.write_text(json.dumps(ports, indent=2) + "\n")


def _in_use(label: str, port: int) -> LocalError:
    who = holder(port)
    return LocalError(
        f"port {port} is in use{f' by {who}' if who else ''}",
        where=f"local.{label}",
        do=f"stop that process, give another port in the YAML, or leave local.{label} out to get a free one",
    )
