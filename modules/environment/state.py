"""Where an environment's Terraform states are: files on this machine, or a bucket that a team shares.

Credentials are none of this file's business: they come from the environment or the profile, as AWS's tools have it.
"""

from __future__ import annotations

import re
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, field_validator

from modules.environment.section import Section
from modules.environment.types import AwsRegion

__all__ = ["S3State", "State", "StateSetting"]

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class S3State(Section):
    """A bucket. Objects are `[PREFIX/]PROJECT/ENVIRONMENT/STACK.tfstate`, locks lie beside them as `….tflock`."""

    bucket: str = Field(description="Made by `infra state bootstrap`, or yours; versioned, encrypted, private.")
    region: AwsRegion = Field(description="Where the bucket is.")
    prefix: str = Field("", description="Begins every object's name; default: nothing.")
    kms_key: str | None = Field(
        None, description="A KMS key (ARN or alias/NAME) that encrypts the states; default: S3's own key.", min_length=1
    )
    profile: str | None = Field(None, description="A profile of ~/.aws/config for the states alone.", min_length=1)
    role_arn: str | None = Field(None, description="A role to take on for the states alone.")
    endpoint: str | None = Field(None, description="Another address than AWS's, on this machine only: for tests.")

    @field_validator("bucket")
    @classmethod
    def _a_bucket(cls, name: str) -> str:
        if not re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", name) or ".." in name:
            raise ValueError(f"expected 3 to 63 lower-case letters, digits, `-` and `.`, got '{name}'")
        return name

    @field_validator("role_arn")
    @classmethod
    def _a_role(cls, arn: str | None) -> str | None:
        if arn is not None and not re.fullmatch(r"arn:[\w-]+:iam::\d{12}:role/.+", arn):
            raise ValueError(f"expected arn:aws:iam::ACCOUNT:role/NAME, got '{arn}'")
        return arn

    @field_validator("prefix")
    @classmethod
    def _without_slashes(cls, prefix: str) -> str:
        if not re.fullmatch(r"[\w.=/-]*", prefix):
            raise ValueError(f"expected letters, digits, `/`, `-`, `_`, `.` and `=`, got '{prefix}'")
        return prefix.strip("/")

    @field_validator("endpoint")
    @classmethod
    def _on_this_machine(cls, endpoint: str | None) -> str | None:
        parts = urlsplit(endpoint or "http://localhost")
        if parts.scheme not in ("http", "https") or parts.hostname not in _LOOPBACK:
            raise ValueError(f"expected an address of this machine (http://127.0.0.1:PORT), got '{endpoint}'")
        return endpoint


class State(Section):
    """Where the states are: files below `.infra` unless there is a bucket."""

    s3: S3State | None = Field(None, description="A bucket of Amazon S3, locked with Terraform's own lock file.")


def _spelled(value: Any) -> Any:
    if value == "local":
        return {}
    if isinstance(value, str):
        raise ValueError(f"expected `local`, or `{{s3: {{bucket: …, region: …}}}}`, got '{value}'")
    return value


StateSetting = Annotated[State, BeforeValidator(_spelled)]
