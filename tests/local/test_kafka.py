from __future__ import annotations

import base64
from pathlib import Path

import pytest

from modules.errors import LocalError
from modules.local import kafka
from modules.local.credentials import ensure_secrets, kafka_password
from modules.local.endpoints import KAFKA_PRINCIPALS, secret_file
from modules.local.java import Java
from modules.local.kafka import KafkaSetup, kafka_service
from modules.project import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path)
    ensure_secrets(made)
    return made


def setup(java: Path) -> KafkaSetup:
    return KafkaSetup(Java(java, 25, "test"), (Path("kafka.jar"),), 20001, 20002, 256 * 2**20)


def test_secrets_are_made_once_and_for_their_owner_only(project: Project) -> None:
    before = {name: kafka_password(project, name) for name in KAFKA_PRINCIPALS}
    key = secret_file(project, "snowflake-admin.p8").read_text()
    ensure_secrets(project)
    assert {name: kafka_password(project, name) for name in KAFKA_PRINCIPALS} == before
    assert secret_file(project, "snowflake-admin.p8").read_text() == key
    assert len(set(before.values())) == len(KAFKA_PRINCIPALS)
    folder = secret_file(project, "x").parent
    assert folder.stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in folder.iterdir())


def test_a_password_that_is_gone_is_one_clear_error(project: Project) -> None:
    secret_file(project, "kafka-sink.password").unlink()
    with pytest.raises(LocalError, match="Kafka password of sink"):
        kafka_password(project, "sink")


def test_a_format_that_fails_hides_passwords_and_leaves_no_data_folder(project: Project, tmp_path: Path) -> None:
    # As the real tool does with arguments it does not understand: it repeats them.
    tool = tmp_path / "java"
    tool.write_text('#!/bin/sh\nfor a in "$@"; do case $a in @*) cat "${a#@}" >&2;; esac; done\nexit 1\n')
    tool.chmod(0o755)
    with pytest.raises(LocalError, match="cannot be formatted") as caught:
        kafka_service(project, setup(tool))
    text = str(caught.value)
    assert "name=producer" in text
    assert not any(kafka_password(project, name) in text for name in KAFKA_PRINCIPALS)
    assert not (project.local / "data" / "kafka").exists()
    assert {path.name for path in (project.local / "run").iterdir()} == set()


def test_the_command_line_holds_no_password(project: Project) -> None:
    (project.local / "data" / "kafka").mkdir(parents=True)
    (project.local / "data" / "kafka" / "meta.properties").write_text("version=1\ncluster.id=abc\n")
    service = kafka_service(project, setup(Path("java")))
    assert not any(kafka_password(project, name) in " ".join(service.command) for name in KAFKA_PRINCIPALS)
    assert "-Xmx256m" in service.command
    assert kafka.cluster_id(project) == "abc"
    text = (project.local / "run" / "kafka.properties").read_text()
    assert "super.users=User:admin\n" in text
    assert "allow.everyone" not in text
    assert (project.local / "run" / "kafka.properties").stat().st_mode & 0o777 == 0o600


def test_cluster_ids_are_sixteen_bytes_and_never_look_like_an_option() -> None:
    for _ in range(200):
        text = kafka._new_cluster_id()
        assert len(base64.urlsafe_b64decode(text + "==")) == 16
        assert not text.startswith("-")
