"""Whether the brokers take the administrator's login: that they answer (`reach`, `services`) does not say so."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from modules.doctor.patient import Patient
from modules.environment.model import Environment
from modules.findings import Finding
from modules.local.status import status
from modules.platforms import platform_for

__all__ = ["login", "wanted"]

_SECONDS = 10.0


def wanted(patient: Patient, environment: Environment) -> bool:
    """Where there are brokers: the laptop's are up, others were deployed from here."""
    if environment.platform != "local":
        return patient.outputs() is not None
    return any(each.name == "kafka" and each.state == "running" for each in status(patient.project))


def login(patient: Patient) -> Iterator[Finding]:
    """Log in as the administrator and ask for the brokers."""
    from confluent_kafka import KafkaError, KafkaException
    from confluent_kafka.admin import AdminClient

    environment = patient.load()
    if environment is None:
        return
    refusals: list[str] = []

    def on_error(error: KafkaError) -> None:
        if error.code() in (KafkaError._AUTHENTICATION, KafkaError.SASL_AUTHENTICATION_FAILED):
            refusals.append(error.str())

    quiet: dict[str, Any] = {"log_level": 0, "error_cb": on_error, "reconnect.backoff.max.ms": 400}
    settings = platform_for(environment, patient.project).kafka_client("admin")
    client = AdminClient({**settings, **quiet})
    end = time.monotonic() + _SECONDS
    while time.monotonic() < end and not refusals:
        try:
            brokers = client.list_topics(timeout=1.0).brokers
        except KafkaException:
            client.poll(0)
            continue
        who = "the broker takes" if len(brokers) == 1 else f"{len(brokers)} brokers take"
        yield Finding("kafka", "ok", f"{environment.name}: {who} the administrator's login")
        return
    if refusals:
        do = (
            "`infra local reset` makes data and passwords anew (what is in them goes)"
            if environment.platform == "local"
            else "`infra secrets check` says where the login comes from; deploy again if it was changed there"
        )
        yield Finding("kafka", "fail", f"{environment.name}: the brokers refuse the administrator's login", do)
    elif environment.platform == "local":  # elsewhere `reach` says so, with the ways in
        yield Finding("kafka", "fail", "Kafka does not answer", "read `infra local logs kafka`, then `infra local up`")
