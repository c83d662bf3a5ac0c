from __future__ import annotations

import os
from pathlib import Path

import pytest

from modules.errors import LocalError
from modules.local import postgres, postgres_programs
from modules.local.postgres_programs import Programs, find_programs, reachable
from modules.project import Project


def program(folder: Path, name: str, text: str = "exit 0") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o755)


def installed(folder: Path, version: str) -> Path:
    program(folder, "postgres", f'echo "postgres (PostgreSQL) {version}"')
    program(folder, "initdb")
    return folder


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without any PostgreSQL."""
    monkeypatch.setattr(postgres_programs, "find_spec", lambda name: None)
    monkeypatch.setattr(postgres_programs, "_DEBIAN", tmp_path / "debian")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    return tmp_path


def test_without_a_postgresql_it_says_how_to_get_one(bare: Path) -> None:
    with pytest.raises(LocalError, match="there is no PostgreSQL here") as caught:
        find_programs()
    assert "extra `cdc`" in str(caught.value)


def test_one_on_the_path_is_taken_unless_it_is_too_old(bare: Path) -> None:
    installed(bare / "bin", "16.2")
    assert find_programs() == Programs((bare / "bin").resolve(), "PATH")
    installed(bare / "bin", "13.9")
    with pytest.raises(LocalError, match="this PostgreSQL is 13, change data capture needs 14 or newer"):
        find_programs()


def test_of_debians_the_newest_is_taken(bare: Path) -> None:
    for version in ("9", "15", "16"):
        installed(bare / "debian" / version / "bin", f"{version}.1")
    assert find_programs().folder == bare / "debian" / "16" / "bin"


def test_programs_in_a_private_folder_are_copied_for_another_user(tmp_path: Path) -> None:
    private = tmp_path / "private" / "pgserver" / "pginstall"
    installed(private / "bin", "16.2")
    (private / "share").mkdir()
    (private / "share" / "x").write_text("x")
    libraries = tmp_path / "private" / "pgserver.libs"
    libraries.mkdir()
    (libraries / "libpq.so").write_text("so")
    given = Programs(private / "bin", "pgserver")
    assert reachable(given, tmp_path / "home", None) is given
    (tmp_path / "home").mkdir()
    (tmp_path / "private").chmod(0o700)
    moved = reachable(given, tmp_path / "home", "nobody")
    assert moved.folder == tmp_path / "home" / "program" / "pgserver" / "pginstall" / "bin"
    assert os.access(moved.folder / "postgres", os.X_OK)
    assert (moved.folder.parent / "share" / "x").read_text() == "x"
    assert (tmp_path / "home" / "program" / "pgserver.libs" / "libpq.so").read_text() == "so"
    assert reachable(given, tmp_path / "home", "nobody") == moved


def test_a_server_that_does_not_answer_or_answers_otherwise_is_not_healthy(tmp_path: Path) -> None:
    import socket
    import threading

    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        answers = [b"E", b"R"]

        def answer() -> None:
            for word in answers:
                connection, _ = server.accept()
                connection.recv(100)
                connection.sendall(word)
                connection.close()

        threading.Thread(target=answer, daemon=True).start()
        check = postgres.postgres_check(server.getsockname()[1])
        assert [check(), check()] == [False, True]
    assert not check()


def test_a_data_folder_that_cannot_be_made_hides_the_passwords(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = Project(tmp_path)
    monkeypatch.setattr(postgres, "home_of", lambda _: postgres.Home(tmp_path / "home", None))
    folder = tmp_path / "bin"
    program(folder, "postgres")
    # As a real program may, it repeats what it was given.
    program(folder, "initdb", 'for a in "$@"; do case $a in --pwfile=*) cat "${a#--pwfile=}" >&2;; esac; done; exit 1')
    with pytest.raises(LocalError, match="data folder cannot be made") as caught:
        postgres.prepare(project, Programs(folder, "test"))
    for user in (postgres.ADMIN_USER, postgres.CAPTURE_USER):
        assert postgres.password_file(project, user).read_text() not in str(caught.value)
    assert "***" in str(caught.value)
    assert not (tmp_path / "home" / "password").exists()
    assert not (tmp_path / "home" / "data").exists()
