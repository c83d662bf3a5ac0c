"""Confluent's bills: the Costs API as a server on this machine, and its saved answers."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlparse

import pytest

from modules.cost.actual.confluent import Scope, read_costs_api, read_file
from modules.cost.actual.period import Period
from modules.errors import PriceError
from tests.cost.bills import confluent_row

OCTOBER = Period(date(2026, 10, 1), date(2026, 11, 1), date(2026, 11, 1))
OURS = Scope("env-abc123", "streaming-dev")
BY_NAME = Scope(None, "streaming-dev")
ROWS = [
    confluent_row("KAFKA_NUM_CKUS", "3.36"),
    confluent_row("KAFKA_NUM_CKUS", "3.36", "2026-10-02"),
    confluent_row("KAFKA_STORAGE", "0.2", "2026-10-02"),
    confluent_row("SCHEMA_REGISTRY", "0.05", product="STREAM_GOVERNANCE", id="lsrc-1", name="registry"),
    confluent_row("KAFKA_NUM_CKUS", "99", environment="env-other", name="someone-else"),
    confluent_row("SUPPORT", "29", product="SUPPORT_CLOUD_BASIC", alone=True),
]


class CostsApi:
    """`/billing/v1/costs` as Confluent describes it: Basic authentication, a month at most, pages with a next link."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = ROWS
        self.page = 2
        self.asked: list[tuple[str, str]] = []
        self.refusal: tuple[int, dict[str, Any]] | None = None
        api = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                code, body = api.answer(urlparse(self.path), self.headers.get("Authorization", ""))
                data = json.dumps(body).encode()
                self.send_response(code)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def answer(self, address: Any, login: str) -> tuple[int, dict[str, Any]]:
        if self.refusal:
            return self.refusal
        if login != "Basic " + base64.b64encode(b"KEY:key-secret").decode():
            return 401, {"errors": [{"status": "401", "detail": "Valid authentication credentials must be provided"}]}
        query = {name: values[0] for name, values in parse_qs(address.query).items()}
        start, end = date.fromisoformat(query["start_date"]), date.fromisoformat(query["end_date"])
        if address.path != "/billing/v1/costs" or not 0 < (end - start).days <= 31:
            return 400, {"errors": [{"detail": "a month at most"}]}
        self.asked.append((query["start_date"], query["end_date"]))
        inside = [row for row in self.rows if str(start) <= row["start_date"][:10] < str(end)]
        first = int(query.get("page_token", "0"))
        page = inside[first : first + self.page]
        metadata = {}
        if first + self.page < len(inside):
            metadata["next"] = f"https://api.confluent.cloud/billing/v1/costs?page_token={first + self.page}"
        return 200, {"api_version": "billing/v1", "kind": "CostList", "metadata": metadata, "data": page}

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def api() -> Iterator[CostsApi]:
    api = CostsApi()
    yield api
    api.close()


def login() -> tuple[str, str]:
    return "KEY", "key-secret"


def test_every_page_is_read_and_days_are_summed(api: CostsApi) -> None:
    reading = read_costs_api(OCTOBER, OURS, login, api.url)
    assert [(each.service, each.item, each.amount, each.shared) for each in reading.bills] == [
        ("KAFKA", "KAFKA_NUM_CKUS", Decimal("6.72"), ""),
        ("KAFKA", "KAFKA_STORAGE", Decimal("0.2"), ""),
        ("STREAM_GOVERNANCE", "SCHEMA_REGISTRY", Decimal("0.05"), ""),
        ("SUPPORT_CLOUD_BASIC", "SUPPORT", Decimal(29), "of the whole organisation"),
    ]
    assert reading.notes == ("of env-abc123; 1 other environment of the organisation left out",)
    assert len(api.asked) == 3


def test_a_period_of_several_months_is_asked_month_by_month(api: CostsApi) -> None:
    api.page = 100
    read_costs_api(Period(date(2026, 9, 16), date(2026, 11, 1), date(2026, 11, 1)), OURS, login, api.url)
    assert api.asked == [("2026-09-16", "2026-10-01"), ("2026-10-01", "2026-11-01")]


def test_without_a_deployment_the_environment_is_found_by_its_cluster(api: CostsApi) -> None:
    reading = read_costs_api(OCTOBER, BY_NAME, login, api.url)
    assert "SCHEMA_REGISTRY" in {each.item for each in reading.bills}  # it has no cluster's name, but its environment
    assert sum(each.amount for each in reading.bills) == Decimal("35.97")


def test_a_bill_without_this_environment_is_not_read_as_zero(api: CostsApi) -> None:
    reading = read_costs_api(OCTOBER, Scope(None, "streaming-prod"), login, api.url)
    assert not reading.answered
    (missing,) = reading.unread
    assert "nothing in the bill is of the environment that has a cluster `streaming-prod`" in missing.why
    assert "env-abc123, env-other" in missing.why


@pytest.mark.parametrize(
    ("code", "do"),
    [(401, "a Cloud API key, not a cluster's"), (403, "the role BillingAdmin"), (429, "wait a minute")],
)
def test_a_refusal_says_what_to_do(api: CostsApi, code: int, do: str) -> None:
    api.refusal = code, {"errors": [{"detail": "no"}]}
    (missing,) = read_costs_api(OCTOBER, OURS, login, api.url).unread
    assert missing.why == f"HTTP {code}: no"
    assert do in missing.do


def test_the_key_is_in_no_message(api: CostsApi) -> None:
    reading = read_costs_api(OCTOBER, OURS, lambda: ("KEY", "wrong-secret"), api.url)
    assert reading.unread[0].why.startswith("HTTP 401")
    assert "wrong-secret" not in repr(reading)


def test_an_answer_that_is_none_of_confluents_is_said(api: CostsApi) -> None:
    api.refusal = 200, {"nothing": 1}
    (missing,) = read_costs_api(OCTOBER, OURS, login, api.url).unread
    assert "not what the API describes" in missing.why


def test_a_service_that_does_not_answer_is_said() -> None:
    (missing,) = read_costs_api(OCTOBER, OURS, login, "http://127.0.0.1:1").unread
    assert missing.why.startswith("ConnectError")


def test_saved_answers_are_read_as_the_api_and_as_the_cli_write_them(tmp_path: Path) -> None:
    answer, listed = tmp_path / "api.json", tmp_path / "cli.json"
    answer.write_text(json.dumps({"data": ROWS}))
    listed.write_text(json.dumps([_as_cli(row) for row in ROWS]))
    from_api, from_cli = read_file(answer, OCTOBER, OURS), read_file(listed, OCTOBER, OURS)
    assert from_api.bills == from_cli.bills
    assert from_api.bills[0].amount == Decimal("6.72")


def _as_cli(row: dict[str, Any]) -> dict[str, str]:
    """As `confluent billing cost list -o json` writes it: flat, dollars with a sign."""
    resource = row.get("resource") or {}
    return {
        "start_date": row["start_date"][:10],
        "granularity": "DAILY",
        "line_type": row["line_type"],
        "product": row["product"],
        "resource": resource.get("id", ""),
        "resource_name": resource.get("display_name", ""),
        "environment": resource.get("environment", {}).get("id", ""),
        "amount": f"${row['amount']}",
    }


@pytest.mark.parametrize("text", ["", "[1]", '{"data": [{"line_type": "X"}]}', '[{"start_date": "2026-10-01"}]'])
def test_another_file_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "some.json"
    file.write_text(text)
    with pytest.raises(PriceError, match="these are no costs of Confluent's"):
        read_file(file, OCTOBER, OURS)


def test_a_file_of_another_period_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "costs.json"
    file.write_text(json.dumps({"data": ROWS}))
    september = Period(date(2026, 9, 1), date(2026, 10, 1), date(2026, 10, 1))
    with pytest.raises(PriceError, match="nothing of September 2026 is in it"):
        read_file(file, september, OURS)
