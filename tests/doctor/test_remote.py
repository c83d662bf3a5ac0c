"""Remote checks run side by side with a deadline each, only for a named environment that needs them."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from modules.doctor import CHECKS, REMOTE, Finding, Patient, Remote, examine
from modules.errors import ServiceError
from modules.project import Project

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    shutil.copytree(REPOSITORY / "environments", tmp_path / "environments")
    return Project(tmp_path)


def always(patient: Patient, environment: object) -> bool:
    return True


def test_one_that_hangs_is_given_up_and_the_others_are_told_meanwhile(project: Project) -> None:
    stop = threading.Event()

    def hangs(patient: Patient) -> Iterator[Finding]:
        stop.wait(60)
        yield Finding("hangs", "ok", "too late")

    def quick(patient: Patient) -> Iterator[Finding]:
        yield Finding("quick", "ok", "here")

    waiting: list[list[str]] = []
    remote = {"hangs": Remote(hangs, always, 0.5), "quick": Remote(quick, always)}
    begun = time.monotonic()
    found = list(examine(project, "local", checks={}, remote=remote, on_waiting=waiting.append))
    assert time.monotonic() - begun < 30
    stop.set()
    assert [(each.check, each.state) for each in found] == [("quick", "ok"), ("hangs", "fail")]
    assert found[1].text == "no answer within 0.5 seconds; given up"
    assert waiting == [["hangs", "quick"], ["hangs"], []]


def test_a_foreseen_error_is_a_finding_and_what_came_before_it_stays(project: Project) -> None:
    def half(patient: Patient) -> Iterator[Finding]:
        yield Finding("half", "ok", "first")
        raise ServiceError("it went away", where="there", do="look")

    first, second = examine(project, "local", checks={}, remote={"half": Remote(half, always)})
    assert first.text == "first"
    assert (second.state, second.text, second.details, second.do) == ("fail", "it went away", ("there",), "look")


def test_an_unforeseen_error_is_not_swallowed(project: Project) -> None:
    def broken(patient: Patient) -> Iterator[Finding]:
        raise ZeroDivisionError
        yield

    with pytest.raises(ZeroDivisionError):
        list(examine(project, "local", checks={}, remote={"broken": Remote(broken, always)}))


def test_without_a_named_environment_and_in_a_rehearsal_nothing_is_asked(project: Project) -> None:
    def never(patient: Patient) -> Iterator[Finding]:
        raise AssertionError("asked")
        yield

    remote = {"never": Remote(never, always)}
    assert list(examine(project, checks={}, remote=remote)) == []
    assert list(examine(Project(project.root, offline=True), "local", checks={}, remote=remote)) == []


def test_each_environment_is_asked_about_what_it_has(project: Project) -> None:
    def asked(name: str) -> set[str]:
        patient = Patient(project, name, project.root, lambda environment: {"cluster": documents[environment.platform]})
        environment = patient.load()
        assert environment is not None
        return {key for key, each in REMOTE.items() if each.wanted(patient, environment)}

    aws = {"provider": {"aws": [{"region": "us-east-1"}]}, "resource": {"aws_vpc": {"main": {}}}}
    documents = {"local": {}, "msk": aws, "confluent": {}}
    assert asked("local") == {"secrets"}
    assert asked("prod") == {"secrets", "snowflake", "reach", "endpoints", "aws", "aws permissions", "aws quotas"}
    assert asked("dev") == {"secrets", "snowflake", "reach", "endpoints", "confluent", "confluent quotas"}


def test_no_check_is_in_both_tables() -> None:
    assert not set(CHECKS) & set(REMOTE)
