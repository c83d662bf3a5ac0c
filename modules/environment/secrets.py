"""Resolves secret references (`env:`, `file:`, `aws-sm:`) at the last moment, at the edge.

A secret's value is returned, never logged, cached or put into an error.
"""

from __future__ import annotations

import os
from pathlib import Path

from modules.environment.types import SecretRefValue
from modules.errors import SecretError
from modules.project import Project

__all__ = ["resolve_secret"]


def resolve_secret(reference: SecretRefValue, project: Project) -> str:
    """The secret's value, without a trailing newline.

    Raises:
        SecretError: the variable is unset, the file missing or unreadable, the manager's answer unusable.
    """
    if reference.scheme == "env":
        return _from_env(reference)
    if reference.scheme == "file":
        return _from_file(reference, project)
    return _from_secrets_manager(reference)


def _from_env(reference: SecretRefValue) -> str:
    value = os.environ.get(reference.name)
    if not value:
        raise SecretError(
            f"the environment variable {reference.name} is not set",
            where=str(reference),
            do=f"export {reference.name}",
        )
    return value


def _from_file(reference: SecretRefValue, project: Project) -> str:
    path = project.root / Path(reference.name).expanduser()
    try:
        return path.read_text().rstrip("\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not text"
        raise SecretError(
            f"cannot read the secret's file: {reason}",
            where=str(path),
            do="create it (mode 0600) or change the reference",
        ) from None


def _from_secrets_manager(reference: SecretRefValue) -> str:
    import json

    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    name, _, key = reference.name.partition("#")
    try:
        text: str = boto3.client("secretsmanager").get_secret_value(SecretId=name)["SecretString"]
    except (BotoCoreError, ClientError, KeyError) as error:
        raise SecretError(
            f"AWS Secrets Manager did not give the secret: {error}",
            where=str(reference),
            do="check its name, region and your rights",
        ) from None
    if not key:
        return text
    try:
        return str(json.loads(text)[key])
    except (ValueError, KeyError, TypeError):
        raise SecretError(f"the secret has no key {key!r}", where=str(reference), do="check the part after #") from None
