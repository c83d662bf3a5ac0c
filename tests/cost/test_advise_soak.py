"""Advice for environments put together at random: every change, once in the file, loads and saves what was said."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from modules.cost.advise import Combination, advise
from modules.cost.advise.change import Files
from modules.cost.advise.engine import saved
from modules.cost.book import load_book
from modules.cost.report import Report, report
from modules.environment.loader import load_environment
from modules.errors import ConfigError
from modules.project import Project
from tests.cost.support import project_with

pytestmark = pytest.mark.soak

BOOK = load_book()
AROUND = "network: {clients: [10.20.0.0/16], domain: s.example.com, zone_id: Z0EXAMPLE00000000000}"
CLUSTERS = {
    "confluent": [
        "confluent: {tier: basic}",
        "confluent: {tier: standard, stream_governance: advanced}",
        "confluent: {tier: dedicated, cku: 3}",
    ],
    "msk": [
        "msk: {broker_type: kafka.m5.xlarge, brokers: 6}",
        "msk: {mode: serverless}",
        "msk: {mode: express, brokers: 6}",
        "msk: {registry: {kind: glue}, storage_per_broker: 300GiB}",
        "msk:\n  registry:\n    tasks: 3\n    database: db.t4g.medium # why",
    ],
    "redpanda": [
        "redpanda: {instance_type: m7g.2xlarge}",
        "redpanda: {compute: ec2, brokers: 6, log_retention: 365d}",
        "redpanda: {vcpu: 4, memory: 16GiB}",
    ],
}
CONNECTORS = [
    "connect: {kind: sink}",
    "connect: {kind: managed}",
    "connect: {kind: managed, plugin: {bucket: abc, key: x.zip}, capacity: {mcu: 4, workers: 3}}",
    "connect:\n  kind: sink\n  tasks: 4",
]
WAREHOUSES = [
    "warehouse: {size: LARGE}",
    "warehouse: {auto_suspend: 5m, warehouses: {STREAMING_WH: {size: MEDIUM, auto_suspend: 20m}}}",
    "warehouse:\n    size: SMALL",
]
READERS = [
    "warehouse_hours_per_day: 24",
    'readers: [{name: dbt, every: 5m, takes: 1m, rewrites: 1GB}, {name: "b i", hours_per_day: 24}]',
    "fan_out: 2",
]


def made_up(chance: random.Random) -> str:
    platform = chance.choice(sorted(CLUSTERS))
    peak, generation = chance.choice([1, 3, 20]), chance.choice([1, 2])
    return "\n".join(
        [
            f"platform: {platform}",
            f"production: {chance.choice(['true', 'false'])}",
            chance.choice(CLUSTERS[platform]),
            AROUND if platform != "confluent" else "",
            chance.choice(CONNECTORS),
            chance.choice(WAREHOUSES),
            f"workload: {{ingress: {chance.choice(['1GB/day', '2MB/s', '40MB/s'])}, peak_to_mean: {peak}, "
            f"{chance.choice(READERS)}, warehouse_generation: {generation}}}",
            chance.choice(["", "slo: {row_visible: {p95: 10s}}"]),
            "topics:",
            "  order-events:",
            "    partitions: 12",
            f"    retention: {chance.choice(['2d', '10d', '40d'])} # keep",
            "    value: {schema: schemas/order_events.avsc}",
            "    sink: {table: STREAMING.PUBLIC.ORDER_EVENTS}",
            "",
        ]
    )


@pytest.mark.parametrize("seed", range(24))
def test_each_change_and_all_together_can_be_written_and_save_what_was_said(tmp_path: Path, seed: int) -> None:
    text = made_up(random.Random(seed))
    project = Project(project_with(tmp_path, "any", text))
    try:
        before = report(load_environment(project, "any"), BOOK)
    except ConfigError:
        return  # put together so that it makes no sense
    made = advise(project, "any", BOOK)
    file = project.environments / "any.yaml"
    for saving in made.savings:
        if saving.files is None:
            continue
        file.write_text(text)
        saving.files.write(saving.edits)
        assert saved(before, report(load_environment(project, "any"), BOOK))[0] == saving.amount, saving.title
    for combination in (made.here, made.moving):
        if combination is not None:
            file.write_text(text)
            _together(project, combination, before)


def _together(project: Project, combination: Combination, before: Report) -> None:
    for saving, _ in combination.steps:
        Files(project, "any").write(saving.edits)
    after = report(load_environment(project, "any"), BOOK)
    assert after.total == combination.total
    assert before.misfits or not after.misfits
