"""Logs in to Snowflake, or its stand-in, with a key pair; makes and reads key pairs.

The connector is imported when first needed (it takes half a second) and kept quiet: nothing phones home, nothing is
logged, and a server that is down is reported in seconds rather than after its usual minutes of retries.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modules.environment.secrets import resolve_secret
from modules.environment.types import SecretRefValue
from modules.errors import SecretError, ServiceError
from modules.platforms.base import SnowflakeClient
from modules.project import Project

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from snowflake.connector import SnowflakeConnection

__all__ = ["connect", "load_private_key", "make_key_pair", "plain_key", "public_key_of"]

_CONNECT_SECONDS = 5
_LOGIN_SECONDS = 10
_INVALID_JWT = 390144
_BAD_ROLE = 390189
_SHORTEST_KEY = 2048


def connect(
    client: SnowflakeClient, project: Project, *, key: RSAPrivateKey | None = None, **session: Any
) -> SnowflakeConnection:
    """Open a session.

    Args:
        key: to log in with instead of the client's, which is read otherwise.
        session: more arguments of `snowflake.connector.connect` (`warehouse`, `autocommit`, `session_parameters`);
            they go before what the client says.

    Raises:
        SecretError: the private key is missing or is not a PKCS#8 PEM.
        ServiceError: nothing answers, or the login is refused.
    """
    key = key or load_private_key(plain_key(client.private_key, client.passphrase, project), str(client.private_key))
    _reach(client)
    import snowflake.connector
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    logging.getLogger("snowflake.connector").setLevel(logging.CRITICAL)
    given = {
        "account": f"{client.organization}-{client.account}",
        "user": client.user,
        "role": client.role,
        "warehouse": client.warehouse,
        "database": client.database,
        "schema": client.schema,
        **session,
    }
    parameters = {"CLIENT_TELEMETRY_ENABLED": False, **(given.pop("session_parameters", None) or {})}
    try:
        return snowflake.connector.connect(
            **{name: value for name, value in given.items() if value is not None},
            host=client.host,
            port=client.port,
            protocol=client.protocol,
            authenticator="SNOWFLAKE_JWT",
            private_key=key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),
            login_timeout=_LOGIN_SECONDS,
            network_timeout=60,
            session_parameters=parameters,
            platform_detection_timeout_seconds=0.0,
            disable_ocsp_checks=client.protocol == "http",
        )
    except snowflake.connector.errors.Error as error:
        raise _refused(client, error) from None


def _reach(client: SnowflakeClient) -> None:
    """Fail early and clearly where nothing listens; the connector itself would retry for its whole time-out."""
    try:
        socket.create_connection((client.host, client.port), timeout=_CONNECT_SECONDS).close()
    except OSError as error:
        local = client.host.startswith("127.") or client.host == "localhost"
        raise ServiceError(
            f"Snowflake does not answer: {error.strerror or error}",
            where=f"{client.host}:{client.port}",
            do="run `infra local up`" if local else "check the host name, the network and any proxy",
        ) from None


def _refused(client: SnowflakeClient, error: Any) -> ServiceError:
    where = f"{client.host}:{client.port}"
    if error.errno == _INVALID_JWT:
        return ServiceError(
            f"Snowflake does not accept the key of user {client.user}: JWT token is invalid",
            where=where,
            do="check that the user exists and that its RSA_PUBLIC_KEY belongs to this private key",
        )
    if error.errno == _BAD_ROLE:
        return ServiceError(
            f"user {client.user} may not use the role {client.role}, or there is none", where=where, do="grant the role"
        )
    said = " ".join(str(error.msg or error).split())
    return ServiceError(f"Snowflake refused the login of {client.user}: {said}", where=where, do="see its words above")


def plain_key(reference: SecretRefValue, passphrase: SecretRefValue | None, project: Project) -> str:
    """A private key's PEM without encryption, for programs that take no passphrase.

    Raises:
        SecretError: a secret is missing, or the passphrase does not open the key.
    """
    pem = resolve_secret(reference, project)
    if passphrase is None or "ENCRYPTED" not in pem:
        return pem
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = load_private_key(pem, str(reference), resolve_secret(passphrase, project))
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def load_private_key(pem: str, where: str, passphrase: str | None = None) -> RSAPrivateKey:
    """A PKCS#8 (or PKCS#1) PEM of an RSA key, encrypted only if `passphrase` is given.

    Raises:
        SecretError: it is something else, or shorter than Snowflake takes; the key's text is never shown.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    do = "it must be an RSA private key as PKCS#8 PEM (-----BEGIN PRIVATE KEY-----)"
    encrypted = "ENCRYPTED" in pem
    try:
        key = load_pem_private_key(pem.encode(), password=passphrase.encode() if passphrase and encrypted else None)
    except TypeError:
        raise SecretError(
            "the private key is encrypted",
            where=where,
            do="give a reference to its passphrase in the YAML, or an unencrypted key",
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        what = "the passphrase does not open the private key" if encrypted else "the private key cannot be read"
        raise SecretError(what, where=where, do=do) from None
    if not isinstance(key, RSAPrivateKey):
        raise SecretError("the private key is not an RSA key", where=where, do=do)
    if key.key_size < _SHORTEST_KEY:
        raise SecretError(
            f"the private key has {key.key_size} bits; Snowflake takes {_SHORTEST_KEY} or more",
            where=where,
            do="make a new one: `openssl genrsa 2048 | openssl pkcs8 -topk8 -nocrypt -inform PEM`",
        )
    return key


def public_key_of(private_pem: str, where: str = "private key", *, passphrase: str | None = None) -> str:
    """The public key's body in one line, as `ALTER USER … SET RSA_PUBLIC_KEY` takes it.

    Raises:
        SecretError: the PEM is no RSA private key that can be used.
    """
    import base64

    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    public = load_private_key(private_pem, where, passphrase).public_key()
    return base64.b64encode(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


def make_key_pair(private: Path) -> str:
    """An RSA-2048 private key as PKCS#8 PEM (mode 0600) in that file, unless it already has one.

    Written whole or not at all; of two processes that make it at once, both end with the same key.

    Returns:
        The public key's body in one line.

    Raises:
        SecretError: an existing file is no such key, or the file cannot be written.
    """
    try:
        if not private.exists():
            _write_new_key(private)
        return public_key_of(private.read_text(), str(private))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not text"
        raise SecretError(
            f"cannot make or read a private key: {reason}", where=str(private), do="check the folder's rights"
        ) from None


def _write_new_key(private: Path) -> None:
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    private.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, name = tempfile.mkstemp(dir=private.parent, prefix=f".{private.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            # link() fails where rename() would overwrite a key someone made meanwhile.
            os.link(temporary, private)
    finally:
        temporary.unlink(missing_ok=True)
