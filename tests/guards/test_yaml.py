"""`guards:` and `protected:` in an environment's YAML: what is wrong is said with file, line and key."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from modules.environment.guards import GUARD_IDS
from modules.errors import ConfigError
from modules.guards.catalog import guard, severity_of
from tests.guards.cases import CONFLUENT, MSK, PRODUCTION
from tests.guards.support import project_of


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (
            ["  data-los: {severity: warn}"],
            "prod.yaml:6: guards.data-los: unknown key `data-los`; did you mean `data-loss`?",
        ),
        (
            ["  data-loss: {severity: off}"],
            "prod.yaml:6: guards.data-loss.severity: expected one of refuse, warn, got 'off'",
        ),
        (
            ["  budget: {severity: never}"],
            "prod.yaml:6: guards.budget.severity: expected one of refuse, warn, off, got 'never'",
        ),
        (
            ["  waivers:", "    - {guard: budgett, reason: why, until: 2027-01-01}"],
            "prod.yaml:7: guards.waivers.0.guard: there is no guard `budgett`; did you mean `budget`?",
        ),
        (
            ["  waivers:", "    - {guard: data_loss, reason: why, until: 2027-01-01}"],
            "prod.yaml:7: guards.waivers.0.guard: there is no guard `data_loss`; did you mean `data-loss`?",
        ),
        (
            ["  waivers:", "    - {guard: budget, reason: why, until: 2027-02-30}"],
            "prod.yaml:7: guards.waivers.0.until: expected a day such as 2027-01-31, got '2027-02-30'",
        ),
        (
            ["  waivers:", "    - {guard: budget, reason: why, until: soon}"],
            "prod.yaml:7: guards.waivers.0.until: expected a day such as 2027-01-31, got 'soon'",
        ),
        (["  waivers:", "    - {guard: budget, until: 2027-01-01}"], "prod.yaml:7: guards.waivers.0.reason: missing"),
        (
            ["  waivers:", "    - {guard: budget, until: 2027-01-01, reason: ' '}"],
            "prod.yaml:7: guards.waivers.0.reason: say why it is all right",
        ),
        (
            ["  waivers:", "    - {guard: budget, until: 2027-01-01, reason: x, untill: y}"],
            "prod.yaml:7: guards.waivers.0.untill: unknown key `untill`; did you mean `until`?",
        ),
        (
            ["  waivers:", "    - {guard: data-loss, reason: x, until: 2027-01-01}"],
            "prod.yaml:7: guards.waivers.0.address: missing; write the address that `data-loss` named, or a part of it "
            "with `*`",
        ),
        (
            ["  hooks: ['../else.py:check']"],
            "prod.yaml:6: guards.hooks.0: expected FILE.py:FUNCTION inside the project, such as guards/naming.py:check"
            ", got '../else.py:check'",
        ),
        (
            ["  hooks: [/etc/x.py:check]"],
            "prod.yaml:6: guards.hooks.0: expected FILE.py:FUNCTION inside the project, such as guards/naming.py:check"
            ", got '/etc/x.py:check'",
        ),
        (
            ["  hook_timeout: 30"],
            "prod.yaml:6: guards.hook_timeout: expected a duration such as 30d, 12h, 60s or 250ms, got 30 without a "
            "unit; write 30d",
        ),
        (["  waivers: {guard: budget}"], "prod.yaml:6: guards.waivers: expected a list (`[a, b]`), got a mapping"),
    ],
)
def test_what_is_wrong_names_file_line_and_key(lines: Sequence[str], said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        project_of(tmp_path, *MSK, "guards:", *lines)
    assert f"environments/{said}" in caught.value.details


def test_a_protected_environment_does_not_take_a_softer_data_loss(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        project_of(tmp_path, *MSK, "protected: true", "guards: {data-loss: {severity: warn}}")
    assert caught.value.details == (
        "environments/prod.yaml:6: guards.data-loss.severity: a protected environment always refuses to lose data; "
        "take the line out, or waive one address",
    )


def test_production_is_protected_unless_it_says_otherwise(tmp_path: Path) -> None:
    assert project_of(tmp_path, *PRODUCTION)[1].is_protected
    assert not project_of(tmp_path, *PRODUCTION, "protected: false")[1].is_protected
    assert not project_of(tmp_path, *MSK)[1].is_protected
    assert project_of(tmp_path, *MSK, "protected: true")[1].is_protected


@pytest.mark.parametrize("id_", GUARD_IDS)
def test_a_laptop_is_warned_where_data_can_be_made_again_and_production_is_strictest(id_: str, tmp_path: Path) -> None:
    order = ("off", "warn", "refuse")
    strict = {
        name: order.index(severity_of(guard(id_), project_of(tmp_path / name, *lines)[1]))
        for name, lines in {"local": ("platform: local",), "dev": CONFLUENT, "prod": PRODUCTION}.items()
    }
    assert strict["local"] <= strict["dev"] <= strict["prod"]
    if id_ == "data-loss":
        assert strict == {"local": 1, "dev": 2, "prod": 2}


def test_what_the_yaml_says_goes_before_the_default(tmp_path: Path) -> None:
    _, environment = project_of(
        tmp_path, *PRODUCTION, "guards: {unencrypted: {severity: warn}, budget: {severity: off}}"
    )
    assert severity_of(guard("unencrypted"), environment) == "warn"
    assert severity_of(guard("budget"), environment) == "off"
