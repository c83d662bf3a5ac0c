"""The table of checks, and how they are run: local ones in turn, remote ones side by side with a deadline each."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from modules.doctor import accounts, aws, confluent, environment, kafka, machine, network, plugins, snowflake
from modules.doctor.patient import Patient
from modules.environment.loader import list_environments, load_environment
from modules.environment.model import Environment
from modules.errors import InfraError
from modules.findings import Finding, from_error
from modules.project import Project, cache_dir

__all__ = ["CHECKS", "REMOTE", "Check", "Remote", "examine"]

Check = Callable[[Patient], Iterator[Finding]]


@dataclass(frozen=True)
class Remote:
    """A check that asks a service."""

    check: Check
    wanted: Callable[[Patient, Environment], bool]
    seconds: float = 30.0
    """After which it is given up; it has a time-out of its own for each question."""


CHECKS: dict[str, Check] = {
    "python": machine.python,
    "disk": machine.disk,
    "memory": machine.memory,
    "downloads": machine.downloads,
    "java": machine.java,
    "node": machine.node,
    "terraform": machine.terraform,
    "services": environment.services,
    "environment": environment.environments,
    "ports": environment.ports,
    "providers": plugins.providers,
    "plan key": accounts.plan_key,
    "clock": machine.clock,
}

REMOTE: dict[str, Remote] = {
    "secrets": Remote(environment.secrets, lambda patient, its: True),
    "reach": Remote(network.reach, network.wants_reach),
    "endpoints": Remote(network.endpoints, network.wants_endpoints),
    "state": Remote(accounts.state, lambda patient, its: its.state.s3 is not None),
    "aws": Remote(aws.identity, aws.wanted),
    "aws permissions": Remote(aws.permissions, aws.wanted, 60.0),
    "aws quotas": Remote(aws.quotas, aws.wanted),
    "confluent": Remote(confluent.identity, lambda patient, its: its.platform == "confluent"),
    "confluent quotas": Remote(confluent.quotas, lambda patient, its: its.platform == "confluent"),
    "kafka": Remote(kafka.login, kafka.wanted, 20.0),
    "snowflake": Remote(snowflake.identity, snowflake.wanted, 60.0),
}


def examine(
    project: Project,
    environment: str | None = None,
    *,
    on_waiting: Callable[[list[str]], None] = lambda _names: None,
    checks: Mapping[str, Check] | None = None,
    remote: Mapping[str, Remote] | None = None,
    **asking: object,
) -> Iterator[Finding]:
    """Run all checks and tell each finding as it is known; a foreseen error inside one is its finding.

    Args:
        on_waiting: told the names of the remote checks that are not done yet, whenever that changes.
        asking: `documents`, `aws` and `confluent` of the `Patient`.

    Raises:
        ConfigError: there is no such environment.
    """
    if environment is not None and environment not in list_environments(project):
        load_environment(project, environment)
    patient = Patient(project, environment, cache_dir(), **asking)  # type: ignore[arg-type]
    for name, check in (CHECKS if checks is None else checks).items():
        yield from _run(name, check, patient)
    its = patient.load()
    if its is not None and not project.offline:
        wanted = (REMOTE if remote is None else remote).items()
        asked = {name: each for name, each in wanted if each.wanted(patient, its)}
        yield from _side_by_side(asked, patient, on_waiting)


def _run(name: str, check: Check, patient: Patient) -> list[Finding]:
    found = []
    try:
        for finding in check(patient):
            found.append(finding)  # noqa: PERF402 - what came before an error stays
    except InfraError as error:
        found.append(from_error(name, error))
    return found


@dataclass
class _Race:
    """Remote checks under way. Threads are daemons: one that hangs keeps nobody from ending."""

    done: queue.SimpleQueue[tuple[str, list[Finding] | BaseException]] = field(default_factory=queue.SimpleQueue)

    def start(self, name: str, check: Check, patient: Patient) -> None:
        def work() -> None:
            try:
                self.done.put((name, _run(name, check, patient)))
            except BaseException as error:
                self.done.put((name, error))

        threading.Thread(target=work, name=f"doctor {name}", daemon=True).start()


def _side_by_side(
    asked: Mapping[str, Remote], patient: Patient, on_waiting: Callable[[list[str]], None]
) -> Iterator[Finding]:
    race, begun = _Race(), time.monotonic()
    for name, each in asked.items():
        race.start(name, each.check, patient)
    left = dict(asked)
    while left:
        on_waiting(list(left))
        next_end = begun + min(each.seconds for each in left.values())
        try:
            name, found = race.done.get(timeout=max(0.0, next_end - time.monotonic()))
        except queue.Empty:
            late = [name for name, each in left.items() if begun + each.seconds <= time.monotonic()]
            for name in late:
                seconds = left.pop(name).seconds
                do = "check the network and the proxy, and run it again"
                yield Finding(name, "fail", f"no answer within {seconds:g} seconds; given up", do)
            continue
        if left.pop(name, None) is None:
            continue
        if isinstance(found, BaseException):
            raise found
        yield from found
    on_waiting([])
