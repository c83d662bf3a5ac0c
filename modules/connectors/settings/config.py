"""A connector's configuration as Kafka Connect and Confluent take it, and what goes into it from outside.

Values are text, as the REST interfaces have them. They may be Terraform expressions or references that a worker
resolves (`${provider:path:key}`): whoever calls decides, nothing here is looked into.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from modules.environment.connector_settings import CONNECTORS
from modules.platforms.base import RegistryClient
from modules.platforms.names import connector_name

__all__ = [
    "ConnectorConfig",
    "KafkaAccount",
    "RegistryLogin",
    "avro_converter",
    "connector_name",
    "known_to",
    "one_line",
]

AVRO = "io.confluent.connect.avro.AvroConverter"
GLUE_AVRO = "com.amazonaws.services.schemaregistry.kafkaconnect.AWSKafkaAvroConverter"
STRING = "org.apache.kafka.connect.storage.StringConverter"
JSON = "org.apache.kafka.connect.json.JsonConverter"


@dataclass(frozen=True)
class ConnectorConfig:
    """One connector, complete.

    Attributes:
        name: in Kafka Connect; also in `config`.
        config: settings that anyone may see.
        sensitive: settings that hold secrets, or references to them.
    """

    name: str
    config: Mapping[str, str]
    sensitive: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class KafkaAccount:
    """Whom a managed connector of Confluent's works as: a service account's id."""

    id: str


@dataclass(frozen=True)
class RegistryLogin:
    """How a worker logs in to the registry.

    Attributes:
        user_info: `user:password`, or a reference to it.
        authority: that of its certificate, a PEM or a reference to it; None for those everyone trusts.
    """

    user_info: str = field(repr=False)
    authority: str | None = None


def known_to(class_name: str, settings: Mapping[str, str]) -> dict[str, str]:
    """Those settings that this class has: a laptop runs another version than the cloud, and passes over the rest."""
    connector = CONNECTORS[class_name]
    return {
        name: value
        for name, value in settings.items()
        if name in connector.settings or name.startswith(connector.prefixes)
    }


def one_line(private_key: str) -> str:
    """A PEM's content in one line, without its first and last: as Snowflake's connector wants it.

    docs.confluent.io/cloud/current/connectors/cc-snowflake-sink: "only the part of the key between the lines".
    """
    return "".join(_ARMOUR.sub("", private_key).split())


_ARMOUR = re.compile(r"-{2,}[A-Z ]+-{2,}")


def avro_converter(
    prefix: str, registry: RegistryClient, login: RegistryLogin | None
) -> tuple[dict[str, str], dict[str, str]]:
    """Settings of an Avro converter, and those that are secret. `prefix` is `key.converter` or `value.converter`.

    docs.confluent.io/platform/current/schema-registry/connect.html; for Glue
    docs.aws.amazon.com/glue/latest/dg/schema-registry-integrations.html.
    """
    if registry.kind == "glue":
        return {
            prefix: GLUE_AVRO,
            f"{prefix}.region": str(registry.region),
            f"{prefix}.registry.name": str(registry.registry_name),
            f"{prefix}.avroRecordType": "GENERIC_RECORD",
            f"{prefix}.schemaAutoRegistrationEnabled": "false",
        }, {}
    plain = {prefix: AVRO, f"{prefix}.schema.registry.url": registry.url}
    if login is None:
        return plain, {}
    plain[f"{prefix}.basic.auth.credentials.source"] = "USER_INFO"
    if login.authority is not None:
        plain[f"{prefix}.schema.registry.ssl.truststore.type"] = "PEM"
        plain[f"{prefix}.schema.registry.ssl.truststore.certificates"] = login.authority
    return plain, {f"{prefix}.basic.auth.user.info": login.user_info}
