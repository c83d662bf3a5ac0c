"""Does anything listen there? A quick look before a client library spends its time-outs finding out.

Asked when a provider is configured, so that a service which is down is one error and not one per resource.
"""

from __future__ import annotations

import contextlib
import socket

__all__ = ["listens", "split_address"]


def split_address(address: str, default_port: int) -> tuple[str, int]:
    """`host:port` (or `[v6]:port`) apart."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        return address.strip("[]"), default_port
    return host.strip("[]"), int(port)


def listens(host: str, port: int, seconds: float = 3.0) -> bool:
    """Can a TCP connection be made within so many seconds?"""
    with contextlib.suppress(OSError), socket.create_connection((host, port), timeout=seconds):
        return True
    return False
