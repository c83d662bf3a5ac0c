"""What each collector says when its source refuses, is silent, or has something to tell."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber
from confluent_kafka import KafkaError, KafkaException
from moto import mock_aws

from modules.environment import load_environment
from modules.environment.model import Environment
from modules.errors import ServiceError
from modules.platforms.base import RegistryClient
from modules.project import Project
from modules.status.ages import key_times
from modules.status.cloud import CloudWatchCollector, ConfluentMetricsCollector
from modules.status.connectors import ConnectorsCollector, offer_of
from modules.status.dead_letters import DeadLettersCollector, reason_of, remember_seen
from modules.status.gather import Watch, combine
from modules.status.kafka import KafkaCollector
from modules.status.lag import Positions, group_lag
from modules.status.metrics import samples
from modules.status.readings import Channel, DeadLetters, Missing, Part, TopicState
from modules.status.registry import RegistryCollector
from modules.status.rules import findings, load_rules
from modules.status.warehouse import WarehouseCollector

REPOSITORY = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def environment() -> Environment:
    return load_environment(Project(REPOSITORY), "local")


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


@pytest.fixture
def service() -> Iterator[Answers]:
    found = Answers()
    yield found
    found.server.shutdown()
    found.server.server_close()


# -- Kafka ----------------------------------------------------------------------------------------------------------


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


def read_kafka(environment: Environment, ask: Any) -> Part:
    return KafkaCollector(environment, ask, pause=lambda _: None).read()


def test_topics_replicas_and_lag_are_read(environment: Environment) -> None:
    part = read_kafka(environment, Ask())
    assert part.missing == () and part.brokers[0].controller
    assert [topic.name for topic in part.topics][-2:] == ["_infra_smoke", "_infra_smoke.dlq"], "last, not first"
    assert (part.topics[0].under_replicated, part.topics[0].events) == ((0,), 7)
    assert (part.lags[0].group, part.lags[0].lag) == ("sink-order-events", 4)
    assert part.lags[0].waiting_seconds == pytest.approx(30, abs=5)


def test_a_group_that_may_not_be_seen_names_the_right(environment: Environment) -> None:
    part = read_kafka(environment, Ask(committed=KafkaError.GROUP_AUTHORIZATION_FAILED))
    assert part.missing[0] == Missing(
        "lag of group sink-order-events", "User:admin may not see it", "Describe on group sink-order-events"
    )
    assert part.topics and not part.lags


def test_messages_that_may_not_be_read_leave_the_lag(environment: Environment) -> None:
    part = read_kafka(environment, Ask(messages=KafkaError.TOPIC_AUTHORIZATION_FAILED))
    assert part.missing == (Missing("how long events wait", "User:consumer may not see it", "Read on the topic"),)
    assert part.lags[0].lag == 4 and part.lags[0].waiting_seconds is None


def test_brokers_that_do_not_answer_are_down_not_missing_alone(environment: Environment) -> None:
    part = read_kafka(environment, Ask(metadata=KafkaError._TRANSPORT))
    assert [(each.what, each.up) for each in part.reached] == [("kafka", False)]
    assert "Kafka does not answer" in part.missing[0].why


# -- dead letters ---------------------------------------------------------------------------------------------------


def test_dead_letters_are_counted_with_their_reasons_and_clear_when_seen(
    environment: Environment, tmp_path: Path
) -> None:
    project = Project(tmp_path)
    collector: Any = DeadLettersCollector(environment, project, Ask())  # type: ignore[arg-type]
    letters = collector.read().dead_letters[0]
    assert (letters.topic, letters.count, letters.fresh) == ("order-events.dlq", 7, 2)
    assert (letters.reasons[0].reason, letters.reasons[0].error) == ("undecodable", "bad bytes")
    assert remember_seen(project, environment.name, [letters]) == 2
    assert collector.read().dead_letters[0].fresh == 0


def test_a_file_of_seen_ones_that_is_broken_makes_them_count_again(environment: Environment, tmp_path: Path) -> None:
    project = Project(tmp_path)
    remember_seen(project, environment.name, [DeadLetters("order-events.dlq", 7, 2, ends={0: 9})])
    (file,) = tmp_path.rglob("dead-letters-seen.json")
    file.write_text("{")
    collector: Any = DeadLettersCollector(environment, project, Ask())  # type: ignore[arg-type]
    assert collector.read().dead_letters[0].fresh == 2


def test_reasons_of_kafka_connect_are_read_too() -> None:
    told: list[tuple[str, bytes | None]] = [
        ("__connect.errors.stage", b"VALUE_CONVERTER"),
        ("__connect.errors.exception.class.name", b"org.apache.kafka.connect.errors.DataException"),
        ("__connect.errors.exception.message", b"Unknown magic byte!"),
    ]
    assert reason_of(told) == ("DataException in VALUE_CONVERTER", "Unknown magic byte!")
    assert reason_of([]) == ("no reason given", "the message has no headers that say why")


# -- registry -------------------------------------------------------------------------------------------------------


def read_registry(environment: Environment, url: str) -> Part:
    platform: Any = SimpleNamespace(registry_client=lambda: RegistryClient(url))
    return RegistryCollector(environment, platform).read()


def test_a_registry_tells_its_subjects_and_which_are_lost(environment: Environment, service: Answers) -> None:
    service.body = b'["order-events-value", "other"]'
    part = read_registry(environment, service.url)
    assert part.reached[0].up
    assert (part.registries[0].subjects, part.registries[0].missing) == (2, ("_infra_smoke-value",))


def test_a_registry_that_refuses_names_the_right(environment: Environment, service: Answers) -> None:
    service.code = 403
    part = read_registry(environment, service.url)
    assert part.missing == (
        Missing("subjects of the Schema Registry", "it answers 403", "DeveloperRead on its subjects"),
    )
    assert part.reached[0].up, "it answers, so it is not down"


def test_a_registry_that_is_down_is_down(environment: Environment) -> None:
    part = read_registry(environment, "http://127.0.0.1:1")
    assert not part.reached[0].up and "does not answer" in str(part.reached[0].why)


# -- warehouse ------------------------------------------------------------------------------------------------------


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


def read_warehouse(environment: Environment, session: Session, name: str = "confluent") -> Part:
    platform: Any = SimpleNamespace(name=name)
    collector = WarehouseCollector(
        environment, platform, Project(REPOSITORY), lambda: session, clock=lambda: NOW.timestamp()
    )
    return collector.read()


def test_a_view_that_is_refused_names_the_grant(environment: Environment) -> None:
    from snowflake.connector.errors import ProgrammingError

    part = read_warehouse(environment, Session(ProgrammingError(msg="does not exist or not authorized", errno=2003)))
    permissions = {each.what: each.permission for each in part.missing}
    assert permissions["credits of this month"] == "GRANT DATABASE ROLE SNOWFLAKE.USAGE_VIEWER TO ROLE WATCHER"
    assert permissions["rows of STREAMING.PUBLIC.ORDER_EVENTS"] == (
        "SELECT on STREAMING.PUBLIC.ORDER_EVENTS, USAGE on its database and schema"
    )


def test_a_warehouse_that_sleeps_is_not_woken(environment: Environment) -> None:
    session = Session([], awake=False)
    part = read_warehouse(environment, session)
    assert "sleeps, and asking would wake it and cost credits" in part.missing[0].why
    assert all(text.startswith("SHOW") for text in session.asked)


def test_rows_of_the_last_minute_and_the_newest_ones_age(environment: Environment) -> None:
    newest = int(NOW.timestamp() * 1000) - 4_000
    part = read_warehouse(environment, Session([(120, newest)]), name="local")
    assert (part.tables[0].rows_per_minute, part.tables[0].newest_seconds) == (120.0, 4.0)
    assert part.credits == (), "a laptop bills nothing"


def test_keys_are_as_old_as_snowflake_says() -> None:
    rows = [
        ("RSA_PUBLIC_KEY_FP", "SHA256:x"),
        ("RSA_PUBLIC_KEY_LAST_SET_TIME", "2026-09-01 10:11:12.345 -0700"),
        ("RSA_PUBLIC_KEY_2_FP", "null"),
    ]
    assert key_times(rows) == {"key": datetime.fromisoformat("2026-09-01T10:11:12.345-07:00")}
    assert key_times([("RSA_PUBLIC_KEY_FP", "SHA256:x")]) == {"key": None}


# -- clouds ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def msk(environment: Environment) -> Environment:
    its = environment.msk.model_copy(update={"mode": "provisioned", "brokers": 2})
    return environment.model_copy(update={"platform": "msk", "msk": its})


def test_cloudwatch_without_the_right_says_which(msk: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    client = boto3.client("cloudwatch", region_name="eu-central-1")
    with Stubber(client) as stub:
        asked = {"MetricDataQueries": ANY, "StartTime": ANY, "EndTime": ANY, "ScanBy": ANY}
        stub.add_client_error("get_metric_data", "AccessDenied", "no", expected_params=asked)
        part = CloudWatchCollector(msk, "c", client).read()
    assert part.missing[0].permission == "cloudwatch:GetMetricData"
    assert part.missing[0].why == "CloudWatch says AccessDenied: no"


def test_cloudwatch_gives_each_brokers_newest_value(msk: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    with mock_aws():
        client = boto3.client("cloudwatch", region_name="eu-central-1")
        now = datetime.now(UTC)
        for broker, used in (("1", 40.0), ("2", 91.0)):
            dimensions = [{"Name": "Cluster Name", "Value": "c"}, {"Name": "Broker ID", "Value": broker}]
            datum = {"MetricName": "KafkaDataLogsDiskUsed", "Dimensions": dimensions, "Value": used, "Timestamp": now}
            client.put_metric_data(Namespace="AWS/Kafka", MetricData=[datum])
        later = datetime.fromtimestamp(now.timestamp() + 60, UTC)
        part = CloudWatchCollector(msk, "c", client, clock=lambda: later).read()
    disks = [each for each in part.measured if each.metric == "infra_broker_disk_used_percent"]
    assert [(dict(each.labels)["broker"], each.value) for each in disks] == [("1", 40.0), ("2", 91.0)]


@pytest.fixture
def confluent(environment: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Environment, Project]:
    cluster = environment.confluent.model_copy(update={"tier": "dedicated"})
    its = environment.model_copy(update={"platform": "confluent", "confluent": cluster})
    for reference in (cluster.cloud_api_key, cluster.cloud_api_secret):
        assert reference.scheme == "env"
        monkeypatch.setenv(reference.name, "x")
    monkeypatch.setenv("INFRA_OUTPUTS", json.dumps({"cluster": {"cluster_id": "lkc-1"}}))
    return its, Project(tmp_path)


def test_the_metrics_api_is_asked_as_documented(confluent: tuple[Environment, Project], service: Answers) -> None:
    its = {"metric.topic": "t", "metric.consumer_group_id": "g"}
    values = (("2026-11-20T11:57:00Z", 0.5), ("2026-11-20T11:58:00Z", 0.85))
    service.body = json.dumps({"data": [{"timestamp": at, "value": value, **its} for at, value in values]}).encode()
    part = ConfluentMetricsCollector(*confluent, url=service.url, clock=lambda: NOW).read()
    assert [each.value for each in part.measured] == [85.0, 0.85], "a load is a share of one; a lag is as it is"
    (method, path, body), _ = service.asked
    assert (method, path) == ("POST", "/v2/metrics/cloud/query")
    assert body["filter"] == {"field": "resource.kafka.id", "op": "EQ", "value": "lkc-1"}
    assert body["intervals"] == ["2026-11-20T11:45:00Z/2026-11-20T12:00:00Z"]


def test_the_metrics_api_without_the_role_says_which(confluent: tuple[Environment, Project], service: Answers) -> None:
    service.code = 403
    part = ConfluentMetricsCollector(*confluent, url=service.url).read()
    assert part.missing[0].why == "the Metrics API answers 403"
    assert "MetricsViewer" in str(part.missing[0].permission)


# -- together -------------------------------------------------------------------------------------------------------


class Fake:
    def __init__(self, name: str, answer: Any) -> None:
        self.name = name
        self._answer = answer

    def read(self) -> Part:
        found: Part = self._answer()
        return found

    def close(self) -> None:
        pass


def test_one_that_fails_or_hangs_leaves_the_others(environment: Environment) -> None:
    held = threading.Event()

    def refused() -> Part:
        raise ServiceError("it says no", where="there", do="ask again")

    def unforeseen() -> Part:
        raise RuntimeError("who knows")

    def hangs() -> Part:
        held.wait(30)
        return Part()

    parts = [
        Fake("good", lambda: Part(missing=(Missing("a", "b"),))),
        Fake("refused", refused),
        Fake("unforeseen", unforeseen),
        Fake("hangs", hangs),
    ]
    watch = Watch(environment, parts, seconds=0.5)
    try:
        status = watch.look()
        again = watch.look()
    finally:
        held.set()
    assert status.found.missing == (
        Missing("a", "b"),
        Missing("refused", "there: it says no", "ask again"),
        Missing("unforeseen", "RuntimeError: who knows"),
        Missing("hangs", "no answer in 0.5 s"),
    )
    assert again.found.missing == status.found.missing, "and is not asked twice at once"


def test_a_poisoned_message_at_the_end_is_dealt_with_though_it_has_no_token() -> None:
    still = Positions(1, {0: 10}, {0: 0}, {0: 10})
    part = combine(
        Part(
            topics=(TopicState("t", 1, 1, (), (), {0: 10}),),
            lags=(group_lag("g", "t", still, still),),
            channels=(Channel("t", "A.B.T", 0, 8),),
        )
    )
    assert (part.channels[0].behind, part.tables[0].freshness_seconds) == (0, 0.0)


def test_freshness_is_the_age_of_the_oldest_event_without_a_row() -> None:
    now = Positions(1, {0: 10}, {0: 0}, {0: 4})
    part = combine(
        Part(
            topics=(TopicState("t", 1, 1, (), (), {0: 10}),),
            lags=(group_lag("g", "t", now, now, waiting_seconds=12.0),),
            channels=(Channel("t", "A.B.T", 0, 5),),
        )
    )
    assert (part.tables[0].behind, part.tables[0].freshness_seconds) == (4, 12.0)


# -- connectors -----------------------------------------------------------------------------------------------------


def read_connectors(environment: Environment, url: str) -> Part:
    connect = environment.connect.model_copy(update={"kind": "kafka-connect", "rest_url": url})
    its = environment.model_copy(update={"platform": "msk", "connect": connect})
    ask: Any = Ask()
    return ConnectorsCollector(its, Project(REPOSITORY), ask).read()


def test_a_task_that_failed_breaks_its_rule_with_its_error_and_a_way_to_start_it(
    environment: Environment, service: Answers
) -> None:
    trace = "org.apache.X: task died\n\tat a.b\nCaused by: com.snowflake.Y: no right on the table\n"
    tasks = [{"id": 0, "state": "RUNNING"}, {"id": 1, "state": "FAILED", "trace": trace}]
    service.body = json.dumps({"connector": {"state": "RUNNING"}, "tasks": tasks}).encode()
    part = read_connectors(environment, service.url)
    (connector,) = part.connectors
    assert connector.tasks[1].error == "com.snowflake.Y: no right on the table"
    assert [each.rule for each in findings(load_rules(), samples(part))] == ["task-down"]
    assert offer_of("dev", connector) == "infra connect restart --env dev order-events --failed"


def test_a_worker_that_is_down_is_down_and_one_that_refuses_names_the_login(
    environment: Environment, service: Answers
) -> None:
    gone = read_connectors(environment, "http://127.0.0.1:1")
    assert [(each.what, each.up) for each in gone.reached] == [("connect", False)]
    service.code = 401
    refused = read_connectors(environment, service.url)
    assert refused.reached == ()
    assert refused.missing[0].permission == "the connectors' REST login (its key, or `connect.rest_credentials`)"
