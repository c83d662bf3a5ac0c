"""Ages of certificates, from listeners, and of keys: how old, how long they last."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from modules.environment.model import Environment
from modules.platforms.base import RegistryClient
from modules.project import Project
from modules.status.ages import AgesCollector, key_times
from modules.status.metrics import samples
from modules.status.readings import Part
from modules.status.rules import findings, load_rules
from tests.status.sources import NOW, REPOSITORY, Answers, Session


def test_keys_are_as_old_as_snowflake_says() -> None:
    rows = [
        ("RSA_PUBLIC_KEY_FP", "SHA256:x"),
        ("RSA_PUBLIC_KEY_LAST_SET_TIME", "2026-09-01 10:11:12.345 -0700"),
        ("RSA_PUBLIC_KEY_2_FP", "null"),
    ]
    assert key_times(rows) == {"key": datetime.fromisoformat("2026-09-01T10:11:12.345-07:00")}
    assert key_times([("RSA_PUBLIC_KEY_FP", "SHA256:x")]) == {"key": None}


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[Callable[[int, int], str]]:
    """Starts TLS listeners with self-made certificates: from so many days ago to so many ahead → `host:port`."""
    with ExitStack() as stack:

        def start(since: int, until: int) -> str:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self_made(tmp_path / f"{since}-{until}.pem", since, until))
            server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
            server.socket = context.wrap_socket(server.socket, server_side=True)
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
            stack.callback(server.server_close)
            stack.callback(server.shutdown)
            return f"127.0.0.1:{server.server_port}"

        yield start


def self_made(file: Path, since: int, until: int) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "broker")])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=since))
        .not_valid_after(NOW + timedelta(days=until))
        .sign(key, hashes.SHA256())
    )
    plain = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(plain + certificate.public_bytes(serialization.Encoding.PEM))
    return file


def read_ages(environment: Environment, brokers: list[str], registry: str, keys: list[tuple[Any, ...]]) -> Part:
    client = {"security.protocol": "SASL_SSL", "bootstrap.servers": ",".join(brokers)}
    platform: Any = SimpleNamespace(kafka_client=lambda _: client, registry_client=lambda: RegistryClient(registry))
    clock = NOW.timestamp
    return AgesCollector(environment, platform, Project(REPOSITORY), lambda: Session(keys), clock).read()


def test_certificates_of_brokers_and_registry_are_read_from_their_listeners(
    environment: Environment, listener: Callable[[int, int], str]
) -> None:
    fresh, ending, registry = listener(10, 80), listener(70, 20), listener(1, 365)
    set_at = (NOW - timedelta(days=200)).strftime("%Y-%m-%d %H:%M:%S.%f +0000")
    keys = [("RSA_PUBLIC_KEY_FP", "SHA256:x"), ("RSA_PUBLIC_KEY_LAST_SET_TIME", set_at)]
    part = read_ages(environment, [fresh, ending], f"https://{registry}/", keys)
    assert part.missing == ()
    shown = {each.name: (each.days, each.left_days) for each in part.ages if each.kind == "certificate"}
    assert shown == {
        fresh: (pytest.approx(10, abs=0.01), pytest.approx(80, abs=0.01)),
        ending: (pytest.approx(70, abs=0.01), pytest.approx(20, abs=0.01)),
        registry: (pytest.approx(1, abs=0.01), pytest.approx(365, abs=0.01)),
    }
    broken = [(each.rule, str(each.severity)) for each in findings(load_rules(), samples(part))]
    assert ("certificate-expires", "critical") in broken and ("key-old", "warning") in broken
    assert [each for each, _ in broken].count("certificate-expires") == 1, "20 days are too few, 80 are not"


def test_a_listener_that_is_silent_or_speaks_no_tls_is_said_and_leaves_the_others(
    environment: Environment, listener: Callable[[int, int], str], service: Answers
) -> None:
    plain = service.url.removeprefix("http://")
    part = read_ages(environment, ["127.0.0.1:1", plain, listener(5, 50)], "http://127.0.0.1:1", [])
    assert [each.left_days for each in part.ages] == [pytest.approx(50, abs=0.01)]
    assert [each.what for each in part.missing] == ["the certificate of 127.0.0.1:1", f"the certificate of {plain}"]
    assert all(each.why for each in part.missing)
