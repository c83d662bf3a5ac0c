"""Confluent's wire format, against a registry's HTTP answers on loopback; the real registry is in tests/integration."""

from __future__ import annotations

import io
import json
import struct
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import fastavro
import pytest

from modules.connectors.codec import AvroCodec, PoisonError
from modules.errors import ServiceError
from modules.platforms.base import RegistryClient

TEXT = {"type": "record", "name": "Note", "fields": [{"name": "text", "type": "string"}]}


class Registry:
    """Answers to come, else the schema with id 7; counts what was asked."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, dict[str, Any]]] = []
        self.asked = 0

    def answer(self, path: str) -> tuple[int, dict[str, Any]]:
        self.asked += 1
        if self.answers:
            return self.answers.pop(0)
        if path.startswith("/schemas/ids/7"):
            return 200, {"schema": json.dumps(TEXT)}
        return 404, {"error_code": 40403, "message": "Schema not found"}


@pytest.fixture
def served() -> Iterator[tuple[Registry, RegistryClient]]:
    registry = Registry()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, found = registry.answer(self.path)
            body = json.dumps(found).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/vnd.schemaregistry.v1+json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield registry, RegistryClient(f"http://127.0.0.1:{server.server_port}")
    server.shutdown()
    server.server_close()


def message(schema_id: int, text: str = "a") -> bytes:
    buffer = io.BytesIO(struct.pack(">bI", 0, schema_id))
    buffer.seek(5)
    fastavro.schemaless_writer(buffer, fastavro.parse_schema(TEXT), {"text": text})
    return buffer.getvalue()


def test_a_schema_is_asked_for_once(served: tuple[Registry, RegistryClient]) -> None:
    registry, client = served
    codec = AvroCodec(client)
    assert [codec.decode(message(7, text)) for text in ("a", "b")] == [{"text": "a"}, {"text": "b"}]
    assert registry.asked == 1


def test_an_unknown_schema_is_poison_and_not_asked_for_again_at_once(served: tuple[Registry, RegistryClient]) -> None:
    registry, client = served
    codec = AvroCodec(client)
    for _ in range(2):
        with pytest.raises(PoisonError, match="no schema with id 8") as caught:
            codec.decode(message(8))
        assert caught.value.reason == "unknown-schema-id"
    assert registry.asked == 1


def test_a_registry_in_trouble_is_waited_for_and_one_that_refuses_is_not(
    served: tuple[Registry, RegistryClient],
) -> None:
    registry, client = served
    registry.answers = [(500, {"error_code": 50001, "message": "down"})] * 3
    assert AvroCodec(client, patience=60.0).decode(message(7)) == {"text": "a"}
    registry.answers = [(403, {"error_code": 403, "message": "no"})]
    with pytest.raises(ServiceError, match="refused to show schema 7"):
        AvroCodec(client, patience=600.0).decode(message(7))
    with pytest.raises(ServiceError, match="does not answer"):
        AvroCodec(RegistryClient("http://127.0.0.1:1"), patience=0.0).decode(message(7))


@pytest.mark.parametrize(
    ("data", "reason"),
    [(b"\0\0\0", "too-short"), (b"\3" + bytes(20), "no-magic-byte"), (message(7)[:-1], "undecodable"),
     (message(7) + b"x", "undecodable")],
)  # fmt: skip
def test_what_nobody_can_decode_is_poison(served: tuple[Registry, RegistryClient], data: bytes, reason: str) -> None:
    with pytest.raises(PoisonError) as caught:
        AvroCodec(served[1]).decode(data)
    assert caught.value.reason == reason
