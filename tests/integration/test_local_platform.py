"""The laptop platform with its real services, in a project of its own: these tests kill and wipe."""

from __future__ import annotations

import http.client
import ipaddress
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest

from modules.environment.model import Local
from modules.errors import LocalError
from modules.local import supervisor
from modules.local.endpoints import KAFKA_PRINCIPALS, LocalEndpoints, load_endpoints, secret_file
from modules.local.kafka import client_settings
from modules.local.platform import ServiceStatus, down, reset, start_sink, status, stop_sink, up
from modules.project import Project
from tests.integration.conftest import new_project

pytestmark = pytest.mark.platform


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    # The name is part of the tests: Kafka reads a comma in a folder's name as two folders.
    made = new_project(tmp_path_factory.mktemp("own project, with a comma"))
    try:
        yield made
    finally:
        down(made)


def services(project: Project) -> dict[str, ServiceStatus]:
    return {service.name: service for service in status(project)}


def pids(project: Project) -> dict[str, int | None]:
    return {name: service.pid for name, service in services(project).items()}


def kill(project: Project, name: str) -> None:
    process = supervisor.find(project.local, name)
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    process.wait(10)


def admin(project: Project) -> Any:
    from confluent_kafka.admin import AdminClient

    port = int(load_endpoints(project).kafka_bootstrap.rpartition(":")[2])
    return AdminClient(client_settings(project, port, "admin"))


def create_topic(project: Project, name: str) -> None:
    from confluent_kafka.admin import NewTopic

    client = admin(project)
    client.create_topics([NewTopic(name, 1, 1)])[name].result(timeout=20)


def topics(project: Project) -> set[str]:
    return set(admin(project).list_topics(timeout=20).topics)


def call_registry(endpoints: LocalEndpoints, method: str, path: str, body: object = None) -> Any:
    url = urlsplit(endpoints.registry_url)
    connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=20)
    try:
        headers = {"Content-Type": "application/json"}
        connection.request(method, url.path + path, json.dumps(body) if body else None, headers)
        answer = connection.getresponse()
        text = answer.read()
        assert answer.status == 200, text
        return json.loads(text)
    finally:
        connection.close()


def register(endpoints: LocalEndpoints, subject: str) -> int:
    schema = {"type": "record", "name": "R", "fields": [{"name": subject.replace("-", "_"), "type": "string"}]}
    return int(call_registry(endpoints, "POST", f"/subjects/{subject}/versions", {"schema": json.dumps(schema)})["id"])


def processes_of(project: Project) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            tag = process.environ().get(supervisor.TAG, "")
        except (psutil.Error, OSError):
            continue
        if tag.startswith(f"{project.local}:"):
            found.append(process)
    return found


def test_a_second_up_leaves_running_services_alone(project: Project) -> None:
    first = up(project)
    before = pids(project)
    assert up(project) == first
    assert pids(project) == before
    assert {name for name, service in services(project).items() if service.state == "running"} == {
        "kafka", "registry", "snowflake",
    }  # fmt: skip


def test_nothing_listens_on_anything_but_loopback(project: Project) -> None:
    up(project)
    listening = [
        ipaddress.ip_address(connection.laddr.ip)
        for process in processes_of(project)
        for connection in process.net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert len(listening) >= 5
    for address in listening:
        mapped = getattr(address, "ipv4_mapped", None) or address
        assert mapped.is_loopback, address


def test_passwords_are_in_private_files_and_nowhere_else(project: Project) -> None:
    up(project)
    files = [secret_file(project, f"kafka-{name}.password") for name in (*KAFKA_PRINCIPALS, "controller")]
    for file in (*files, secret_file(project, "snowflake-admin.p8"), project.local / "run" / "kafka.properties"):
        assert file.stat().st_mode & 0o077 == 0
    words = [file.read_text() for file in files]
    assert not any(word in (project.local / "run" / "kafka.properties").read_text() for word in words)
    arguments = [" ".join(process.cmdline()) for process in processes_of(project)]
    logs = [path.read_text(errors="replace") for path in (project.local / "logs").iterdir()]
    assert len(arguments) >= 3
    assert not any(word in text for word in words for text in (*arguments, *logs))


def test_a_killed_broker_is_shown_dead_and_comes_back_with_its_data(project: Project) -> None:
    from confluent_kafka import Consumer, Producer, TopicPartition

    up(project)
    create_topic(project, "kept")
    settings = client_settings(project, int(load_endpoints(project).kafka_bootstrap.rpartition(":")[2]), "admin")
    producer = Producer({**settings, "acks": "all"})
    for number in range(100):
        producer.produce("kept", str(number).encode())
    assert producer.flush(20) == 0
    before = pids(project)

    kill(project, "kafka")
    assert services(project)["kafka"].state == "dead"
    up(project)

    after = pids(project)
    assert after["kafka"] not in (None, before["kafka"])
    assert after["registry"] == before["registry"]
    consumer = Consumer({**settings, "group.id": "any"})
    try:
        assert consumer.get_watermark_offsets(TopicPartition("kept", 0), timeout=20) == (0, 100)
    finally:
        consumer.close()


def test_a_subject_survives_a_restart_and_a_kill_of_the_registry(project: Project) -> None:
    endpoints = up(project)
    numbers = {"restarted": register(endpoints, "restarted")}
    down(project)
    endpoints = up(project)
    numbers["killed"] = register(endpoints, "killed")
    # At once: a database that writes late would lose the subject that was just confirmed.
    kill(project, "registry")
    endpoints = up(project)
    assert set(numbers) <= set(call_registry(endpoints, "GET", "/subjects"))
    for subject, number in numbers.items():
        assert call_registry(endpoints, "GET", f"/subjects/{subject}/versions/1")["id"] == number
    assert call_registry(endpoints, "DELETE", "/subjects/killed") == [1]


def test_a_producer_without_an_acl_is_refused(project: Project) -> None:
    from confluent_kafka import KafkaError, Producer

    up(project)
    create_topic(project, "guarded")
    port = int(load_endpoints(project).kafka_bootstrap.rpartition(":")[2])
    refused: list[int] = []
    producer = Producer({**client_settings(project, port, "producer"), "message.timeout.ms": 20_000})
    producer.produce("guarded", b"x", on_delivery=lambda error, message: refused.append(error.code()))
    producer.flush(30)
    assert refused == [KafkaError.TOPIC_AUTHORIZATION_FAILED]


def test_a_topic_is_not_created_by_using_it(project: Project) -> None:
    up(project)
    admin(project).list_topics("never-declared", timeout=20)
    assert "never-declared" not in topics(project)


def test_a_service_whose_record_was_lost_is_found_and_replaced(project: Project) -> None:
    up(project)
    create_topic(project, "remembered")
    lost = pids(project)["kafka"]
    (project.local / "run" / "kafka.json").unlink()
    up(project)
    assert lost is not None
    assert not psutil.pid_exists(lost)
    assert "remembered" in topics(project)


def test_ports_taken_meanwhile_are_replaced_and_the_data_is_still_there(project: Project) -> None:
    up(project)
    create_topic(project, "moved")
    down(project)
    remembered = json.loads((project.local / "ports.json").read_text())
    blockers = [socket.create_server(("127.0.0.1", port)) for port in remembered.values()]
    try:
        up(project)
    finally:
        for blocker in blockers:
            blocker.close()
    assert not set(remembered.values()) & set(json.loads((project.local / "ports.json").read_text()).values())
    assert "moved" in topics(project)


def test_a_given_port_in_use_is_named_and_nothing_stays_started(project: Project) -> None:
    down(project)
    with socket.create_server(("127.0.0.1", 0)) as blocker:
        port = blocker.getsockname()[1]
        with pytest.raises(LocalError, match=f"port {port} is in use") as caught:
            up(project, Local(registry_port=port))
    assert caught.value.where == "local.registry_port"
    assert caught.value.do is not None
    assert processes_of(project) == []


def test_a_service_that_cannot_start_shows_its_log_and_takes_the_others_with_it(project: Project) -> None:
    register(up(project), "unharmed")
    down(project)
    database = project.local / "data" / "registry" / "registry.mv.db"
    kept = database.read_bytes()
    database.write_bytes(b"this is no database\n" * 1000)
    try:
        with pytest.raises(LocalError, match=r"registry (ended|runs but cannot read its data)") as caught:
            up(project)
    finally:
        database.write_bytes(kept)
    assert caught.value.where == str(project.local / "logs" / "registry.log")
    assert caught.value.details
    assert processes_of(project) == []
    assert "unharmed" in call_registry(up(project), "GET", "/subjects")


def test_two_ups_at_once_start_one_platform(project: Project) -> None:
    down(project)
    command = [sys.executable, "-c", "import sys; from cli.main import main; sys.exit(main())", "local", "up", "--json"]
    both = [
        subprocess.Popen(command, cwd=project.root, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(2)
    ]
    said = [process.communicate(timeout=200) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert json.loads(said[0][0]) == json.loads(said[1][0])
    started = [process.environ()[supervisor.TAG].rpartition(":")[2] for process in processes_of(project)]
    assert sorted(started) == ["kafka", "registry", "snowflake"]


def test_status_is_quick_because_it_loads_no_kafka_client(project: Project) -> None:
    program = (
        "import sys; from cli.main import main; code = main(['local', 'status', '--json']); "
        "heavy = {'confluent_kafka', 'snowflake.connector', 'cdktf', 'duckdb'} & set(sys.modules); "
        "sys.exit(code or (f'loaded {heavy}' if heavy else 0))"
    )
    ran = subprocess.run([sys.executable, "-c", program], cwd=project.root, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    assert {service["name"] for service in json.loads(ran.stdout)} == {"kafka", "registry", "snowflake", "sink"}


def test_down_leaves_no_process_and_reset_no_data(project: Project) -> None:
    up(project)
    create_topic(project, "wiped")
    assert set(down(project)) == {"kafka", "registry", "snowflake"}
    assert processes_of(project) == []
    assert down(project) == []
    with pytest.raises(LocalError, match="not up"):
        load_endpoints(project)

    reset(project)
    assert [path.name for path in project.local.iterdir()] == ["lock"]
    endpoints = up(project)
    assert "wiped" not in topics(project)
    assert call_registry(endpoints, "GET", "/subjects") == []


def test_data_whose_secrets_are_gone_is_explained(project: Project) -> None:
    up(project)
    down(project)
    secret_file(project, "kafka-admin.password").unlink()
    with pytest.raises(LocalError, match="other secrets") as caught:
        up(project)
    assert "infra local reset" in (caught.value.do or "")
    assert processes_of(project) == []
    reset(project)


def test_a_sink_without_a_deploy_says_why_and_leaves_no_process(project: Project) -> None:
    up(project)
    with pytest.raises(LocalError, match="sink ended while starting") as caught:
        start_sink(project, "local")
    assert "infra local logs sink" in (caught.value.do or "")
    assert services(project)["sink"].state == "stopped"
    assert not stop_sink(project)


def test_an_interrupted_up_leaves_nothing_started(project: Project) -> None:
    down(project)
    command = [sys.executable, "-c", "import sys; from cli.main import main; sys.exit(main())", "local", "up"]
    starting = subprocess.Popen(command, cwd=project.root, stderr=subprocess.PIPE, text=True)
    assert starting.stderr is not None
    while len(processes_of(project)) < 2:
        assert starting.poll() is None
        time.sleep(0.05)
    starting.send_signal(signal.SIGINT)
    said = starting.communicate(timeout=60)[1]
    assert starting.returncode == 130
    assert "Traceback" not in said
    assert processes_of(project) == []
