"""Versions and constraints as Terraform reads them."""

from __future__ import annotations

import pytest

from modules.errors import ConfigError
from modules.providers.versions import meets, newest


@pytest.mark.parametrize(
    ("version", "constraint", "expected"),
    [
        ("5.100.0", "5.100.0", True),
        ("5.100.0", "= 5.100.0", True),
        ("5.100.1", "5.100.0", False),
        ("5.100.9", "~> 5.100.0", True),
        ("5.101.0", "~> 5.100.0", False),
        ("5.101.0", "~> 5.100", True),
        ("6.0.0", "~> 5.100", False),
        ("5.3.1", ">= 5.0, < 6.0, != 5.3.1", False),
        ("5.3.2", ">= 5.0, < 6.0, != 5.3.1", True),
        ("1.0.0-beta1", ">= 0.9", False),
        ("1.0.0-beta1", "1.0.0-beta1", True),
        ("1.0.0", "", True),
        ("banana", "", False),
    ],
)
def test_a_version_meets_a_constraint_or_does_not(version: str, constraint: str, expected: bool) -> None:
    assert meets(version, constraint) is expected


def test_the_newest_release_is_found_by_number_not_by_letter_and_never_a_beta() -> None:
    assert newest(["1.9.0", "1.10.0", "2.0.0-rc1", "banana"]) == "1.10.0"
    assert newest(["1.9.0", "1.10.0"], "~> 1.9.0") == "1.9.0"
    assert newest(["1.9.0"], ">= 2") is None


def test_what_is_no_constraint_is_told() -> None:
    with pytest.raises(ConfigError, match="`latest` is no version constraint"):
        meets("1.0.0", "latest")
