"""The local platform's secrets: made once, kept in 0600 files below `.infra/local-platform/secrets`.

They guard nothing but loopback services, yet are treated as real ones, so that the local environment is built and
tested the way the others are.
"""

from __future__ import annotations

import secrets
from pathlib import Path

from modules.errors import LocalError
from modules.files import replace_file
from modules.local.endpoints import KAFKA_PRINCIPALS, secret_file
from modules.project import Project

__all__ = ["ADMIN_KEY", "ADMIN_PUBLIC_KEY", "ensure_secrets", "kafka_password", "kafka_password_file", "write_private"]

ADMIN_KEY = "snowflake-admin.p8"
ADMIN_PUBLIC_KEY = "snowflake-admin.pub"
CONTROLLER = "controller"
"""The broker's own login at its controller listener; no client uses it."""


def ensure_secrets(project: Project) -> None:
    """Create what is missing; what exists is left alone (the broker's data holds the same passwords)."""
    for principal in (*KAFKA_PRINCIPALS, CONTROLLER):
        path = kafka_password_file(project, principal)
        if not path.exists():
            write_private(path, secrets.token_urlsafe(24))
    if not (secret_file(project, ADMIN_KEY).exists() and secret_file(project, ADMIN_PUBLIC_KEY).exists()):
        private, public = _key_pair()
        write_private(secret_file(project, ADMIN_KEY), private)
        write_private(secret_file(project, ADMIN_PUBLIC_KEY), public)


def kafka_password_file(project: Project, principal: str) -> Path:
    return secret_file(project, f"kafka-{principal}.password")


def kafka_password(project: Project, principal: str) -> str:
    """A Kafka user's password.

    Raises:
        LocalError: its file is missing or unreadable.
    """
    path = kafka_password_file(project, principal)
    try:
        return path.read_text().strip()
    except OSError as error:
        raise LocalError(
            f"cannot read the Kafka password of {principal}: {error.strerror}",
            where=str(path),
            do="run `infra local up` first; if it is up, `infra local reset` makes new ones",
        ) from None


def write_private(path: Path, text: str) -> None:
    """Write a 0600 file that is never there half-written or readable for others."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    replace_file(path, text.encode())


def _key_pair() -> tuple[str, str]:
    """A fresh RSA key: PKCS#8 PEM, and its public half."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()
