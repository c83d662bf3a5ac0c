"""Fault rehearsals, clean-up, brokers given by hand and `deploy --smoke`, on a platform of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from modules.environment import load_environment
from modules.local import supervisor
from modules.platforms import platform_for
from modules.project import Project
from modules.warehouse.connection import connect
from tests.integration.conftest import new_project
from tests.integration.program import Infra, up_and_deployed

pytestmark = [pytest.mark.platform, pytest.mark.timeout(600)]

TABLE = "STREAMING.PUBLIC._INFRA_SMOKE"
LOAD = ("--duration", "5s", "--warmup", "50", "--rate", "100")


@pytest.fixture(scope="module")
def infra(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Infra]:
    with up_and_deployed(new_project(tmp_path_factory.mktemp("faults"))) as infra:
        yield infra


def test_nothing_is_left_by_a_run_and_an_earlier_ones_rows_go_with_the_next(infra: Infra) -> None:
    done = infra("smoke", "--env", "local", *LOAD, "--json").json
    assert (done["topic"], done["table"]) == ("_infra_smoke", TABLE)
    assert done["cleaned"] == {"rows": 550, "older_rows": 0, "left": []}
    assert sql(infra.project, f"SELECT count(*) FROM {TABLE}") == [(0,)]
    assert groups(infra.project) == []
    old = int((time.time() - 7200) * 1000)
    young = int((time.time() - 60) * 1000)
    for at in (old, young):
        insert(infra.project, f'{{"CreateTime": {at}, "headers": {{"infra_run_id": "killed"}}}}')
    again = infra("smoke", "--env", "local", *LOAD, "--json").json
    assert again["cleaned"] == {"rows": 550, "older_rows": 1, "left": []}
    # Of a run that may still be at work.
    assert sql(infra.project, f"SELECT count(*) FROM {TABLE}") == [(1,)]
    sql(infra.project, f"DELETE FROM {TABLE}")


def test_after_ctrl_c_the_rows_and_the_group_are_gone_as_well(infra: Infra) -> None:
    with started(infra, "--duration", "60s", "--rate", "100") as running:
        assert running.stderr is not None
        said: list[str] = []
        assert any(said.append(line) or "measuring" in line for line in running.stderr), said
        time.sleep(1.5)
        running.send_signal(signal.SIGINT)
        running.communicate(timeout=60)
    assert running.returncode == 130
    assert groups(infra.project) == []
    # What was still on its way to the warehouse comes later, and goes with a run an hour later.
    ((left,),) = sql(infra.project, f"SELECT count(*) FROM {TABLE}")
    assert left < 150
    sql(infra.project, f"DELETE FROM {TABLE}")


def test_a_real_table_keeps_its_rows_unless_asked(infra: Infra) -> None:
    real = "STREAMING.PUBLIC.ORDER_EVENTS"
    load = ("--topic", "order-events", "--count", "100", "--warmup", "0", "--json")
    kept = infra("smoke", "--env", "local", *load).json
    assert kept["cleaned"]["rows"] is None
    gone = infra("smoke", "--env", "local", *load, "--clean").json
    assert gone["cleaned"] == {"rows": 100, "older_rows": 0, "left": []}
    run = "RECORD_METADATA:headers:infra_run_id::VARCHAR"
    found = sql(infra.project, f"SELECT {run}, count(*) FROM {real} GROUP BY 1")
    assert found == [(kept["run_id"], 100)]


@pytest.mark.parametrize(
    "fault",
    [
        "sink-kill",
        "warehouse-stall",
        pytest.param("registry-down", marks=pytest.mark.soak),
        # On a busy machine it takes a minute until the broker is back and the group has met again.
        pytest.param("broker-restart", marks=pytest.mark.soak),
    ],
)
def test_a_rehearsal_loses_nothing_and_says_how_long_it_took_to_recover(infra: Infra, fault: str) -> None:
    done = infra("smoke", "--env", "local", *LOAD, "--deadline", "2m", "--fault", f"{fault}@2", "--json")
    assert done.code in (0, 4), done.err
    report = done.json
    sent = report["load"]["sent"]
    for name, stage in report["stages"].items():
        assert (stage["n"], stage["lost"], stage["duplicated"]) == (sent, 0, 0), name
        assert not stage["corrupted"]
    found = report["fault"]
    assert found["name"] == fault
    assert 2 <= found["at_s"] < found["over_s"]
    if done.code == 4:  # This machine was too busy for every stage to be as before when the run ended.
        assert all("was not back to what was usual" in sentence for sentence in report["verdict"]["because"])
    else:
        assert found["recovery_s"] >= found["over_s"] - found["at_s"] - 0.001 > 0
    if fault == "warehouse-stall":
        assert found["stages"]["row_visible"]["slowest_ms"] > 1500
    if fault == "broker-restart":
        assert found["stages"]["acknowledged"]["slowest_ms"] > 300
    states = {service["name"]: service["state"] for service in infra("local", "status", "--json").json}
    assert set(states.values()) == {"running"}, states


def test_ctrl_c_in_a_stall_lets_the_warehouse_go_on(infra: Infra) -> None:
    run = supervisor.recorded(infra.project.local, "snowflake")
    assert run is not None
    warehouse = psutil.Process(run.pid)
    with started(infra, "--duration", "30s", "--rate", "50", "--fault", "warehouse-stall@1") as running:
        until = time.monotonic() + 60
        while warehouse.status() != psutil.STATUS_STOPPED:
            assert time.monotonic() < until and running.poll() is None
            time.sleep(0.02)
        running.send_signal(signal.SIGTERM)
        running.communicate(timeout=60)
    assert warehouse.status() != psutil.STATUS_STOPPED
    assert running.returncode == 130
    sql(infra.project, f"DELETE FROM {TABLE}")


def test_brokers_given_by_hand(infra: Infra, tmp_path: Path) -> None:
    bootstrap = json.loads((infra.project.local / "services.json").read_text())["kafka_bootstrap"]
    password = (infra.project.local / "secrets" / "kafka-admin.password").read_text().strip()
    login = f'org.apache.kafka.common.security.scram.ScramLoginModule required username="admin" password="{password}";'
    config = tmp_path / "client.properties"
    config.write_text(f"security.protocol=SASL_PLAINTEXT\nsasl.mechanism=SCRAM-SHA-256\nsasl.jaas.config={login}\n")
    make_topic(infra.project, "by-hand")
    by_hand = ("smoke", "--bootstrap", bootstrap, "--client-config", str(config))
    done = infra(*by_hand, "--topic", "by-hand", "--count", "300", "--warmup", "10", "--size", "1KiB", "--json")
    assert done.code == 0, done.err
    report = done.json
    assert list(report["stages"]) == ["acknowledged", "consumed", "committed"]
    assert {stage["n"] for stage in report["stages"].values()} == {300}
    assert set(report["unmeasured"]) == {"handed_over", "row_visible"}
    assert (report["environment"], report["platform"], report["load"]["event_bytes"]) == (bootstrap, "by hand", 1024)
    assert password not in done.out + done.err
    config.write_text(config.read_text().replace(password, "not-the-password"))
    refused = infra(*by_hand, "--topic", "by-hand", "--count", "10")
    assert refused.code == 1 and "error: Kafka: the login is refused" in refused.err, refused.err
    assert "check the user and its password" in refused.err and "not-the-password" not in refused.err
    config.write_text(config.read_text().replace("not-the-password", password))
    missing = infra(*by_hand, "--topic", "not-there", "--count", "10")
    assert missing.code == 1
    assert "there is no topic not-there" in missing.err and "kafka-topics.sh --create --topic not-there" in missing.err


def test_a_deploy_that_fails_its_smoke_test_says_how_to_go_back(infra: Infra) -> None:
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org"]
    root = infra.project.root
    for command in (["init", "-q"], ["add", "environments"], ["commit", "-qm", "one"]):
        subprocess.run([*git, *command], cwd=root, check=True)
    deployed = infra("deploy", "--env", "local", "--yes")
    assert deployed.code == 0, deployed.err
    revision = subprocess.run(
        [*git, "rev-parse", "HEAD"], cwd=root, check=True, capture_output=True, text=True
    ).stdout.strip()
    infra.edit("base.yaml", "partitions: 6", "partitions: 7")
    infra.edit("local.yaml", "slo:", "slo:\n  committed: {p50: 1ms}")
    failed = infra("deploy", "--env", "local", "--yes", "--smoke", "--json")
    assert failed.code == 4, failed.err
    back = failed.json["way_back"]
    assert back[0].endswith(f"git checkout {revision[:12]} -- environments && infra deploy --env local")
    (backup,) = [line for line in back if line.startswith("state of topics before: ")]
    assert Path(backup.partition(": ")[2]).is_file()
    assert all(line in failed.err for line in back)


def started(infra: Infra, *arguments: str) -> subprocess.Popen[str]:
    program = str(Path(sys.executable).parent / "infra")
    return subprocess.Popen(
        [program, "smoke", "--env", "local", *arguments],
        env={**os.environ, "CI": "true", "INFRA_PROJECT": str(infra.project.root)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell's background job, as these tests may be, is told to ignore Ctrl-C, and so would the program be.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def sql(project: Project, statement: str, *values: str) -> list[Any]:
    platform = platform_for(load_environment(project, "local"), project)
    with connect(platform.snowflake_client("admin"), project) as connection, connection.cursor() as cursor:
        return list(cursor.execute(statement, values or None).fetchall())


def insert(project: Project, metadata: str) -> None:
    """A row with this metadata, and something in each column that must not be null."""
    platform = platform_for(load_environment(project, "local"), project)
    with connect(platform.snowflake_client("admin"), project) as connection, connection.cursor() as cursor:
        described = cursor.execute(f"DESCRIBE TABLE {TABLE}").fetchall()
        needed = {row[0]: row[1] for row in described if row[3] == "N" and row[0] != "RECORD_METADATA"}
        values = ["CURRENT_TIMESTAMP()" if "TIME" in kind else "'1'" for kind in needed.values()]
        names = ", ".join(["RECORD_METADATA", *needed])
        cursor.execute(f"INSERT INTO {TABLE} ({names}) SELECT {', '.join(['PARSE_JSON(%s)', *values])}", (metadata,))


def admin(project: Project) -> Any:
    from confluent_kafka.admin import AdminClient

    return AdminClient(platform_for(load_environment(project, "local"), project).kafka_client("admin"))


def groups(project: Project) -> list[str]:
    client = admin(project)
    listed = client.list_consumer_groups().result(20)
    return [each.group_id for each in listed.valid if "-smoke-" in each.group_id]


def make_topic(project: Project, name: str) -> None:
    from confluent_kafka.admin import NewTopic

    client = admin(project)  # a client that nobody holds is gone before it has answered
    for made in client.create_topics([NewTopic(name, 3, 1)]).values():
        made.result(20)
