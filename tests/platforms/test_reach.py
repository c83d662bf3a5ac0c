"""Brokers that cannot be reached are told before Terraform starts, with the ways in; real sockets on loopback."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from modules.doctor import REMOTE, examine
from modules.environment.model import Environment
from modules.errors import ServiceError
from modules.platforms.reach import is_private, require_reach, unreached
from modules.project import OUTPUTS_FILE, Project

ROOT = Path(__file__).parents[2]


@pytest.fixture
def listening() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def closed() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    shutil.copytree(ROOT / "environments", tmp_path / "environments")
    return Project(tmp_path)


def deployed(project: Project, name: str, brokers: str, registry: str) -> None:
    folder = project.environment_state(name)
    folder.mkdir(parents=True)
    outputs = {"cluster": {"bootstrap_servers": brokers, "registry_url": registry}}
    (folder / OUTPUTS_FILE).write_text(json.dumps(outputs))


def environment(platform: str, **settings: Any) -> Environment:
    return Environment.model_validate({"name": "e", "source": "environments/e.yaml", "platform": platform, **settings})


def test_one_broker_that_answers_is_enough_and_the_registry_counts_by_itself(listening: str, closed: str) -> None:
    both = {"bootstrap_servers": f"SASL_SSL://{closed},{listening}", "registry_url": f"http://{listening}/x"}
    assert unreached(both) == ()
    (lost,) = unreached({**both, "registry_url": f"http://{closed}"})
    assert str(lost) == f"{closed}: the connection is refused"
    (lost,) = unreached({"bootstrap_servers": closed, "registry_url": ""})
    assert lost.address == closed


def test_glue_is_no_address_to_be_reached(listening: str) -> None:
    assert unreached({"bootstrap_servers": listening, "registry_url": "glue://us-east-1/streaming-prod"}) == ()


def test_a_name_nobody_knows_is_told_apart() -> None:
    (lost,) = unreached({"bootstrap_servers": "b-1.invalid:9096"})
    assert str(lost) == "b-1.invalid:9096: its name is unknown here"


@pytest.mark.parametrize(
    ("platform", "settings", "private"),
    [
        ("confluent", {}, False),
        ("confluent", {"confluent": {"tier": "enterprise"}}, True),
        ("msk", {}, True),
        ("redpanda", {}, True),
        ("local", {}, False),
    ],
)
def test_which_clusters_are_private(platform: str, settings: dict[str, Any], private: bool) -> None:
    assert is_private(environment(platform, **settings)) is private


def test_a_private_cluster_names_the_ways_in_and_a_public_one_the_network(project: Project, closed: str) -> None:
    deployed(project, "e", closed, "")
    with pytest.raises(ServiceError) as refused:
        require_reach(environment("msk"), project)
    assert refused.value.what == "environment e is private, and there is no way to it from this machine"
    assert refused.value.details[0] == f"{closed}: the connection is refused"
    assert any("on a runner inside the VPC" in line for line in refused.value.details)
    assert any("network.clients" in line for line in refused.value.details)
    with pytest.raises(ServiceError, match="environment e cannot be reached from this machine"):
        require_reach(environment("confluent"), project)


def test_nothing_is_asked_of_what_was_never_deployed(project: Project) -> None:
    require_reach(environment("msk"), project)


def test_doctor_says_what_can_be_reached(project: Project, listening: str, closed: str) -> None:
    def finding() -> Any:
        (found,) = examine(project, "prod", checks={}, remote={"reach": REMOTE["reach"]})
        return found

    assert finding().state == "ok" and "never deployed" in finding().text
    deployed(project, "prod", closed, "")
    assert finding().state == "fail" and finding().do
    shutil.rmtree(project.environment_state("prod"))
    deployed(project, "prod", listening, f"http://{listening}")
    assert finding().state == "ok"


def test_a_deploy_stops_before_terraform_starts(project: Project, closed: str) -> None:
    deployed(project, "dev", closed, "")
    dev = project.environments / "dev.yaml"
    account = "{organization: O, account: A, user: U, private_key: env:KEY}"
    dev.write_text(
        "extends: base\nplatform: confluent\nproduction: false\ntags: {owner: us}\n"
        "confluent: {cloud_api_key: env:KEY, cloud_api_secret: env:KEY, secrets: file}\n"
        f"warehouse: {{account: {account}}}\n"
    )
    command = [sys.executable, "-c", "import sys; from cli.main import main; sys.exit(main())"]
    variables = {**os.environ, "INFRA_PROJECT": str(project.root), "KEY": "not-a-real-one"}
    ran = subprocess.run(
        [*command, "deploy", "--env", "dev", "--yes"],
        cwd=ROOT,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 1
    assert "error: environments/dev.yaml: environment dev cannot be reached from this machine" in ran.stderr, ran.stderr
    assert f"{closed}: the connection is refused" in ran.stderr
    assert not list(project.environment_state("dev").glob("*/cdk.tf.json"))
