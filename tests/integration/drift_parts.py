"""Changes that somebody makes outside, each through the service's own client, and how a look at drift names them."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    ResourcePatternType,
    ResourceType,
)

from modules.environment import load_environment
from modules.platforms import platform_for
from modules.project import Project
from modules.warehouse.connection import connect
from tests.integration.program import Infra, Ran

__all__ = ["CHANGES", "HARMLESS", "Change", "Hand", "look", "named", "take_away"]

SECONDS = 20


class Hand:
    """Whoever goes around the deploys: a Kafka administrator, somebody with curl, an ACCOUNTADMIN."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.platform = platform_for(load_environment(project, "local"), project)

    @cached_property
    def kafka(self) -> AdminClient:
        return AdminClient({**self.platform.kafka_client("admin"), "log_level": 0})

    def sql(self, *statements: str) -> None:
        with connect(self.platform.snowflake_client("admin"), self.project) as connection:
            for statement in statements:
                with connection.cursor() as cursor:
                    cursor.execute(statement)

    def registry(self, method: str, path: str, body: Any = None) -> Any:
        url = f"{self.platform.registry_client().url}{path}"
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/vnd.schemaregistry.v1+json"}
        with urllib.request.urlopen(urllib.request.Request(url, data, headers, method=method), timeout=20) as answer:
            return json.loads(answer.read())

    def settings(self, topic: str, **values: str | None) -> None:
        entries = [
            ConfigEntry(
                key.replace("_", "."),
                value,
                incremental_operation=AlterConfigOpType.DELETE if value is None else AlterConfigOpType.SET,
            )
            for key, value in values.items()
        ]
        resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=entries)
        _wait(self.kafka.incremental_alter_configs([resource]))

    def topic(self, name: str, partitions: int) -> None:
        _wait(self.kafka.create_topics([NewTopic(name, partitions, 1)], operation_timeout=SECONDS))

    def no_topic(self, name: str) -> None:
        _wait(self.kafka.delete_topics([name], operation_timeout=SECONDS))

    def more_partitions(self, name: str, more: int) -> None:
        there = len(self.kafka.list_topics(name, timeout=SECONDS).topics[name].partitions)
        _wait(self.kafka.create_partitions([NewPartitions(name, there + more)]))

    def allow(self, principal: str, topic: str) -> None:
        _wait(self.kafka.create_acls([AclBinding(*_acl(principal, topic))]))

    def forbid(self, principal: str, topic: str) -> None:
        _wait(self.kafka.delete_acls([AclBindingFilter(*_acl(principal, topic))]))

    def new_version(self, subject: str, field: str) -> None:
        """One more field, optional, so that the registry takes it."""
        schema = json.loads(self.registry("GET", f"/subjects/{subject}/versions/latest")["schema"])
        schema["fields"].append({"name": field, "type": ["null", "string"], "default": None})
        self.registry("POST", f"/subjects/{subject}/versions", {"schema": json.dumps(schema)})


def _acl(principal: str, topic: str) -> tuple[Any, ...]:
    return (
        ResourceType.TOPIC, topic, ResourcePatternType.LITERAL, principal, "*", AclOperation.READ,
        AclPermissionType.ALLOW,
    )  # fmt: skip


def _wait(futures: dict[Any, Any]) -> None:
    for future in futures.values():
        future.result(SECONDS)


@dataclass(frozen=True)
class Change:
    """One kind of change from outside.

    Attributes:
        name: what somebody did.
        do: does it.
        found: drift's kind and what it is called; of a change the attribute too.
        undo: takes away what nobody declared, where that is no SQL that the report says.
    """

    name: str
    do: Callable[[Hand], object]
    found: tuple[str, ...]
    undo: Callable[[Hand], object] | None = None


def _sql(name: str, statement: str, *found: str) -> Change:
    return Change(name, lambda hand: hand.sql(statement), found)


EVENTS, SMOKE = "STREAMING.PUBLIC.ORDER_EVENTS", "STREAMING.PUBLIC._INFRA_SMOKE"
STRAY = {"schema": json.dumps({"type": "record", "name": "Stray", "fields": [{"name": "x", "type": "int"}]})}

CHANGES = [
    Change("a topic's retention", lambda hand: hand.settings("order-events", retention_ms="3600000"),
           ("changed", "topic order-events", 'config["retention.ms"]')),
    Change("a topic's setting", lambda hand: hand.settings("order-events.dlq", max_message_bytes="2000000"),
           ("changed", "topic order-events.dlq", 'config["max.message.bytes"]')),
    Change("partitions added", lambda hand: hand.more_partitions("_infra_smoke", 2),
           ("changed", "topic _infra_smoke", "partitions")),
    Change("a topic deleted", lambda hand: hand.no_topic("_infra_smoke.dlq"), ("missing", "topic _infra_smoke.dlq")),
    Change("a topic made", lambda hand: hand.topic("stray", 2), ("unmanaged", "topic stray"),
           lambda hand: hand.no_topic("stray")),
    Change("an ACL deleted", lambda hand: hand.forbid("User:consumer", "order-events"),
           ("missing", "ACL consumer read topic order-events")),
    Change("an ACL made", lambda hand: hand.allow("User:stranger", "order-events"),
           ("unmanaged", "ACL User:stranger allow Read on Topic order-events"),
           lambda hand: hand.forbid("User:stranger", "order-events")),
    Change("a subject's compatibility",
           lambda hand: hand.registry("PUT", "/config/order-events-value", {"compatibility": "NONE"}),
           ("changed", "subject order-events-value", "compatibility_level")),
    Change("a schema's new version", lambda hand: hand.new_version("order-events-value", "by_hand"),
           ("changed", "subject order-events-value", "schema")),
    Change("a subject deleted", lambda hand: hand.registry("DELETE", "/subjects/_infra_smoke-value"),
           ("missing", "subject _infra_smoke-value")),
    Change("a subject made", lambda hand: hand.registry("POST", "/subjects/other-value/versions", STRAY),
           ("unmanaged", "subject other-value"), lambda hand: hand.registry("DELETE", "/subjects/other-value")),
    _sql("a column added", f"ALTER TABLE {EVENTS} ADD COLUMN EXTRA VARCHAR", "changed", f"table {EVENTS}",
         "column EXTRA"),
    _sql("a column dropped", f"ALTER TABLE {EVENTS} DROP COLUMN NOTE", "changed", f"table {EVENTS}", "column NOTE"),
    _sql("a table's comment", f"COMMENT ON TABLE {EVENTS} IS 'by hand'", "changed", f"table {EVENTS}", "comment"),
    _sql("a table dropped", f"DROP TABLE {SMOKE}", "missing", f"table {SMOKE}"),
    _sql("a table made", "CREATE TABLE STREAMING.PUBLIC.BY_HAND (A NUMBER)", "unmanaged",
         "table STREAMING.PUBLIC.BY_HAND"),
    _sql("a stream made", f"CREATE STREAM STREAMING.PUBLIC.BY_HAND_STREAM ON TABLE {EVENTS}", "unmanaged",
         "stream STREAMING.PUBLIC.BY_HAND_STREAM"),
    _sql("a stage made", "CREATE STAGE STREAMING.PUBLIC.BY_HAND_STAGE", "unmanaged",
         "stage STREAMING.PUBLIC.BY_HAND_STAGE"),
    _sql("a view made", f"CREATE VIEW STREAMING.PUBLIC.BY_HAND_VIEW AS SELECT EVENT_ID FROM {EVENTS}", "unmanaged",
         "view STREAMING.PUBLIC.BY_HAND_VIEW"),
    _sql("a schema made", "CREATE SCHEMA STREAMING.SIDE", "unmanaged", "schema STREAMING.SIDE"),
    _sql("a schema dropped", "DROP SCHEMA ANALYTICS.MARTS", "missing", "schema ANALYTICS.MARTS"),
    _sql("a database made", "CREATE DATABASE ELSEWHERE", "unmanaged", "database ELSEWHERE"),
    _sql("a database's retention", "ALTER DATABASE ANALYTICS SET DATA_RETENTION_TIME_IN_DAYS = 7", "changed",
         "database ANALYTICS", "data_retention_time_in_days"),
    _sql("a grant revoked", "REVOKE USAGE ON DATABASE STREAMING FROM ROLE KAFKA_CONNECTOR", "missing",
         "grant KAFKA_CONNECTOR database STREAMING"),
    _sql("a grant made", f"GRANT SELECT ON TABLE {EVENTS} TO ROLE ANALYST", "unmanaged",
         f"grant ANALYST SELECT on table {EVENTS}"),
    _sql("a privilege more", "GRANT MODIFY ON WAREHOUSE REPORTING_WH TO ROLE ANALYST", "unmanaged",
         "grant ANALYST MODIFY on warehouse REPORTING_WH"),
    _sql("a role made", "CREATE ROLE SHADOW", "unmanaged", "role SHADOW"),
    _sql("a grant for a role of others", f"GRANT SELECT ON TABLE {EVENTS} TO ROLE SHADOW", "unmanaged",
         f"grant SHADOW SELECT on table {EVENTS}"),
    _sql("a future grant for it", "GRANT SELECT ON FUTURE TABLES IN SCHEMA STREAMING.PUBLIC TO ROLE SHADOW",
         "unmanaged", "grant SHADOW SELECT on future tables in STREAMING.PUBLIC"),
    _sql("a role's comment", "ALTER ROLE LOADER SET COMMENT = 'by hand'", "changed", "role LOADER", "comment"),
    _sql("a role taken from a role", "REVOKE ROLE TRANSFORMER FROM ROLE SYSADMIN", "missing",
         "role granted TRANSFORMER to SYSADMIN"),
    _sql("a role given to a user", "GRANT ROLE ANALYST TO USER SVC_KAFKA_CONNECTOR", "unmanaged",
         "role granted ANALYST to user SVC_KAFKA_CONNECTOR"),
    _sql("a database role dropped", "DROP DATABASE ROLE STREAMING.PUBLIC_OWNER", "missing",
         "database role STREAMING.PUBLIC_OWNER"),
    _sql("a user made", "CREATE USER MALLORY TYPE = SERVICE", "unmanaged", "user MALLORY"),
    _sql("a user's comment", "ALTER USER SVC_KAFKA_CONNECTOR SET COMMENT = 'by hand'", "changed",
         "user SVC_KAFKA_CONNECTOR", "comment"),
    _sql("a user disabled", "ALTER USER SVC_KAFKA_CONNECTOR SET DISABLED = TRUE", "changed",
         "user SVC_KAFKA_CONNECTOR", "disabled"),
    _sql("a warehouse resized", "ALTER WAREHOUSE STREAMING_WH SET WAREHOUSE_SIZE = 'LARGE'", "changed",
         "warehouse STREAMING_WH", "warehouse_size"),
    _sql("a warehouse's auto_suspend", "ALTER WAREHOUSE TRANSFORM_WH SET AUTO_SUSPEND = 600", "changed",
         "warehouse TRANSFORM_WH", "auto_suspend"),
    _sql("a warehouse made", "CREATE WAREHOUSE BY_HAND_WH", "unmanaged", "warehouse BY_HAND_WH"),
    _sql("a monitor's quota", "ALTER RESOURCE MONITOR STREAMING_MONITOR SET CREDIT_QUOTA = 500", "changed",
         "resource monitor STREAMING_MONITOR", "credit_quota"),
]  # fmt: skip
"""One of each kind; all of them can be made at once."""

HARMLESS = [
    _sql("a warehouse woken up", "ALTER WAREHOUSE REPORTING_WH RESUME"),
    _sql("rows deleted", f"DELETE FROM {SMOKE}"),
]
"""What happens every day and is no drift."""


def look(infra: Infra, *arguments: str) -> Ran:
    ran = infra("drift", "--env", "local", "--json", *arguments)
    assert ran.code in (0, 2), ran.err
    return ran


def named(document: Any) -> set[tuple[str, ...]]:
    """(kind, what), and of changes (kind, what, attribute)."""
    found: set[tuple[str, ...]] = set()
    for each in document["drifts"]:
        what = (each["kind"], f"{each['type']} {each['name']}")
        found |= {(*what, attribute["path"]) for attribute in each["attributes"]} if each["attributes"] else {what}
    return found


def take_away(hand: Hand, drift: Any) -> None:
    """By the command that the report says, where it is SQL."""
    assert drift["kind"] == "unmanaged", drift
    if drift["type"] not in ("topic", "ACL", "subject"):
        hand.sql(drift["by_hand"])
        return
    found = ("unmanaged", f"{drift['type']} {drift['name']}")
    undo = next(change.undo for change in CHANGES if change.found == found)
    assert undo is not None
    undo(hand)
