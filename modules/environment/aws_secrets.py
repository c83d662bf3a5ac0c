"""Secrets that AWS keeps: Secrets Manager (`aws-sm:NAME`, or an ARN) and Parameter Store (`aws-ssm:/PATH/NAME`).

Of either, `#KEY` is one value of the JSON object in it. Credentials are those that boto3 finds; the region is an ARN's
own, else `AWS_REGION` or the profile's. Imported only where such a secret is asked for: boto3 takes a while to load.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from modules.environment.types import SecretRefValue
from modules.errors import SecretError

__all__ = ["KeptSecret", "check_aws_storable", "describe", "read", "region_of", "store"]

_SERVICES = {"aws-sm": ("secretsmanager", "AWS Secrets Manager"), "aws-ssm": ("ssm", "AWS Parameter Store")}
_READ = {
    "aws-sm": "check its name and region (AWS_REGION), and that you are logged in and may read it",
    "aws-ssm": "check its name (a path begins with /) and region (AWS_REGION), and that you are logged in and may call "
    "ssm:GetParameter on it, and kms:Decrypt on its key",
}
_WRITE = {
    "aws-sm": "check that you may call secretsmanager:PutSecretValue on it",
    "aws-ssm": "check that you may call ssm:PutParameter on it, and kms:Encrypt with its key",
}
_LONGEST_STANDARD = 4096
"""Bytes of a standard parameter; an advanced one has 8 KB and costs money (AWS's Systems Manager guide, 2026-11)."""


@dataclass(frozen=True)
class KeptSecret:
    """What AWS tells of a secret without giving it."""

    changed: datetime | None = None
    expires: datetime | None = None
    """When it is deleted, or its parameter policy ends it."""
    rotates: bool = False
    kind: str | None = None
    """aws-ssm: `SecureString`, or a type that is not encrypted."""


def region_of(name: str) -> str | None:
    """The region an ARN names; None for a plain name, which means the client's own."""
    parts = name.split(":")
    return parts[3] if parts[0] == "arn" and len(parts) >= 6 else None


def read(reference: SecretRefValue) -> str:
    """The secret's text, or the value of its key; it may be empty.

    Raises:
        SecretError: AWS does not give it, or it is not what the reference says.
    """
    name, _, key = reference.name.partition("#")
    text = _asked(reference, _text, _READ[reference.scheme], "did not give the secret")(name)
    return _value_of(text, key, reference) if key else text


def store(reference: SecretRefValue, value: str) -> None:
    """A new version of the secret; of `NAME#KEY` with that one key changed.

    Raises:
        SecretError: AWS does not take it.
    """
    name, _, key = reference.name.partition("#")
    text = value
    if key:
        whole = read(SecretRefValue(reference.scheme, name))
        try:
            text = json.dumps({**json.loads(whole), key: value})
        except (ValueError, TypeError):
            raise SecretError(
                "the secret is no JSON object", where=str(reference), do="check the part after #"
            ) from None
    _asked(reference, _put, _WRITE[reference.scheme], "did not take the secret")(name, text)


def check_aws_storable(reference: SecretRefValue, length: int = 0) -> None:
    """Say beforehand that a parameter cannot take a value of that many bytes; AWS is not asked.

    Raises:
        SecretError: a standard parameter holds less.
    """
    if reference.scheme == "aws-ssm" and length > 2 * _LONGEST_STANDARD:
        raise SecretError(
            f"a parameter holds {2 * _LONGEST_STANDARD} bytes at most, this is {length}",
            where=str(reference),
            do="keep it in AWS Secrets Manager (`aws-sm:…`)",
        )


def describe(reference: SecretRefValue) -> KeptSecret:
    """When it was changed and when it ends; the value is not asked for.

    Raises:
        SecretError: AWS does not say.
    """
    name = reference.name.partition("#")[0]
    found: KeptSecret = _asked(reference, _described, _READ[reference.scheme], "did not describe the secret")(name)
    return found


def _asked(reference: SecretRefValue, do: Callable[..., Any], advice: str, refused: str) -> Callable[..., Any]:
    """`do` with the reference's client, its errors turned into ours; no value is in them."""

    def call(*arguments: Any) -> Any:
        service, title = _SERVICES[reference.scheme]
        try:
            patience = Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 3})
            client = boto3.client(service, region_name=region_of(arguments[0]), config=patience)  # type: ignore[call-overload]
            return do(reference, client, *arguments)
        except ClientError as error:
            its: Mapping[str, Any] = error.response.get("Error", {})
            code, said = its.get("Code", "an error"), its.get("Message", "")
            reason = f"{code}: {said}".rstrip(": ")
        except (BotoCoreError, ValueError) as error:  # ValueError: an endpoint or a region that cannot be one
            reason = str(error)
        raise SecretError(f"{title} {refused}: {reason}", where=str(reference), do=advice) from None

    return call


def _text(reference: SecretRefValue, client: Any, name: str) -> str:
    if reference.scheme == "aws-ssm":
        return str(client.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"])
    answer = client.get_secret_value(SecretId=name)
    if "SecretString" not in answer:
        raise SecretError("the secret is binary, not text", where=str(reference), do="store it as text")
    return str(answer["SecretString"])


def _put(reference: SecretRefValue, client: Any, name: str, text: str) -> None:
    if reference.scheme == "aws-sm":
        client.put_secret_value(SecretId=name, SecretString=text)
        return
    # The key it is encrypted with stays: without KeyId the account's own would be taken.
    found = client.get_parameter(Name=name, WithDecryption=False)["Parameter"]
    key = _metadata(client, name).get("KeyId") if found["Type"] == "SecureString" else None
    tier = "Advanced" if len(text.encode()) > _LONGEST_STANDARD else "Intelligent-Tiering"
    more = {"KeyId": key} if key else {}
    client.put_parameter(Name=name, Value=text, Type="SecureString", Overwrite=True, Tier=tier, **more)


def _described(reference: SecretRefValue, client: Any, name: str) -> KeptSecret:
    if reference.scheme == "aws-sm":
        answer = client.describe_secret(SecretId=name)
        return KeptSecret(answer.get("LastChangedDate"), answer.get("DeletedDate"), bool(answer.get("RotationEnabled")))
    found = _metadata(client, name)
    return KeptSecret(found.get("LastModifiedDate"), _policy_end(found), kind=found.get("Type"))


def _metadata(client: Any, name: str) -> Mapping[str, Any]:
    """What DescribeParameters tells; empty where the parameter is another account's (an ARN) or may not be listed."""
    if name.startswith("arn:"):
        return {}
    filters = [{"Key": "Name", "Option": "Equals", "Values": [name]}]
    found = client.describe_parameters(ParameterFilters=filters)["Parameters"]
    return dict(found[0]) if found else {}


def _policy_end(found: Mapping[str, Any]) -> datetime | None:
    for policy in found.get("Policies") or ():
        try:
            body = json.loads(policy["PolicyText"])
            if body["Type"] == "Expiration":
                return datetime.fromisoformat(str(body["Attributes"]["Timestamp"]).replace("Z", "+00:00"))
        except (ValueError, KeyError, TypeError):
            continue
    return None


def _value_of(text: str, key: str, reference: SecretRefValue) -> str:
    try:
        return str(json.loads(text)[key])
    except (ValueError, KeyError, TypeError):
        raise SecretError(f"the secret has no key {key!r}", where=str(reference), do="check the part after #") from None
