"""Snowflake's own Kafka connector, unmodified, on the laptop's Kafka Connect worker and into the stand-in."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import psutil
import pytest

from modules.local import connect
from modules.local.endpoints import load_endpoints
from modules.local.platform import status
from modules.local.supervisor import find
from tests.integration.kafka_connect_parts import DATABASE, SCHEMA, Flow, Worker, until

pytestmark = pytest.mark.platform

TYPES = """
    record_metadata variant, id number(10,0) not null, money number(12,2), tiny number(38,20), f float, ok boolean,
    d date, t time(6), ntz timestamp_ntz(6), whole timestamp_ntz(0), tz timestamp_tz(9), tz3 timestamp_tz(3),
    ltz timestamp_ltz(6), v variant, a array, o object, b binary, s varchar(20), "Mixed case" varchar
"""


@pytest.fixture
def flows(worker: Worker) -> Iterator[list[Flow]]:
    """Flows a test started; their connectors are taken away after it."""
    made: list[Flow] = []
    yield made
    for flow in made:
        flow.stop()


def events(first: int, count: int, **extra: Any) -> list[dict[str, Any]]:
    return [{"id": number, "name": f"n{number}", **extra} for number in range(first, first + count)]


def survives_kills(worker: Worker, flow: Flow, count: int) -> None:
    """`count` events in four parts; the worker and the stand-in are killed while rows are on their way."""
    flow.make().start()
    part = count // 4
    flow.send(events(0, part))
    until(lambda: _rows(flow) > 0, lambda: worker.state(flow.name))
    flow.send(events(part, part))
    worker.kill()
    flow.send(events(2 * part, part))
    worker.up()
    until(lambda: _rows(flow) > 2 * part, lambda: worker.state(flow.name), seconds=180)
    flow.send(events(3 * part, count - 3 * part))
    process = find(worker.project.local, "snowflake")
    assert process is not None
    process.kill()
    process.wait(10)
    worker.up()
    flow.arrived(count, 240)
    assert flow.count() == count
    assert flow.count("count(distinct record_content:id)") == count
    places = "count(distinct record_metadata:partition || '-' || record_metadata:offset)"
    assert flow.count(places) == count
    assert flow.count("count(distinct record_metadata:partition)") == flow.partitions


def _rows(flow: Flow) -> int:
    try:
        return flow.count()
    except Exception:
        return -1


def test_rows_arrive_once_through_a_kill_of_the_worker_and_of_the_stand_in(worker: Worker, flows: list[Flow]) -> None:
    flow = Flow(worker, "connected-kills")
    flows.append(flow)
    survives_kills(worker, flow, 1_000)


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_twenty_thousand_rows_arrive_once_through_a_kill_of_the_worker_and_of_the_stand_in(
    worker: Worker, flows: list[Flow]
) -> None:
    flow = Flow(worker, "connected-storm")
    flows.append(flow)
    survives_kills(worker, flow, 20_000)


def test_with_schematization_a_field_is_a_column_and_a_new_one_a_new_column(worker: Worker, flows: list[Flow]) -> None:
    flow = Flow(worker, "connected-fields").make()
    flows.append(flow)
    flow.start(**{"snowflake.enable.schematization": "true"})
    flow.send(events(0, 60))
    flow.arrived(60)
    described = {row[0]: row[1] for row in flow.sql(f"DESC TABLE {DATABASE}.{SCHEMA}.{flow.table}")}
    assert described == {"RECORD_METADATA": "VARIANT", "ID": "NUMBER(38,0)", "NAME": "VARCHAR(16777216)"}
    flow.send(events(60, 40, note="new"))
    flow.arrived(100)
    assert flow.count("count(distinct id)") == 100
    assert flow.sql(f"SELECT count(note), min(id), count(*) FROM {DATABASE}.{SCHEMA}.{flow.table} WHERE id >= 60") == [
        (40, 60, 40)
    ]


def test_every_type_arrives_as_it_was_sent(worker: Worker, flows: list[Flow]) -> None:
    flow = Flow(worker, "connected-types", partitions=1).make()
    flows.append(flow)
    table = f"{DATABASE}.{SCHEMA}.{flow.table}"
    flow.sql(f"CREATE TABLE {table} ({TYPES})", f"GRANT OWNERSHIP ON TABLE {table} TO ROLE {flow.role}")
    flow.start(**{"snowflake.enable.schematization": "true"})
    moment = "2024-02-29T23:59:59.123456"
    sent = {
        "id": 1, "money": "1234567890.12", "tiny": "1.00000000000000000001", "f": 1.5, "ok": True, "d": "2024-02-29",
        "t": "23:59:59.123456", "ntz": moment, "whole": "1969-12-31T23:59:59", "tz": f"{moment}789+05:30",
        "tz3": "1960-01-01T00:00:00.123+01:00", "ltz": f"{moment}Z", "v": {"x": [1, "é"]}, "a": [1, 2],
        "o": {"k": None}, "b": "00ff", "s": "né", '"Mixed case"': "m",
    }  # fmt: skip
    flow.send([sent, {"id": 2}, {"id": 3, "money": -0.01, "ntz": "1900-01-01T00:00:00.000001", "v": 5}])
    flow.arrived(3)
    full, empty, old = flow.sql(f"SELECT * EXCLUDE (RECORD_METADATA) FROM {table} ORDER BY id")
    utc, at = dt.UTC, dt.datetime(2024, 2, 29, 23, 59, 59, 123456)
    assert full == (
        1, Decimal("1234567890.12"), Decimal("1.00000000000000000001"), 1.5, True, dt.date(2024, 2, 29),
        at.time(), at, dt.datetime(1969, 12, 31, 23, 59, 59), at.replace(hour=18, minute=29, tzinfo=utc),
        dt.datetime(1959, 12, 31, 23, 0, 0, 123000, utc), at.replace(tzinfo=utc), '{"x":[1,"é"]}', "[1,2]",
        '{"k":null}', b"\x00\xff", "né", "m",
    )  # fmt: skip
    assert empty == (2, *[None] * 17)
    assert (old[1], old[7], old[12]) == (Decimal("-0.01"), dt.datetime(1900, 1, 1, 0, 0, 0, 1), "5")


class Spoiler:
    """A proxy before the stand-in that loses the answers of the first registrations: done, but 503 is said."""

    def __init__(self, target: str, spoil: int) -> None:
        self.spoiled = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *arguments: object) -> None:
                pass

            def _pass_on(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
                answer = httpx.request(self.command, f"{target}{self.path}", content=body, headers=headers, timeout=60)
                status, content = answer.status_code, answer.content
                if "write/blobs" in self.path and status == 200 and outer.spoiled < spoil:
                    outer.spoiled += 1
                    status, content = 503, b"lost on the way"
                self.send_response(status)
                self.send_header("Content-Type", answer.headers.get("content-type", "application/json"))
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = _pass_on

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def test_a_503_after_a_commit_leaves_no_duplicate(worker: Worker, flows: list[Flow]) -> None:
    endpoints = load_endpoints(worker.project)
    spoiler = Spoiler(f"http://{endpoints.snowflake_host}:{endpoints.snowflake_port}", spoil=1)
    flow = Flow(worker, "connected-lost").make()
    flows.append(flow)
    try:
        flow.start(**{"snowflake.url.name": spoiler.url})
        flow.send(events(0, 50))
        flow.arrived(50)
        assert spoiler.spoiled == 1
        flow.send(events(50, 50))
        flow.arrived(100)
        assert flow.count() == flow.count("count(distinct record_content:id)") == 100
    finally:
        flow.stop()
        spoiler.close()


def test_a_role_without_rights_on_the_table_is_refused_in_snowflakes_words(worker: Worker, flows: list[Flow]) -> None:
    flow = Flow(worker, "connected-refused", partitions=1).make()
    flows.append(flow)
    flow.sql(f"REVOKE CREATE TABLE ON SCHEMA {DATABASE}.{SCHEMA} FROM ROLE {flow.role}")
    worker("PUT", f"/connectors/{flow.name}/config", flow.config())
    until(lambda: "Exception" in worker.state(flow.name), lambda: worker.state(flow.name))
    assert "Insufficient privileges to operate on schema" in worker.state(flow.name)


def test_the_workers_own_login_reads_no_topic_that_it_was_not_given(worker: Worker, flows: list[Flow]) -> None:
    flow = Flow(worker, "connected-foreign", partitions=1).make()
    flows.append(flow)
    worker("PUT", f"/connectors/{flow.name}/config", flow.config(topics="order-events-foreign"))
    until(lambda: "uthoriz" in worker.state(flow.name), lambda: worker.state(flow.name))


def test_no_secret_is_in_an_argument_a_log_or_an_answer_of_the_worker(worker: Worker, flows: list[Flow]) -> None:
    flow = Flow(worker, "connected-secret", partitions=1).make()
    flows.append(flow)
    flow.start()
    key = "".join(flow.key.read_text().split("\n")[1:-2])[:60]
    password = connect.password_file(worker.project).read_text()
    process = find(worker.project.local, connect.NAME)
    assert process is not None
    answers = [
        worker("GET", f"/connectors/{flow.name}"),
        worker("GET", f"/connectors/{flow.name}/tasks"),
        worker("GET", f"/connectors/{flow.name}/status"),
    ]
    told = [*process.cmdline(), worker.log(), connect.properties_file(worker.project).read_text(), *map(str, answers)]
    for secret in (key, password):
        assert not any(secret in text for text in told)
    assert connect.secret_reference(flow.key) in str(answers[0])
    assert connect.password_file(worker.project).stat().st_mode & 0o077 == 0


def test_connectors_read_no_file_outside_of_the_folders_of_secrets(worker: Worker, flows: list[Flow]) -> None:
    flow = Flow(worker, "connected-outside", partitions=1).make()
    flows.append(flow)
    inside, outside = flow.key.with_name("user"), worker.project.local / "user"
    for file in (inside, outside):
        file.write_text(flow.user)
    config = flow.config(**{"snowflake.user.name": connect.secret_reference(outside)})
    code, answer = worker.settled("PUT", f"/connectors/{flow.name}/config", config)
    assert (code, "Cannot connect to Snowflake" in str(answer)) == (400, True)
    flow.start(**{"snowflake.user.name": connect.secret_reference(inside)})


def test_the_worker_listens_on_loopback_and_is_listed_with_the_other_services(worker: Worker) -> None:
    (found,) = [service for service in status(worker.project) if service.name == "connect"]
    assert (found.state, found.port) == ("running", worker.port)
    assert load_endpoints(worker.project).connect_url == f"http://127.0.0.1:{worker.port}"
    listening = [
        each.laddr for each in psutil.Process(found.pid).net_connections("tcp") if each.status == psutil.CONN_LISTEN
    ]
    assert {address.ip.removeprefix("::ffff:") for address in listening} == {"127.0.0.1"}
