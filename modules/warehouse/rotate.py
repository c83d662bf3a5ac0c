"""Changes a service user's key pair while it is in use.

Snowflake gives a user two slots for public keys, and either logs in. The new key goes into the free one, the secret is
changed, and only when a login with what the secret holds has worked does the old key lose its slot:

1. the new public key into the free slot;
2. a login with the new key;
3. the private key behind the secret's reference;
4. a login with what the secret now holds;
5. the new key into the first slot, over the old one: plans take the first slot from the secret, so they stay empty;
6. the second slot is cleared.

Wherever it is interrupted, the secret holds a key that logs in, and the same command finishes it, or begins anew where
the new key was lost. What it put into a slot is remembered by its fingerprint in the environment's folder, so that a
key somebody else put there is never overwritten without being asked to.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modules.environment.model import Environment
from modules.environment.secrets import check_storable, resolve_secret, store_secret
from modules.environment.warehouse_presets import completed
from modules.errors import ConfigError, SecretError, ServiceError
from modules.platforms.base import Platform, SnowflakeClient
from modules.project import Project
from modules.warehouse.connection import connect, load_private_key
from modules.warehouse.keys import PrivateKey, private_key_of

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

__all__ = ["SHORTEST", "STEPS", "Rotation", "RotationOptions", "fingerprint", "rotate_key"]

SHORTEST = 2048
STEPS = ("registered", "tried", "stored", "logged in", "old key replaced", "finished")
"""What `on_step` is told, in this order."""

_SLOTS = ("RSA_PUBLIC_KEY", "RSA_PUBLIC_KEY_2")
_PAUSE = 1.0


@dataclass(frozen=True)
class Rotation:
    """What a run did. Fingerprints are as DESCRIBE USER shows them."""

    user: str
    reference: str
    old: str | None
    """None where an interrupted rotation was finished and the old key's slot is all there is to know."""
    new: str
    resumed: bool
    """An interrupted rotation was finished; no key was made."""
    old_key_valid: bool
    """It was asked to keep it."""


@dataclass(frozen=True)
class RotationOptions:
    """How it is done."""

    bits: int = 3072
    wait: float = 60.0
    """Seconds to wait for a login with the new key."""
    keep_old: bool = False
    """Stop before the old key loses its slot; another run does the rest."""
    replace_other: bool = False
    """Overwrite a key in the second slot that is not known."""
    check_login: bool = True
    """False where the user may not log in from here."""


def rotate_key(
    environment: Environment,
    platform: Platform,
    project: Project,
    user: str,
    options: RotationOptions | None = None,
    *,
    on_step: Callable[[str], None] = lambda _step: None,
) -> Rotation:
    """Give a service user a new key pair.

    Raises:
        ConfigError: there is no such user, or no slot is free.
        SecretError: the secret cannot be read or written.
        ServiceError: Snowflake cannot be reached, or does not take the new key.
    """
    options = options or RotationOptions()
    name = _known(environment, user)
    if options.bits < SHORTEST:
        raise ConfigError(
            f"a key of {options.bits} bits is too short",
            do=f"Snowflake takes {SHORTEST} or more; 3072 is a good length",
        )
    key = private_key_of(environment, project, name)
    check_storable(key.reference, project)
    with _Admin(platform, project) as admin:
        return _Rotator(environment, platform, project, name, key, admin, options, on_step).run()


def fingerprint(key: RSAPrivateKey) -> str:
    """`SHA256:…` of its public half, as Snowflake writes it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(_public_der(key)).digest()).decode()


class _Rotator:
    def __init__(
        self,
        environment: Environment,
        platform: Platform,
        project: Project,
        user: str,
        key: PrivateKey,
        admin: _Admin,
        options: RotationOptions,
        on_step: Callable[[str], None],
    ) -> None:
        self._project = project
        self._user = user
        self._key = key
        self._admin = admin
        self._options = options
        self._on_step = on_step
        self._client: SnowflakeClient = replace(
            platform.snowflake_client("admin"),
            user=user,
            role="PUBLIC",
            private_key=key.reference,
            passphrase=key.passphrase,
            warehouse=None,
        )
        self._journal = _Journal(project.environment_state(environment.name) / "rotation" / f"{user}.json")
        self._passphrase = resolve_secret(key.passphrase, project) if key.passphrase else None

    def run(self) -> Rotation:
        held = fingerprint(self._secret())
        first, second = self._admin.slots(self._user)
        if held == second and first is not None:
            return self._resume(held, first)
        if held not in (first, second):
            raise ServiceError(
                f"the secret's key is none of {self._user}'s: it is {held}, and Snowflake has "
                f"{first or 'none'} and {second or 'none'}",
                where=str(self._key.reference),
                do="run `infra deploy`, which gives the user the secret's key, or put the right key there",
            )
        slot, other = (_SLOTS[1], second) if held == first else (_SLOTS[0], first)
        self._check_free(other)
        new = self._make()
        self._register(slot, new)
        self._store(new, slot)
        return self._finish(held, new, resumed=False)

    # -- the steps ------------------------------------------------------------------------------------------------

    def _register(self, slot: str, new: RSAPrivateKey) -> None:
        self._journal.write(fingerprint(new))
        self._admin.set_key(self._user, slot, new)
        self._on_step(STEPS[0])
        try:
            self._log_in(new)
        except ServiceError:
            self._admin.clear(self._user, slot)
            self._journal.remove()
            raise
        self._on_step(STEPS[1])

    def _store(self, new: RSAPrivateKey, slot: str) -> None:
        try:
            store_secret(self._key.reference, self._project, self._pem(new))
        except SecretError:
            # A manager may have taken it and only its answer been lost.
            if fingerprint(self._secret()) != fingerprint(new):
                self._admin.clear(self._user, slot)
                self._journal.remove()
                raise
        self._on_step(STEPS[2])

    def _resume(self, held: str, first: str) -> Rotation:
        """The secret has the second slot's key: the last steps are left to do."""
        key = self._secret()
        if first == held:
            self._admin.clear(self._user, _SLOTS[1])
            self._done()
            return Rotation(self._user, str(self._key.reference), None, held, True, False)
        if self._journal.read() != held and not self._options.replace_other:
            raise ConfigError(
                f"the secret has the key of {self._user}'s second slot, and the first holds another, {first}",
                where=str(self._key.reference),
                do="if that is the old key of a rotation begun elsewhere, finish it with --replace-other",
            )
        return self._finish(first, key, resumed=True)

    def _finish(self, old: str, new: RSAPrivateKey, *, resumed: bool) -> Rotation:
        self._log_in(self._secret(), stored=fingerprint(new))
        self._on_step(STEPS[3])
        done = Rotation(self._user, str(self._key.reference), old, fingerprint(new), resumed, self._options.keep_old)
        if self._options.keep_old:
            return done
        if self._admin.slots(self._user)[0] != fingerprint(new):
            self._admin.set_key(self._user, _SLOTS[0], new)
        self._on_step(STEPS[4])
        self._admin.clear(self._user, _SLOTS[1])
        self._done()
        return done

    def _done(self) -> None:
        self._journal.remove()
        self._on_step(STEPS[5])

    # -- parts ----------------------------------------------------------------------------------------------------

    def _secret(self) -> RSAPrivateKey:
        pem = resolve_secret(self._key.reference, self._project)
        return load_private_key(pem, str(self._key.reference), self._passphrase)

    def _check_free(self, other: str | None) -> None:
        """The slot the new key goes to is empty, or holds what an interrupted run left there."""
        if other is None or other == self._journal.read() or self._options.replace_other:
            return
        raise ConfigError(
            f"both of {self._user}'s slots are taken: beside the secret's key there is {other}, which infra did not "
            "put there",
            where=self._client.url,
            do="find out who uses it; --replace-other puts the new key in its place",
        )

    def _make(self) -> RSAPrivateKey:
        from cryptography.hazmat.primitives.asymmetric import rsa

        return rsa.generate_private_key(public_exponent=65537, key_size=self._options.bits)

    def _pem(self, key: RSAPrivateKey) -> str:
        """PKCS#8, encrypted where the old one could be."""
        from cryptography.hazmat.primitives.serialization import (
            BestAvailableEncryption,
            Encoding,
            NoEncryption,
            PrivateFormat,
        )

        lock = BestAvailableEncryption(self._passphrase.encode()) if self._passphrase else NoEncryption()
        return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock).decode()

    def _log_in(self, key: RSAPrivateKey, *, stored: str | None = None) -> None:
        """Wait until the key logs in.

        Raises:
            SecretError: the secret does not hold what was stored.
            ServiceError: it does not in time.
        """
        if stored is not None and fingerprint(key) != stored:
            raise SecretError(
                "the secret does not hold the key that was just written there",
                where=str(self._key.reference),
                do="see who else writes it, then run the same command again; the old key still logs in",
            )
        if not self._options.check_login:
            return
        deadline = time.monotonic() + self._options.wait
        while True:
            try:
                connect(self._client, self._project, key=key).close()
                return
            except ServiceError as error:
                if time.monotonic() > deadline:
                    raise ServiceError(
                        f"the new key of {self._user} did not log in within {self._options.wait:.0f} s: {error.what}",
                        where=error.where,
                        do="the old key still logs in. Where the user may not log in from here (a network policy), "
                        "use --no-login-check",
                    ) from None
                time.sleep(_PAUSE)


class _Admin:
    """The administrator's session."""

    def __init__(self, platform: Platform, project: Project) -> None:
        self._client = platform.snowflake_client("admin")
        self._project = project

    def __enter__(self) -> _Admin:
        self._connection = connect(self._client, self._project)
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(Exception):
            self._connection.close()

    def slots(self, user: str) -> tuple[str | None, str | None]:
        """The fingerprints of both."""
        found = {str(row[0]): row[1] for row in self._run(user, f"DESCRIBE USER {_quoted(user)}")}
        values = [found.get(f"{slot}_FP") for slot in _SLOTS]
        first, second = (None if value in (None, "", "null") else str(value) for value in values)
        return first, second

    def set_key(self, user: str, slot: str, key: RSAPrivateKey) -> None:
        body = base64.b64encode(_public_der(key)).decode()
        self._run(user, f"ALTER USER {_quoted(user)} SET {slot} = '{body}'")

    def clear(self, user: str, slot: str) -> None:
        self._run(user, f"ALTER USER {_quoted(user)} UNSET {slot}")

    def _run(self, user: str, statement: str) -> list[Any]:
        import snowflake.connector

        try:
            with self._connection.cursor() as cursor:
                cursor.execute(statement)
                return list(cursor.fetchall())
        except snowflake.connector.errors.Error as error:
            said = " ".join(str(error.msg or error).split())
            raise ServiceError(
                f"Snowflake refused to work on the keys of {user}: {said}",
                where=self._client.url,
                do="run the same command again; if the user is missing, run `infra deploy` first",
            ) from None


class _Journal:
    """The fingerprint of the key being brought in: no secret, but ours."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> str | None:
        try:
            return str(json.loads(self._path.read_text())["fingerprint"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write(self, value: str) -> None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            staged = self._path.with_suffix(".new")
            staged.write_text(json.dumps({"fingerprint": value}) + "\n")
            staged.replace(self._path)
        except OSError as error:
            raise SecretError(
                f"cannot write down what is being done: {error.strerror}",
                where=str(self._path),
                do="free space or check the folder's rights; nothing has been changed",
            ) from None

    def remove(self) -> None:
        self._path.unlink(missing_ok=True)


def _known(environment: Environment, user: str) -> str:
    """The user as the estate has it."""
    users = completed(environment).users
    name = user if user in users else user.upper()
    if name not in users:
        raise ConfigError(
            f"{user} is no service user of environment {environment.name}",
            where=environment.source,
            do=f"choose one of: {', '.join(users)}",
        )
    if users[name].second_private_key is not None:
        raise ConfigError(
            f"{name} has a second key declared, so no slot is free for a new one",
            where=f"{environment.source}: warehouse.users.{name}.second_private_key",
            do="take it out, run `infra deploy`, then rotate",
        )
    return name


def _public_der(key: RSAPrivateKey) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
