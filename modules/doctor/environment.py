"""Checks of the environments' files and of the local services: what can be known without asking a network."""

from __future__ import annotations

from collections.abc import Iterator

from modules.doctor.patient import Patient
from modules.environment.loader import list_environments, load_environment
from modules.errors import ConfigError, InfraError
from modules.findings import Finding, from_error
from modules.local.ports import holder, is_free
from modules.local.status import status

__all__ = ["environments", "ports", "secrets", "services"]


def environments(patient: Patient) -> Iterator[Finding]:
    names = [patient.environment] if patient.environment else list_environments(patient.project)
    for name in names:
        try:
            environment = load_environment(patient.project, name)
        except ConfigError as error:
            yield from_error(f"environment {name}", error)
        else:
            topics = len(environment.topics)
            text = f"valid: platform {environment.platform}, {topics} topic{'' if topics == 1 else 's'}"
            yield Finding(f"environment {name}", "ok", text)


def secrets(patient: Patient) -> Iterator[Finding]:
    """`infra secrets check` has the rest: modes, ages, secrets in clear."""
    from modules.environment.secrets import resolve_secret
    from modules.secrets import references_of

    environment = patient.load()
    if environment is None:
        return
    for each in references_of(environment, patient.project):
        if not each.used:
            continue
        try:
            resolve_secret(each.reference, patient.project)
        except InfraError as error:
            yield Finding("secrets", "fail", f"{each.path}: {error.what}", error.do, (str(each.reference), each.where))
        else:
            yield Finding("secrets", "ok", f"{each.path}: {each.reference} resolves")


def services(patient: Patient) -> Iterator[Finding]:
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


def ports(patient: Patient) -> Iterator[Finding]:
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
