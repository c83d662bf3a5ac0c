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
from modules.warehouse.estate import CONNECTOR_USER, SOURCE_USER

__all__ = ["PrivateKey", "PublicKeys", "private_key_of", "public_keys"]


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
    """Where the first key of a service user is; a rehearsal (`Project.offline`) has made-up ones of its own."""
    settings = environment.warehouse
    its = completed(environment).users[user]
    given, passphrase = its.private_key, its.passphrase
    if given is None and user == CONNECTOR_USER:
        given, passphrase = settings.connector_private_key, settings.connector_private_key_passphrase
    elif given is None and user == SOURCE_USER:
        given = settings.source_private_key
    if given is not None and not project.offline:
        return PrivateKey(given, passphrase)
    return PrivateKey(_made(environment, project, user), made=True)


def public_keys(environment: Environment, project: Project) -> Mapping[str, PublicKeys]:
    """Every service user's public keys.

    Raises:
        SecretError: a key is missing, too short, or encrypted without a passphrase.
    """
    found: dict[str, PublicKeys] = {}
    for user, its in completed(environment).users.items():
        second = PrivateKey(its.second_private_key, its.passphrase) if its.second_private_key else None
        if second and project.offline:
            second = PrivateKey(_made(environment, project, f"{user}_2"), made=True)
        found[user] = PublicKeys(
            _public(private_key_of(environment, project, user), project),
            _public(second, project) if second else None,
        )
    return found


def _made(environment: Environment, project: Project, user: str) -> SecretRefValue:
    name = user.lower().replace("_", "-").replace("$", "-")
    path = project.environment_state(environment.name) / "secrets" / f"{name}.p8"
    return SecretRefValue("file", str(path.relative_to(project.root)))


def _public(key: PrivateKey, project: Project) -> str:
    if key.made:
        return make_key_pair(project.root / key.reference.name)
    passphrase = resolve_secret(key.passphrase, project) if key.passphrase else None
    return public_key_of(resolve_secret(key.reference, project), str(key.reference), passphrase=passphrase)
