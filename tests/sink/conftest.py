"""Settings with a key pair of the test's own, and the fake warehouse that knows its public half."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from modules.connectors.sink.settings import Batching, SinkSettings
from modules.environment.types import SecretRefValue
from modules.platforms.base import RegistryClient, SnowflakeClient
from modules.project import Project
from tests.sink import fake_snowpipe
from tests.sink.fake_snowpipe import FakeSnowpipe


@pytest.fixture(scope="session")
def private_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def fake(private_key: rsa.RSAPrivateKey) -> Iterator[FakeSnowpipe]:
    with fake_snowpipe.running(private_key.public_key()) as server:
        yield server


def settings_with(port: int, key: rsa.RSAPrivateKey, **changes: Any) -> SinkSettings:
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    values: dict[str, Any] = {
        "topic": "order-events",
        "table": "STREAMING.PUBLIC.ORDER_EVENTS",
        "group": "sink-order-events",
        "dead_letter_topic": "order-events.dlq",
        "kafka": {"bootstrap.servers": "127.0.0.1:1"},
        "registry": RegistryClient("http://127.0.0.1:1"),
        "snowflake": SnowflakeClient(
            organization="INFRA",
            account="LOCAL",
            user="SVC_KAFKA_CONNECTOR",
            role="KAFKA_CONNECTOR",
            private_key=SecretRefValue("file", "unused"),
            host="127.0.0.1",
            port=port,
            protocol="http",
        ),
        "private_key": pem,
        "project": Project(Path()),
        "batching": Batching(linger=0.0),
        "patience": 5.0,
    }
    return SinkSettings(**{**values, **changes})


@pytest.fixture
def settings(fake: FakeSnowpipe, private_key: rsa.RSAPrivateKey) -> SinkSettings:
    return settings_with(fake.port, private_key)
