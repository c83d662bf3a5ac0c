"""The report for a comment: fits at any size, and nothing in a name breaks the table."""

from __future__ import annotations

from modules.drift.document import summary, to_markdown
from modules.drift.model import AttributeDrift, Drift, Unlisted
from tests.drift.parts import report


def test_the_report_has_its_groups_values_and_what_was_not_looked_at() -> None:
    size = AttributeDrift("warehouse_size", "XSMALL", "LARGE", ("warehouse", "warehouses", "WH", "size"))
    text = to_markdown(
        report(
            Drift("missing", "topic", "orders", "topics", 'kafka_topic.topic["orders"]', with_it=("a", "b")),
            Drift("changed", "warehouse", "WH", "warehouse", "snowflake_warehouse.wh", (size,)),
            Drift("unmanaged", "role", "SHADOW", by_hand='DROP ROLE "SHADOW"'),
            unlisted=(Unlisted("ACLs", "refused", "Describe on the cluster"),),
        )
    )
    assert text.startswith("### Drift: local: 1 missing, 1 changed outside, 1 not declared\n")
    assert '| topic orders and 2 that went with it | `topics: kafka_topic.topic["orders"]` |  |' in text
    assert "| warehouse WH | `warehouse.warehouses.WH.size` | `XSMALL` → `LARGE` |  |" in text
    assert '| role SHADOW | `DROP ROLE "SHADOW"` |  |' in text
    assert "- not looked at: ACLs: refused (needs Describe on the cluster)" in text


def test_ten_thousand_drifts_fit_into_a_comment() -> None:
    drifts = [Drift("unmanaged", "topic", f"clicks-{number}", by_hand="x" * 80) for number in range(10_000)]
    text = to_markdown(report(Drift("missing", "topic", "orders", "topics", "kafka_topic.it"), *drifts))
    assert len(text) < 60_000
    assert "| topic orders |" in text, "what is missing stays"
    assert "more: `infra drift --env local` has all of them." in text


def test_a_name_cannot_break_the_table() -> None:
    text = to_markdown(report(Drift("unmanaged", "user", "a|b`<script>\\", by_hand="DROP USER `a|b`")))
    (row,) = [line for line in text.splitlines() if "script" in line]
    assert row == "| user a\\|b\\`\\<script\\>\\\\ | `DROP USER 'a\\|b'` |  |"


def test_no_drift_is_one_line() -> None:
    assert summary(report()) == "local: no drift in 1 stack"
