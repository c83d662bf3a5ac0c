"""Limits: a cluster too small for its workload is said so, with what would fit."""

from __future__ import annotations

from decimal import Decimal

import pytest

from modules.cost.limits import check_confluent, check_express, check_redpanda, check_serverless, check_standard
from modules.environment.model import Redpanda
from tests.cost.support import MIB, month

MB = Decimal(10**6)


def test_the_worked_case_fits_everywhere() -> None:
    usage = month()
    assert check_confluent("basic", usage) == ()
    assert check_standard("kafka.m7g.large", 3, usage) == ()
    assert check_express("express.m7g.large", 3, usage) == ()
    assert check_serverless(usage) == ()
    assert check_redpanda(Redpanda(), usage) == ()


@pytest.mark.parametrize(("rate", "fits"), [(250, True), (251, False)])
def test_basic_ends_at_50_ecku_of_5_mb_each(rate: int, fits: bool) -> None:
    found = check_confluent("basic", month(bytes_per_second=rate * MB))
    assert (found == ()) is fits
    if not fits:
        assert "51 units needed" in found[0].why
        assert "Enterprise" in found[0].fits


@pytest.mark.parametrize(("partitions", "fits"), [(1500, True), (1501, False)])
def test_basic_has_1500_partitions(partitions: int, fits: bool) -> None:
    assert (check_confluent("basic", month(partitions=partitions)) == ()) is fits


@pytest.mark.parametrize(("partitions", "fits"), [(1500, True), (1501, False)])
def test_a_large_broker_takes_1500_copies(partitions: int, fits: bool) -> None:
    found = check_standard("kafka.m7g.large", 3, month(partitions=partitions))
    assert (found == ()) is fits
    if not fits:
        assert "fits: 4 brokers" in found[0].fits


def test_express_names_the_size_that_sustains_the_rate() -> None:
    found = check_express("express.m7g.large", 3, month(bytes_per_second=90 * MIB))  # 30 MiB/s a broker, 15.6 sustained
    assert "fits: express.m7g.xlarge" in found[0].fits


def test_serverless_counts_what_a_partition_takes() -> None:
    found = check_serverless(month(bytes_per_second=40 * MB))  # 6 partitions × 5 MB/s = 30
    assert found[0].fits == "fits: 8 partitions"


def test_serverless_refuses_messages_over_8_mb() -> None:
    assert "8 MB" in check_serverless(month(message_bytes=9 * 10**6))[0].why


def test_redpanda_with_two_brokers_cannot_keep_three_copies() -> None:
    assert "fits: 3 brokers" in check_redpanda(Redpanda(brokers=2), month())[0].fits


@pytest.mark.parametrize(("gib", "fits"), [(16_384, True), (16_385, False)])
def test_a_standard_broker_has_16_tib_of_disk(gib: int, fits: bool) -> None:
    """Three brokers and three copies: each broker holds all that is kept."""
    usage = month(bytes_per_second=Decimal(gib) * 2**30 / 86_400, retention_days=Decimal(1))
    found = check_standard("kafka.m7g.large", 3, usage)
    assert (found == ()) is fits
