"""`infra source` against the real broker and the stand-in: each row once, in order per key, whatever happens."""

from __future__ import annotations

import itertools
import signal
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.conftest import RunningPlatform
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


def fill(setup: SourceSetup, first: int, last: int, *, keys: int = 97, ties: int = 7) -> None:
    """Rows `first` to `last` - 1; `ties` of them share each stamp."""
    for begin in range(first, last, 5_000):
        values = ", ".join(
            f"({n}, 'account-{n % keys}', {n // keys}, "
            f"DATEADD(second, {n // ties}, '2026-01-01 00:00:00'::TIMESTAMP_NTZ))"
            for n in range(begin, min(begin + 5_000, last))
        )
        setup.sql(f"INSERT INTO {setup.table} (ID, ACCOUNT, SEQ, UPDATED_AT) SELECT * FROM (VALUES {values})")


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
    fill(setup, 0, 1_000)
    assert setup.once()["rows_published"] == 1_000
    each_once_in_order(setup, 1_000)
    fill(setup, 1_000, 1_500)
    assert setup.once()["rows_published"] == 500
    assert setup.once()["rows_published"] == 0
    each_once_in_order(setup, 1_500)


def storm(setup: SourceSetup, *, rows: int, kills: int) -> None:
    """Rows keep coming while the source is killed in mid-stream; then it catches up."""
    step = rows // (kills + 1)
    for kill in range(kills):
        fill(setup, kill * step, (kill + 1) * step)
        before = len(setup.messages())
        with setup.source() as process:
            process.until(lambda: process.status()["transactions"] > 0, every=0.001)
            process.kill()
        assert process.process.returncode == -signal.SIGKILL
        assert before < len(setup.messages()) < rows, "the kill was before the first transaction or after the last one"
    fill(setup, kills * step, rows)
    assert setup.once()["place"]["rows"] == rows
    each_once_in_order(setup, rows)


def test_two_kills_in_mid_stream_lose_and_repeat_nothing(make: Any) -> None:
    storm(make(CHANGES, column="updated_at", key="account", batch=20), rows=2_000, kills=2)


@pytest.mark.soak
def test_fifty_thousand_rows_and_five_kills_lose_and_repeat_nothing(make: Any) -> None:
    storm(make(CHANGES, column="updated_at", key="account", batch=500), rows=50_000, kills=5)


@pytest.mark.soak
def test_fifty_thousand_rows_by_id_and_five_kills_lose_and_repeat_nothing(make: Any) -> None:
    storm(make(CHANGES, column="id", key="account", mode="id", batch=500), rows=50_000, kills=5)
