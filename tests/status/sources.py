"""A loopback service with one answer, a Kafka of one topic, a Snowflake session: what the collectors are tested on."""

from __future__ import annotations

import json
import threading
import time
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from confluent_kafka import KafkaError, KafkaException

REPOSITORY = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


class Answers:
    """A loopback service with one answer."""

    def __init__(self) -> None:
        self.code, self.body = 200, b"[]"
        self.asked: list[tuple[str, str, Any]] = []
        answers = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                text = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                answers.asked.append((self.command, self.path, json.loads(text) if text else None))
                self.send_response(answers.code)
                self.send_header("Content-Length", str(len(answers.body)))
                self.end_headers()
                self.wfile.write(answers.body)

            def log_message(self, format: str, *args: Any) -> None:
                pass

            do_GET = do_POST = answer

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()


class Ask:
    """As `KafkaAsk`, of one topic with one partition; `refused` are the questions that are."""

    who, where, complaint = "User:admin", "b:9092", None

    def __init__(self, **refused: int) -> None:
        self.refused = refused
        self.committed_offset = 5

    def _answer(self, question: str, value: Any) -> Any:
        if question in self.refused:
            raise KafkaException(KafkaError(self.refused[question]))
        return value

    def metadata(self) -> Any:
        partition = SimpleNamespace(id=0, replicas=[1, 2], isrs=[1], leader=1)
        topic = SimpleNamespace(error=None, partitions={0: partition})
        broker = SimpleNamespace(id=1, host="b", port=9092)
        names = ("order-events", "order-events.dlq", "_infra_smoke", "_infra_smoke.dlq")
        return self._answer("metadata", SimpleNamespace(brokers={1: broker}, topics=dict.fromkeys(names, topic)))

    def controller(self) -> int:
        return 1

    def ends(self, places: Any) -> Any:
        return self._answer("ends", dict.fromkeys(places, 9))

    def begins(self, places: Any) -> Any:
        return dict.fromkeys(places, 2)

    def since(self, places: Any, _: int) -> Any:
        return dict.fromkeys(places, 7)

    def committed(self, group: str) -> Any:
        return self._answer("committed", {(group.removeprefix("sink-"), 0): self.committed_offset})

    def members(self, groups: Any) -> Any:
        return dict.fromkeys(groups, 1)

    def messages(self, places: Any, seconds: float = 5) -> Any:
        found = SimpleNamespace(
            timestamp=lambda: (1, time.time() * 1000 - 30_000),
            headers=lambda: [("infra.dlq.reason", b"undecodable"), ("infra.dlq.error", b"bad\nbytes")],
        )
        return self._answer("messages", {place: [found] for place in places})


class Session:
    """A Snowflake session that refuses or answers every query."""

    role = "WATCHER"

    def __init__(self, rows: list[tuple[Any, ...]] | Exception, awake: bool = True) -> None:
        self._rows = rows
        self._awake = awake
        self.asked: list[str] = []

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def cursor(self, *_: Any) -> Session:
        return self

    def execute(self, text: str, _: Any = None) -> Session:
        self.asked.append(text)
        if isinstance(self._rows, Exception) and not text.startswith("SHOW"):
            raise self._rows
        return self

    def fetchall(self) -> Any:
        if self.asked[-1].startswith("SHOW WAREHOUSES"):
            state = "STARTED" if self._awake else "SUSPENDED"
            return [{"name": "STREAMING_WH", "size": "X-Small", "state": state, "auto_suspend": 60}]
        return self._rows

    def close(self) -> None:
        pass
