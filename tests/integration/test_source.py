"""`infra source` against the real broker and the stand-in: each row once, in order per key, whatever happens."""

from __future__ import annotations

import itertools
import json
import signal
import time
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest
from confluent_kafka.admin import (
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

from modules.connectors.source import Session, open_reader
from modules.connectors.source.place import Place
from modules.connectors.source.publisher import Publisher
from modules.connectors.source.schema import writer_for
from modules.connectors.source.stream import StreamReader
from modules.errors import SourceError
from tests.integration.conftest import RunningPlatform
from tests.integration.program import Infra
from tests.integration.source_parts import SourceSetup, make_source

pytestmark = [pytest.mark.platform, pytest.mark.timeout(600)]

_numbers = itertools.count()


@pytest.fixture
def make(local_platform: RunningPlatform) -> Iterator[Any]:
    made: list[SourceSetup] = []

    def make_one(columns: str, **settings: Any) -> SourceSetup:
        made.append(make_source(local_platform, f"src-{next(_numbers)}", columns, **settings))
        return made[-1]

    yield make_one
    for setup in made:
        for process in setup.processes:
            process.kill()


CHANGES = "ID NUMBER(18,0) NOT NULL, ACCOUNT VARCHAR NOT NULL, SEQ NUMBER(9,0) NOT NULL, UPDATED_AT TIMESTAMP_NTZ(6)"


TIES = 7


def fill(setup: SourceSetup, first: int, last: int, *, keys: int = 97) -> None:
    """Rows `first` to `last` - 1; `TIES` of them share each stamp."""
    setup.numbers(last)
    stamp = f"DATEADD(second, FLOOR(N / {TIES})::INT, '2026-01-01 00:00:00'::TIMESTAMP_NTZ)"
    setup.sql(
        f"INSERT INTO {setup.table} (ID, ACCOUNT, SEQ, UPDATED_AT) "
        f"SELECT N, 'account-' || MOD(N, {keys}), FLOOR(N / {keys}), {stamp} FROM SRC.PUBLIC.NUMBERS "
        f"WHERE N >= {first} AND N < {last}"
    )


def each_once_in_order(setup: SourceSetup, count: int) -> None:
    """Every row is there once, and the rows of one key in the order they were written."""
    by_key: dict[str, list[int]] = defaultdict(list)
    ids = []
    for message in setup.messages():
        record = setup.decode(message.value())
        assert message.key().decode() == record["account"]
        by_key[record["account"]].append(record["seq"])
        ids.append(record["id"])
    assert len(ids) == count and set(ids) == set(range(count))
    assert all(sequence == sorted(sequence) for sequence in by_key.values())


def test_rows_are_published_once_in_order_per_key_and_a_restart_goes_on_behind_the_last(make: Any) -> None:
    setup = make(CHANGES, column="updated_at", key="account", batch=300)
    fill(setup, 0, 1_001)
    assert setup.once()["rows_published"] == 1_001
    each_once_in_order(setup, 1_001)
    fill(setup, 1_001, 1_500)
    assert setup.once()["rows_published"] == 499
    assert setup.once()["rows_published"] == 0
    each_once_in_order(setup, 1_500)


def test_a_transaction_left_open_is_undone_and_whoever_left_it_is_fenced(make: Any) -> None:
    setup = make(CHANGES, column="updated_at", key="account")
    fill(setup, 0, 50)
    settings = setup.settings()
    session = Session(settings)
    reader = open_reader(settings, session)
    publisher = Publisher(settings)
    publisher.start()
    reader.look()
    batch = reader.read(Place(setup.table, "timestamp", "UPDATED_AT", "ACCOUNT"))
    assert batch is not None and len(batch.rows) == 50
    write = writer_for(settings, reader.columns)
    publisher._producer.begin_transaction()
    publisher._open = True
    for row, key in zip(batch.rows, batch.keys, strict=True):
        publisher._send(setup.topic, key.encode(), write(row or ()), None)
    publisher._producer.flush(10)
    assert setup.messages() == []
    assert setup.once()["rows_published"] == 50
    with pytest.raises(SourceError, match="another `infra source` has taken over source"):
        publisher._call(lambda: publisher._producer.commit_transaction(10.0))
    session.close()
    each_once_in_order(setup, 50)


@pytest.mark.soak
def test_rows_without_a_stamp_are_counted_and_published_once_they_have_one(make: Any) -> None:
    setup = make(CHANGES, column="updated_at", key="account")
    fill(setup, 0, 10)
    setup.sql(f"INSERT INTO {setup.table} VALUES (10, 'account-10', 0, NULL)")
    status = setup.once()
    assert (status["rows_published"], status["unseen"]) == (10, 1)
    setup.sql(f"UPDATE {setup.table} SET UPDATED_AT = '2026-02-01 00:00:00' WHERE ID = 10")
    assert setup.once()["rows_published"] == 1
    each_once_in_order(setup, 11)


def test_a_new_column_becomes_a_field_and_a_lost_one_is_told(make: Any) -> None:
    setup = make(CHANGES, column="updated_at", key="account")
    fill(setup, 0, 10)
    first = setup.once()["schema_id"]
    setup.sql(f"ALTER TABLE {setup.table} ADD COLUMN NOTE VARCHAR")
    setup.sql(f"INSERT INTO {setup.table} VALUES (10, 'account-10', 0, '2026-02-01 00:00:00', 'new')")
    assert setup.once()["schema_id"] != first
    records = {record["id"]: record for record in setup.records()}
    assert "note" not in records[9] and records[10]["note"] == "new"
    setup.sql(f"ALTER TABLE {setup.table} DROP COLUMN SEQ")
    setup.sql(f"ALTER TABLE {setup.table} ADD COLUMN SEQ VARCHAR")
    said = setup.refused()
    assert f"the schema that {setup.table} gives now is not compatible with {setup.topic}-value" in said
    assert 'field `seq`: int there, ["null", "string"] in the table' in said


def test_what_is_missing_or_not_allowed_is_told_in_words(make: Any) -> None:
    setup = make(CHANGES, column="updated_at", key="account")
    setup.sql(f"REVOKE SELECT ON TABLE {setup.table} FROM ROLE KAFKA_SOURCE")
    assert f"there is no {setup.table}, or the role KAFKA_SOURCE may not read it" in setup.refused()
    setup.sql(f"GRANT SELECT ON TABLE {setup.table} TO ROLE KAFKA_SOURCE")
    admin = AdminClient(setup.platform.kafka_client("admin"))
    kind, any_one = ResourceType.TRANSACTIONAL_ID, (None, None, AclOperation.ANY, AclPermissionType.ANY)
    rule = AclBindingFilter(kind, f"source-{setup.name}", ResourcePatternType.LITERAL, *any_one)
    for removed in admin.delete_acls([rule]).values():
        assert removed.result(10)
    assert f"Kafka does not let source-{setup.name} use its transactional id" in setup.refused()
    for gone in admin.delete_topics([setup.topic]).values():
        gone.result(10)
    assert f"there is no topic {setup.topic}, or source-{setup.name} may not see it" in setup.refused()


def test_the_schema_a_table_gives_is_printed_and_a_declared_one_has_to_fit(make: Any) -> None:
    setup = make(CHANGES, column="updated_at", key="account")
    fill(setup, 0, 5)
    infra = Infra(setup.project)
    printed = infra("source", "--env", setup.environment.name, "--schema")
    assert printed.code == 0 and printed.json["fields"][0] == {"name": "id", "type": "long"}
    declared = {**printed.json, "fields": printed.json["fields"][:-1]}
    (setup.project.environments / "schemas" / f"{setup.name}.avsc").write_text(json.dumps(declared))
    infra.edit(f"{setup.environment.name}.yaml", "partitions: 3\n",
               f"partitions: 3\n    value: {{schema: schemas/{setup.name}.avsc}}\n")  # fmt: skip
    assert f"the schema of topic {setup.topic} is not registered yet" in setup.refused()
    setup.register(json.dumps(declared))
    said = setup.refused()
    assert f"the table {setup.table} does not fit the schema of topic {setup.topic}" in said
    assert "column UPDATED_AT: the schema has no field `updated_at`" in said
    assert setup.messages() == []


@pytest.mark.soak
def test_a_row_that_is_committed_late_within_the_time_to_settle_is_published(make: Any) -> None:
    setup = make(CHANGES, column="updated_at", key="account", settle="10s")
    row = "INSERT INTO {table} SELECT {id}, 'late', {id}, SYSDATE()"
    with setup.source() as process, setup.connected() as late, late.cursor() as cursor:
        cursor.execute("USE SCHEMA SRC.PUBLIC")
        process.until(lambda: process.status()["caught_up"], every=0.1)
        cursor.execute("BEGIN")
        cursor.execute(row.format(table=setup.table, id=0))
        setup.sql(row.format(table=setup.table, id=1))
        time.sleep(0.5)  # some looks
        assert setup.sql(f"SELECT ID FROM {setup.table}") == [(1,)] and setup.messages() == []
        cursor.execute("COMMIT")
        process.until(lambda: process.status()["rows_published"] == 2, every=0.1)
        process.stop()
    assert [record["id"] for record in setup.records()] == [0, 1]


def test_a_column_added_while_it_runs_is_in_every_row_that_has_it(make: Any) -> None:
    setup = make(CHANGES, column="id", key="account", mode="id")
    fill(setup, 0, 10)
    with setup.source() as process:
        process.until(lambda: process.status()["rows_published"] == 10)
        setup.sql(f"ALTER TABLE {setup.table} ADD COLUMN NOTE VARCHAR")
        setup.sql(f"INSERT INTO {setup.table} VALUES (10, 'account-10', 0, '2026-02-01 00:00:00', 'new')")
        process.until(lambda: process.status()["rows_published"] == 11)
        process.stop()
    assert [record["note"] for record in setup.records() if record["id"] == 10] == ["new"]


@pytest.mark.soak
def test_an_interrupted_source_ends_cleanly_and_goes_on_later(make: Any) -> None:
    setup = make(CHANGES, column="id", key="account", mode="id", batch=20)
    fill(setup, 0, 300)
    with setup.source() as process:
        process.until(lambda: process.status()["rows_published"] > 0)
        status = process.stop()
    assert status["state"] == "stopped"
    assert setup.once()["place"]["rows"] == 300
    each_once_in_order(setup, 300)


def storm(setup: SourceSetup, *, rows: int, kills: int) -> None:
    """Rows keep coming while the source is killed in mid-stream; then it catches up."""
    step = rows // (kills + 1) // TIES * TIES  # nothing settles here, so no stamp is used again later
    for kill in range(kills):
        fill(setup, kill * step, (kill + 1) * step)
        before = len(setup.messages())
        with setup.source() as process:
            process.until(lambda: process.status()["rows_published"] > 0, every=0.001)
            process.kill()
        assert process.process.returncode == -signal.SIGKILL
        assert before < len(setup.messages()) < rows, "the kill was before the first transaction or after the last one"
    fill(setup, kills * step, rows)
    with setup.source("--once", "--max-seconds", "120") as process:
        assert process.finish()["place"]["rows"] == rows
    each_once_in_order(setup, rows)


def test_two_kills_in_mid_stream_lose_and_repeat_nothing(make: Any) -> None:
    storm(make(CHANGES, column="updated_at", key="account", batch=50), rows=2_000, kills=2)


@pytest.mark.soak
def test_fifty_thousand_rows_and_five_kills_lose_and_repeat_nothing(make: Any) -> None:
    storm(make(CHANGES, column="updated_at", key="account", batch=500), rows=50_000, kills=5)


@pytest.mark.soak
def test_fifty_thousand_rows_by_id_and_five_kills_lose_and_repeat_nothing(make: Any) -> None:
    storm(make(CHANGES, column="id", key="account", mode="id", batch=500), rows=50_000, kills=5)


def streamed(make: Any, columns: str = CHANGES, *, column: str | None = None, **settings: Any) -> SourceSetup:
    """A source that reads a stream on its table."""
    setup: SourceSetup = make(columns, mode="stream", column=column, stream=True, **settings)
    return setup


def test_a_streams_changes_are_published_once_with_deletes_as_tombstones(make: Any) -> None:
    setup = streamed(make, "ID NUMBER(18,0) NOT NULL, NAME VARCHAR", key="id")
    setup.sql(f"INSERT INTO {setup.table} VALUES (1, 'one'), (2, 'two'), (3, 'three')")
    assert setup.once()["rows_published"] == 3
    setup.sql(f"UPDATE {setup.table} SET NAME = 'zwei' WHERE ID = 2", f"DELETE FROM {setup.table} WHERE ID = 3")
    assert setup.once()["rows_published"] == 2
    assert setup.once()["rows_published"] == 0
    newest = {message.key(): message for message in setup.messages()}
    assert setup.decode(newest[b"1"].value()) == {"id": 1, "name": "one"}
    assert setup.decode(newest[b"2"].value()) == {"id": 2, "name": "zwei"}
    assert newest[b"3"].value() is None and newest[b"3"].headers() == [("infra.change", b"delete")]
    assert len(setup.messages()) == 5
    setup.sql(
        f"ALTER TABLE {setup.table} ADD COLUMN CITY VARCHAR", f"INSERT INTO {setup.table} VALUES (4, 'four', NULL)"
    )
    assert setup.once()["rows_published"] == 1
    setup.sql(f"INSERT INTO {setup.table} VALUES (5, 'five', 'Bonn')")
    assert setup.once()["rows_published"] == 1
    assert {"id": 5, "name": "five", "city": "Bonn"} in setup.records()


@pytest.mark.soak
def test_a_stream_killed_in_mid_stream_loses_and_repeats_nothing(make: Any) -> None:
    storm(streamed(make, key="account", column="id", batch=20), rows=600, kills=1)


@pytest.mark.soak
def test_fifty_thousand_rows_of_a_stream_and_five_kills_lose_and_repeat_nothing(make: Any) -> None:
    storm(streamed(make, key="account", column="id", batch=500), rows=50_000, kills=5)


@pytest.mark.soak
def test_changes_moved_by_a_process_that_was_taken_over_are_published_too(make: Any) -> None:
    setup = streamed(make, key="account", column="id")
    for end in (40, 60):
        fill(setup, 0 if end == 40 else 40, end)
        setup.once()
    fill(setup, 60, 80)
    settings = setup.settings()
    session = Session(settings)
    fenced = open_reader(settings, session)
    assert isinstance(fenced, StreamReader)
    fenced._next = 1_000
    assert fenced._take(10**9)  # the first process, which does not know yet that it was taken over
    session.close()
    assert setup.once()["rows_published"] == 20
    each_once_in_order(setup, 80)
