"""The estate in the YAML: what Snowflake would refuse, or what would lose data, is said with its line before anything
is applied."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from modules.environment import load_environment
from modules.environment.warehouse_presets import completed
from modules.errors import ConfigError
from tests.environment.conftest import Write

Refusal = Callable[..., ConfigError]

HEAD = ("extends: base", "platform: confluent")
ARN = "arn:aws:iam::123456789012:role/snowflake"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        # names
        (
            "databases: {order-events: {}}",
            "databases.order-events: Snowflake refuses the name 'order-events': '-' is not allowed; use "
            "letters, digits, "
            "`_` and `$`, a letter or `_` first",
        ),
        (
            "databases: {1ST: {}}",
            "databases.1ST: Snowflake refuses the name '1ST': a digit or `$` cannot be first; use letters, digits, `_` "
            "and `$`, a letter or `_` first",
        ),
        ("databases: {lake: {}}", "databases.lake: Snowflake folds `lake` to `LAKE`; write it in upper case"),
        (
            "databases: {'\"lake\"': {}}",
            'databases."lake": names are written without quotation marks, got "lake"',
        ),
        (
            f"databases: {{{'A' * 256}: {{}}}}",
            f"databases.{'A' * 256}: the name has 256 characters; Snowflake allows 255",
        ),
        ("roles: {GRANT: {}}", "roles.GRANT: `GRANT` is a word Snowflake keeps for itself; choose another name"),
        (
            "databases: {ANALYTICS: {schemas: {ACCOUNT: {}}}}",
            "databases.ANALYTICS.schemas.ACCOUNT: `ACCOUNT` is a word Snowflake keeps for itself; choose another name",
        ),
        (
            "databases: {ANALYTICS: {schemas: {INFORMATION_SCHEMA: {}}}}",
            "databases.ANALYTICS.schemas.INFORMATION_SCHEMA: INFORMATION_SCHEMA is Snowflake's own; take it out",
        ),
        ("tables: {ORDERS: {}}", "tables.ORDERS: expected DATABASE.SCHEMA.NAME, got 'ORDERS'"),
        (
            "tables: {ANALYTICS.MARTS.ORDER: {}}",
            "tables.ANALYTICS.MARTS.ORDER: `ORDER` is a word Snowflake keeps for itself; choose another name",
        ),
        (
            "tables: {ANALYTICS.MARTS.T: {columns: {CURRENT_DATE: {type: DATE}}}}",
            "tables.ANALYTICS.MARTS.T.columns.CURRENT_DATE: `CURRENT_DATE` is a word Snowflake keeps for "
            "itself; choose "
            "another name",
        ),
        (
            "pipes: {STREAMING.PUBLIC.ORDER_EVENTS-STREAMING: {copy_statement: x}}",
            "pipes.STREAMING.PUBLIC.ORDER_EVENTS-STREAMING: `ORDER_EVENTS-STREAMING` is a pipe Snowflake makes "
            "and keeps "
            "by itself; take it out",
        ),
        ("roles: {SYSADMIN: {}}", "roles.SYSADMIN: `SYSADMIN` is a role every account has; choose another name"),
        # roles
        (
            "roles: {A1: {inherits: [B1]}, B1: {inherits: [C1]}, C1: {inherits: [A1]}}",
            "roles.A1: roles include each other in a circle: A1 → B1 → C1 → A1",
        ),
        (
            "roles: {A1: {inherits: [B1], granted_to: [B1]}, B1: {}}",
            "roles.A1: roles include each other in a circle: A1 → B1 → A1",
        ),
        (
            "database_roles: {ANALYTICS.X: {inherits: [ANALYTICS.Y]}, ANALYTICS.Y: {inherits: [ANALYTICS.X]}}",
            "database_roles.ANALYTICS.X: roles include each other in a circle: ANALYTICS.X → ANALYTICS.Y → ANALYTICS.X",
        ),
        (
            "roles: {HEAD: {inherits: [ANALYSTS]}}",
            "roles.HEAD.inherits.0: there is no role `ANALYSTS`; did you mean `ANALYST`?",
        ),
        (
            "roles: {HEAD: {inherits: [ANALYTICS.MART_READ]}}",
            "roles.HEAD.inherits.0: there is no database role `ANALYTICS.MART_READ`; did you mean "
            "`ANALYTICS.MARTS_READ`?",
        ),
        (
            "roles: {HEAD: {inherits: [ACCOUNTADMIN]}}",
            "roles.HEAD.inherits.0: `ACCOUNTADMIN` can do more than a role of one's own should",
        ),
        (
            "roles: {HEAD: {warehouses: [REPORTS_WH]}}",
            "roles.HEAD.warehouses.0: there is no warehouse `REPORTS_WH` in this estate; did you mean `REPORTING_WH`?",
        ),
        (
            "database_roles: {ANALYTICS.MARTS_READ: {}}",
            "database_roles.ANALYTICS.MARTS_READ: the schema brings `ANALYTICS.MARTS_READ` already; choose "
            "another name",
        ),
        (
            "database_roles: {ANALYTICS.X: {inherits: [STREAMING.PUBLIC_READ]}}",
            "database_roles.ANALYTICS.X.inherits.0: `STREAMING.PUBLIC_READ` is of another database than `ANALYTICS.X`",
        ),
        (
            "database_roles: {ANALYTICS.X: {inherits: [ANALYST]}}",
            "database_roles.ANALYTICS.X.inherits.0: a database role includes database roles only, not `ANALYST`",
        ),
        # grants
        (
            "grants: [{to: ANALYST, privileges: [SELECT], on: table ANALYTICS.MARTS.ORDERS}]",
            "grants.0.on: there is no table `ANALYTICS.MARTS.ORDERS` in this estate; there are "
            "STREAMING.PUBLIC.ORDER_EVENTS",
        ),
        (
            "grants: [{to: ANALYST, privileges: [SELECT], on: future tables in ANALYTICS.MART}]",
            "grants.0.on: there is no schema `ANALYTICS.MART` in this estate; did you mean `ANALYTICS.MARTS`?",
        ),
        (
            "grants: [{to: ANALIST, privileges: [USAGE], on: warehouse REPORTING_WH}]",
            "grants.0.to: there is no role `ANALIST`; did you mean `ANALYST`?",
        ),
        (
            "grants: [{to: ANALYST, privileges: [SELEC], on: table STREAMING.PUBLIC.ORDER_EVENTS}]",
            "grants.0.privileges.0: there is no privilege `SELEC` on a table; did you mean `SELECT`?",
        ),
        (
            "grants: [{to: ANALYST, privileges: [ALL], on: warehouse REPORTING_WH}]",
            "grants.0.privileges.0: name the privileges; on a warehouse there are USAGE, OPERATE, MONITOR, MODIFY",
        ),
        (
            "grants: [{to: ANALYST, privileges: [OWNERSHIP], on: warehouse REPORTING_WH}]",
            "grants.0.privileges.0: an owner is written under `warehouse.ownership`",
        ),
        (
            "grants: [{to: ANALYTICS.MARTS_READ, privileges: [USAGE], on: warehouse REPORTING_WH}]",
            "grants.0.on: a database role cannot have rights on warehouse REPORTING_WH; take a role",
        ),
        (
            "grants: [{to: ANALYTICS.MARTS_READ, privileges: [SELECT], on: table STREAMING.PUBLIC.ORDER_EVENTS}]",
            "grants.0.on: `ANALYTICS.MARTS_READ` cannot have rights outside its database",
        ),
        (
            "grants: [{to: ANALYST, privileges: [SELECT], on: everything}]",
            "grants.0.on: expected a kind and a name, as `table DATABASE.SCHEMA.TABLE`, `schema DATABASE.SCHEMA`, "
            "`warehouse NAME`, `future tables in DATABASE.SCHEMA`, or `account`, got 'everything'",
        ),
        (
            "ownership: [{to: ANALYST, on: account}]",
            "ownership.0.on: an account has no owner that could be changed",
        ),
        # users
        (
            "users: {SVC_X: {role: ACCOUNTADMIN}}",
            "users.SVC_X.role: a service takes a role of its own, not ACCOUNTADMIN",
        ),
        (
            "users: {SVC_X: {role: ANALYTICS.MARTS_READ}}",
            "users.SVC_X.role: a user takes a role, not the database role `ANALYTICS.MARTS_READ`",
        ),
        ("users: {SVC_X: {role: LOADERS}}", "users.SVC_X.role: there is no role `LOADERS`; did you mean `LOADER`?"),
        (
            "users: {SVC_X: {role: LOADER, network_policy: OFFICE}}",
            "users.SVC_X.network_policy: there is no network policy `OFFICE` in this estate",
        ),
        (
            "users: {SVC_X: {role: LOADER, passphrase: env:P}}",
            "users.SVC_X.passphrase: a passphrase without a key: give `private_key`, or take it out",
        ),
        # what is where
        (
            "views: {ANALYTICS.MART.V: {query: SELECT 1}}",
            "views.ANALYTICS.MART.V: there is no schema `ANALYTICS.MART` in this estate; did you mean "
            "`ANALYTICS.MARTS`?",
        ),
        (
            "views: {STREAMING.PUBLIC.ORDER_EVENTS: {query: SELECT 1}}",
            "views.STREAMING.PUBLIC.ORDER_EVENTS: the name is taken already, in warehouse.tables",
        ),
        (
            "views: {ANALYTICS.MARTS.V: {query: DROP TABLE X}}",
            "views.ANALYTICS.MARTS.V.query: a query begins with SELECT or WITH",
        ),
        (
            "views: {ANALYTICS.MARTS.V: {query: 'SELECT {columns STREAMING.PUBLIC.ORDERS} FROM X'}}",
            "views.ANALYTICS.MARTS.V.query: there is no table `STREAMING.PUBLIC.ORDERS` in this estate; did you mean "
            "`STREAMING.PUBLIC.ORDER_EVENTS`?",
        ),
        (
            "dynamic_tables: {ANALYTICS.MARTS.D: {query: SELECT 1, target_lag: 30s, warehouse: TRANSFORM_WH}}",
            "dynamic_tables.ANALYTICS.MARTS.D.target_lag: the least lag is 60s, got 30s",
        ),
        (
            "dynamic_tables: {ANALYTICS.MARTS.D: {query: SELECT 1, target_lag: downstream, warehouse: DBT_WH}}",
            "dynamic_tables.ANALYTICS.MARTS.D.warehouse: there is no warehouse `DBT_WH` in this estate; there are "
            "REPORTING_WH, STREAMING_WH, TRANSFORM_WH",
        ),
        (
            "tables: {ANALYTICS.MARTS.T: {}}",
            "tables.ANALYTICS.MARTS.T: no topic lands here, so its columns must be written (`columns:`)",
        ),
        (
            "tables: {STREAMING.PUBLIC.ORDER_EVENTS: {masked: {EMAIL: A.B.C}}}",
            "tables.STREAMING.PUBLIC.ORDER_EVENTS.masked.EMAIL: the table has no column `EMAIL`; there are AMOUNT, "
            "CURRENCY, CUSTOMER_ID, EVENT_ID, EVENT_TIME, EVENT_TYPE, NOTE, ORDER_ID, PRODUCT_ID, QUANTITY, "
            "RECORD_METADATA",
        ),
        # settings
        (
            "databases: {ANALYTICS: {retention: 12h}}",
            "databases.ANALYTICS.retention: time travel is counted in whole days, got 12h",
        ),
        (
            "databases: {ANALYTICS: {retention: 91d}}",
            "databases.ANALYTICS.retention: time travel goes back 90 days at most, got 91d",
        ),
        (
            "databases: {ANALYTICS: {transient: true, retention: 7d}}",
            "databases.ANALYTICS.retention: what is transient keeps one day at most, got 7d",
        ),
        ("auto_suspend: 1500ms", "auto_suspend: Snowflake counts it in whole seconds, got 1500ms"),
        (
            "warehouses: {REPORTING_WH: {min_clusters: 2}}",
            "warehouses.REPORTING_WH.min_clusters: min_clusters (2) is more than max_clusters (1)",
        ),
        (
            "warehouses: {REPORTING_WH: {resource_monitor: REPORTS}}",
            "warehouses.REPORTING_WH.resource_monitor: there is no resource monitor `REPORTS` in this estate; "
            "there are "
            "STREAMING_MONITOR",
        ),
        (
            "resource_monitors: {M: {credits: 5, suspend_at: 90, suspend_now_at: 80}}",
            "resource_monitors.M.suspend_now_at: suspend_now_at (80) is below suspend_at (90)",
        ),
        ("allowed_cidrs: [10.0.0.1/8]", "allowed_cidrs.0: '10.0.0.1/8' is no CIDR block: 10.0.0.1/8 has host bits set"),
        ("allowed_cidrs: ['fd00::/8']", "allowed_cidrs.0: Snowflake takes IPv4 addresses, not fd00::/8"),
        (
            "network_policies: {P: {blocked_cidrs: [10.0.0.0/8]}}",
            "network_policies.P: it allows no address; give `allowed_cidrs` or `allowed_rules`",
        ),
        (
            "network_policies: {P: {allowed_rules: [ANALYTICS.MARTS.OFFICE]}}",
            "network_policies.P.allowed_rules.0: there is no network rule `ANALYTICS.MARTS.OFFICE` in this estate",
        ),
        (
            "stages: {ANALYTICS.MARTS.S: {url: 's3://a/b/'}}",
            "stages.ANALYTICS.MARTS.S.url: a stage in S3 is reached through a `storage_integration`",
        ),
        (
            f"storage_integrations: {{I: {{role_arn: '{ARN}', allowed_locations: ['s3://a/in/']}}}}, "
            "stages: {ANALYTICS.MARTS.S: {url: 's3://a/out/', storage_integration: I}}",
            "stages.ANALYTICS.MARTS.S.url: I allows s3://a/in/, not s3://a/out/",
        ),
        (
            "iceberg_tables: {ANALYTICS.MARTS.T: {columns: {A: {type: DATE}}, external_volume: V, base_location: t/}}",
            "iceberg_tables.ANALYTICS.MARTS.T.external_volume: there is no external volume `V` in this estate",
        ),
        (
            "tags: [{tag: COST, value: x, on: [database ANALYTICS]}]",
            "tags.0.tag: expected DATABASE.SCHEMA.TAG, got 'COST'",
        ),
        (
            "tags: [{tag: A.B.COST, value: x, on: [database LAKE]}]",
            "tags.0.on.0: there is no database `LAKE` in this estate; there are ANALYTICS, STREAMING",
        ),
        # the preset
        (
            "without: [roles.ANALIST]",
            "without.0: the preset has no `roles.ANALIST`; did you mean `roles.ANALYST`?",
        ),
        (
            "without: [roles.KAFKA_CONNECTOR]",
            "without.0: the connector needs `roles.KAFKA_CONNECTOR`; it cannot be left out",
        ),
        (
            "without: [tables.STREAMING.PUBLIC.ORDER_EVENTS]",
            "without.0: a sink's table goes with its topic's `sink`",
        ),
    ],
)
def test_what_snowflake_would_refuse_is_told_with_its_line(refusal: Refusal, line: str, expected: str) -> None:
    (problem,) = refusal(*HEAD, f"warehouse: {{{line}}}").details
    assert problem == f"environments/dev.yaml:3: warehouse.{expected}"


def test_all_of_them_are_told_at_once_each_in_its_line(refusal: Refusal) -> None:
    lines = (
        "warehouse:",
        "  databases:",
        "    lake: {}",
        "    ANALYTICS: {retention: 100d}",
        "  roles:",
        "    ANALYST:",
        "      comment: Reads.",
        "    SELECT: {}",
    )
    assert [
        each.partition(": warehouse.")[0] + " " + each.rpartition(" ")[2] for each in refusal(*HEAD, *lines).details
    ] == [
        "environments/dev.yaml:5 case",
        "environments/dev.yaml:6 100d",
        "environments/dev.yaml:10 name",
    ]


FIELDS = [
    "EVENT_ID",
    "ORDER_ID",
    "CUSTOMER_ID",
    "EVENT_TYPE",
    "PRODUCT_ID",
    "QUANTITY",
    "AMOUNT",
    "CURRENCY",
    "EVENT_TIME",
]


def _columns(*names: str) -> str:
    return ", ".join(f"{name}: {{type: VARCHAR}}" for name in names)


def test_a_table_that_lost_a_column_its_events_still_carry_is_refused(refusal: Refusal) -> None:
    line = f"warehouse: {{tables: {{STREAMING.PUBLIC.ORDER_EVENTS: {{columns: {{{_columns(*FIELDS)}}}}}}}}}"
    assert list(refusal(*HEAD, line).details) == [
        "environments/dev.yaml:3: warehouse.tables.STREAMING.PUBLIC.ORDER_EVENTS.columns: column NOTE is "
        "missing: events "
        "of `order-events` still carry it; add it, or take the field out of the schema",
        "environments/dev.yaml:3: warehouse.tables.STREAMING.PUBLIC.ORDER_EVENTS.columns: column RECORD_METADATA "
        "(VARIANT) is missing: offset and key are written there",
    ]


def _with_schema(write: Write, *fields: str) -> ConfigError:
    project = write(dev="\n".join([*HEAD, "topics: {order-events: {key: a}}"]) + "\n")
    schema = {"type": "record", "name": "R", "fields": [{"name": each, "type": "string"} for each in fields]}
    (project.environments / "schemas" / "order_events.avsc").write_text(json.dumps(schema))
    with pytest.raises(ConfigError) as caught:
        load_environment(project, "dev")
    return caught.value


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (
            ("a", "order"),
            "field `order` cannot be a column: `ORDER` is a word Snowflake keeps for itself; choose another name",
        ),
        (("a", "id", "Id"), "fields `id` and `Id` would be one column, ID"),
        (("a", "record_metadata"), "field `record_metadata` cannot be a column: RECORD_METADATA holds offset and key"),
    ],
)
def test_fields_that_cannot_be_columns_are_told_where_the_schema_is_named(
    write: Write, fields: tuple[str, ...], expected: str
) -> None:
    (problem,) = _with_schema(write, *fields).details
    assert problem == f"environments/base.yaml:8: topics.order-events.value.schema: {expected}"


def test_a_sinks_table_is_folded_but_not_everything_is_a_name(refusal: Refusal, write: Write) -> None:
    (problem,) = refusal(*HEAD, "topics: {order-events: {sink: {table: streaming.public.order}}}").details
    assert problem == (
        "environments/dev.yaml:3: topics.order-events.sink.table: `ORDER` is a word Snowflake keeps for itself; choose "
        "another name"
    )
    project = write(dev="\n".join([*HEAD, "topics: {order-events: {sink: {table: raw.in_.events}}}"]) + "\n")
    assert "RAW.IN_.EVENTS" in completed(load_environment(project, "dev")).tables
