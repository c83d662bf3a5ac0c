"""Confluent Cloud's API on loopback: answers in the form its reference documents, to one Cloud API key.

The bodies are those of docs.confluent.io/cloud/current/api.html (organization v2, cluster management v2, networking v1)
with ids of our own.
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

__all__ = ["KEY", "SECRET", "cluster", "environment", "serving"]

KEY, SECRET = "CLOUDKEY", "cloud-s3cret"
_CRN = "crn://confluent.cloud/organization=1111aaaa-11aa-11aa-11aa-111111aaaaaa/environment=env-1jrymj"


def environment(package: str | None = "ESSENTIALS") -> dict[str, Any]:
    """GET /org/v2/environments/env-1jrymj"""
    body = {"api_version": "org/v2", "kind": "Environment", "id": "env-1jrymj", "display_name": "Orders (old)"}
    return {**body, **({"stream_governance_config": {"package": package}} if package else {})}


def cluster(kind: str, status: Mapping[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
    """GET /cmk/v2/clusters/lkc-19ynpv?environment=env-1jrymj"""
    return {
        "api_version": "cmk/v2",
        "kind": "Cluster",
        "id": "lkc-19ynpv",
        "metadata": {"resource_name": f"{_CRN}/cloud-cluster=lkc-19ynpv/kafka=lkc-19ynpv"},
        "spec": {
            "availability": "LOW",
            "cloud": "AWS",
            "config": {"kind": kind},
            "deletion_protection": True,
            "display_name": "orders live",
            "environment": {"id": "env-1jrymj", "kind": "Environment"},
            "http_endpoint": "https://pkc-0wg55.eu-central-1.aws.confluent.cloud:443",
            "kafka_bootstrap_endpoint": "SASL_SSL://pkc-0wg55.eu-central-1.aws.confluent.cloud:9092",
            "region": "eu-central-1",
            **spec,
        },
        "status": {"phase": "PROVISIONED", **(status or {})},
    }


@contextmanager
def serving(answers: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """The address, and what was asked, in order. `answers` is path with query → body."""
    asked: list[str] = []
    token = base64.b64encode(f"{KEY}:{SECRET}".encode()).decode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            if self.headers.get("Authorization") != f"Basic {token}":
                return self._answer(401, {"errors": [{"status": "401", "detail": "Unauthorized"}]})
            if self.path not in answers:
                return self._answer(404, {"errors": [{"status": "404", "detail": "resource not found"}]})
            return self._answer(200, answers[self.path])

        def _answer(self, code: int, body: Any) -> None:
            text = json.dumps(body).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
