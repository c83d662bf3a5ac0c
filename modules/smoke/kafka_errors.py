"""Kafka's refusals in words: which right is missing, for whom, on what."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Producer

from modules.errors import InfraError, ServiceError, SmokeError

__all__ = ["Complaints", "forbidden", "partitions_of", "service_error", "user_of"]

CONNECT_SECONDS = 5.0


class Complaints:
    """Keeps librdkafka's newest error, for the message of the call that fails because of it, and its log off stderr."""

    def __init__(self) -> None:
        self.newest: str | None = None
        self.refused = False
        """The broker answered, and took no login."""
        self.logger = logging.getLogger("infra.smoke.kafka")
        self.logger.addHandler(logging.NullHandler())
        self.logger.propagate = False

    def __call__(self, error: KafkaError) -> None:
        self.newest = error.str()
        self.refused |= error.code() in (KafkaError._AUTHENTICATION, KafkaError.SASL_AUTHENTICATION_FAILED)


def user_of(settings: Mapping[str, Any]) -> str:
    """Who a client logs in as, as far as its settings tell."""
    return f"User:{settings['sasl.username']}" if settings.get("sasl.username") else "this client"


def forbidden(who: str, operation: str, resource: str, environment: str) -> SmokeError:
    """The error for a right that is missing."""
    return SmokeError(
        f"{who} may not do this: the right {operation} on {resource} is missing",
        where="Kafka",
        do=f"grant it, or run `infra deploy --env {environment}`, which gives every role what it needs",
    )


def service_error(what: str, error: KafkaException, complaints: Complaints) -> InfraError:
    """The error for a broker that does not answer, or says something else."""
    details = [line for line in (error.args[0].str(), complaints.newest) if line]
    if complaints.refused:
        return ServiceError(
            "the login is refused",
            where="Kafka",
            details=list(dict.fromkeys(details)),
            do="check the user and its password (`infra secrets check`, `infra doctor`; by hand: --client-config)",
        )
    return ServiceError(
        what,
        where="Kafka",
        details=list(dict.fromkeys(details)),
        do="see whether it is up and reachable from here (on a laptop: `infra local status`)",
    )


def partitions_of(client: Any, topic: str, environment: str, complaints: Complaints) -> list[int]:
    """The topic's partitions.

    Raises:
        ServiceError: the broker does not answer.
        SmokeError: the topic is not there, or may not be seen.
    """
    try:
        found = client.list_topics(topic, timeout=CONNECT_SECONDS).topics[topic]
    except KafkaException as failure:
        if isinstance(client, Producer):
            client.poll(0)  # hands out what librdkafka complained of meanwhile
        raise service_error("Kafka does not answer", failure, complaints) from None
    if found.error is None:
        return sorted(found.partitions)
    deploy = f"run `infra deploy --env {environment}` first"
    if found.error.code() in (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError.TOPIC_AUTHORIZATION_FAILED):
        # A broker that guards its topics gives the second answer for one that is not there, too.
        raise SmokeError(f"there is no topic {topic}, or this user may not see it", where="Kafka", do=deploy)
    raise ServiceError(f"{topic}: {found.error.str()}", where="Kafka", do=deploy)
