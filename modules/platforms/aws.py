"""What clients of the platforms in AWS share: passwords that are made here, and credentials of a role.

Passwords go to Terraform as one ephemeral variable, a JSON object of role → password; its stack writes them into
Secrets Manager (`declare/aws/secrets.py`) and keeps none.
"""

from __future__ import annotations

import json
import secrets
from typing import Any

from modules.environment.model import Environment
from modules.errors import SecretError
from modules.platforms.names import resource_name

__all__ = ["DATABASE_ROLE", "PASSWORDS", "assume", "fresh_password", "secret_name", "stored_password"]

PASSWORDS = "kafka_passwords"
"""The ephemeral variable of a cluster stack with logins."""

DATABASE_ROLE = "registry-database"
"""Whose password that of the registry's database is."""

_GONE = ("ResourceNotFoundException", "InvalidRequestException")
"""There is no such secret, or it is being deleted."""

_SESSION_SECONDS = 3600


def secret_name(environment: Environment, role: str, prefix: str = "") -> str:
    """The name of a role's secret: `<prefix><project>-<environment>-<role>`."""
    return resource_name(environment, role, limit=256, prefix=prefix)


def fresh_password() -> str:
    """A new password, of letters, digits, `-` and `_`."""
    return secrets.token_urlsafe(24)


def stored_password(name: str, region: str) -> str | None:
    """The password a secret holds already; None where there is no such secret.

    Raises:
        SecretError: Secrets Manager cannot be asked, or the secret is none of ours.
    """
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        answer = boto3.client("secretsmanager", region_name=region, config=_patience()).get_secret_value(SecretId=name)
        return str(json.loads(answer["SecretString"])["password"])
    except ClientError as error:
        detail = error.response.get("Error", {})
        if detail.get("Code") in _GONE:
            return None
        reason = f"{detail.get('Code', 'an error')}: {detail.get('Message', '')}"
    except (BotoCoreError, ValueError) as error:
        reason = str(error)
    except (KeyError, TypeError):
        reason = "it is no JSON object with `password`"
    raise SecretError(
        f"AWS Secrets Manager did not give the secret: {reason}",
        where=f"aws-sm:{name} ({region})",
        do="check that you are logged in to the right account and may read it; `--offline` needs none",
    )


def assume(role_arn: str, region: str, session_name: str) -> dict[str, Any]:
    """Credentials of a role, as botocore's refreshable credentials take them.

    Raises:
        SecretError: the role cannot be taken on.
    """
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        client = boto3.client("sts", region_name=region, config=_patience())
        answer = client.assume_role(
            RoleArn=role_arn, RoleSessionName=session_name[:64], DurationSeconds=_SESSION_SECONDS
        )
    except ClientError as error:
        detail = error.response.get("Error", {})
        reason = f"{detail.get('Code', 'an error')}: {detail.get('Message', '')}"
    except (BotoCoreError, ValueError) as error:
        reason = str(error)
    else:
        found = answer["Credentials"]
        return {
            "access_key": found["AccessKeyId"],
            "secret_key": found["SecretAccessKey"],
            "token": found["SessionToken"],
            "expiry_time": found["Expiration"].isoformat(),
        }
    raise SecretError(
        f"the role cannot be taken on: {reason}",
        where=role_arn,
        do="log in to AWS as someone who may (`sts:AssumeRole`), or name yourself under `msk: {trusted: […]}`",
    )


def _patience() -> Any:
    from botocore.config import Config

    return Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 3})
