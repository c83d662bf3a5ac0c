"""Plans kept for later (`infra plan --out`): for whom they are encrypted, and what opens them.

Who plans needs only public keys; who deploys needs the private one, which is a secret reference like any other.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field, WithJsonSchema, field_validator, model_validator

from modules.environment.section import Section
from modules.environment.types import SecretRef

__all__ = ["KMS_KEY", "RECIPIENT", "Plans"]

RECIPIENT = r"age1[02-9ac-hj-np-z]{58}"
"""An age public key (X25519), bech32: `age1` and 58 of its letters."""

KMS_KEY = r"(alias/[A-Za-z0-9/_-]+|arn:[\w-]+:kms:[a-z0-9-]+:\d{12}:(alias|key)/[A-Za-z0-9/_-]+|[0-9a-f-]{36})"


class Plans(Section):
    """The key of plan artefacts: an age key pair, or a key of AWS KMS."""

    key: SecretRef | None = Field(
        None, description="The age private key (`infra plan --new-key` makes one), which opens a plan."
    )
    recipients: list[str] = Field(
        default_factory=list,
        description="Age public keys that plans are encrypted for; default: the public half of `key`.",
    )
    kms: Annotated[str, WithJsonSchema({"type": "string", "pattern": f"^{KMS_KEY}$"})] | None = Field(
        None, description="Instead of age: a key of AWS KMS, as alias/NAME, ARN or id."
    )

    @field_validator("recipients")
    @classmethod
    def _public_keys(cls, recipients: list[str]) -> list[str]:
        for each in recipients:
            if not re.fullmatch(RECIPIENT, each):
                # Not repeated: it may be the private key.
                raise ValueError("expected age public keys: `age1` and 58 letters and digits")
        return recipients

    @field_validator("kms")
    @classmethod
    def _a_kms_key(cls, kms: str | None) -> str | None:
        if kms is not None and not re.fullmatch(KMS_KEY, kms):
            raise ValueError("expected a key of AWS KMS: alias/NAME, its ARN or its id")
        return kms

    @model_validator(mode="after")
    def _one_kind(self) -> Plans:
        if self.kms and (self.key or self.recipients):
            raise ValueError("`kms` goes without `key` and `recipients`: a plan is encrypted either way, not both")
        return self
