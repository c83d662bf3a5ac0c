"""What goes with a destroy, named for who has to type the environment's name."""

from __future__ import annotations

import io
import sys

import pytest

from cli.destroy import _have_the_name_typed
from modules.errors import ConfigError
from modules.terraform.losses import losses
from modules.terraform.plan import Change, EnvironmentPlan, StackPlan

PLAN = EnvironmentPlan(
    "dev",
    (
        StackPlan(
            "topics",
            changes=(
                Change(
                    'kafka_topic.topic["orders"]',
                    "kafka_topic",
                    "topic",
                    "delete",
                    before={"name": "orders", "config": {"retention.ms": "604800000"}},
                ),
                Change("kafka_acl.a", "kafka_acl", "a", "delete", before={"resource_name": "orders"}),
            ),
        ),
        StackPlan(
            "warehouse",
            changes=(
                Change(
                    "snowflake_table.t",
                    "snowflake_table",
                    "t",
                    "delete",
                    before={"database": "D", "schema": "S", "name": "T"},
                ),
            ),
        ),
    ),
    destroy=True,
)


def test_each_object_with_data_is_named_with_what_it_holds_and_for_how_long() -> None:
    holds = {"kafka_topic orders": "1,234 messages", "snowflake_table D.S.T": "1 row"}
    assert [each.text for each in losses(PLAN, holds)] == [
        "topics: kafka_topic orders (1,234 messages, kept 7d): its messages are lost",
        "warehouse: snowflake_table D.S.T (1 row): its rows are lost "
        "(Time Travel keeps them for the table's retention)",
    ]


def test_what_was_not_counted_is_named_without_a_number() -> None:
    assert losses(PLAN)[0].text == "topics: kafka_topic orders (kept 7d): its messages are lost"
    assert losses(PLAN)[0].to_json()["holds"] is None


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_only_the_environments_name_is_consent(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", _Terminal("dev\n"))
    _have_the_name_typed("dev", 3, 2, as_json=False, offline=False)
    asked = "This destroys 3 resources and the data in 2 of them. Type the environment's name, dev"
    assert asked in "".join(capsys.readouterr())
    for typed in ("prod", "y", "DEV"):
        monkeypatch.setattr(sys, "stdin", _Terminal(f"{typed}\n"))
        with pytest.raises(ConfigError) as caught:
            _have_the_name_typed("dev", 3, 2, as_json=False, offline=False)
        assert str(caught.value) == (
            f"`{typed}` is not the environment's name, `dev`; nothing was destroyed\n"
            "  → run `infra destroy --env dev` again and type the name, if you mean it"
        )


def test_without_a_person_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("dev\n"))
    with pytest.raises(ConfigError) as caught:
        _have_the_name_typed("dev", 3, 2, as_json=False, offline=False)
    assert str(caught.value) == "there is nobody to confirm the destruction\n  → add --yes if you mean it"
