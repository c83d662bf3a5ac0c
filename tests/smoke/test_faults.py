"""Recovery after a fault: what the latencies of a run say about it."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from modules.errors import ConfigError
from modules.smoke.by_hand import JsonPayloads, read_client_config
from modules.smoke.cleanup import TableCleaner
from modules.smoke.faults import Fault, FaultResult, Rehearsal, parse_fault, recovery_of
from modules.smoke.load import LoadPlan
from modules.smoke.stages import Ledger

MS = 1_000_000
SECOND = 1_000 * MS
PLAN = LoadPlan(rate=100, count=1000)


def rehearsed(stalled: tuple[int, int] | None, *, at: int = 3000, over: int = 4000, count: int = 1000) -> FaultResult:
    """Events every 10 ms, each seen after 20 ms; nothing is seen between the two times (ms)."""
    ledger = Ledger(0, count, ("acknowledged",))
    for number in range(count):
        due = number * 10
        ledger.send(number, due * MS)
        seen = due + 20
        if stalled and stalled[0] <= seen < stalled[1]:
            seen = stalled[1] + 20
        ledger.see("acknowledged", number, seen * MS)
    rehearsal = Rehearsal(Fault("broker-restart", 3), lambda hurry: None)
    rehearsal.began, rehearsal.over = at * MS, over * MS
    return recovery_of(rehearsal, ledger)


def test_a_stage_is_back_when_the_last_late_event_has_come() -> None:
    found = rehearsed((3000, 5000))
    (stage,) = found.stages
    assert (stage.usual, stage.slowest) == (20 * MS, 2040 * MS)
    assert stage.recovery == 2020 * MS
    assert found.recovery == 2020 * MS


def test_a_stage_that_felt_nothing_is_not_disturbed_and_the_recovery_is_the_mending() -> None:
    found = rehearsed(None)
    assert found.stages[0].recovery == 0
    assert found.recovery == 1000 * MS


def test_a_stage_that_is_late_until_the_end_is_not_back() -> None:
    found = rehearsed((3000, 10_000))
    assert found.stages[0].recovery is None
    assert found.recovery is None
    assert found.doubts == ["acknowledged was not back to what was usual when the run ended; measure for longer"]


def test_an_effect_that_comes_after_a_quiet_second_still_belongs_to_a_fault_that_lasts() -> None:
    found = rehearsed((5000, 6000), over=6500)
    assert found.stages[0].recovery == 3020 * MS


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("earthquake", "there is no fault `earthquake`"),
        ("sink-kill@soon", "`soon` is not a time"),
        ("sink-kill@10", "the run measures for 10 s, so nothing can break at second 10"),
        ("sink-kill@0", "the run measures for 10 s, so nothing can break at second 0"),
    ],
)
def test_a_fault_that_cannot_be_is_refused(text: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_fault(text, PLAN)
    assert caught.value.what == words


def test_a_fault_without_a_time_comes_a_third_into_the_run() -> None:
    assert parse_fault("sink-kill", LoadPlan(rate=100, count=600)) == Fault("sink-kill", 2.0)
    assert parse_fault("sink-kill@5", PLAN) == parse_fault("sink-kill@5s", PLAN) == Fault("sink-kill", 5.0)


def test_a_run_that_ends_early_mends_at_once() -> None:
    broken = threading.Event()
    mended: list[bool] = []

    def act(hurry: threading.Event) -> None:
        broken.set()
        mended.append(hurry.wait(60))

    ledger = Ledger(0, 10)
    ledger.send(0, time.perf_counter_ns())
    rehearsal = Rehearsal(Fault("registry-down", 0), act)
    rehearsal.start(ledger, time.perf_counter_ns)
    assert broken.wait(10)
    rehearsal.close()
    assert mended == [True]


def test_java_settings_are_read_as_librdkafkas(tmp_path: Path) -> None:
    file = tmp_path / "client.properties"
    file.write_text(
        "# a comment\nbootstrap.servers=elsewhere:9092\nsecurity.protocol = SASL_SSL\nsasl.mechanism=PLAIN\n"
        'sasl.jaas.config=x.PlainLoginModule required username="me" \\\n  password="a=b;c";\n'
        "key.serializer=org.X\nssl.endpoint.identification.algorithm=\nssl.truststore.location=ca.pem\nlinger.ms=5\n"
    )
    assert read_client_config(file) == {
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "PLAIN",
        "sasl.username": "me",
        "sasl.password": "a=b;c",
        "ssl.endpoint.identification.algorithm": "none",
        "ssl.ca.location": "ca.pem",
        "linger.ms": "5",
    }


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("nothing", "not a line of `name=value`"),
        (
            "ssl.truststore.location=a.jks",
            "`ssl.truststore.location` is a Java key store, which librdkafka does not read",
        ),
        ("sasl.jaas.config=x required;", "this login has no username and password"),
    ],
)
def test_settings_that_cannot_be_used_are_said_with_their_line(tmp_path: Path, line: str, words: str) -> None:
    file = tmp_path / "client.properties"
    file.write_text(f"acks=all\n{line}\n")
    with pytest.raises(ConfigError) as caught:
        read_client_config(file)
    assert (caught.value.what, caught.value.where) == (words, f"{file}:2")


def test_events_without_a_schema_have_exactly_the_size_that_was_asked_for() -> None:
    payloads = JsonPayloads("run", [b"a", b"b"], 200)
    found = [payloads.next() for _ in range(1200)]
    assert {len(value) for _, value in found} == {200}
    assert [key for key, _ in found[:3]] == [b"a", b"b", b"a"]
    with pytest.raises(ConfigError, match="an event has at least"):
        JsonPayloads("run", [b"a"], 20)


@pytest.mark.parametrize(("own", "clean"), [(True, False), (False, True), (False, False)])
def test_only_what_is_the_runs_own_is_deleted(own: bool, clean: bool) -> None:
    asked: list[tuple[str, tuple[str, ...]]] = []

    def ask(text: str, parameters: tuple[str, ...]) -> int:
        asked.append((text, parameters))
        return 7

    cleaner = TableCleaner(ask, "D.S.T", "r1", own=own, clean=clean)
    cleaner.before()
    found = cleaner.after()
    of_run = ("DELETE FROM D.S.T WHERE RECORD_METADATA:headers:infra_run_id::VARCHAR = %s", ("r1",))
    assert (of_run in asked) is (own or clean)
    assert len(asked) == (2 if own else int(clean))
    assert (found.rows, found.older_rows) == (7 if own or clean else None, 7 if own else 0)


def test_a_right_that_is_missing_is_said_once_and_fails_nothing() -> None:
    def ask(text: str, parameters: tuple[str, ...]) -> int:
        raise ConfigError("the right DELETE on table T is missing for role R")

    cleaner = TableCleaner(ask, "T", "r1", own=True)
    cleaner.before()
    assert cleaner.after().left == ("rows stay in T: the right DELETE on table T is missing for role R",)


def test_what_the_machine_did_before_the_fault_is_no_disturbance_after_it() -> None:
    ledger = Ledger(0, 1000, ("acknowledged",))
    for number in range(1000):
        ledger.send(number, number * 10 * MS)
        slow = 100 <= number < 130 or 700 <= number < 730
        ledger.see("acknowledged", number, (number * 10 + (50 if slow else 5)) * MS)
    rehearsal = Rehearsal(Fault("registry-down", 4), lambda hurry: None)
    rehearsal.began, rehearsal.over = 4 * SECOND, 5 * SECOND
    assert recovery_of(rehearsal, ledger).stages[0].recovery == 0
