"""Environments for the tests of `infra cost advise`: for each rule one it applies to, and one it does not."""

from __future__ import annotations

__all__ = ["APPLIES", "CONFLUENT", "DBT", "ELSEWHERE", "GLUE", "yaml"]

TOPICS = """\
topics:
  order-events:
    partitions: 6
    retention: {retention}
    key: order_id
    value: {{schema: schemas/order_events.avsc}}
    sink: {{table: STREAMING.PUBLIC.ORDER_EVENTS}}
"""


def yaml(
    platform: str, *sections: str, retention: str = "3d", workload: str = "ingress: 1GB/day, compression: 0.5"
) -> str:
    """An environment that is lean but for the sections given."""
    lines = [f"platform: {platform}", *sections, f"workload: {{{workload}}}"]
    if not any(each.startswith("connect:") for each in sections):
        lines.append("connect: {kind: sink}")
    return "\n".join([*lines, TOPICS.format(retention=retention)])


CONFLUENT = "confluent: {tier: basic}"
GLUE = "msk: {registry: {kind: glue}}"
REDPANDA = "redpanda: {log_retention: 7d}"
DBT = "ingress: 1GB/day, compression: 0.5, readers: [{name: dbt, every: 5m, takes: 30s}]"
DASHBOARDS = "ingress: 1GB/day, compression: 0.5, readers: [{name: dashboards, hours_per_day: 10, days_per_week: 5}]"

DYNAMIC = """\
warehouse:
  dynamic_tables:
    STREAMING.PUBLIC.LATEST:
      query: SELECT * FROM STREAMING.PUBLIC.ORDER_EVENTS
      target_lag: {lag}
      warehouse: STREAMING_WH"""
SOURCE = """\
sources:
  decisions: {{kind: snowflake, table: STREAMING.PUBLIC.DECISIONS, mode: id, column: ID, key: ID, topic: order-events, \
poll: {poll}}}"""
CLUSTERS = "warehouse: {{warehouses: {{STREAMING_WH: {{min_clusters: {least}, max_clusters: 3}}}}}}"
TRAVEL = "warehouse: {{databases: {{STREAMING: {{retention: {days}d}}}}}}"
ENTERPRISE = (
    "ingress: 1GB/day, compression: 0.5, snowflake_edition: enterprise, rows_kept: 30d, "
    "readers: [{name: bi, warehouse: STREAMING_WH, hours_per_day: 8}]"
)


APPLIES = {
    "reader-cadence": (
        yaml("confluent", CONFLUENT, workload=DBT),
        "Run dbt every 1h instead of every 5m",
        yaml("confluent", CONFLUENT, workload=DBT.replace("5m", "2h")),
    ),
    "reader-hours": (
        yaml("confluent", CONFLUENT, workload=DBT),
        "Let dbt rest at weekends",
        yaml("confluent", CONFLUENT, workload=DASHBOARDS),
    ),
    "warehouse-hours": (
        yaml("confluent", CONFLUENT, workload="ingress: 1GB/day, compression: 0.5, warehouse_hours_per_day: 24"),
        "Let the warehouse run 12 hours a day instead of 24",
        yaml("confluent", CONFLUENT, workload="ingress: 1GB/day, compression: 0.5, warehouse_hours_per_day: 8"),
    ),
    "reader-rewrites": (
        yaml("confluent", CONFLUENT, workload=DBT.replace("takes: 30s", "takes: 30s, rewrites: 10GB")),
        "Let dbt write a tenth anew",
        yaml("confluent", CONFLUENT, workload=DBT),
    ),
    "target-lag": (
        yaml("confluent", CONFLUENT, DYNAMIC.format(lag="1m")),
        "Let STREAMING.PUBLIC.LATEST be up to 1h old instead of 1m",
        yaml("confluent", CONFLUENT, DYNAMIC.format(lag="2h")),
    ),
    "source-poll": (
        yaml("confluent", CONFLUENT, SOURCE.format(poll="5s")),
        "Let source decisions look for new rows every 1h instead of every 5s",
        yaml("confluent", CONFLUENT, SOURCE.format(poll="2h")),
    ),
    "min-clusters": (
        yaml("confluent", CONFLUENT, CLUSTERS.format(least=3), workload=ENTERPRISE),
        "Let STREAMING_WH begin with one cluster instead of 3",
        yaml("confluent", CONFLUENT, CLUSTERS.format(least=1), workload=ENTERPRISE),
    ),
    "time-travel": (
        yaml("confluent", CONFLUENT, TRAVEL.format(days=30), workload=ENTERPRISE),
        "Keep a day of Time Travel instead of 30d in STREAMING",
        yaml("confluent", CONFLUENT, TRAVEL.format(days=1), workload=ENTERPRISE),
    ),
    "registry-size": (
        yaml("msk", "msk: {registry: {database: db.t4g.medium, tasks: 3}}"),
        "Let Apicurio's tasks and database be the default",
        yaml("msk"),
    ),
    "auto-suspend": (
        yaml("confluent", CONFLUENT, "warehouse: {auto_suspend: 10m}", workload=DBT.replace("5m", "1h")),
        "Suspend warehouses after 1m instead of 10m",
        yaml("confluent", CONFLUENT, "warehouse: {auto_suspend: 60s}", workload=DBT.replace("5m", "1h")),
    ),
    "warehouse-size": (
        yaml("confluent", CONFLUENT, "warehouse: {size: MEDIUM}"),
        "Make warehouses SMALL instead of MEDIUM",
        yaml("confluent", CONFLUENT),
    ),
    "warehouse-generation": (
        yaml("confluent", CONFLUENT, workload="ingress: 1GB/day, compression: 0.5, warehouse_generation: 2"),
        "Run the readers on Gen1 warehouses",
        yaml("confluent", CONFLUENT),
    ),
    "edition": (
        yaml("confluent", CONFLUENT, workload="ingress: 1GB/day, compression: 0.5, snowflake_edition: enterprise"),
        "Use the Standard edition instead of Enterprise",
        yaml("confluent", CONFLUENT),
    ),
    "compression": (
        yaml("confluent", CONFLUENT, workload="ingress: 10GB/day"),
        "Let producers compress",
        yaml("confluent", CONFLUENT, workload="ingress: 10GB/day, compression: 0.4"),
    ),
    "retention": (
        yaml("confluent", CONFLUENT, retention="30d"),
        "Keep order-events for 7d in Kafka instead of 30d",
        yaml("confluent", CONFLUENT, retention="4d"),
    ),
    "disks": (
        yaml("msk", "msk: {registry: {kind: glue}, storage_per_broker: 500GiB}"),
        "Let the brokers' disks be sized from the workload",
        yaml("msk", GLUE),
    ),
    "ingest": (
        yaml("confluent", CONFLUENT, "connect: {kind: managed}"),
        "Load files by Snowpipe instead of streaming",
        yaml("confluent", CONFLUENT),
    ),
    "broker-type": (
        yaml("msk", "msk: {registry: {kind: glue}, broker_type: kafka.m7g.2xlarge}", "production: true"),
        "Use kafka.m7g.large brokers instead of kafka.m7g.2xlarge",
        yaml("msk", "msk: {registry: {kind: glue}, broker_type: kafka.m7g.large}", "production: true"),
    ),
    "brokers": (
        yaml("msk", "msk: {registry: {kind: glue}, brokers: 6}"),
        "Run 3 brokers instead of 6",
        yaml("msk", GLUE),
    ),
    "zones": (
        yaml("msk", GLUE),
        "Spread over two zones instead of three",
        yaml("msk", GLUE, "production: true"),
    ),
    "instance-type": (
        yaml("redpanda", "redpanda: {log_retention: 7d, instance_type: m7g.2xlarge}", "production: true"),
        "Run the brokers on ",
        yaml("redpanda", "redpanda: {log_retention: 7d, compute: fargate}"),
    ),
    "registry": (
        yaml("msk"),
        "Use AWS Glue's Schema Registry instead of Apicurio",
        yaml("msk", GLUE),
    ),
    "governance": (
        yaml("confluent", "confluent: {tier: basic, stream_governance: advanced}"),
        "Use Stream Governance Essentials instead of Advanced",
        yaml("confluent", CONFLUENT),
    ),
    "logs": (
        yaml("redpanda", "redpanda: {log_retention: 365d, brokers: 3}"),
        "Keep the brokers' logs for 7d",
        yaml("redpanda", REDPANDA),
    ),
    "connector-tasks": (
        yaml("confluent", "confluent: {tier: standard}", "connect: {kind: sink, tasks: 8}"),
        "Run 6 connector tasks instead of 8",
        yaml("confluent", CONFLUENT),
    ),
    "connector-kind": (
        yaml("msk", GLUE, "connect: {kind: managed, plugin: {bucket: a-bucket, key: snowflake.zip}}"),
        "Carry events with the project's own sink instead of the managed connector",
        yaml("msk", GLUE),
    ),
    "connector-size": (
        yaml(
            "msk", GLUE,
            "connect: {kind: managed, plugin: {bucket: a-bucket, key: snowflake.zip}, capacity: {mcu: 4, workers: 2}}",
        ),
        "Use 1 MCU a worker instead of 4",
        yaml("msk", GLUE, "connect: {kind: managed, plugin: {bucket: a-bucket, key: snowflake.zip}}"),
    ),
    "mode": (
        yaml("confluent", "confluent: {tier: standard}"),
        "Move to Confluent Basic",
        yaml("confluent", CONFLUENT),
    ),
    "platform": (
        yaml("msk", GLUE),
        "Move to Confluent Basic",
        yaml("confluent", CONFLUENT),
    ),
    "commitment": (
        yaml("redpanda", "redpanda: {log_retention: 7d, compute: fargate}"),
        "Commit with a Compute Savings Plan for Fargate",
        yaml("confluent", CONFLUENT, "connect: {kind: managed}"),
    ),
}  # fmt: skip
"""Rule → an environment it applies to, what it says there, one it does not apply to."""

ELSEWHERE = {
    "rows-kept": "saves where a table is kept for longer than a year, which an environment does not say",
    "peak-hours": "saves where a peak decides a cluster's size: see its own test",
    "egress": "the loader takes no cheaper way out than `auto` where it is needed: see its own test",
    "dedicated-size": "a Dedicated cluster's price is unknown, so that nobody can say what is saved: see its own test",
}
