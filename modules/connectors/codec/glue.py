"""AWS Glue's wire format: byte 3 (the header's version), byte 0 or 5 (plain or zlib), the schema version's UUID in 16
bytes, most significant first, then the Avro body.

As written by `SerializationDataEncoder` with the values of `AWSSchemaRegistryConstants` in awslabs'
aws-glue-schema-registry (read 2026-11). Glue has no schema that refers to another. Reading takes one right,
`glue:GetSchemaVersion`, with the credentials of the role the registry client names, or those boto3 finds.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

from modules.connectors.codec.base import UNKNOWN, PoisonError, SchemaCodec, TroubleError, read_record
from modules.errors import ConfigError, ServiceError
from modules.platforms.base import RegistryClient

__all__ = ["GlueCodec", "glue_client", "header", "latest", "schemas"]

_VERSION, _PLAIN, _ZLIB = 3, 0, 5
_HEADER_BYTES = 18
_LARGEST_BODY = 64 * 2**20
"""What a compressed body may become: a few kilobytes of zlib can hold a gigabyte of zeros."""

_UNKNOWN_VERSION = "EntityNotFoundException"
_REFUSED = (
    "AccessDeniedException", "AccessDenied", "UnrecognizedClientException", "InvalidSignatureException",
    "InvalidClientTokenId", "ExpiredToken", "ExpiredTokenException", "MissingAuthenticationToken",
)  # fmt: skip
"""Codes that do not go away by waiting."""

_LOOKS_BACK = 20
"""How many versions before the last one are tried, where that was refused by Glue's compatibility check."""


def header(version: UUID) -> bytes:
    """What a message begins with whose body is not compressed."""
    return bytes((_VERSION, _PLAIN)) + version.bytes


def glue_client(client: RegistryClient) -> Any:
    """boto3's Glue, acting as the client's role, whose requests fail soon: the caller decides how long to try.

    Raises:
        SecretError: the role cannot be taken on.
    """
    import boto3
    from botocore.config import Config
    from botocore.credentials import RefreshableCredentials
    from botocore.session import get_session

    from modules.platforms.aws import assume

    patience = Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 2})
    session: Any = get_session()
    role, region = client.role_arn, client.region or ""
    if role:

        def refresh() -> dict[str, Any]:
            return assume(role, region, "infra-registry")

        session._credentials = RefreshableCredentials.create_from_metadata(
            metadata=refresh(), refresh_using=refresh, method="sts-assume-role"
        )
    return boto3.Session(botocore_session=session).client("glue", region_name=region, config=patience)


class GlueCodec(SchemaCodec[bytes]):
    """Glue's wire format with Avro bodies, decoded with the writer's schema."""

    silent = ("the Glue Schema Registry", "check the network, then start the sink again: nothing is lost")

    def __init__(
        self, client: RegistryClient, *, patience: float = 300.0, stopping: Callable[[], bool] = lambda: False
    ) -> None:
        super().__init__(client, patience=patience, stopping=stopping)
        self._client = client
        self._glue: Any = None

    def decode(self, data: bytes) -> dict[str, Any]:
        if len(data) < _HEADER_BYTES:
            raise PoisonError("too-short", f"{len(data)} bytes, shorter than Glue's header of {_HEADER_BYTES}")
        if data[0] != _VERSION:
            raise PoisonError("no-magic-byte", f"begins with byte {data[0]:#04x}, not with Glue's {_VERSION:#04x}")
        if data[1] not in (_PLAIN, _ZLIB):
            raise PoisonError("unknown-compression", f"byte {data[1]:#04x} names no compression of Glue's")
        version = data[2:_HEADER_BYTES]
        schema, name = self._schema(version), str(UUID(bytes=version))
        if data[1] == _PLAIN:
            return read_record(data, _HEADER_BYTES, schema, name)
        return read_record(_inflated(data), 0, schema, name)

    def _get(self, schema_id: bytes) -> Any:
        from botocore.exceptions import ClientError, NoCredentialsError

        name = str(UUID(bytes=schema_id))
        if self._glue is None:
            self._glue = glue_client(self._client)
        try:
            found = self._glue.get_schema_version(SchemaVersionId=name)
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            if code == _UNKNOWN_VERSION:
                raise PoisonError(UNKNOWN, f"Glue has no schema version {name}") from None
            if code in _REFUSED:
                raise _refusal(self._client, f"to show schema version {name}", error) from None
            raise TroubleError(_reason(error)) from None
        except NoCredentialsError as error:
            raise _silence(self._client, error) from None
        if found.get("Status") == "PENDING":
            raise TroubleError(f"schema version {name} is still being checked")
        return _parsed(found, name)


def latest(client: RegistryClient, subject: str) -> tuple[UUID, str]:
    """Id and text of the newest version of a schema that Glue accepted.

    Raises:
        ServiceError: there is none, or Glue does not answer or refuses.
        ConfigError: it is no Avro.
        SecretError: the client's role cannot be taken on.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        for found in _newest_first(glue_client(client), {"RegistryName": client.registry_name, "SchemaName": subject}):
            if found["DataFormat"] != "AVRO":
                raise ConfigError(f"the schema of {subject} is no Avro", where=client.url, do="register an Avro schema")
            if found["Status"] == "AVAILABLE":
                return UUID(found["SchemaVersionId"]), str(found["SchemaDefinition"])
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") != _UNKNOWN_VERSION:
            raise _refusal(client, f"to show the schema {subject}", error) from None
    except BotoCoreError as error:
        raise _silence(client, error) from None
    raise ServiceError(
        f"the Glue Schema Registry has no schema {subject} that can be used",
        where=client.url,
        do="register it with `infra deploy`",
    )


def schemas(client: RegistryClient) -> Iterator[tuple[str, str, str, str]]:
    """Every schema of the registry: name, format, newest text, compatibility in Glue's words.

    It takes rights to list and describe, which clients do not have: boto3's own credentials are used.

    Raises:
        ServiceError: Glue does not answer or refuses.
    """
    from dataclasses import replace

    from botocore.exceptions import BotoCoreError, ClientError

    try:
        asked = glue_client(replace(client, role_arn=None))
        pages = asked.get_paginator("list_schemas").paginate(RegistryId={"RegistryName": client.registry_name})
        for name in sorted(each["SchemaName"] for page in pages for each in page["Schemas"]):
            which = {"RegistryName": client.registry_name, "SchemaName": name}
            described = asked.get_schema(SchemaId=which)
            text = next((each for each in _newest_first(asked, which) if each["Status"] == "AVAILABLE"), None)
            if text is not None:
                yield name, described["DataFormat"], text["SchemaDefinition"], described["Compatibility"]
    except ClientError as error:
        raise _refusal(client, "to list its schemas", error) from None
    except BotoCoreError as error:
        raise _silence(client, error) from None


def _newest_first(asked: Any, which: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Versions of a schema from the last one back; the last may be one that Glue refused as incompatible."""
    found = asked.get_schema_version(SchemaId=which, SchemaVersionNumber={"LatestVersion": True})
    yield found
    last = int(found["VersionNumber"])
    for number in range(last - 1, max(0, last - 1 - _LOOKS_BACK), -1):
        try:
            yield asked.get_schema_version(SchemaId=which, SchemaVersionNumber={"VersionNumber": number})
        except asked.exceptions.EntityNotFoundException:
            continue  # deleted


def _inflated(data: bytes) -> bytes:
    """The body of a compressed message."""
    stream = zlib.decompressobj()
    try:
        body = stream.decompress(memoryview(data)[_HEADER_BYTES:], _LARGEST_BODY)
    except zlib.error as error:
        raise PoisonError("undecodable", f"its body is no zlib stream ({error})") from None
    if stream.unconsumed_tail:
        raise PoisonError("too-large", f"its body is more than {_LARGEST_BODY // 2**20} MiB when it is unpacked")
    if not stream.eof or stream.unused_data:
        raise PoisonError("undecodable", "its zlib stream does not end where the message does")
    return body


def _parsed(found: dict[str, Any], name: str) -> Any:
    import fastavro

    if found.get("DataFormat") != "AVRO":
        raise PoisonError("not-avro", f"schema version {name} is {found.get('DataFormat')}, not Avro")
    if found.get("Status") == "FAILURE":
        raise PoisonError("bad-schema", f"Glue refused schema version {name} as incompatible")
    try:
        return fastavro.parse_schema(json.loads(found["SchemaDefinition"]))
    except Exception as error:
        raise PoisonError("bad-schema", f"schema version {name} is unusable: {error}") from None


def _reason(error: Any) -> str:
    detail = error.response.get("Error", {})
    return f"{detail.get('Code', 'an error')}: {detail.get('Message', '')}"


def _refusal(client: RegistryClient, what: str, error: Any) -> ServiceError:
    return ServiceError(
        f"the Glue Schema Registry refused {what} ({_reason(error)})",
        where=client.url,
        do="check that you are logged in to the right account, and its rights",
    )


def _silence(client: RegistryClient, error: Exception) -> ServiceError:
    return ServiceError(
        f"the Glue Schema Registry does not answer ({type(error).__name__}: {error})",
        where=client.url,
        do="check the network and your AWS credentials",
    )
