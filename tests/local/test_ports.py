from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from modules.errors import LocalError
from modules.local import ports


def test_a_given_port_in_use_is_refused_with_the_process_that_holds_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(LocalError) as caught:
            ports.choose("kafka_port", port, None)
    text = str(caught.value)
    assert f"port {port} is in use by" in text
    assert f"pid {os.getpid()}" in text
    assert "local.kafka_port" in text
    assert "→" in text


def test_a_remembered_port_is_used_again_while_it_is_free() -> None:
    port = ports.choose("kafka_port", None, None)
    assert ports.choose("kafka_port", None, port) == port
    with socket.create_server(("127.0.0.1", port)):
        assert ports.choose("kafka_port", None, port) != port


def test_a_port_of_another_service_is_not_chosen_twice() -> None:
    port = ports.choose("kafka_port", None, None)
    assert ports.choose("registry_port", None, port, avoid={port}) != port
    with pytest.raises(LocalError, match="given twice"):
        ports.choose("registry_port", port, None, avoid={port})


def test_chosen_ports_lie_below_those_of_outgoing_connections() -> None:
    lowest = 49_152
    kernel = Path("/proc/sys/net/ipv4/ip_local_port_range")
    if kernel.exists():
        lowest = int(kernel.read_text().split()[0])
    assert max(ports.RANGE) < lowest


def test_what_was_saved_is_loaded_and_nonsense_is_nothing(tmp_path: Path) -> None:
    path = tmp_path / "ports.json"
    assert ports.load_ports(path) == {}
    ports.save_ports(path, {"kafka_port": 20001})
    assert ports.load_ports(path) == {"kafka_port": 20001}
    for text in ("", "[]", '{"kafka_port": "x"}', '{"kafka_port": null}'):
        path.write_text(text)
        assert ports.load_ports(path) == {}
