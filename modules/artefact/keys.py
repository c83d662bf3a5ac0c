"""For whom a plan artefact is encrypted, and what opens it: an age key pair, or a data key of AWS KMS.

A plan file holds sensitive values in clear, so an artefact is never written without a key. age encrypts for public keys
and signs nothing: whoever can write where artefacts are kept, and knows the public key, can put another one there. A
KMS key is used by those alone who may, for either. Private keys come from secret references or the environment, never
from an argument.
"""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from modules.environment.plans import KMS_KEY, RECIPIENT, Plans
from modules.environment.secrets import keep_secret, resolve_secret
from modules.environment.types import SecretRefValue
from modules.errors import ConfigError, SecretError
from modules.project import Project

__all__ = ["KEY_VARIABLE", "AgeKey", "KmsKey", "PlanKey", "new_identity", "plan_key"]

KEY_VARIABLE = "INFRA_PLAN_KEY"
_IDENTITY = re.compile(r"AGE-SECRET-KEY-1[0-9A-Z]+")
_KMS = "aws-kms:"
_MAGIC = b"infra-kms/1\n"
_HOW = "make one with `infra plan --new-key FILE`"


class PlanKey(Protocol):
    """Encrypts and opens."""

    def encrypt(self, content: bytes, context: Mapping[str, str]) -> bytes:
        """The content, for the key's readers only."""

    def decrypt(self, content: bytes, context: Mapping[str, str], meant_for: str) -> bytes:
        """The clear content.

        Args:
            context: as it was when it was encrypted.
            meant_for: for whom, as the manifest says, for the message.

        Raises:
            SecretError: this key does not open it.
        """

    def to_json(self) -> dict[str, Any]:
        """For whom it encrypts; nothing secret."""


@dataclass(frozen=True)
class AgeKey:
    """age, X25519. Without `identities` it only encrypts, without `recipients` for its own public half."""

    recipients: tuple[str, ...] = ()
    identities: tuple[str, ...] = field(default=(), repr=False)
    source: str = KEY_VARIABLE

    @property
    def readers(self) -> tuple[str, ...]:
        """The public keys it encrypts for."""
        return self.recipients or tuple(_identity(each, self.source)[1] for each in self.identities)

    def encrypt(self, content: bytes, context: Mapping[str, str]) -> bytes:
        import pyrage

        sealed: bytes = pyrage.encrypt(content, [pyrage.x25519.Recipient.from_str(each) for each in self.readers])
        return sealed

    def decrypt(self, content: bytes, context: Mapping[str, str], meant_for: str) -> bytes:
        import pyrage

        if not self.identities:
            raise SecretError(
                f"a public key encrypts plans and opens none: this one is encrypted for {meant_for}",
                where=self.source,
                do=f"give the private key: {KEY_VARIABLE}, --key env:NAME or file:PATH, or `plans: {{key: …}}`",
            )
        try:
            opened: bytes = pyrage.decrypt(content, [_identity(each, self.source)[0] for each in self.identities])
        except pyrage.DecryptError:
            mine = ", ".join(_identity(each, self.source)[1] for each in self.identities)
            raise SecretError(
                f"the plan is not encrypted for this key: it is for {meant_for}, the key is {mine}",
                where=self.source,
                do=f"give the private key it was encrypted for ({KEY_VARIABLE} or --key), or plan again with this one",
            ) from None
        return opened

    def to_json(self) -> dict[str, Any]:
        return {"kind": "age", "for": list(self.readers)}


@dataclass(frozen=True)
class KmsKey:
    """Envelope encryption: KMS makes a data key, bound to the environment and the content it is for; AES-256-GCM."""

    key_id: str
    region: str | None = None

    def encrypt(self, content: bytes, context: Mapping[str, str]) -> bytes:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        made = self._asked("generate_data_key", KeyId=self.key_id, KeySpec="AES_256", EncryptionContext=dict(context))
        wrapped = base64.b64encode(made["CiphertextBlob"]).decode()
        head = _MAGIC + json.dumps({"key": made["KeyId"], "wrapped": wrapped}, sort_keys=True).encode() + b"\n"
        nonce = os.urandom(12)
        return head + nonce + AESGCM(made["Plaintext"]).encrypt(nonce, content, head)

    def decrypt(self, content: bytes, context: Mapping[str, str], meant_for: str) -> bytes:
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        try:
            end = content.index(b"\n", len(_MAGIC)) + 1
            head, body = content[:end], content[end:]
            said = json.loads(head[len(_MAGIC) :])
            wrapped = base64.b64decode(said["wrapped"])
        except (ValueError, KeyError, TypeError):
            raise SecretError("the encrypted plan is malformed", do="plan again") from None
        given = self._asked(
            "decrypt", KeyId=self.key_id, CiphertextBlob=wrapped, EncryptionContext=dict(context), meant_for=meant_for
        )
        try:
            return AESGCM(given["Plaintext"]).decrypt(body[:12], body[12:], head)
        except InvalidTag:
            raise SecretError("the encrypted plan was changed since it was made", do="plan again") from None

    def to_json(self) -> dict[str, Any]:
        return {"kind": "aws-kms", "for": [self.key_id]}

    def _asked(self, operation: str, meant_for: str = "", **arguments: Any) -> dict[str, Any]:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            patience = Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 3})
            client = boto3.client("kms", region_name=self.region, config=patience)
            found: dict[str, Any] = getattr(client, operation)(**arguments)
        except ClientError as error:
            detail = error.response.get("Error", {})
            code = detail.get("Code", "an error")
            if operation == "decrypt" and code in ("InvalidCiphertextException", "IncorrectKeyException"):
                raise SecretError(
                    f"the plan is not encrypted for this key: it is for {meant_for}, or for other content than its "
                    f"manifest says ({code})",
                    where=f"{_KMS}{self.key_id}",
                    do="name the KMS key it was encrypted with, or plan again",
                ) from None
            raise self._refused(operation, f"{code}: {detail.get('Message', '')}") from None
        except (BotoCoreError, ValueError) as error:
            raise self._refused(operation, str(error)) from None
        return found

    def _refused(self, operation: str, reason: str) -> SecretError:
        right = {"generate_data_key": "kms:GenerateDataKey", "decrypt": "kms:Decrypt"}[operation]
        return SecretError(
            f"AWS KMS did not do it: {reason}",
            where=f"{_KMS}{self.key_id}",
            do=f"check the key and its region (AWS_REGION), and that you are logged in and may call {right} on it",
        )


def plan_key(
    project: Project,
    *,
    given: str | None = None,
    settings: Plans | None = None,
    by_default: bool = False,
    to_open: bool = False,
) -> PlanKey:
    """The key to use: `given` (--key), else INFRA_PLAN_KEY, else the YAML's `plans`, else the project's own.

    Args:
        by_default: whether a key of the project's own, made on demand, will do: on a laptop and in rehearsals.
        to_open: whether a plan is to be opened; else it is to be encrypted.

    Raises:
        ConfigError: there is none, or it is no key.
        SecretError: its reference cannot be resolved.
    """
    if given:
        return _from_text(given, project, "--key", secret_allowed=False)
    if told := os.environ.get(KEY_VARIABLE, "").strip():
        return _from_text(told, project, KEY_VARIABLE, secret_allowed=True)
    if settings is not None and not project.offline and (found := _from_settings(settings, project, to_open)):
        return found
    if by_default:
        return _own(project, to_open)
    raise ConfigError(
        "there is no key to open the plan with"
        if to_open
        else "there is no key to encrypt the plan with, and a plan file holds sensitive values in clear",
        where="plans.key",
        do=f"{_HOW}, keep it where secrets are kept, and write `plans: {{key: aws-sm:NAME}}` into the YAML, set "
        f"{KEY_VARIABLE}, or give --key; or use a key of AWS KMS: `plans: {{kms: alias/NAME}}`",
    )


def new_identity(path: Path) -> str:
    """Make a key pair: the private key into a new file (0600), in the format of age-keygen; returns the public key.

    Raises:
        ConfigError: the file is there already.
        SecretError: it cannot be written.
    """
    import pyrage

    if path.exists():
        raise ConfigError(
            "the file is there already, and a key that is lost opens nothing any more",
            where=str(path),
            do="name a new file",
        )
    made = pyrage.x25519.Identity.generate()
    public = str(made.to_public())
    keep_secret(path, f"# public key: {public}\n{made}\n")
    return public


def _own(project: Project, to_open: bool) -> PlanKey:
    path = project.state / "plan-key.txt"
    if not path.exists():
        if to_open:
            raise ConfigError(
                "the plan was made elsewhere, and this project has no key to open it with",
                where=str(path),
                do=f"give the private key it was encrypted for: {KEY_VARIABLE}, or --key file:PATH",
            )
        new_identity(path)
    text = resolve_secret(SecretRefValue("file", str(path)), Project(project.root))
    return AgeKey(identities=_identities(text, str(path)), source=str(path))


def _from_settings(settings: Plans, project: Project, to_open: bool) -> PlanKey | None:
    if settings.kms:
        return _kms(settings.kms)
    recipients = tuple(settings.recipients)
    if settings.key is None:
        return AgeKey(recipients, source="plans.recipients") if recipients else None
    source = f"plans.key ({settings.key})"
    if recipients and not to_open:
        return AgeKey(recipients, source="plans.recipients")
    return AgeKey(recipients, _identities(resolve_secret(settings.key, project), source), source)


def _from_text(text: str, project: Project, source: str, *, secret_allowed: bool) -> PlanKey:
    if _IDENTITY.search(text):
        if not secret_allowed:
            raise ConfigError(
                "a private key on the command line can be read by everyone on this machine",
                where=source,
                do=f"put it into the variable {KEY_VARIABLE}, or name where it is: --key env:NAME, file:PATH",
            )
        return AgeKey(identities=_identities(text, source), source=source)
    if text.startswith(_KMS) and re.fullmatch(KMS_KEY, text.removeprefix(_KMS)):
        return _kms(text.removeprefix(_KMS))
    public = tuple(each for each in re.split(r"[,\s]+", text) if each)
    if public and all(re.fullmatch(RECIPIENT, each) for each in public):
        return AgeKey(public, source=source)
    try:
        reference = SecretRefValue.parse(text)
    except ValueError:
        # The text is not repeated: it may be a key with a slip in it.
        raise ConfigError(
            "this is no key: expected age public keys (age1…), a reference to an age private key (env:NAME, "
            "file:PATH, aws-sm:NAME, aws-ssm:NAME), or aws-kms:ALIAS_OR_ARN",
            where=source,
            do=_HOW,
        ) from None
    # A rehearsal reads no secret of the environment's; this one is named by whoever runs it.
    text = resolve_secret(reference, Project(project.root))
    return AgeKey(identities=_identities(text, str(reference)), source=str(reference))


def _kms(key_id: str) -> KmsKey:
    return KmsKey(key_id, key_id.split(":")[3] if key_id.startswith("arn:") else None)


def _identities(text: str, source: str) -> tuple[str, ...]:
    found = tuple(line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#"))
    for each in found:
        _identity(each, source)
    if not found:
        raise SecretError("there is no age private key in it", where=source, do=_HOW)
    return found


def _identity(text: str, source: str) -> tuple[Any, str]:
    """The key as age has it, and its public half."""
    import pyrage

    try:
        found = pyrage.x25519.Identity.from_str(text)
    except pyrage.IdentityError:
        raise SecretError("this is no age private key (AGE-SECRET-KEY-1…)", where=source, do=_HOW) from None
    return found, str(found.to_public())


def readers_of(encryption: Mapping[str, Any]) -> str:
    """For whom, as a manifest says it."""
    kind, names = encryption.get("kind"), encryption.get("for")
    listed: Sequence[Any] = names if isinstance(names, list) else []
    return ", ".join(f"{_KMS}{each}" if kind == "aws-kms" else str(each) for each in listed) or "nobody it names"
