"""Durations, sizes, rates, money and secret references as people write them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from modules.environment.types import (
    DataRateValue,
    DataSizeValue,
    DurationValue,
    MoneyValue,
    SecretRefValue,
)


@pytest.mark.parametrize(
    ("text", "milliseconds", "back"),
    [
        ("30d", 2_592_000_000, "30d"),
        ("12h", 43_200_000, "12h"),
        ("90s", 90_000, "90s"),
        ("60 s", 60_000, "1m"),
        ("1.5s", 1_500, "1500ms"),
        ("5min", 300_000, "5m"),
        ("2w", 1_209_600_000, "14d"),
        ("0s", 0, "0ms"),
    ],
)
def test_a_duration_is_milliseconds_and_goes_back_to_text(text: str, milliseconds: int, back: str) -> None:
    value = DurationValue.parse(text)
    assert value.milliseconds == milliseconds
    assert str(value) == back
    assert DurationValue.parse(back) == value


@pytest.mark.parametrize(
    ("text", "count", "back"),
    [
        ("1GB", 10**9, "1GB"),
        ("2GB", 2 * 10**9, "2GB"),
        ("1GiB", 2**30, "1GiB"),
        ("1KiB", 1024, "1KiB"),
        ("1.5 TB", 15 * 10**11, "1500GB"),
        ("17B", 17, "17B"),
        ("0B", 0, "0B"),
    ],
)
def test_a_size_is_bytes_and_goes_back_to_text(text: str, count: int, back: str) -> None:
    value = DataSizeValue.parse(text)
    assert value.bytes == count
    assert str(value) == back
    assert DataSizeValue.parse(back) == value


@pytest.mark.parametrize("text", ["1GB/day", "5MB/s", "1 GB / day", "2GB/month", "1KiB/hour", "3B/min"])
def test_a_rate_goes_back_to_text_that_means_the_same(text: str) -> None:
    value = DataRateValue.parse(text)
    again = DataRateValue.parse(str(value))
    assert again.bytes_per_second == value.bytes_per_second


def test_a_billing_month_has_730_hours() -> None:
    assert DataRateValue.parse("1GB/month").bytes_per_month == 10**9
    assert DataRateValue.parse("1GB/day").bytes_per_month == Decimal(10**9) / 86400 * 730 * 3600


def test_money_is_decimal_with_a_currency() -> None:
    assert MoneyValue.parse("300.10 USD") == MoneyValue(Decimal("300.10"), "USD")
    assert str(MoneyValue.parse("300 USD")) == "300 USD"


@pytest.mark.parametrize(
    "text",
    ["env:NAME", "file:secrets/key.p8", "file:~/key", "aws-sm:prod/kafka#password", "aws-ssm:/prod/kafka#password"],
)
def test_a_secret_reference_keeps_its_text(text: str) -> None:
    assert str(SecretRefValue.parse(text)) == text


@pytest.mark.parametrize(
    "text", ["hunter2", "env:", "env:not a name", "vault:hunter2", "-----BEGIN PRIVATE KEY-----", "file:a\nb", 17, None]
)
def test_what_may_be_a_secret_itself_is_refused_in_words_that_do_not_hold_it(text: object) -> None:
    with pytest.raises(ValueError, match="never the secret itself") as caught:
        SecretRefValue.parse(text)
    assert str(caught.value) == (
        "expected a secret reference: env:NAME, file:PATH, aws-sm:NAME or aws-ssm:NAME (never the secret itself)"
    )


@pytest.mark.parametrize("text", ["30", "30 days", "-1d", "d", "1e3s", "٣d", "", None, True, [], "1d1h"])
def test_a_duration_needs_a_number_and_a_unit(text: object) -> None:
    with pytest.raises(ValueError, match="expected a duration such as 30d"):
        DurationValue.parse(text)
