"""Key-pair login: a JWT signed by a user's private key, checked against the public keys in the catalogue.

Snowflake's rules: issuer `ACCOUNT.USER.SHA256:<fingerprint>`, subject `ACCOUNT.USER`, RS256, not expired. Every failure
gives the same answer, 390144, so that nothing can be learnt about which users exist.
"""

from __future__ import annotations

import base64
import binascii
import hashlib

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from modules.local.standin.catalog import Catalog, Entity
from modules.local.standin.errors import SnowflakeError

__all__ = ["ACCOUNT", "fingerprint", "public_key_body", "user_of_jwt"]

ACCOUNT = "INFRA-LOCAL"
_ACCOUNTS = (ACCOUNT, "INFRA", "LOCAL", "127")
"""How clients call it; one that takes the account from the address's first part has 127 from 127.0.0.1."""
_CLOCK_SKEW_SECONDS = 60


def public_key_body(text: str) -> str:
    """A public key as Snowflake keeps it: base64 in one line, with PEM headers and line ends removed.

    Raises:
        ValueError: it is not an RSA public key.
    """
    body = "".join(line for line in text.strip().splitlines() if not line.startswith("-----")).replace(" ", "")
    _load(body)
    return body


def _load(body: str) -> RSAPublicKey:
    try:
        key = load_der_public_key(base64.b64decode(body, validate=True))
    except (binascii.Error, ValueError, UnsupportedAlgorithm):
        raise ValueError("not an RSA public key") from None
    if not isinstance(key, RSAPublicKey):
        raise ValueError("not an RSA public key")
    return key


def fingerprint(body: str) -> str:
    """`SHA256:<base64>` of the key's DER form."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(base64.b64decode(body)).digest()).decode()


def _invalid() -> SnowflakeError:
    return SnowflakeError(390144, "08001", "JWT token is invalid.")


def user_of_jwt(catalog: Catalog, token: str, login_name: str | None = None) -> Entity:
    """The user whose key signed the token.

    Args:
        login_name: what the login names besides; the Go driver (Terraform's) sends none with a key pair.

    Raises:
        SnowflakeError: 390144, whatever is wrong with it.
    """
    try:
        claims = jwt.decode(token, options={"verify_signature": False})
        subject = str(claims["sub"])
        account, _, name = subject.partition(".")
        issuer = str(claims["iss"])
    except (jwt.PyJWTError, KeyError):
        raise _invalid() from None
    user = _by_login_name(catalog, name)
    named = not login_name or login_name.upper() == name.upper()
    if user is None or not named or account.upper() not in _ACCOUNTS:
        raise _invalid()
    for slot in ("RSA_PUBLIC_KEY", "RSA_PUBLIC_KEY_2"):
        body = user.props.get(slot)
        if body and issuer == f"{subject}.{fingerprint(body)}" and _signed_by(token, body):
            if str(user.props.get("DISABLED", "false")).lower() == "true":
                raise SnowflakeError(390101, "08001", "User access disabled. Contact your local system administrator.")
            return user
    raise _invalid()


def _signed_by(token: str, body: str) -> bool:
    try:
        jwt.decode(token, _load(body), algorithms=["RS256"], leeway=_CLOCK_SKEW_SECONDS)
    except (jwt.PyJWTError, ValueError):
        return False
    return True


def _by_login_name(catalog: Catalog, login: str) -> Entity | None:
    for user in catalog.of_kind("USER"):
        if str(user.props.get("LOGIN_NAME") or user.name[0]).upper() == login.upper():
            return user
    return None
