"""Public keys of service users, from the secrets their private keys are in; pairs nobody gave are made on first use.

A plan so always has the keys that the secrets hold now: rotating one is no drift.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from modules.environment.model import Environment
from modules.environment.secrets import resolve_secret
from modules.environment.types import SecretRefValue
from modules.environment.warehouse_presets import completed
from modules.project import Project
from modules.warehouse.connection import make_key_pair, public_key_of
from modules.warehouse.estate import CONNECTOR_USER

__all__ = ["PublicKeys", "private_key_of", "public_keys"]


@dataclass(frozen=True)
class PublicKeys:
    """A user's two slots, each one line without PEM headers; None: empty."""

    first: str
    second: str | None = None


@dataclass(frozen=True)
class PrivateKey:
    """Where a user's private key is; `made`: the CLI makes it there on first use."""

    reference: SecretRefValue
    passphrase: SecretRefValue | None = None
    made: bool = False


def private_key_of(environment: Environment, project: Project, user: str) -> PrivateKey:
    """Where the first key of a service user is."""
    settings = environment.warehouse
    its = completed(environment).users[user]
    given, passphrase = its.private_key, its.passphrase
    if user == CONNECTOR_USER and given is None:
        given, passphrase = settings.connector_private_key, settings.connector_private_key_passphrase
    if given is not None:
        return PrivateKey(given, passphrase)
    name = user.lower().replace("_", "-").replace("$", "-")
    path = project.environment_state(environment.name) / "secrets" / f"{name}.p8"
    return PrivateKey(SecretRefValue("file", str(path.relative_to(project.root))), made=True)


def public_keys(environment: Environment, project: Project) -> Mapping[str, PublicKeys]:
    """Every service user's public keys.

    Raises:
        SecretError: a key is missing, too short, or encrypted without a passphrase.
    """
    found: dict[str, PublicKeys] = {}
    for user, its in completed(environment).users.items():
        key = private_key_of(environment, project, user)
        second = its.second_private_key
        found[user] = PublicKeys(
            make_key_pair(project.root / key.reference.name)
            if key.made
            else _public(key.reference, key.passphrase, project),
            _public(second, its.passphrase, project) if second else None,
        )
    return found


def _public(reference: SecretRefValue, passphrase: SecretRefValue | None, project: Project) -> str:
    secret = resolve_secret(passphrase, project) if passphrase else None
    return public_key_of(resolve_secret(reference, project), str(reference), passphrase=secret)
