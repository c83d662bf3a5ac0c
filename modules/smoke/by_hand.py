"""A run against any brokers: no environment, no registry, no warehouse; so acknowledged, consumed and committed.

Client settings come from a properties file, as librdkafka or as Java clients write them. Secrets are in that file and
nowhere else. The topic has to be there: what it should be like, only its owner knows.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from modules.errors import ConfigError, SmokeError
from modules.smoke.cleanup import Cleaned
from modules.smoke.engine import Transports
from modules.smoke.iam import iam_settings, with_iam
from modules.smoke.keys import DEFAULT_PARTITIONER, spread
from modules.smoke.result import Progress, SmokeResult, Unmeasured
from modules.smoke.run import SmokeOptions, client_facts, measure
from modules.smoke.target import Target, new_run_id

__all__ = ["JsonPayloads", "read_client_config", "run_by_hand"]

_SIZE = 512
_JAAS = re.compile(r"""(\w+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|'([^']*)')""")
_OF_JAVA_ALONE = (
    "key.", "value.", "sasl.login.", "sasl.client.callback.", "sasl.jaas.", "client.dns.", "security.providers",
    "ssl.keymanager.", "ssl.trustmanager.", "ssl.protocol", "ssl.enabled.", "ssl.provider", "auto.include.jmx",
    "metric.reporters", "interceptor.classes", "ssl.truststore.type", "ssl.keystore.type",
)  # fmt: skip
_RENAMED = {
    "ssl.truststore.certificates": "ssl.ca.pem",
    "ssl.truststore.location": "ssl.ca.location",
    "ssl.keystore.certificate.chain": "ssl.certificate.pem",
    "ssl.keystore.key": "ssl.key.pem",
}


class JsonPayloads:
    """JSON objects of one size: run, number, and a filling that does not compress."""

    def __init__(self, run_id: str, keys: list[bytes], size: int | None) -> None:
        self._run = run_id
        self._keys = keys
        self._number = -1
        self._size = size or _SIZE
        self._filling = secrets.token_urlsafe(self._size)
        least = len(self._value(10**10, 0))
        if self._size < least:
            raise ConfigError(f"an event has at least {least} bytes, got a size of {self._size}", where="--size")

    def next(self) -> tuple[bytes, bytes]:
        self._number += 1
        number, key = self._number, self._keys[self._number % len(self._keys)]
        return key, self._value(number, self._size - len(self._value(number, 0)))

    def _value(self, number: int, filled: int) -> bytes:
        return json.dumps({"infra_run_id": self._run, "n": number, "filling": self._filling[:filled]}).encode()


def run_by_hand(
    bootstrap: str,
    settings: Mapping[str, Any],
    options: SmokeOptions,
    progress: Callable[[Progress], None],
) -> SmokeResult:
    """Measure brokers that no environment describes.

    Args:
        bootstrap: `HOST:PORT`, several with commas.
        settings: further ones of the client, as `read_client_config` gives them.
        options: with a topic.

    Raises:
        ConfigError: the address or the settings are wrong.
        SmokeError: the topic is not there, or may not be used.
        ServiceError: the brokers do not answer.
    """
    from confluent_kafka import KafkaException

    from modules.smoke.commits import KafkaCommitting
    from modules.smoke.kafka import KafkaReceiving, KafkaSending

    _require_addresses(bootstrap)
    assert options.topic is not None
    why = "brokers given by hand come without a warehouse"
    unmeasured = tuple(Unmeasured(stage, why) for stage in ("handed_over", "row_visible"))
    target = Target(None, options.topic, "", new_run_id(), unmeasured, bootstrap=bootstrap)
    client = {**with_iam(settings, bootstrap), "bootstrap.servers": bootstrap}
    target = replace(target, facts=client_facts(client))
    progress(Progress("connecting"))
    with ExitStack() as opened:
        try:
            sending = KafkaSending(client, target.topic, target.run_id, options.deadline_seconds, bootstrap)
        except KafkaException as error:
            raise ConfigError(
                f"librdkafka does not take these settings: {error.args[0].str()}", where="--client-config"
            ) from None
        opened.callback(sending.close)
        partitions = _check(sending, target)
        keys = spread(partitions, lambda number: f"smoke-{number:06d}".encode(), _partitioner(client))
        payloads = JsonPayloads(target.run_id, keys, options.size)
        receiving = KafkaReceiving(client, target.topic, target.run_id, bootstrap)
        opened.callback(receiving.close)
        committing = KafkaCommitting(client, target.topic, target.run_id, bootstrap, client)
        opened.callback(committing.close)
        try:
            result = measure(target, options, Transports(payloads, sending, receiving, committing), progress)
        finally:
            committing.close()
        return replace(result, cleaned=Cleaned(left=(committing.left,) if committing.left else ()))


def read_client_config(file: Path) -> dict[str, Any]:
    """A properties file's client settings, by librdkafka's names.

    Raises:
        ConfigError: it cannot be read, or holds what librdkafka has no equal of.
    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise ConfigError(f"cannot read {file}: {reason}", where="--client-config") from None
    found: dict[str, Any] = {}
    for number, name, value in _properties(lines, file):
        found.update(_setting(name, value, f"{file}:{number}"))
    found.pop("bootstrap.servers", None)
    return found


def _properties(lines: list[str], file: Path) -> list[tuple[int, str, str]]:
    """(line, name, value); a line that ends with a backslash goes on in the next."""
    found, held, began = list[tuple[int, str, str]](), "", 0
    for number, line in enumerate(lines, 1):
        if not held and (not line.strip() or line.lstrip()[0] in "#!"):
            continue
        began = began if held else number
        held += line.strip()
        if held.endswith("\\"):
            held = held[:-1]
            continue
        name, sign, value = held.partition("=")
        held = ""
        if not sign:
            raise ConfigError("not a line of `name=value`", where=f"{file}:{began}")
        found.append((began, name.strip(), value.strip()))
    return found


def _setting(name: str, value: str, where: str) -> dict[str, Any]:
    if name == "sasl.jaas.config":
        if (iam := iam_settings(value)) is not None:
            return dict(iam)
        login = {key: (quoted or single).replace('\\"', '"') for key, quoted, single in _JAAS.findall(value)}
        if not {"username", "password"} <= set(login):
            raise ConfigError(
                "this login has no username and password", where=where, do="use SCRAM or PLAIN, or librdkafka's names"
            )
        return {"sasl.username": login["username"], "sasl.password": login["password"]}
    if name.startswith(("ssl.truststore", "ssl.keystore")) and value.endswith((".jks", ".p12", ".pfx")):
        raise ConfigError(
            f"`{name}` is a Java key store, which librdkafka does not read",
            where=where,
            do="export it as PEM, and name that by ssl.ca.location, ssl.certificate.location and ssl.key.location",
        )
    if name == "ssl.endpoint.identification.algorithm":
        return {name: value or "none"}
    if name in _RENAMED:
        return {_RENAMED[name]: value.replace("\\n", "\n")}
    return {} if name.startswith(_OF_JAVA_ALONE) else {name: value}


def _require_addresses(bootstrap: str) -> None:
    for address in bootstrap.split(","):
        host, colon, port = address.strip().rpartition(":")
        if not (host and colon and port.isdigit() and 0 < int(port) < 65536):
            raise ConfigError(f"`{address}` is not HOST:PORT", where="--bootstrap", do="such as broker1:9092")


def _check(sending: Any, target: Target) -> int:
    try:
        return int(sending.check(target.bootstrap))
    except SmokeError as error:
        do = f"create it (kafka-topics.sh --create --topic {target.topic} …), or grant Describe on it"
        raise SmokeError(error.what, where=target.bootstrap, do=do) from None


def _partitioner(client: Mapping[str, Any]) -> str:
    return str(client.get("partitioner", DEFAULT_PARTITIONER))
