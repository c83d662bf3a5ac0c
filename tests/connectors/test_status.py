"""What connectors do, as each service tells it, and what is asked of it to start them again."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from cli.main import main
from modules.connectors.status import (
    Confluent,
    Expected,
    MskConnect,
    Rest,
    _Http,
    expected,
    restart,
    status,
)
from modules.environment import load_environment
from modules.errors import ConfigError, ServiceError
from modules.project import Project
from tests.environment.conftest import Write, write

__all__ = ["write"]

NAME = "streaming-dev-sink-order-events"
SINK = Expected(NAME, "sink", "order-events", "kafka-connect")
TRACE = (
    "org.apache.kafka.connect.errors.ConnectException: Exiting WorkerSinkTask\n\tat org.apache.Worker.run\n"
    "Caused by: com.snowflake.SnowflakeKafkaConnectorException: [SF_KAFKA_CONNECTOR] no right on the table\n\tat x.y\n"
)


class Service:
    """A small Kafka Connect, or Confluent's: one connector, and what was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.logins: set[str | None] = set()
        self.state = "RUNNING"
        self.tasks: list[dict[str, Any]] = [{"id": 0, "state": "RUNNING", "worker_id": "w"}]
        self.prefix = "/connectors/"
        service = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                service.asked.append(f"{self.command} {self.path}")
                service.logins.add(self.headers["Authorization"])
                name, _, rest = self.path.removeprefix(service.prefix).partition("/")
                if name != NAME:
                    self.reply(404, {"error_code": 404, "message": f"No status found for connector {name}"})
                elif rest == "status":
                    self.reply(200, {"name": NAME, "connector": {"state": service.state}, "tasks": service.tasks})
                elif rest.startswith("restart") and service.state == "REBALANCING":
                    self.reply(409, {"error_code": 409, "message": "Cannot complete request momentarily"})
                else:
                    service.state = {"pause": "PAUSED", "resume": "RUNNING"}.get(rest, service.state)
                    self.reply(202, None)

            def reply(self, code: int, body: Any) -> None:
                text = b"" if body is None else json.dumps(body).encode()
                self.send_response(code)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, format: str, *args: Any) -> None:
                pass

            do_GET = do_PUT = do_POST = answer

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def service() -> Iterator[Service]:
    it = Service()
    yield it
    it.stop()


def test_a_running_connector_is_healthy_and_a_failed_task_says_its_last_cause(service: Service) -> None:
    rest = Rest(_Http(service.url))
    assert rest.state(SINK).healthy
    service.tasks.append({"id": 1, "state": "FAILED", "trace": TRACE})
    found = rest.state(SINK)
    assert not found.healthy
    assert found.tasks[1].error == (
        "com.snowflake.SnowflakeKafkaConnectorException: [SF_KAFKA_CONNECTOR] no right on the table"
    )


def test_a_connector_without_a_task_does_nothing_yet(service: Service) -> None:
    service.tasks.clear()
    found = Rest(_Http(service.url)).state(SINK)
    assert (found.state, found.healthy) == ("STARTING", False)


def test_a_connector_that_is_not_there_is_said_to_be_missing(service: Service) -> None:
    found = Rest(_Http(service.url)).state(Expected("other", "sink", "other", "kafka-connect"))
    assert (found.state, found.healthy) == ("MISSING", False)


def test_a_restart_takes_the_tasks_along(service: Service) -> None:
    rest = Rest(_Http(service.url, ("me", "word")))
    rest.restart(SINK, failed_only=False)
    rest.restart(SINK, failed_only=True)
    path = f"POST /connectors/{NAME}/restart?includeTasks=true&onlyFailed="
    assert service.asked == [f"{path}false", f"{path}true"]
    assert service.logins == {"Basic bWU6d29yZA=="}


def test_a_refusal_names_the_reason_and_no_answer_the_address(service: Service) -> None:
    service.state = "REBALANCING"
    with pytest.raises(ServiceError, match="answers 409: Cannot complete request momentarily"):
        Rest(_Http(service.url), pause=lambda _: None).restart(SINK, failed_only=False)
    with pytest.raises(ServiceError) as caught:
        Rest(_Http("http://127.0.0.1:1")).state(SINK)
    assert caught.value.where == "http://127.0.0.1:1"


def test_a_rebalance_is_waited_out(service: Service) -> None:
    service.state = "REBALANCING"
    waits: list[float] = []

    def pause(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            service.state = "RUNNING"

    Rest(_Http(service.url), pause=pause).restart(SINK, failed_only=True)
    assert len(waits) == 3
    assert len(service.asked) == 4


def test_confluents_are_restarted_by_a_pause(service: Service) -> None:
    service.prefix = "/connect/v1/environments/env-1/clusters/lkc-1/connectors/"
    it = Confluent(_Http(service.url, ("key", "secret")), "env-1", "lkc-1", pause=lambda _: None)
    it.restart(SINK, failed_only=True)
    assert [each.split()[0] for each in service.asked] == ["GET"], "a healthy one is left alone"
    it.restart(SINK, failed_only=False)
    assert [each.rpartition("/")[2] for each in service.asked[1:]] == ["pause", "status", "resume"]
    assert it.state(SINK).healthy


class FakeMsk:
    """boto3's client, its answers in the shapes of the service's API reference."""

    def __init__(self) -> None:
        self.restarted: list[dict[str, Any]] = []

    def list_connectors(self, connectorNamePrefix: str) -> dict[str, Any]:
        names = [f"{NAME}-2", NAME]
        found = [{"connectorName": each, "connectorArn": f"arn:{each}"} for each in names]
        return {"connectors": [each for each in found if each["connectorName"].startswith(connectorNamePrefix)]}

    def describe_connector(self, connectorArn: str) -> dict[str, Any]:
        assert connectorArn == f"arn:{NAME}"
        why = {"code": "UnknownError.Unknown", "message": "The last operation failed. Retry the operation."}
        return {"connectorState": "FAILED", "stateDescription": why}

    def restart_connector(self, **arguments: Any) -> None:
        self.restarted.append(arguments)


def test_msk_connect_tells_of_the_connector_of_exactly_that_name() -> None:
    client = FakeMsk()
    it = MskConnect("eu-west-1", client)
    found = it.state(SINK)
    assert (found.state, found.error) == ("FAILED", "The last operation failed. Retry the operation.")
    it.restart(SINK, failed_only=True)
    assert client.restarted == [{"connectorArn": f"arn:{NAME}", "onlyFailedTasks": True}]
    assert it.state(Expected("streaming-dev-sink-x", "sink", "x", "managed")).state == "MISSING"


def test_the_environment_says_which_connectors_there_should_be(write: Write) -> None:
    lines = (
        "extends: base", "platform: confluent", "connect: {kind: managed}",
        "topics: {shop.public.orders: {value: {schema: schemas/order_events.avsc}, sink: {table: A.B.C}}}",
        "sources: {shop: {kind: debezium-postgres, host: h, password: 'env:P', tables: {public.orders: {key: [id]}}}}",
    )  # fmt: skip
    project = write(dev="\n".join(lines) + "\n", own="extends: base\nplatform: local\n")
    assert [(each.role, each.what, each.runner) for each in expected(load_environment(project, "dev"))] == [
        ("sink", "order-events", "managed"),
        ("sink", "shop.public.orders", "managed"),
        ("source", "shop", "managed"),
    ]
    assert expected(load_environment(project, "own")) == []
    with pytest.raises(ConfigError, match="was never deployed"):
        status(load_environment(project, "dev"), project)
    with pytest.raises(ConfigError, match="there is no connector `orders`"):
        restart(load_environment(project, "dev"), project, ["orders"])


def test_the_command_tells_people_and_machines(
    service: Service, write: Write, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    connect = f"connect: {{kind: kafka-connect, rest_url: '{service.url}'}}"
    project: Project = write(dev=f"extends: base\nplatform: confluent\n{connect}\n")
    monkeypatch.chdir(project.root)
    assert main(["connect", "status", "--env", "dev"]) == 0
    assert f"{NAME}  running     1 of 1 tasks  (sink order-events, kafka-connect)" in capsys.readouterr().out

    service.tasks.append({"id": 1, "state": "FAILED", "trace": TRACE})
    assert main(["connect", "status", "--env", "dev"]) == 4
    assert "  task 1 failed: com.snowflake.SnowflakeKafkaConnectorException" in capsys.readouterr().out
    assert main(["connect", "status", "--env", "dev", "--json"]) == 4
    (found,) = json.loads(capsys.readouterr().out)["connectors"]
    assert (found["name"], found["healthy"], len(found["tasks"])) == (NAME, False, 2)

    assert main(["connect", "restart", "--env", "dev", "order-events", "--failed"]) == 0
    assert capsys.readouterr().out == f"restarted {NAME}\n"
    assert service.asked[-1].endswith("onlyFailed=true")
    assert main(["connect", "restart", "--env", "dev", "other"]) == 1
    assert "there is no connector `other`" in capsys.readouterr().err
    assert Path(project.root).is_dir()
