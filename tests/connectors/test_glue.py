"""Glue's wire format and its registry; AWS is moto, in this process."""

from __future__ import annotations

import importlib.util
import io
import json
import sys
import zlib
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock
from uuid import UUID

import boto3
import fastavro
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from moto import mock_aws

from modules.adoption.live import read_subjects
from modules.connectors.codec import AvroCodec, GlueCodec, PoisonError, codec_for, glue
from modules.errors import ConfigError, SecretError, ServiceError
from modules.platforms.base import RegistryClient
from modules.producer.serializer import EventSerializer

REGION, NAME, SUBJECT = "us-east-1", "streaming-prod", "order-events-value"
CLIENT = RegistryClient(f"glue://{REGION}/{NAME}", kind="glue", region=REGION, registry_name=NAME)
ORDERS = (Path(__file__).parents[2] / "environments/schemas/order_events.avsc").read_text()
TEXT = {"type": "record", "name": "Note", "fields": [{"name": "text", "type": "string"}]}


@pytest.fixture(autouse=True)
def _no_real_aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Credentials that are worth nothing, no place where real ones could be found, and moto for AWS."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    if importlib.util.find_spec("pyparsing") is None:
        # moto imports it for the filters of Glue's tables, which nothing here asks for.
        monkeypatch.setitem(sys.modules, "pyparsing", MagicMock())
    with mock_aws():
        boto3.client("glue", region_name=REGION).create_registry(RegistryName=NAME)
        yield


def register(schema: Any, name: str = SUBJECT, kind: str = "AVRO") -> str:
    """The version's id; a second text is a second version."""
    asked: Any = boto3.client("glue", region_name=REGION)
    text = schema if isinstance(schema, str) else json.dumps(schema)
    try:
        made = asked.create_schema(
            RegistryId={"RegistryName": NAME}, SchemaName=name, DataFormat=kind,
            Compatibility="BACKWARD_ALL", SchemaDefinition=text,
        )  # fmt: skip
    except asked.exceptions.AlreadyExistsException:
        made = asked.register_schema_version(SchemaId={"RegistryName": NAME, "SchemaName": name}, SchemaDefinition=text)
    return str(made["SchemaVersionId"])


def body(value: dict[str, Any], schema: Any = TEXT) -> bytes:
    buffer = io.BytesIO()
    fastavro.schemaless_writer(buffer, fastavro.parse_schema(schema), value)
    return buffer.getvalue()


def codec(**settings: Any) -> GlueCodec:
    return GlueCodec(CLIENT, **{"patience": 0.0, **settings})


def refused(data: bytes) -> tuple[str, str]:
    with pytest.raises(PoisonError) as caught:
        codec().decode(data)
    return caught.value.reason, str(caught.value)


def test_the_registrys_kind_chooses_the_codec() -> None:
    assert isinstance(codec_for(CLIENT), GlueCodec)
    assert isinstance(codec_for(RegistryClient("http://127.0.0.1:1")), AvroCodec)


def test_the_header_is_byte_for_byte_what_awslabs_encoder_writes() -> None:
    """Two longs, most significant first, behind the version and the compression (`SerializationDataEncoder`)."""
    version = UUID("b7b4a7f0-9c96-4e4a-a687-fb5de9ef0c63")
    assert glue.header(version).hex() == "0300b7b4a7f09c964e4aa687fb5de9ef0c63"


def test_plain_and_compressed_messages_are_decoded_with_the_writers_schema() -> None:
    version = UUID(register(TEXT))
    plain = body({"text": "straße"})
    for data in (b"\x03\x00" + version.bytes + plain, b"\x03\x05" + version.bytes + zlib.compress(plain)):
        assert codec().decode(data) == {"text": "straße"}


def test_what_the_producer_writes_the_sink_reads_with_types_and_defaults() -> None:
    register(ORDERS)
    event = {
        "event_id": "e-1", "order_id": "o-1", "customer_id": "c-1", "event_type": "CREATED", "product_id": "p-1",
        "quantity": 2, "amount": Decimal("19.90"), "currency": "EUR", "event_time": 1_700_000_000_000_000,
    }  # fmt: skip
    names = {field["name"]: field for field in json.loads(ORDERS)["fields"]}
    serializer = EventSerializer(CLIENT, SUBJECT)
    data = serializer({name: value for name, value in event.items() if name in names})
    assert data[:2] == b"\x03\x00" and str(UUID(bytes=data[2:18])) == serializer.schema_id
    decoded = codec().decode(data)
    assert set(decoded) == set(names)
    assert (decoded["event_id"], decoded["amount"]) == ("e-1", Decimal("19.90"))


def test_an_old_message_is_read_with_its_own_version_after_the_schema_went_on() -> None:
    register(TEXT)
    old = EventSerializer(CLIENT, SUBJECT)({"text": "a"})
    register({**TEXT, "fields": [*TEXT["fields"], {"name": "more", "type": "int", "default": 0}]})
    new = EventSerializer(CLIENT, SUBJECT)({"text": "b", "more": 7})
    its = codec()
    assert (its.decode(old), its.decode(new)) == ({"text": "a"}, {"text": "b", "more": 7})


def test_a_version_is_asked_for_once() -> None:
    data = glue.header(UUID(register(TEXT))) + body({"text": "a"})
    its = codec()
    its.decode(data)
    its._glue = None  # a second question would need a client again
    its._client = RegistryClient("glue://nowhere/x", kind="glue", region="nowhere", role_arn="arn:none")
    assert its.decode(data) == {"text": "a"}


@pytest.mark.parametrize(
    ("data", "reason", "words"),
    [
        (b"", "too-short", "0 bytes, shorter than Glue's header of 18"),
        (b"\x03\x00" + bytes(15), "too-short", "17 bytes"),
        (b"\x00" + bytes(20), "no-magic-byte", "begins with byte 0x00, not with Glue's 0x03"),
        (b"\x03\x07" + bytes(20), "unknown-compression", "byte 0x07"),
        (b"\x03\x00" + bytes(20), "unknown-schema-id", "no schema version 00000000-0000-0000-0000-000000000000"),
    ],
)
def test_what_nobody_can_ever_decode_is_poison_with_a_reason(data: bytes, reason: str, words: str) -> None:
    found, text = refused(data)
    assert found == reason and words in text


def test_broken_bodies_are_poison() -> None:
    version = UUID(register(TEXT)).bytes
    plain = body({"text": "abc"})
    assert refused(b"\x03\x00" + version + plain[:-1])[0] == "undecodable"
    assert "1 bytes too many" in refused(b"\x03\x00" + version + plain + b"x")[1]
    assert "no zlib stream" in refused(b"\x03\x05" + version + plain)[1]
    assert "does not end" in refused(b"\x03\x05" + version + zlib.compress(plain)[:-2])[1]
    assert "does not end" in refused(b"\x03\x05" + version + zlib.compress(plain) + b"x")[1]
    bomb = b"\x03\x05" + version + zlib.compress(bytes(65 * 2**20))
    assert len(bomb) < 100_000 and refused(bomb)[0] == "too-large"


def test_a_schema_of_another_format_is_poison_and_nothing_to_write_with() -> None:
    version = UUID(register('{"$schema": "http://json-schema.org/draft-07/schema#"}', kind="JSON"))
    assert refused(glue.header(version) + b"{}") == ("not-avro", f"schema version {version} is JSON, not Avro")
    with pytest.raises(ConfigError, match="is no Avro"):
        EventSerializer(CLIENT, SUBJECT)


def test_a_service_that_does_not_answer_is_waited_for_and_is_nobodys_poison(monkeypatch: pytest.MonkeyPatch) -> None:
    data = glue.header(UUID(register(TEXT))) + body({"text": "a"})
    answers: list[Exception] = [
        EndpointConnectionError(endpoint_url="https://glue.us-east-1.amazonaws.com"),
        ClientError({"Error": {"Code": "ThrottlingException", "Message": "slow down"}}, "GetSchemaVersion"),
    ]
    its = codec(patience=60.0)
    its._glue = Flaky(glue.glue_client(CLIENT), answers)
    assert its.decode(data) == {"text": "a"} and answers == []

    its = codec(patience=0.0)
    its._glue = Flaky(glue.glue_client(CLIENT), [EndpointConnectionError(endpoint_url="https://glue")] * 3)
    with pytest.raises(ServiceError, match="the Glue Schema Registry does not answer"):
        its.decode(data)


def test_a_refusal_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    its = codec(patience=600.0)
    its._glue = Flaky(None, [ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "Get")])
    with pytest.raises(ServiceError, match=r"refused to show schema version .*AccessDeniedException"):
        its.decode(b"\x03\x00" + bytes(20))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    with pytest.raises((ServiceError, SecretError), match="credentials"):
        codec(patience=600.0).decode(b"\x03\x00" + bytes(20))


class Flaky:
    """boto3's client, whose first answers are these errors."""

    def __init__(self, inner: Any, errors: list[Exception]) -> None:
        self._inner, self._errors = inner, errors

    def get_schema_version(self, **asked: Any) -> Any:
        if self._errors:
            raise self._errors.pop(0)
        return self._inner.get_schema_version(**asked)


def test_a_producer_takes_the_newest_version_that_glue_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Glue keeps a refused version, and calls it the latest."""
    from moto.glue.models import glue_backends

    good = register(TEXT)
    bad = register({**TEXT, "fields": [{"name": "other", "type": "int"}]})
    backend: Any = glue_backends["123456789012"][REGION]
    backend.registries[NAME].schemas[SUBJECT].schema_versions[bad].schema_version_status = "FAILURE"
    serializer = EventSerializer(CLIENT, SUBJECT)
    assert serializer.schema_id == good
    assert refused(glue.header(UUID(bad)) + b"\x02")[0] == "bad-schema"


def test_a_schema_that_was_never_deployed_is_told_with_what_to_do() -> None:
    with pytest.raises(ServiceError) as caught:
        EventSerializer(CLIENT, "clicks-value")
    assert "has no schema clicks-value" in caught.value.what and "infra deploy" in (caught.value.do or "")


def test_the_role_is_taken_on_where_one_is_named() -> None:
    role = f"arn:aws:iam::123456789012:role/{NAME}-kafka-registry"
    asked = glue.glue_client(
        RegistryClient("glue://x/y", kind="glue", region=REGION, registry_name=NAME, role_arn=role)
    )
    found = asked._request_signer._credentials.get_frozen_credentials()
    assert found.token and found.access_key != "testing"


def test_an_import_finds_the_registrys_schemas_with_their_levels(monkeypatch: pytest.MonkeyPatch) -> None:
    """moto has no ListSchemas: it is filled in, in the shape of Glue's API reference, two schemas on two pages."""
    from moto.glue.responses import GlueResponse

    def list_schemas(self: Any) -> str:
        asked = json.loads(self.body)
        assert asked["RegistryId"] == {"RegistryName": NAME}
        names = sorted(self.glue_backend.registries[NAME].schemas)
        at = int(asked.get("NextToken", 0))
        more = {"NextToken": str(at + 1)} if at + 1 < len(names) else {}
        return json.dumps({"Schemas": [{"RegistryName": NAME, "SchemaName": names[at]}], **more})

    monkeypatch.setattr(GlueResponse, "list_schemas", list_schemas, raising=False)
    register(TEXT)
    register(ORDERS, "other-value")
    found = read_subjects(CLIENT)
    assert list(found) == [SUBJECT, "other-value"]
    assert (found[SUBJECT].kind, found[SUBJECT].compatibility) == ("AVRO", "BACKWARD_TRANSITIVE")
    assert json.loads(found[SUBJECT].schema) == TEXT
