"""A provider registry on loopback: https with an authority of its own, checksums signed as OpenPGP wants it.

Terraform trusts nothing else: it finds the registry by service discovery, checks the signature of SHA256SUMS with the
key the registry names, and each zip against SHA256SUMS. The little of OpenPGP that this takes (RFC 4880: an RSA key
with one user id, a signature of a document) is written here.
"""

from __future__ import annotations

import base64
import hashlib
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tests.providers.support import zipped

__all__ = ["Registry", "serving"]

_MADE = 1_700_000_000


def _packet(tag: int, body: bytes) -> bytes:
    return bytes([0xC0 | tag, 0xFF]) + len(body).to_bytes(4, "big") + body


def _mpi(number: int) -> bytes:
    return number.bit_length().to_bytes(2, "big") + number.to_bytes((number.bit_length() + 7) // 8, "big")


class _Signer:
    """An OpenPGP key that signs."""

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        numbers = self._key.public_key().public_numbers()
        self._public = b"\x04" + _MADE.to_bytes(4, "big") + b"\x01" + _mpi(numbers.n) + _mpi(numbers.e)
        self._framed = b"\x99" + len(self._public).to_bytes(2, "big") + self._public
        self.id = hashlib.sha1(self._framed).digest()[-8:]

    def sign(self, document: bytes, kind: int = 0x00, flags: bytes = b"") -> bytes:
        hashed = b"\x05\x02" + _MADE.to_bytes(4, "big") + flags
        head = bytes([4, kind, 1, 8]) + len(hashed).to_bytes(2, "big") + hashed
        digest = hashlib.sha256(document + head + b"\x04\xff" + len(head).to_bytes(4, "big")).digest()
        signed = self._key.sign(digest, padding.PKCS1v15(), utils.Prehashed(hashes.SHA256()))
        issuer = b"\x09\x10" + self.id
        body = head + len(issuer).to_bytes(2, "big") + issuer + digest[:2] + _mpi(int.from_bytes(signed, "big"))
        return _packet(2, body)

    def armored(self) -> str:
        user = b"test <test@example.com>"
        certified = self.sign(self._framed + b"\xb4" + len(user).to_bytes(4, "big") + user, 0x13, b"\x02\x1b\x03")
        data = _packet(6, self._public) + _packet(13, user) + certified
        text = base64.b64encode(data).decode()
        lines = "\n".join(text[start : start + 64] for start in range(0, len(text), 64))
        checksum = base64.b64encode(_crc24(data).to_bytes(3, "big")).decode()
        mark = "PGP PUBLIC KEY BLOCK-----"
        return f"-----BEGIN {mark}\n\n{lines}\n={checksum}\n-----END {mark}\n"


def _crc24(data: bytes) -> int:
    crc = 0xB704CE
    for byte in data:
        crc ^= byte << 16
        for _ in range(8):
            crc <<= 1
            if crc & 0x1000000:
                crc ^= 0x1864CFB
    return crc & 0xFFFFFF


@dataclass
class Registry:
    """What it holds, and where."""

    port: int
    authority: Path
    files: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"localhost:{self.port}/acme/widget"

    def tamper(self, system: str) -> None:
        """Change a zip after it was signed."""
        name = next(each for each in self.files if each.endswith(f"_{system}.zip"))
        self.files[name] += b"more"


def _fill(registry: Registry, folder: Path, versions: list[str], systems: list[str]) -> None:
    signer, base = _Signer(), f"https://localhost:{registry.port}"
    platforms = [dict(zip(("os", "arch"), system.split("_"), strict=True)) for system in systems]
    listed = [{"version": each, "protocols": ["5.0"], "platforms": platforms} for each in versions]
    answers: dict[str, Any] = {
        "/.well-known/terraform.json": {"providers.v1": "/v1/providers/"},
        "/v1/providers/acme/widget/versions": {"versions": listed},
    }
    for version in versions:
        sums = ""
        for system in systems:
            name = f"terraform-provider-widget_{version}_{system}.zip"
            registry.files[f"/files/{name}"] = zipped(folder / name, version, system).read_bytes()
            digest = hashlib.sha256(registry.files[f"/files/{name}"]).hexdigest()
            sums += f"{digest}  {name}\n"
            system_, arch = system.split("_")
            answers[f"/v1/providers/acme/widget/{version}/download/{system_}/{arch}"] = {
                "protocols": ["5.0"], "os": system_, "arch": arch, "filename": name, "shasum": digest,
                "download_url": f"{base}/files/{name}", "shasums_url": f"{base}/files/{version}/SHA256SUMS",
                "shasums_signature_url": f"{base}/files/{version}/SHA256SUMS.sig",
                "signing_keys": {"gpg_public_keys": [
                    {"key_id": signer.id.hex().upper(), "ascii_armor": signer.armored()}]},
            }  # fmt: skip
        registry.files[f"/files/{version}/SHA256SUMS"] = sums.encode()
        registry.files[f"/files/{version}/SHA256SUMS.sig"] = signer.sign(sums.encode())
    registry.files |= {path: json.dumps(body).encode() for path, body in answers.items()}


def _certificate(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(9)
        .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    (folder / "authority.pem").write_bytes(made.public_bytes(Encoding.PEM))
    path = folder / "server.pem"
    path.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + made.public_bytes(Encoding.PEM)
    )
    return path


@contextmanager
def serving(folder: Path, versions: list[str], systems: list[str]) -> Iterator[Registry]:
    """The registry of `acme/widget` with these versions for these systems."""
    folder.mkdir(parents=True, exist_ok=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(_certificate(folder))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            registry.asked.append(self.path)
            found = registry.files.get(self.path)
            self.send_response(200 if found is not None else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(found or b"")))
            self.end_headers()
            self.wfile.write(found or b"")

        def log_message(self, format: str, *args: object) -> None:
            """Nothing on stderr."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    registry = Registry(server.server_port, folder / "authority.pem")
    _fill(registry, folder, versions, systems)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield registry
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
