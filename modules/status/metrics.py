"""Readings as samples: what `--openmetrics` writes, alert rules look at, and Prometheus rules name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from modules.status.readings import GroupLag, Part

__all__ = ["METRICS", "Sample", "samples", "to_openmetrics"]

METRICS: dict[str, str] = {
    "infra_up": "Whether a service answers (1) or not (0).",
    "infra_unread": "Things that could not be read.",
    "infra_kafka_brokers": "Brokers in the cluster.",
    "infra_kafka_brokers_missing": "Brokers that the environment has and the cluster does not show.",
    "infra_topic_events": "Events a topic holds.",
    "infra_topic_events_per_second": "Events that came in, a second.",
    "infra_topic_under_replicated_partitions": "Partitions whose copies are behind.",
    "infra_topic_offline_partitions": "Partitions without a leader.",
    "infra_consumer_lag": "Events that wait for a group, by partition.",
    "infra_consumer_group_lag": "Events that wait for a group in a topic.",
    "infra_consumer_group_growing": "Whether more comes than the group deals with (1) or not (0).",
    "infra_consumer_group_waiting_seconds": "Age of the oldest event that waits.",
    "infra_consumer_group_drain_seconds": "Until nothing waits, at the rates of now; +Inf: it does not drain.",
    "infra_consumer_group_members": "Members of a group.",
    "infra_connector_up": "Whether a connector runs (1) or not (0).",
    "infra_connector_task_up": "Whether a connector's task runs (1) or not (0).",
    "infra_dead_letters": "Messages in a dead-letter topic.",
    "infra_dead_letters_fresh": "Of those, the ones of the last 15 minutes that nobody has acknowledged.",
    "infra_registry_subjects": "Subjects of the Schema Registry.",
    "infra_registry_subjects_missing": "Subjects that were deployed and are not there.",
    "infra_channel_offset": "The last offset the warehouse has, by partition.",
    "infra_channel_behind": "Events of a partition that the warehouse does not have yet.",
    "infra_table_freshness_seconds": "Age of the oldest event that is not in the table; 0: none is missing.",
    "infra_table_rows_per_minute": "Rows of the last minute.",
    "infra_credits_month": "Snowflake credits used since the first of the month.",
    "infra_certificate_expires_days": "Until a certificate expires.",
    "infra_certificate_age_days": "Age of a certificate.",
    "infra_key_age_days": "Age of a service user's key.",
    "infra_broker_disk_used_percent": "A broker's disk, as the cloud measures it.",
    "infra_broker_cpu_percent": "A broker's processors, as the cloud measures them.",
    "infra_broker_under_replicated_partitions": "Partitions a broker leads whose copies are behind.",
    "infra_cluster_offline_partitions": "Partitions of the cluster without a leader.",
    "infra_cluster_controllers": "Active controllers; one is right.",
    "infra_cluster_load_percent": "Load of the cluster, as Confluent measures it.",
    "infra_cluster_consumer_lag": "Events that wait for a group in a topic, as the cloud measures it.",
}
"""Name → what it says. All are gauges."""


@dataclass(frozen=True)
class Sample:
    """One value. Labels in the order of the exposition."""

    metric: str
    value: float
    labels: tuple[tuple[str, str], ...] = ()

    def label(self, name: str) -> str:
        return dict(self.labels).get(name, "")


def samples(part: Part, brokers: int | None = None) -> list[Sample]:
    """All of a look. `brokers`: how many the cluster has, where the environment says."""
    return [*_services(part), *_kafka(part, brokers), *_pipeline(part), *_warehouse(part), *_clouds(part)]


def _sample(metric: str, value: float, **labels: object) -> Sample:
    return Sample(metric, float(value), tuple((name, str(text)) for name, text in labels.items()))


def _services(part: Part) -> Iterator[Sample]:
    for each in part.reached:
        yield _sample("infra_up", each.up, service=each.what)
    yield _sample("infra_unread", len(part.missing))
    for registry in part.registries:
        yield _sample("infra_registry_subjects", registry.subjects)
        yield _sample("infra_registry_subjects_missing", len(registry.missing), subjects=", ".join(registry.missing))


def _kafka(part: Part, brokers: int | None) -> Iterator[Sample]:
    if part.brokers:
        yield _sample("infra_kafka_brokers", len(part.brokers))
        if brokers is not None:
            yield _sample("infra_kafka_brokers_missing", max(0, brokers - len(part.brokers)))
    for topic in part.topics:
        yield _sample("infra_topic_under_replicated_partitions", len(topic.under_replicated), topic=topic.name)
        yield _sample("infra_topic_offline_partitions", len(topic.offline), topic=topic.name)
        if topic.events is not None:
            yield _sample("infra_topic_events", topic.events, topic=topic.name)
        if topic.rate is not None:
            yield _sample("infra_topic_events_per_second", topic.rate, topic=topic.name)
    for lag in part.lags:
        yield from _lag(lag)


def _lag(lag: GroupLag) -> Iterator[Sample]:
    its = {"group": lag.group, "topic": lag.topic}
    for each in lag.partitions:
        yield _sample("infra_consumer_lag", each.lag, **its, partition=each.partition)
    yield _sample("infra_consumer_group_lag", lag.lag, **its)
    yield _sample("infra_consumer_group_growing", lag.trend == "growing", **its)
    if lag.waiting_seconds is not None or not lag.lag:
        yield _sample("infra_consumer_group_waiting_seconds", lag.waiting_seconds or 0, **its)
    if lag.drain_seconds is not None or lag.trend in ("growing", "standing"):
        endless = float("inf") if lag.drain_seconds is None else lag.drain_seconds
        yield _sample("infra_consumer_group_drain_seconds", endless, **its)
    if lag.members is not None:
        yield _sample("infra_consumer_group_members", lag.members, **its)


def _pipeline(part: Part) -> Iterator[Sample]:
    for each in part.connectors:
        its = {"connector": each.name, "of": each.what}
        yield _sample("infra_connector_up", each.state == "RUNNING", **its, state=each.state)
        for task in each.tasks:
            yield _sample("infra_connector_task_up", task.state == "RUNNING", **its, task=task.id, state=task.state)
    for letters in part.dead_letters:
        reason = letters.reasons[0].reason if letters.reasons else ""
        yield _sample("infra_dead_letters", letters.count, topic=letters.topic)
        yield _sample("infra_dead_letters_fresh", letters.fresh, topic=letters.topic, reason=reason)


def _warehouse(part: Part) -> Iterator[Sample]:
    for channel in part.channels:
        its = {"topic": channel.topic, "table": channel.table, "partition": channel.partition}
        if channel.token is not None:
            yield _sample("infra_channel_offset", channel.token, **its)
        if channel.behind is not None:
            yield _sample("infra_channel_behind", channel.behind, **its)
    for table in part.tables:
        its = {"topic": table.topic, "table": table.table}
        if table.freshness_seconds is not None:
            yield _sample("infra_table_freshness_seconds", table.freshness_seconds, **its)
        if table.rows_per_minute is not None:
            yield _sample("infra_table_rows_per_minute", table.rows_per_minute, **its)
    for used in part.credits:
        yield _sample("infra_credits_month", float(used.credits), what=used.what)


def _clouds(part: Part) -> Iterator[Sample]:
    for age in part.ages:
        if age.left_days is not None:
            yield _sample("infra_certificate_expires_days", age.left_days, endpoint=age.name)
        if age.days is not None:
            key = age.kind == "key"
            metric = "infra_key_age_days" if key else "infra_certificate_age_days"
            yield _sample(metric, age.days, **{"key" if key else "endpoint": age.name})
    for measured in part.measured:
        yield Sample(measured.metric, measured.value, measured.labels)


def to_openmetrics(environment: str, found: list[Sample], healthy: bool) -> str:
    """The exposition in OpenMetrics' text format, every metric a gauge with the label `environment`."""
    from prometheus_client import CollectorRegistry, Gauge
    from prometheus_client.openmetrics.exposition import generate_latest

    registry = CollectorRegistry()
    gauges = {
        "infra_healthy": Gauge(
            "infra_healthy", "Whether no critical rule is broken.", ["environment"], registry=registry
        )
    }
    gauges["infra_healthy"].labels(environment).set(int(healthy))
    for sample in found:
        names = [name for name, _ in sample.labels]
        if sample.metric not in gauges:
            text = METRICS[sample.metric]
            gauges[sample.metric] = Gauge(sample.metric, text, ["environment", *names], registry=registry)
        gauges[sample.metric].labels(environment, *(value for _, value in sample.labels)).set(sample.value)
    write: Any = generate_latest
    return str(write(registry).decode())
