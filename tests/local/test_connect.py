from __future__ import annotations

import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from modules.environment.loader import load_environment
from modules.environment.model import Environment
from modules.errors import LocalError
from modules.local import connect, extras, supervisor
from modules.local.connect import ConnectSetup, connect_service, secret_folders, secret_reference, worker_properties
from modules.local.connect_access import worker_acls
from modules.local.connect_plugins import SNOWFLAKE_SERVICES, make_plugins, plugins_folder
from modules.local.credentials import ensure_secrets, write_private
from modules.local.endpoints import LocalEndpoints
from modules.local.java import Java
from modules.project import Project

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path)
    ensure_secrets(made)
    write_private(connect.password_file(made), "the-workers-password")
    return made


def setup(project: Project, *environments: str, debezium: Path | None = None) -> ConnectSetup:
    jar = project.root / "cache" / "snowflake-kafka-connector-2.5.0.jar"
    jar.parent.mkdir(exist_ok=True)
    jar.write_bytes(b"jar")
    java = Java(Path("java"), 25, "test")
    return ConnectSetup(
        java, (Path("connect.jar"),), jar, debezium, 20003, "127.0.0.1:20001", 384 * 2**20, environments
    )


def properties(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines())


def test_the_command_and_the_configuration_hold_no_secret(project: Project) -> None:
    service = connect_service(project, setup(project, "local"))
    text = connect.properties_file(project).read_text()
    assert "the-workers-password" not in " ".join(service.command) + text
    found = properties(text)
    reference = secret_reference(connect.password_file(project))
    for client in ("", "producer.", "consumer.", "admin."):
        assert f'username="connect" password="{reference}"' in found[f"{client}sasl.jaas.config"]
        assert found[f"{client}bootstrap.servers"] == "127.0.0.1:20001"
    assert "-Xmx384m" in service.command
    assert connect.properties_file(project).stat().st_mode & 0o777 == 0o600


def test_the_worker_listens_on_loopback_only(project: Project) -> None:
    found = properties(worker_properties(project, setup(project)))
    assert found["listeners"] == "http://127.0.0.1:20003"
    assert found["admin.listeners"] == ""


def test_secrets_are_read_from_folders_of_secrets_only(project: Project) -> None:
    own, *others = secret_folders(project, ["second", "local", "local"])
    assert own == project.local / "secrets" / "connect"
    assert others == [project.environment_state(name) / "secrets" for name in ("local", "second")]
    # The administrator's password and keys lie beside, not below.
    assert not any((folder / "kafka-admin.password").exists() for folder in (own, *others))
    connect_service(project, setup(project, "local", "second"))
    assert all(folder.stat().st_mode & 0o077 == 0 for folder in (own, *others))
    found = properties(connect.properties_file(project).read_text())
    assert found["config.providers.secrets.param.allowed.paths"] == ",".join(map(str, (own, *others)))


def test_the_connectors_jar_stays_as_it_is_beside_a_list_of_its_services(project: Project) -> None:
    made = setup(project, debezium=project.root / "debezium")
    make_plugins(project, made.snowflake_jar)
    make_plugins(project, made.snowflake_jar)
    folder = plugins_folder(project) / "snowflake"
    assert (folder / made.snowflake_jar.name).resolve() == made.snowflake_jar.resolve()
    with zipfile.ZipFile(folder / "services.jar") as services:
        listed = {name: services.read(name).decode().split() for name in services.namelist()}
    assert listed == {f"META-INF/services/{name}": list(classes) for name, classes in SNOWFLAKE_SERVICES.items()}
    path = properties(worker_properties(project, made))["plugin.path"]
    assert path == f"{plugins_folder(project)},{project.root / 'debezium'}"


def test_the_workers_login_may_keep_its_three_topics_and_its_group_and_nothing_else() -> None:
    rules = worker_acls()
    assert {(rule.restype.name, rule.name) for rule in rules} == {
        ("TOPIC", "_connect-configs"), ("TOPIC", "_connect-offsets"), ("TOPIC", "_connect-status"),
        ("GROUP", "_connect"),
    }  # fmt: skip
    assert {rule.principal for rule in rules} == {"User:connect"}
    assert {rule.operation.name for rule in rules} <= {"CREATE", "DESCRIBE", "DESCRIBE_CONFIGS", "READ", "WRITE"}
    assert {rule.resource_pattern_type.name for rule in rules} == {"LITERAL"}


def environment(tmp_path: Path, text: str) -> Environment:
    folder = tmp_path / "environments"
    folder.mkdir()
    for name in ("base.yaml", "local.yaml"):
        (folder / name).write_text((REPOSITORY / "environments" / name).read_text())
    (folder / "schemas").symlink_to(REPOSITORY / "environments" / "schemas")
    (folder / "own.yaml").write_text(f"extends: local\nplatform: local\n{text}")
    return load_environment(Project(tmp_path), "own")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ()),
        ("connect: {kind: sink}\n", ()),
        ("connect: {kind: managed}\n", ()),
        ("connect: {kind: kafka-connect}\n", ("connect",)),
        (
            "topics:\n  shop.public.t: {partitions: 1}\n"
            "sources:\n  shop: {kind: debezium-postgres, tables: {public.t: {key: [id]}}}\n",
            ("cdc",),
        ),
    ],
)
def test_what_an_environment_needs_is_started_without_asking(
    tmp_path: Path, text: str, expected: tuple[str, ...]
) -> None:
    loaded = environment(tmp_path, text)
    assert extras.asked(loaded) == extras.Asked(cast(Any, expected), ("own",))
    assert set(extras.asked(loaded, ("connect",)).extras) == {*expected, "connect"}


def test_a_platform_without_extras_has_none_in_its_record(project: Project) -> None:
    assert extras.endpoints(project, {"kafka_port": 1}) == {}
    old = '{"kafka_bootstrap": "a", "registry_url": "b", "snowflake_host": "c", "snowflake_port": 1}'
    import json

    assert LocalEndpoints(**json.loads(old)).connect_url == ""


def test_a_worker_that_runs_as_wanted_is_left_alone_and_another_environment_has_it_started_anew(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[str] = []
    jar = setup(project).snowflake_jar
    files = SimpleNamespace(connect_classpath=(), snowflake_connector=jar, debezium_home=None)

    def start(folder: Path, service: supervisor.Service) -> None:
        started.append(service.name)
        running.add(service.name)

    running: set[str] = set()
    monkeypatch.setattr(extras.artifacts, "ensure", lambda *a, **k: files)
    monkeypatch.setattr(extras, "find_java", lambda: Java(Path("java"), 25, "test"))
    monkeypatch.setattr(extras, "ensure_access", lambda *a: None)
    monkeypatch.setattr(supervisor, "start", start)
    monkeypatch.setattr(supervisor, "find", lambda folder, name: name if name in running else None)
    monkeypatch.setattr(supervisor, "stop", lambda folder, name: running.discard(name))
    monkeypatch.setattr(supervisor, "kill_leftovers", lambda *a: [])
    monkeypatch.setattr(supervisor, "answers_within", lambda *a, **k: True)
    from modules.environment.model import Local

    ports = {"kafka_port": 20001}
    for names, expected in ((("local",), 1), (("local",), 1), (("second",), 2), (("local",), 2)):
        ports = extras.start(project, Local(), ports, extras.Asked(("connect",), names), lambda event: None)
        assert len(started) == expected
    assert ports["connect_port"] > 0


def test_a_connect_port_that_is_taken_is_one_clear_error(project: Project) -> None:
    import socket

    from modules.environment.model import Local

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(LocalError, match=f"port {port} is in use"):
            extras._with_port(project, "connect_port", "connect", port, {})
    assert Local().connect_memory.bytes == 512 * 2**20
