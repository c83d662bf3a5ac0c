"""What single lines of the Kafka side come to, each with its arithmetic: disks that grow, connectors, zones, calls."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from modules.cost.catalog import OPTIONS, estimate, misfits
from modules.cost.lines import Line, total
from modules.cost.usage import Usage
from modules.environment.model import Environment
from tests.cost.support import inputs, month


def environment(**changes: object) -> Environment:
    return Environment.model_validate({"platform": "msk", "name": "e", "source": "environments/e.yaml", **changes})


def lines_of(option: str, usage: Usage | None = None, **changes: object) -> dict[str, Line]:
    made = estimate(OPTIONS[option], inputs(usage, headroom="1.3"), environment(**changes))
    return {line.id: line for line in made.lines}


def notes_of(option: str, usage: Usage | None = None, **changes: object) -> str:
    return " ".join(estimate(OPTIONS[option], inputs(usage, headroom="1.3"), environment(**changes)).notes)


def test_a_disk_that_grows_by_itself_says_what_it_would_cost_then() -> None:
    """768 GiB a broker to begin with; 1 TiB × 3 × 0.10 = 307.20 at its ceiling."""
    storage = lines_of("msk", msk={"storage_ceiling": "1TiB"})["msk.storage"]
    assert storage.amount == Decimal("230.4")
    assert "grows by itself up to 1,024 GiB a broker, $307.20 a month then" in storage.note


def test_msk_connect_that_scales_counts_the_least_and_says_the_most() -> None:
    """1 worker × 2 MCU × 730 × 0.11 = 160.60; 4 workers: 642.40."""
    plugin = {"bucket": "acme", "key": "sink.zip"}
    capacity = {"mcu": 2, "autoscale": {"least": 1, "most": 4}}
    topics = {"orders": {"sink": {"table": "A.B.C"}}}
    connect = {"kind": "managed", "plugin": plugin, "capacity": capacity}
    mcu = lines_of("msk", topics=topics, connect=connect)["connect.mcu"]
    assert mcu.amount == Decimal("160.6")
    assert "the most is 8 MCU: $642.40 a month" in mcu.note


def test_a_program_that_is_uploaded_is_kept_in_s3() -> None:
    topics = {"orders": {"sink": {"table": "A.B.C"}}}
    connect = {"kind": "managed", "plugin": {"file": "sink.zip"}}
    assert lines_of("msk", topics=topics, connect=connect)["connect.plugins"].amount == Decimal("0.00575")  # ¼ × 0.023


CAPTURE: dict[str, Any] = {
    "topics": {"shop.public.orders": {}, "clicks": {"sink": {"table": "A.B.C"}}},
    "sources": {"shop": {"kind": "debezium-postgres", "host": "db", "password": "env:P", "prefix": "shop",
                         "tables": {"public.orders": {"key": ["id"]}}}},
}  # fmt: skip


def test_a_worker_that_only_captures_changes_stands_beside_the_sink() -> None:
    """A worker of 1 vCPU and 4 GiB, and the sink's process of 0.5 and 1."""
    connect = {"image": "acme/connect:1"}
    found = lines_of("redpanda-ec2", platform="redpanda", connect=connect, **CAPTURE)
    assert found["capture.vcpu"].quantity.amount == 730
    assert found["capture.memory"].quantity.amount == 4 * 730
    assert found["connect.vcpu"].quantity.amount == Decimal("0.5") * 730
    assert (found["capture.vcpu"].count, found["connect.vcpu"].count) == (1, None)


def test_a_sink_on_ecs_stands_beside_msk_connects_capture() -> None:
    plugin = {"plugin": {"bucket": "acme", "key": "debezium.zip"}}
    sources = {"shop": {**CAPTURE["sources"]["shop"], **plugin}}
    connect = {"where": "ecs", "image": "acme/sink:1", "tasks": 2}
    found = lines_of("msk", topics=CAPTURE["topics"], sources=sources, connect=connect)
    assert found["connect.mcu"].quantity.amount == 730
    assert found["connect.vcpu"].quantity.amount == 2 * Decimal("0.5") * 730


def test_captured_changes_pay_for_their_share_of_the_data() -> None:
    """One of two topics: half of 2,566.40625 GiB × 0.025 = 32.08."""
    found = lines_of("confluent-basic", platform="confluent", **CAPTURE)
    assert found["connect.sources"].amount is None
    assert found["connect.sources_data"].amount == Decimal("32.080078")


def test_each_snowflake_source_is_a_program_of_the_sinks_size() -> None:
    source = {"kind": "snowflake", "table": "A.B.C", "mode": "id", "column": "ID", "key": "ID", "topic": "orders"}
    found = lines_of("msk", topics={"orders": {}}, sources={"one": source, "two": source})
    assert found["source.vcpu"].amount == Decimal("29.5504")  # 2 × 0.5 × 730 × 0.04048
    assert found["source.memory"].amount == Decimal("6.4897")  # 2 × 1 × 730 × 0.004445
    public = lines_of("confluent-basic", platform="confluent", topics={"orders": {}}, sources={"one": source})
    assert public["source.address"].amount == Decimal("3.65")


@pytest.mark.parametrize(("zones", "elsewhere"), [(1, "0"), (2, "4/3"), (3, "2"), (4, "2")])
def test_copies_are_paid_for_in_the_zones_they_cross_to(zones: int, elsewhere: str) -> None:
    """Over two zones a partition has 2 + 1 copies: its leader is beside another in 2 of 3 cases: 3 − 5/3 = 4/3."""
    found = lines_of("redpanda-ec2", platform="redpanda", network={"zones": zones})
    up, _, down = elsewhere.partition("/")
    expected = Decimal("2566.40625") * 2 * Decimal(up) / Decimal(down or 1)
    if zones == 1:
        assert "redpanda.copies" not in found
    else:
        assert found["redpanda.copies"].quantity.amount == pytest.approx(expected)


def test_what_clients_would_pay_across_zones_is_said_and_not_counted() -> None:
    """In and out 2 × 2,566.40625 GiB × 2/3 × 2 directions × 0.01 = 68.44; Serverless is reached by endpoints."""
    assert "2 of 3 bytes across zones, $68.44 a month" in notes_of("msk")
    assert "across zones" not in notes_of("msk-serverless")
    assert "across zones" not in notes_of("redpanda-ec2", platform="redpanda", network={"zones": 1})


def test_calls_and_queries_are_next_to_nothing_and_there() -> None:
    found = lines_of("redpanda-ec2", platform="redpanda")
    assert found["aws.secret_calls"].amount == Decimal("0.05")
    assert found["aws.key_calls"].amount == 0  # 20,000 are free
    assert found["aws.zone_queries"].amount == Decimal("0.04")  # 0.1 million × 0.40


def test_flink_is_confluents_and_elsewhere_not_priced() -> None:
    """Half a CFU on average: 0.5 × 730 × 0.21 = 76.65."""
    usage = month(flink_cfu=Decimal("0.5"))
    assert lines_of("confluent-basic", usage, platform="confluent")["confluent.flink"].amount == Decimal("76.65")
    assert "confluent.flink" not in lines_of("confluent-basic", platform="confluent")
    assert "what would take its place here is not priced" in notes_of("msk", usage)


def test_what_is_near_a_limit_is_among_the_notes() -> None:
    many = month(partitions=1_200)
    assert "MSK Standard: near a limit: 1,200 partition copies a broker" in notes_of("msk", many)
    assert misfits(OPTIONS["msk"], many, environment()) == ()


def test_a_cluster_that_is_too_small_has_the_price_of_the_one_that_fits_beside_it() -> None:
    """40 MB/s with peaks of three times that: 120 to disk on each of three brokers, of which an xlarge carries 156."""
    fast = month(bytes_per_second=Decimal(40 * 10**6), peak_to_mean=Decimal(3), retention_days=Decimal("0.1"))
    larger = environment(msk={"broker_type": "kafka.m7g.xlarge"})
    cost = total(estimate(OPTIONS["msk"], inputs(fast, headroom="1.3"), larger).lines)
    words = f"(msk.broker_type kafka.m7g.xlarge) all comes to {cost} a month"
    assert words in notes_of("msk", fast)
    assert "in a size that carries" not in notes_of("msk", fast, msk={"broker_type": "kafka.m7g.xlarge"})


def test_a_sink_beside_a_private_cluster_has_no_public_address() -> None:
    topics = {"orders": {"sink": {"table": "A.B.C"}}}
    public = lines_of("confluent-standard", platform="confluent", confluent={"tier": "standard"}, topics=topics)
    private = lines_of("confluent-enterprise", platform="confluent", confluent={"tier": "enterprise"}, topics=topics)
    assert public["connect.address"].amount == Decimal("3.65")  # 730 × 0.005
    assert "connect.address" not in private
