"""Reachability told by its cause, and the clock held against a service's own; real sockets and TLS on loopback."""

from __future__ import annotations

import json
import shutil
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from modules.doctor import REMOTE, Finding, examine, network
from modules.project import OUTPUTS_FILE, Project
from modules.terraform.command import AUTHORITIES

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")


def certificate(folder: Path) -> Path:
    """A certificate for 127.0.0.1 that signs itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "here")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(7)
        .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    path = folder / "server.pem"
    path.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + made.public_bytes(Encoding.PEM)
    )
    (folder / "authority.pem").write_bytes(made.public_bytes(Encoding.PEM))
    return path


@contextmanager
def serving(pem: Path | None = None, ahead: float = 0.0) -> Iterator[int]:
    """An HTTP server whose clock is that many seconds ahead; with a certificate it speaks TLS."""

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response_only(403)
            self.send_header("Date", formatdate(time.time() + ahead, usegmt=True))
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Nothing on stderr."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None:
            """A client that goes away during TLS is what is tested."""

    server = Server(("127.0.0.1", 0), Handler)
    if pem:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_each_cause_has_its_own_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        closed = free.getsockname()[1]
    assert network.ask("https://nobody.invalid/").reason == "its name is unknown here (DNS)"
    assert network.ask(f"https://127.0.0.1:{closed}/").reason == "the connection is refused: nothing listens there"
    with serving(certificate(tmp_path)) as port:
        assert str(network.ask(f"https://127.0.0.1:{port}/").reason).startswith("its certificate is not trusted: self")
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
        assert network.ask(f"https://127.0.0.1:{port}/").reason is None
    with serving() as port:
        assert str(network.ask(f"https://127.0.0.1:{port}/").reason).startswith("no TLS comes about")
    monkeypatch.setattr(network, "_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        reason = network.ask(f"https://127.0.0.1:{silent.getsockname()[1]}/").reason
        assert reason == "no answer in 0.3 seconds (a firewall, or no route)"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    shutil.copytree(REPOSITORY / "environments", tmp_path / "environments")
    return Project(tmp_path)


def examined(project: Project, check: str, name: str = "dev", **asking: Any) -> list[Finding]:
    return list(examine(project, name, checks={}, remote={check: REMOTE[check]}, **asking))


@pytest.mark.parametrize(
    ("ahead", "state", "words"),
    [(0.0, "ok", "within 1 s"), (60.0, "warn", "behind Confluent Cloud's"), (-4000.0, "fail", "ahead of Confluent")],
)
def test_the_clock_is_held_against_a_service_that_is_asked_anyway(
    project: Project, ahead: float, state: str, words: str
) -> None:
    with serving(ahead=ahead) as port:
        answers, skew = examined(project, "endpoints", confluent=f"http://127.0.0.1:{port}")
    assert (answers.state, skew.check, skew.state) == ("ok", "clock skew", state)
    assert words in skew.text


def test_brokers_behind_a_certificate_nobody_trusts_fail_until_their_authority_is_there(project: Project) -> None:
    with serving(certificate(project.root)) as port:
        folder = project.environment_state("dev")
        folder.mkdir(parents=True)
        cluster = {"bootstrap_servers": f"127.0.0.1:{port}", "client_settings": {"security.protocol": "SASL_SSL"}}
        (folder / OUTPUTS_FILE).write_text(json.dumps({"cluster": cluster}))
        (found,) = examined(project, "reach")
        assert (found.state, found.text) == ("fail", "no broker of dev speaks TLS that is trusted here")
        assert "its certificate is not trusted" in found.details[0]
        (folder / AUTHORITIES).mkdir()
        shutil.copy(project.root / "authority.pem", folder / AUTHORITIES / "own.pem")
        (found,) = examined(project, "reach")
        assert found.state == "ok"
