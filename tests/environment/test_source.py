"""Snowflake sources in the YAML: what they amount to on Kafka and in Snowflake, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from modules.environment import load_environment
from modules.errors import ConfigError
from modules.topics import access_acls, client_roles, topic_specs
from modules.warehouse.build import estate_of
from tests.environment.conftest import Write

GIVEN = {
    "kind": "snowflake", "table": "CRM.PUBLIC.ACCOUNTS", "mode": "timestamp", "column": "updated_at", "key": "id",
    "topic": "accounts",
}  # fmt: skip


def text(**changes: Any) -> str:
    lines = "".join(f"    {key}: {value}\n" for key, value in {**GIVEN, **changes}.items() if value is not None)
    return f"extends: base\nplatform: local\ntopics:\n  accounts: {{partitions: 3}}\nsources:\n  accounts:\n{lines}"


def refused(write: Write, yaml: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_environment(write(dev=yaml), "dev")
    return [line.removeprefix("environments/dev.yaml:") for line in caught.value.details]


def test_a_source_has_a_login_a_transactional_id_and_a_topic_for_its_place(write: Write) -> None:
    environment = load_environment(write(dev=text()), "dev")
    assert "source-accounts" in client_roles(environment)
    (place,) = (spec for spec in topic_specs(environment) if spec.name == "source-accounts-place")
    assert (place.partitions, dict(place.config)) == (1, {"cleanup.policy": "compact"})
    assert [acl.key for acl in access_acls(environment) if acl.role == "source-accounts"] == [
        "source-accounts write topic accounts",
        "source-accounts write topic source-accounts-place",
        "source-accounts read topic source-accounts-place",
        "source-accounts write transactionalid source-accounts",
    ]


def granted(write: Write, yaml: str) -> list[tuple[tuple[str, ...], str, str]]:
    project = write(dev=yaml)
    estate = estate_of(load_environment(project, "dev"), project.environments)
    return [
        (grant.privileges, grant.object_type, ".".join(grant.object_name))
        for grant in estate.grants
        if grant.role.name == "KAFKA_SOURCE"
    ]


def test_its_role_reads_the_table_and_nothing_else(write: Write) -> None:
    assert sorted(granted(write, text())) == [
        (("SELECT",), "TABLE", "CRM.PUBLIC.ACCOUNTS"),
        (("USAGE",), "DATABASE", "CRM"),
        (("USAGE",), "SCHEMA", "CRM.PUBLIC"),
        (("USAGE",), "WAREHOUSE", "STREAMING_WH"),
    ]


def test_the_role_of_a_stream_may_make_the_table_its_changes_wait_in(write: Write) -> None:
    assert sorted(granted(write, text(mode="stream", column=None, stream="CRM.CDC.ACCOUNTS_STREAM"))) == [
        (("SELECT",), "STREAM", "CRM.CDC.ACCOUNTS_STREAM"),
        (("SELECT",), "TABLE", "CRM.PUBLIC.ACCOUNTS"),
        (("USAGE",), "DATABASE", "CRM"),
        (("USAGE",), "SCHEMA", "CRM.PUBLIC"),
        (("USAGE",), "WAREHOUSE", "STREAMING_WH"),
        (("USAGE", "CREATE TABLE"), "SCHEMA", "CRM.CDC"),
    ]


@pytest.mark.parametrize(
    ("changes", "problems"),
    [
        ({"topic": "acounts"}, ["12: sources.accounts.topic: there is no topic `acounts`; did you mean `accounts`?"]),
        (
            {"column": None},
            ["9: sources.accounts.mode: mode: timestamp needs `column`, the time a row was written at"],
        ),
        (
            {"column": None, "mode": "id"},
            ["9: sources.accounts.mode: mode: id needs `column`, a number that grows with every row"],
        ),
        ({"mode": "stream", "column": None}, ["9: sources.accounts.mode: mode: stream reads a stream; write `stream: "
                                              "DATABASE.SCHEMA.STREAM`"]),
        (
            {"mode": "stream", "stream": "A.B.C", "table": None},
            ["6: sources.accounts: reading a stream takes the right to read its table; write `table: "
             "DATABASE.SCHEMA.TABLE`"],
        ),
        ({"stream": "A.B.C"}, ["13: sources.accounts.stream: a stream is read with `mode: stream`"]),
        ({"table": None}, ["6: sources.accounts: which table? Write `table: DATABASE.SCHEMA.TABLE`"]),
    ],
)  # fmt: skip
def test_what_does_not_fit_together_is_told_with_its_line(
    write: Write, changes: dict[str, Any], problems: list[str]
) -> None:
    assert refused(write, text(**changes)) == problems


def test_a_table_that_the_topics_own_sink_writes_would_go_round_for_ever(write: Write) -> None:
    yaml = text(topic="order-events", table="STREAMING.PUBLIC.ORDER_EVENTS")
    (problem,) = refused(write, yaml)
    assert problem.endswith(
        "topic `order-events` is written into this very table by its sink: rows would go round for ever"
    )


def test_two_sources_of_one_topic_and_names_that_are_taken_are_refused(write: Write) -> None:
    second = "  other:\n" + "".join(f"    {key}: {value}\n" for key, value in GIVEN.items())
    (problem,) = refused(write, text() + second)
    assert problem == ("19: sources.other.topic: `accounts` publishes to this topic already; give each source its own")
    (problem,) = refused(write, text().replace("  accounts:\n    kind", "  Accounts_1:\n    kind"))
    assert problem.endswith("a source is named with at most 25 lower-case letters, digits and `-`, a letter first")
    taken = text().replace("topics:\n", "topics:\n  source-accounts-place: {}\n")
    assert any(
        "`source-accounts-place` is made for its place; take it out of `topics`" in p for p in refused(write, taken)
    )
