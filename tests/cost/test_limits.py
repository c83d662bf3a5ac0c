"""Limits: a cluster too small for its workload is said so, with what would fit."""

from __future__ import annotations

from decimal import Decimal

import pytest

from modules.cost.catalog import OPTIONS, moved
from modules.cost.limits import (
    Misfit,
    check_confluent,
    check_express,
    check_redpanda,
    check_serverless,
    check_standard,
    with_change,
)
from modules.cost.usage import Usage
from modules.environment.model import Environment, Redpanda
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


def refused(found: tuple[Misfit, ...]) -> list[Misfit]:
    return [each for each in found if not each.warns]


def fast(**changes: object) -> Usage:
    """A month in which next to nothing is kept, so that only rates matter."""
    return month(**{"retention_days": Decimal("0.1"), **changes})


@pytest.mark.parametrize(("partitions", "fits"), [(1500, True), (1501, False)])
def test_a_large_broker_takes_1500_copies(partitions: int, fits: bool) -> None:
    """1,501 partitions × 3 copies ÷ 1,500 = 3.002 brokers, over 3 zones 6; the next type up costs twice as much."""
    found = refused(check_standard("kafka.m7g.large", 3, month(partitions=partitions)))
    assert (found == []) is fits
    if not fits:
        assert found[0].fits == "fits: 6 kafka.m7g.large"
        assert found[0].change == {"msk": {"brokers": 6}}


def test_a_burstable_broker_that_is_too_small_becomes_an_m7g() -> None:
    """t3.small has 300 copies, 60 of them 18,000; 20,000 partitions have 60,000: 42 of 1,500 each."""
    few = check_standard("kafka.t3.small", 3, month(bytes_per_second=MB, partitions=400))
    assert few[0].change == {"msk": {"brokers": 6}}
    many = check_standard("kafka.t3.small", 3, month(bytes_per_second=MB, partitions=20_000))
    assert many[0].change == {"msk": {"broker_type": "kafka.m7g.large", "brokers": 42}}


def test_more_partitions_than_aws_recommends_are_a_warning() -> None:
    (found,) = check_standard("kafka.m7g.large", 3, month(partitions=1001))
    assert found.warns
    assert "1,000 is what AWS recommends" in found.why


def test_a_standard_broker_is_held_to_its_machines_link_to_ebs() -> None:
    """m7g.large: 630 Mbit/s = 78.75 MB/s. 60 MB/s × 3 copies ÷ 3 brokers = 60 fits, over 0.8 × 78.75 = 63 it warns,
    80 does not fit; 240 ÷ 78.75 = 3.05, over 3 zones 6 large, or 3 xlarge (156.25 MB/s) at the same price."""
    at = [check_standard("kafka.m7g.large", 3, fast(bytes_per_second=rate * MB)) for rate in (60, 70, 80)]
    assert at[0] == ()
    assert [each.warns for each in at[1]] == [True]
    (found,) = refused(at[2])
    assert "76.3 MiB/s to disk a broker at the peak" in found.why
    assert found.change == {"msk": {"broker_type": "kafka.m7g.xlarge"}}


def test_a_standard_broker_is_held_to_its_machines_network() -> None:
    """m7g.large: 937 Mbit/s = 117.125 MB/s. 40 MB/s × (2 copies + 7 readers) ÷ 3 = 120."""
    (found,) = refused(check_standard("kafka.m7g.large", 3, fast(bytes_per_second=40 * MB, fan_out=Decimal(7))))
    assert "114.4 MiB/s sent a broker" in found.why


def test_limits_are_held_against_the_peak() -> None:
    mean = fast(bytes_per_second=30 * MB)
    peak = fast(bytes_per_second=30 * MB, peak_to_mean=Decimal(3))
    assert check_standard("kafka.m7g.large", 3, mean) == ()
    assert refused(check_standard("kafka.m7g.large", 3, peak))  # 90 MB/s to disk
    assert check_confluent("standard", fast(bytes_per_second=200 * MB)) == ()
    assert check_confluent("standard", fast(bytes_per_second=200 * MB, peak_to_mean=Decimal(2)))  # 16 eCKU of 10
    assert check_serverless(fast(bytes_per_second=10 * MB)) == ()
    assert check_serverless(fast(bytes_per_second=10 * MB, peak_to_mean=Decimal(4)))  # 40 on 6 partitions of 5


def test_express_names_the_size_that_sustains_the_rate() -> None:
    found = check_express("express.m7g.large", 3, month(bytes_per_second=90 * MIB))  # 30 MiB/s a broker, 15.6 sustained
    assert found[0].fits == "fits: 3 express.m7g.xlarge"


def test_express_may_burst_above_what_it_sustains_but_not_above_its_most() -> None:
    """Three large: 46.8 MiB/s sustained, 70.2 at most. With a mean of 20, peaks of 60 are slow, of 80 refused."""
    slow = check_express("express.m7g.large", 3, month(bytes_per_second=20 * MIB, peak_to_mean=Decimal(3)))
    assert [each.warns for each in slow] == [True]
    refusal = refused(check_express("express.m7g.large", 3, month(bytes_per_second=20 * MIB, peak_to_mean=Decimal(4))))
    assert "26.7 MiB/s in a broker at the peak, express.m7g.large takes at most 23.4" in refusal[0].why


def test_a_partition_of_express_takes_15_mb_a_second() -> None:
    found = check_express("express.m7g.16xlarge", 3, month(bytes_per_second=100 * MB))  # 6 partitions: 16.7 each
    assert found[-1].fits == "fits: 7 partitions"


def test_serverless_counts_what_a_partition_takes() -> None:
    found = check_serverless(month(bytes_per_second=40 * MB))  # 6 partitions × 5 MB/s = 30
    assert found[0].fits == "fits: 8 partitions"


def test_serverless_refuses_messages_over_8_mb() -> None:
    assert "8 MB" in check_serverless(month(message_bytes=9 * 10**6))[0].why


def test_redpanda_with_two_brokers_cannot_keep_three_copies() -> None:
    assert "fits: 3 brokers" in check_redpanda(Redpanda(brokers=2), month())[0].fits


def test_a_redpanda_broker_writes_no_faster_than_its_volume() -> None:
    """Fargate: gp3's 125 MiB/s. 150 MiB/s × 3 copies ÷ 3 brokers = 150; 450 ÷ 125 = 3.6: 4 brokers."""
    fargate = Redpanda.model_validate({"compute": "fargate"})
    assert check_redpanda(fargate, fast(bytes_per_second=125 * MIB)) == ()
    (found,) = check_redpanda(fargate, fast(bytes_per_second=150 * MIB))
    assert found.change == {"redpanda": {"brokers": 4}}


def test_a_redpanda_broker_needs_2_mb_a_partition_copy_and_a_larger_one_is_named() -> None:
    """8 GiB less 1 for the machine and ½ for the container leave 6.5 GiB = 6,979 MB: 3,489 copies."""
    assert check_redpanda(Redpanda(), month(partitions=3_489)) == ()
    (found,) = check_redpanda(Redpanda(), month(partitions=3_490))
    assert found.change == {"redpanda": {"memory": "16GiB", "vcpu": 4}}


def test_redpandas_own_sizing_example_carries_its_rates() -> None:
    """Its sizing page, low throughput: 75 MB/s in and out on three machines of two cores; not 80, at 78.75 to disk."""
    two_cores = Redpanda.model_validate({"instance_type": "m7g.large"})
    assert check_redpanda(two_cores, fast(bytes_per_second=75 * MB)) == ()
    assert check_redpanda(two_cores, fast(bytes_per_second=80 * MB))[0].change == {"redpanda": {"brokers": 4}}


@pytest.mark.parametrize(("gib", "fits"), [(16_384, True), (16_385, False)])
def test_a_standard_broker_has_16_tib_of_disk(gib: int, fits: bool) -> None:
    """Three brokers and three copies: each broker holds all that is kept, in 100 days, so slowly."""
    usage = month(bytes_per_second=Decimal(gib) * 2**30 / 8_640_000, retention_days=Decimal(100))
    found = check_standard("kafka.m7g.large", 3, usage)
    assert (found == ()) is fits


def test_basic_refuses_what_is_over_8_mib_and_dedicated_takes_20() -> None:
    large = month(message_bytes=9 * 2**20)
    (found,) = check_confluent("basic", large)
    assert "messages of 9,437,184 bytes, Basic takes 8,388,608" in found.why
    assert found.change == {"confluent": {"tier": "dedicated", "cku": 1}}
    assert check_confluent("dedicated", large) == check_confluent("enterprise", large) == ()
    assert check_confluent("dedicated", month(message_bytes=21 * 2**20))


def test_enterprise_by_privatelink_ends_at_10_ecku() -> None:
    assert check_confluent("enterprise", month(bytes_per_second=600 * MB)) == ()
    assert "has at most 10 by PrivateLink" in check_confluent("enterprise", month(bytes_per_second=601 * MB))[0].why


def environment(**changes: object) -> Environment:
    return Environment.model_validate({"name": "e", "source": "e.yaml", "platform": "confluent", **changes})


def test_what_the_environment_has_set_too_small_is_said_with_what_to_write() -> None:
    usage = month(bytes_per_second=130 * MB)
    capped = environment(confluent={"tier": "standard", "max_ecku": 2})
    (found,) = check_confluent("standard", usage, capped)
    assert (found.warns, found.change) == (False, {"confluent": {"max_ecku": 6}})  # 130 ÷ 25 = 5.2
    small = environment(confluent={"tier": "dedicated", "cku": 2})
    assert check_confluent("dedicated", usage, small)[0].change == {"confluent": {"cku": 3}}  # 130 ÷ 60 = 2.2
    many = environment(connect={"kind": "managed"})
    assert "251 connector tasks" in check_confluent("standard", month(connector_tasks=251), many)[0].why
    assert check_confluent("standard", month(connector_tasks=250), many) == ()
    several = environment(connect={"kind": "managed", "tasks": 2})
    assert check_confluent("basic", month(), several)[0].change == {"confluent": {"tier": "standard"}}


def test_disks_that_are_given_too_small_grow_or_do_not_fit() -> None:
    """590.6 GiB kept, three copies on three brokers; disks grow up to four times what they start with."""

    def disks(gib: int) -> tuple[Misfit, ...]:
        its = environment(platform="msk", msk={"storage_per_broker": f"{gib}GiB"})
        return check_standard("kafka.m7g.large", 3, month(), its)

    assert disks(591) == ()
    assert [each.warns for each in disks(200)] == [True]  # up to 800
    assert [each.warns for each in disks(100)] == [False]  # up to 400
    assert disks(100)[0].change == {"msk": {"storage_per_broker": "768GiB"}}
    (found,) = check_redpanda(Redpanda.model_validate({"storage_per_broker": "500GiB"}), month())
    assert found.change == {"redpanda": {"storage_per_broker": "768GiB"}}


@pytest.mark.parametrize("name", ["msk", "msk-express", "redpanda-ec2", "redpanda-fargate", "confluent-dedicated"])
def test_with_the_change_the_workload_fits(name: str) -> None:
    """A GB a second on the platform's defaults, and then with what the misfits ask for, one after the other."""
    option = OPTIONS[name]
    usage = month(bytes_per_second=300 * MB, partitions=2_000, retention_days=Decimal(3))
    its = moved(environment(platform="local"), option)
    assert refused(option.check(usage, its))
    for _ in range(4):
        left = [each for each in refused(option.check(usage, its)) if each.change]
        its = with_change(its, left[0].change or {}) if left else its
    assert refused(option.check(usage, its)) == []
