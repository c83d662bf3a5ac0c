"""What a user meets when something is wrong: one clear error, exit 1, no traceback, nothing half-written.

Each kind of bad input also has tests of its own beside the module that finds it; here the whole program answers, on a
deployed local platform.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from modules.local import supervisor
from modules.local.endpoints import load_endpoints, secret_file
from modules.terraform.records import environment_lock
from tests.integration.canary_parts import Hunt, hunting
from tests.integration.conftest import new_project
from tests.integration.program import Infra, Ran, up_and_deployed
from tests.secrets.canary import private_key

pytestmark = [pytest.mark.platform, pytest.mark.timeout(600)]

YAML = "local.yaml"


@pytest.fixture(scope="module")
def hunt(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hunt]:
    """Everything said, written and started here is searched for secrets at the end."""
    project = new_project(tmp_path_factory.mktemp("bad"))
    with hunting(project, every=0.05) as hunt, up_and_deployed(project) as infra:
        hunt.infra = infra
        yield hunt


@pytest.fixture
def infra(hunt: Hunt) -> Infra:
    return hunt.infra


def refused(ran: Ran, *lines: str) -> None:
    """One error with these lines, and nothing on stdout that looks like a result."""
    assert ran.code == 1, ran.out + ran.err
    assert ran.err.count("error: ") == 1, ran.err
    for line in lines:
        assert line in ran.err.splitlines(), ran.err


def states(infra: Infra) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in infra.project.state.glob("env/local/*/terraform.tfstate")}


def test_an_unknown_environment_lists_those_there_are(infra: Infra) -> None:
    refused(
        infra("deploy", "--env", "lokal", "--yes"),
        "error: environments/: there is no environment `lokal`",
        "  → did you mean `local`? choose one of: dev, local, prod, staging",
    )


def test_a_missing_yaml_is_an_unknown_environment(infra: Infra) -> None:
    file = infra.project.environments / "staging.yaml"
    kept = file.read_text()
    file.unlink()
    ran = infra("plan", "--env", "staging")
    file.write_text(kept)
    refused(ran, "error: environments/: there is no environment `staging`")


def test_malformed_yaml_is_named_with_line_and_column(infra: Infra) -> None:
    file = infra.project.environments / YAML
    kept = file.read_text()
    file.write_text(kept + "topics: [\n")
    ran = infra.plan()
    file.write_text(kept)
    line = kept.count("\n") + 2
    refused(
        ran,
        f"error: environments/local.yaml:{line}:1: not valid YAML: did not find expected node content",
        "  → close every { and [ and put a comma between the entries",
    )


def test_a_topic_name_kafka_refuses_is_named_with_its_line(infra: Infra) -> None:
    file = infra.project.environments / YAML
    kept = file.read_text()
    file.write_text(kept + 'topics:\n  "order events!": {partitions: 1}\n')
    ran = infra("deploy", "--env", "local", "--yes")
    file.write_text(kept)
    line = kept.count("\n") + 2
    refused(
        ran,
        "error: environments/local.yaml: environment `local` has a problem",
        f"  environments/local.yaml:{line}: topics.order events!: Kafka refuses the topic name: ' !' is not allowed; "
        "use letters, digits, `.`, `_` and `-`",
        "  → mend the line named above",
    )


@pytest.mark.parametrize("command", ["plan", "deploy"])
def test_a_state_locked_by_another_run_says_by_whom(infra: Infra, command: str) -> None:
    with environment_lock(infra.project.environment_state("local"), "infra deploy --env local", "environment local"):
        ran = infra(command, "--env", "local", *(["--yes"] if command == "deploy" else []))
    assert ran.code == 1
    held = f"error: environment local: the state is locked by `infra deploy --env local`, process {os.getpid()} since "
    assert held in ran.err
    assert ran.err.splitlines()[-1] == (
        "  → wait until it has finished, then run the command again; `infra unlock` shows the lock, and removes a dead "
        "run's"
    )


def test_an_unreadable_key_names_its_file_and_a_foreign_one_what_it_must_be(infra: Infra) -> None:
    key = secret_file(infra.project, "snowflake-admin.p8")
    kept = key.read_text()
    key.unlink()
    missing = infra.plan()
    key.touch(mode=0o600)
    key.write_text("nonsense\n")
    unreadable = infra.plan()
    key.write_text(kept)
    refused(
        missing,
        f"error: {key}: cannot read the secret's file: No such file or directory",
        "  → create it (mode 0600) or change the reference",
    )
    refused(unreadable, "  → correct it and run the command again")
    assert unreadable.err.count("it must be an RSA private key as PKCS#8 PEM (-----BEGIN PRIVATE KEY-----)") == 1
    assert "nonsense" not in unreadable.err


def test_the_doctor_says_whether_kafka_takes_the_administrators_password(infra: Infra) -> None:
    def said() -> tuple[int, list[tuple[str, str]]]:
        ran = infra("doctor", "--env", "local", "--json")
        return ran.code, [(each["state"], each["text"]) for each in ran.json["findings"] if each["check"] == "kafka"]

    file = secret_file(infra.project, "kafka-admin.password")
    kept = file.read_text()
    well = said()
    file.write_text("another-password")
    refused = said()
    file.write_text(kept)
    assert well[1] == [("ok", "local: the broker takes the administrator's login")]
    assert refused == (1, [("fail", "local: the brokers refuse the administrator's login")])


@pytest.mark.parametrize(
    ("service", "stack", "provider", "what"),
    [
        ("kafka", "topics", "mongey/kafka", "Kafka at {kafka} does not answer"),
        pytest.param(
            "registry",
            "topics",
            "cultureamp/schemaregistry",
            "the Schema Registry at {registry} does not answer",
            marks=pytest.mark.soak,
        ),
        ("snowflake", "warehouse", "snowflakedb/snowflake", "Snowflake at {snowflake} does not answer"),
    ],
)
def test_a_service_that_is_down_is_said_once_and_nothing_is_touched(
    infra: Infra, service: str, stack: str, provider: str, what: str
) -> None:
    there = load_endpoints(infra.project)
    process = supervisor.find(infra.project.local, service)
    assert process is not None
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    before = states(infra)
    tried = [infra.plan(), infra("deploy", "--env", "local", "--yes")]
    assert infra("local", "up").code == 0
    where = {
        "kafka": there.kafka_bootstrap,
        "registry": there.registry_url,
        "snowflake": f"{there.snowflake_host}:{there.snowflake_port}",
    }
    place = f'stack {stack}, provider["registry.terraform.io/{provider}"]'
    for ran in tried:
        refused(ran, f"error: {place}: {what.format(**where)}")
        assert "`infra local up`" in ran.err
    assert states(infra) == before
    assert infra.plan().code == 0


def test_a_given_port_in_use_is_named(infra: Infra, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = Infra(new_project(tmp_path_factory.mktemp("port")))
    port = load_endpoints(infra.project).kafka_bootstrap.rpartition(":")[2]
    with (other.project.environments / YAML).open("a") as file:
        file.write(f"local: {{kafka_port: {port}}}\n")
    ran = other("local", "up")
    assert ran.code == 1
    assert f"error: local.kafka_port: port {port} is in use by java (pid " in ran.err, ran.err
    assert "  → stop that process, give another port in the YAML, or leave local.kafka_port out" in ran.err
    assert not list((other.project.local / "run").glob("*.json"))


def test_a_wrong_java_is_named_with_what_to_do(
    infra: Infra, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Infra(new_project(tmp_path_factory.mktemp("java")))
    program = other.project.root / "java"
    program.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\" 2019-01-15' >&2\n")
    program.chmod(0o755)
    monkeypatch.setenv("INFRA_JAVA", str(program))
    ran = other("local", "up")
    refused(
        ran,
        f"error: {program}: wrong Java: this is 11, the services need 21 or newer",
        "  → set INFRA_JAVA to a Java 21 or newer (its home or its `java`), or unset it to use the bundled one",
    )
    assert not list((other.project.local / "run").glob("*.json"))


def test_a_download_that_cannot_be_had_leaves_nothing_half_written(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Infra(new_project(tmp_path_factory.mktemp("broken")))
    cache = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("INFRA_CACHE", str(cache))
    monkeypatch.setenv("INFRA_MAVEN_MIRROR", "http://127.0.0.1:9")
    ran = other("local", "up")
    assert ran.code == 1 and ran.err.count("error: ") == 1, ran.err
    assert "the download failed 3 times (ConnectionError); is there a network?" in ran.err
    assert not [path for path in cache.rglob("*") if path.suffix in (".jar", ".gz", ".part")]


def test_the_platforms_secrets_are_nowhere_but_in_their_files(hunt: Hunt) -> None:
    """The short form of test_canary.py, over all that the tests above have done."""
    hunt.gather()
    key = secret_file(hunt.project, "snowflake-admin.p8")
    kept = key.read_text()
    hunt.canaries["a stranger's"] = private_key()
    key.write_text(hunt.canaries["a stranger's"])
    refused = hunt.infra.plan()
    key.write_text(kept)
    assert refused.code == 1 and "the service refuses the credentials" in refused.err, refused.err
    assert len(hunt.canaries) >= 6 and hunt.open_files() == []
    assert hunt.found() == []
    assert hunt.seen is not None and "kafka.Kafka" in hunt.seen.text() and "log_keeper" in hunt.seen.text()
    assert hunt.cores() == []
