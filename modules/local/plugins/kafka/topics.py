"""`kafka_topic`: create, alter and delete topics as the official plugin does, many in one request.

In place: more partitions, and settings (only the changed keys; a key taken away returns to the broker's default).
Replaced: another name or replication factor (the AdminClient cannot reassign replicas). Refused: fewer partitions.
Read back are the settings made on the topic itself, so the broker's defaults never look like drift and a setting made
by hand does.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from modules.local.plugins.batching import Batcher
from modules.local.plugins.kafka.admin import REQUEST_SECONDS, KafkaAdmin, admin_api, outcome
from modules.local.plugins.protocol.resource import Diagnostic, Plan, PluginError, Resource, State
from modules.local.plugins.protocol.values import UNKNOWN

__all__ = ["TopicResource"]

_NAME = re.compile(r"[a-zA-Z0-9._-]{1,249}")
_CACHE_SECONDS = 10.0
_DESCRIBED_AT_ONCE = 1000
_GONE_SECONDS = 15.0


@dataclass(frozen=True)
class _Topic:
    partitions: int
    replication_factor: int


class TopicResource(Resource):
    """Identified by its name."""

    replace_on = frozenset({"name", "replication_factor"})

    def __init__(self, admin: KafkaAdmin) -> None:
        self._admin = admin
        self._topics = _TopicReader(admin)
        self._create = Batcher(self._create_all)
        self._delete = Batcher(self._delete_all)

    def validate(self, config: State) -> Sequence[Diagnostic]:
        found = []
        name = config["name"]
        if isinstance(name, str) and (not _NAME.fullmatch(name) or name in (".", "..")):
            found.append(
                Diagnostic(
                    f"Kafka refuses the topic name {name!r}",
                    "A name has 1 to 249 of the characters a-z A-Z 0-9 . _ - and is neither `.` nor `..`.",
                    ("name",),
                )
            )
        if isinstance(config["partitions"], int) and config["partitions"] < 1:
            found.append(Diagnostic("a topic has at least one partition", path=("partitions",)))
        factor = config["replication_factor"]
        if isinstance(factor, int) and (factor < 1 and factor != -1):
            found.append(
                Diagnostic("replication_factor is at least 1, or -1 for the default", path=("replication_factor",))
            )
        return found

    def plan(self, prior: State | None, planned: State, config: State, changed: frozenset[str]) -> Plan:
        plan = super().plan(prior, planned, config, changed)
        if prior is None or plan.requires_replace or planned["partitions"] is UNKNOWN:
            return plan
        if planned["partitions"] < prior["partitions"]:
            refusal = Diagnostic(
                f"topic {prior['name']} cannot go from {prior['partitions']} to {planned['partitions']} partitions",
                "Kafka cannot remove partitions from a topic. Keep the number, or declare a new topic with fewer "
                "partitions and move the data.",
                ("partitions",),
            )
            return plan._replace(diagnostics=(refusal,))
        return plan

    def create(self, planned: State) -> State:
        self._create(planned)
        return {**planned, "id": planned["name"]}

    def read(self, state: State) -> State | None:
        name = state["id"]
        topic = self._topics.find(name)
        if topic is None:
            return None
        factor = state.get("replication_factor")
        return {
            "id": name,
            "name": name,
            "partitions": topic.partitions,
            "replication_factor": -1 if factor == -1 else topic.replication_factor,
            "config": self._topics.settings(name) or (None if state.get("config") is None else {}),
        }

    def update(self, prior: State, planned: State) -> State:
        name, done = planned["name"], dict(prior)
        try:
            if planned["partitions"] > prior["partitions"]:
                self._add_partitions(name, planned["partitions"])
                done["partitions"] = planned["partitions"]
            self._alter_settings(name, prior["config"] or {}, planned["config"] or {})
        except PluginError as error:
            raise PluginError(error.summary, error.detail, path=error.path, state=done) from None
        finally:
            self._topics.forget()
        return planned

    def delete(self, state: State) -> None:
        self._delete(state["name"])

    def import_(self, identifier: str) -> State:
        if self._topics.find(identifier) is None:
            raise PluginError(f"there is no topic {identifier} at {self._admin.servers} to import")
        return {"id": identifier}

    # Batches

    def _create_all(self, plans: Sequence[State]) -> list[State | Exception]:
        api = admin_api()

        def send(some: Sequence[State]) -> dict[str, Any]:
            topics = [
                api.NewTopic(
                    plan["name"],
                    num_partitions=plan["partitions"],
                    replication_factor=plan["replication_factor"],
                    config={key: value for key, value in (plan["config"] or {}).items() if value is not None},
                )
                for plan in some
            ]
            made: dict[str, Any] = self._admin.client.create_topics(
                topics, operation_timeout=REQUEST_SECONDS, request_timeout=REQUEST_SECONDS
            )
            return made

        try:
            return _unique_rounds(plans, lambda plan: str(plan["name"]), send, self._explain)
        finally:
            self._topics.forget()

    def _delete_all(self, names: Sequence[str]) -> list[str | Exception]:
        client = self._admin.client

        def send(some: Sequence[str]) -> dict[str, Any]:
            gone: dict[str, Any] = client.delete_topics(
                list(some), operation_timeout=REQUEST_SECONDS, request_timeout=REQUEST_SECONDS
            )
            return gone

        results = _unique_rounds(names, str, send, self._explain_delete)
        self._wait_until_gone([name for name, result in zip(names, results, strict=True) if isinstance(result, str)])
        self._topics.forget()
        return results

    def _wait_until_gone(self, names: list[str]) -> None:
        """Deletion is asynchronous, and a replacement creates the same name next."""
        deadline = time.monotonic() + _GONE_SECONDS
        while names and time.monotonic() < deadline:
            listed = self._admin.client.list_topics(timeout=REQUEST_SECONDS).topics
            names = [name for name in names if name in listed]
            if names:
                time.sleep(0.05)

    # Single requests

    def _add_partitions(self, name: str, total: int) -> None:
        api = admin_api()

        futures = self._admin.client.create_partitions(
            [api.NewPartitions(name, total)], operation_timeout=REQUEST_SECONDS, request_timeout=REQUEST_SECONDS
        )
        self._check(outcome(futures[name]), name)

    def _alter_settings(self, name: str, before: dict[str, str], after: dict[str, str]) -> None:
        api = admin_api()

        entries = [
            api.ConfigEntry(key, after.get(key), incremental_operation=kind)
            for key in sorted(before.keys() | after.keys())
            if before.get(key) != after.get(key)
            for kind in (api.AlterConfigOpType.DELETE if after.get(key) is None else api.AlterConfigOpType.SET,)
        ]
        if not entries:
            return
        resource = api.ConfigResource(api.ConfigResource.Type.TOPIC, name, incremental_configs=entries)
        futures = self._admin.client.incremental_alter_configs([resource], request_timeout=REQUEST_SECONDS)
        self._check(outcome(futures[resource]), name)

    def _check(self, result: Any, name: str) -> None:
        failure = self._explain(name, result)
        if failure is not None:
            raise failure

    # Errors

    def _explain(self, name: str, result: Any) -> Exception | None:
        from confluent_kafka import KafkaError

        names: Any = KafkaError
        if not isinstance(result, KafkaError):
            return result if isinstance(result, Exception) else None
        if result.code() == names.TOPIC_ALREADY_EXISTS:
            return PluginError(
                f"topic {name} already exists at {self._admin.servers}",
                "It is not in this state. Delete it, or take it over with\n\n"
                f'import {{\n  to = kafka_topic.<name>\n  id = "{name}"\n}}',
            )
        if result.code() == names.INVALID_REPLICATION_FACTOR:
            return PluginError(
                f"topic {name}: {result.str()}",
                "The cluster has fewer brokers than replication_factor asks for (the local platform has one).",
                path=("replication_factor",),
            )
        if result.code() == names.INVALID_CONFIG:
            return PluginError(
                f"Kafka refuses a setting of topic {name}: {result.str()}", "Correct `config`.", path=("config",)
            )
        return self._admin.translate(result, f"topic {name}")

    def _explain_delete(self, name: str, result: Any) -> Exception | None:
        from confluent_kafka import KafkaError

        names: Any = KafkaError
        if isinstance(result, KafkaError) and result.code() == names.UNKNOWN_TOPIC_OR_PART:
            return None
        return self._explain(name, result)


class _TopicReader:
    """What the cluster holds, asked once for many topics and remembered for a moment."""

    def __init__(self, admin: KafkaAdmin) -> None:
        self._admin = admin
        self._lock = threading.Lock()
        self._read_at = float("-inf")
        self._listed: dict[str, _Topic] = {}
        self._settings: dict[str, dict[str, str]] = {}
        admin.on_reset.append(self.forget)

    def forget(self) -> None:
        with self._lock:
            self._read_at = float("-inf")

    def find(self, name: str) -> _Topic | None:
        with self._lock:
            self._refresh()
            return self._listed.get(name)

    def settings(self, name: str) -> dict[str, str]:
        """The settings made on the topic itself."""
        with self._lock:
            self._refresh()
            if name not in self._settings:
                self._describe(name)
            return self._settings.get(name, {})

    def _refresh(self) -> None:
        if time.monotonic() - self._read_at < _CACHE_SECONDS:
            return
        from confluent_kafka import KafkaException

        client = self._admin.client
        try:
            listed = client.list_topics(timeout=REQUEST_SECONDS).topics
        except KafkaException as error:
            raise self._admin.translate(error.args[0], "its topics") from None
        self._listed = {
            name: _Topic(len(topic.partitions), len(topic.partitions[0].replicas))
            for name, topic in listed.items()
            if topic.error is None and topic.partitions
        }
        self._settings = {}
        self._read_at = time.monotonic()

    def _describe(self, wanted: str) -> None:
        """Settings of the wanted topic, and while at it of others that will be asked for next."""
        from confluent_kafka import KafkaError

        api = admin_api()

        others = [name for name in self._listed if name not in self._settings and name != wanted]
        names = [wanted, *(name for name in others if not name.startswith("__"))][:_DESCRIBED_AT_ONCE]
        resources = [api.ConfigResource(api.ConfigResource.Type.TOPIC, name) for name in names]
        futures = self._admin.client.describe_configs(resources, request_timeout=REQUEST_SECONDS)
        own = api.ConfigSource.DYNAMIC_TOPIC_CONFIG.value
        for resource, future in futures.items():
            result = outcome(future)
            if isinstance(result, KafkaError):
                if resource.name == wanted:
                    raise self._admin.translate(result, f"topic {wanted}")
                continue
            if isinstance(result, Exception):
                raise result
            self._settings[resource.name] = {
                key: entry.value for key, entry in result.items() if entry.source == own and entry.value is not None
            }


def _unique_rounds(
    items: Sequence[Any],
    key: Callable[[Any], str],
    send: Callable[[Sequence[Any]], dict[str, Any]],
    explain: Callable[[str, Any], Exception | None],
) -> list[Any]:
    """Send items in as few requests as their names allow (Kafka takes a name once per request); answer in order."""
    answers: list[Any] = [None] * len(items)
    left = list(range(len(items)))
    while left:
        now: dict[str, int] = {}
        for index in left:
            now.setdefault(key(items[index]), index)
        futures = send([items[index] for index in now.values()])
        for name, index in now.items():
            answers[index] = explain(name, outcome(futures[name])) or items[index]
        left = [index for index in left if index not in now.values()]
    return answers
