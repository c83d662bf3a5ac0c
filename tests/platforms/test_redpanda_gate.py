"""The gate between two brokers: steps taken over the Admin API on loopback, and the program that Terraform runs."""

from __future__ import annotations

import base64
import json
import shlex
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from modules.errors import ServiceError
from modules.platforms import redpanda_gate
from modules.platforms.redpanda_admin import AdminApi
from modules.platforms.redpanda_gate import AdminCluster, settle
from modules.platforms.redpanda_roll import Health, Step, View, Wait
from modules.project import OUTPUTS_FILE
from tests.platforms.golden import golden, project_of
from tests.platforms.redpanda_parts import NAMES, WHOLE, Redpanda


@pytest.fixture
def redpanda() -> Iterator[tuple[Redpanda, AdminApi]]:
    cluster = Redpanda()

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            expected = "Basic " + base64.b64encode(b"admin:right").decode()
            if self.headers.get("Authorization") != expected:
                status, body = 401, {"message": "Unauthorized", "code": 401}
            else:
                status, body = cluster.answer(self.command, self.path)
            text = json.dumps(body).encode() if body != {} else b""
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_PUT = do_DELETE = handle_any

        def log_message(self, *_: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        yield cluster, AdminApi(dict.fromkeys(NAMES, url), "admin", "right")
        server.shutdown()
        thread.join()


def run(
    cluster: Redpanda, api: AdminApi, *, patience: int = 50, silence: int = 1_000, age: float = 1e6, **more: Any
) -> list[str]:
    """Settles with a clock of looks instead of seconds; what was said."""
    said: list[str] = []
    looks = [0.0]

    def sleep(_seconds: float) -> None:
        looks[0] += 1
        cluster.tick()

    settle(
        AdminCluster(api, NAMES, lambda: dict.fromkeys(NAMES, age), **more),
        patience=patience,
        silence=silence,
        pause=1,
        say=said.append,
        clock=lambda: looks[0],
        sleep=sleep,
    )
    return said


def test_a_replaced_broker_is_seen_through_to_a_whole_cluster(redpanda: tuple[Redpanda, AdminApi]) -> None:
    cluster, api = redpanda
    for id_, name in enumerate(NAMES):
        cluster.join(id_, name)
    cluster.brokers[0].update(is_alive=False, maintenance_status={"draining": True})
    cluster.join(3, "broker-1")
    said = run(cluster, api, before="broker-2")
    assert cluster.asked == ["DELETE /v1/brokers/0/maintenance", "PUT /v1/brokers/0/decommission"]
    assert set(cluster.brokers) == {1, 2, 3}
    assert said[0] == "taking id 0 out of maintenance"
    assert said[1] == "decommissioning id 0: broker-1 is back as id 3"
    assert said[-1] == "the cluster is whole"


def test_a_run_that_was_broken_off_goes_on_where_it_was(redpanda: tuple[Redpanda, AdminApi]) -> None:
    cluster, api = redpanda
    for id_, name in enumerate(NAMES):
        cluster.join(id_, name)
    cluster.brokers[0]["is_alive"] = False
    cluster.join(3, "broker-1")
    cluster.moving = 1_000
    with pytest.raises(ServiceError, match="did not come to rest"):
        run(cluster, api, patience=3)
    cluster.moving = 2
    run(cluster, api)
    assert cluster.asked == ["PUT /v1/brokers/0/decommission"]
    assert set(cluster.brokers) == {1, 2, 3}


def test_giving_up_says_what_was_waited_for_and_that_a_deploy_goes_on(redpanda: tuple[Redpanda, AdminApi]) -> None:
    cluster, api = redpanda
    for id_, name in enumerate(NAMES[:2]):
        cluster.join(id_, name)
    with pytest.raises(ServiceError) as caught:
        run(cluster, api, patience=3)
    assert caught.value.what == "the cluster did not come to rest in 3 seconds; last: broker-3 has not joined"
    assert caught.value.do and "`infra deploy` again goes on from here" in caught.value.do
    assert cluster.asked == []


def test_brokers_that_are_starting_are_waited_for(redpanda: tuple[Redpanda, AdminApi]) -> None:
    cluster, api = redpanda
    cluster.down = True
    with pytest.raises(ServiceError, match="last: no broker answers"):
        run(cluster, api, patience=2)


def test_brokers_nobody_can_reach_are_not_waited_for_as_long(redpanda: tuple[Redpanda, AdminApi]) -> None:
    cluster, _ = redpanda
    closed = AdminApi(dict.fromkeys(NAMES, "http://127.0.0.1:9"), "admin", "right")
    with pytest.raises(ServiceError) as caught:
        run(cluster, closed, patience=100, silence=4)
    assert caught.value.what == "no broker answers from here for 4 seconds"
    assert "inside the brokers' network" in (caught.value.do or "")


def test_a_cluster_made_a_moment_ago_may_be_out_of_reach(redpanda: tuple[Redpanda, AdminApi]) -> None:
    """Its network may be as new as itself, so that nobody can be inside."""
    cluster, _ = redpanda
    closed = AdminApi(dict.fromkeys(NAMES, "http://127.0.0.1:9"), "admin", "right")
    said = run(cluster, closed, patience=100, silence=4, age=60.0)
    assert said[-1].startswith("the brokers are made, but cannot be seen from here")


def test_ecs_says_which_brokers_there_are_and_for_how_long(monkeypatch: pytest.MonkeyPatch) -> None:
    import datetime

    import boto3

    made = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=1)
    asked: list[list[str]] = []

    class Ecs:
        def describe_services(self, cluster: str, services: list[str]) -> dict[str, Any]:
            asked.append(services)
            alive = [each for each in services if each != "s11"]
            return {
                "services": [{"serviceName": each, "status": "ACTIVE", "createdAt": made} for each in alive]
                + [{"serviceName": "s0", "status": "INACTIVE", "createdAt": made}][: "s0" in services]
            }

    monkeypatch.setattr(boto3, "client", lambda name, region_name: Ecs())
    found = redpanda_gate._active("eu-west-1", "c", [f"s{number}" for number in range(1, 13)])
    assert list(found) == [f"s{number}" for number in range(1, 13) if number != 11]
    assert [len(each) for each in asked] == [10, 2]
    assert all(3500 < age < 3700 for age in found.values())


def test_a_refused_login_stops_at_once_and_shows_no_password(redpanda: tuple[Redpanda, AdminApi]) -> None:
    cluster, api = redpanda
    with pytest.raises(ServiceError) as caught:
        run(cluster, replace(api, password="wrong-secret"))
    assert "HTTP 401: Unauthorized" in caught.value.what
    assert "wrong-secret" not in str(caught.value) and "wrong-secret" not in repr(replace(api, password="wrong-secret"))


def test_a_refused_step_is_an_error_with_redpandas_own_words(redpanda: tuple[Redpanda, AdminApi]) -> None:
    cluster, api = redpanda
    cluster.refuse = 403
    with pytest.raises(ServiceError, match="superuser role required"):
        run(cluster, api)


def test_that_the_cluster_is_whole_is_seen_twice() -> None:
    steps: list[View] = [WHOLE, replace(WHOLE, health=Health(False, under_replicated=1)), WHOLE, WHOLE]
    seen: list[View] = []

    class Flapping:
        def view(self) -> View:
            seen.append(steps[len(seen)])
            return seen[-1]

        def do(self, step: Step) -> None:
            assert isinstance(step, Wait)

        def young(self) -> bool:
            return False

    settle(Flapping(), patience=100, clock=lambda: 0.0, sleep=lambda _seconds: None)
    assert len(seen) == 4


def arguments(*more: str) -> list[str]:
    given = ["--region", "eu-west-1", "--ecs-cluster", "c", "--seeds", "1", "--login", "arn:a", "--authority", "arn:b"]
    return [*given, "--broker", "s=broker-1", *more]


def test_the_program_passes_where_no_broker_was_ever_started(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(redpanda_gate, "_active", lambda *_: {})
    monkeypatch.setattr(redpanda_gate, "_secret", lambda *_: pytest.fail("no secret is there yet"))
    assert redpanda_gate.main(arguments("--before", "broker-1")) == 0
    assert "not founded before broker-1 is started" in capsys.readouterr().out


def test_the_program_says_what_is_wrong_and_leaves_with_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(*_: object) -> dict[str, float]:
        raise ServiceError("ECS did not say", where="c", do="log in")

    monkeypatch.setattr(redpanda_gate, "_active", refused)
    assert redpanda_gate.main(arguments()) == 1
    assert capsys.readouterr().err == "c: ECS did not say\n  → log in\n"


def test_an_environments_name_stands_for_what_its_stack_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The words that Terraform gives the gate, read off the golden stack, but for the secrets' ARNs."""
    project, name = project_of("redpanda-ec2-prod", tmp_path)
    monkeypatch.setenv("INFRA_PROJECT", str(project.root))
    assert redpanda_gate.main(["--environment", name]) == 1
    assert "environment prod has no Redpanda cluster here" in capsys.readouterr().err
    document = golden("redpanda-ec2-prod")["cluster"]
    outputs = {key: body["value"] for key, body in document["output"].items()}
    folder = project.environment_state(name)
    folder.mkdir(parents=True)
    (folder / OUTPUTS_FILE).write_text(json.dumps({"cluster": outputs}))
    given = redpanda_gate._parser().parse_args(["--environment", name, "--leaving", "broker-3"])
    redpanda_gate._fill_in(given)
    (step,) = document["resource"]["terraform_data"]["settled"]["provisioner"]
    words = redpanda_gate._parser().parse_args(shlex.split(step["local-exec"]["command"])[3:])
    for key in ("region", "ecs_cluster", "broker", "seeds", "login", "authority"):
        assert getattr(given, key) == getattr(words, key), key
    assert given.leaving == ["broker-3.prod.streaming.internal"]


def test_half_of_the_arguments_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        redpanda_gate.main(["--region", "eu-west-1"])
    assert "give --environment, or all of --region, --ecs-cluster" in capsys.readouterr().err


def test_the_gate_can_be_left_open_on_purpose(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("INFRA_REDPANDA_GATE", "skip")
    assert redpanda_gate.main(arguments()) == 0
    assert "INFRA_REDPANDA_GATE=skip" in capsys.readouterr().out
