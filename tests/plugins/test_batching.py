"""Calls that come together become one request: what makes a thousand topics take seconds."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from modules.local.plugins.batching import Batcher
from tests.terraform.support import until


def test_what_arrives_during_a_request_goes_with_the_next_one() -> None:
    calls: list[int] = []
    begun, go_on = threading.Event(), threading.Event()

    def run(items: Sequence[int]) -> list[int | Exception]:
        calls.append(len(items))
        begun.set()
        assert go_on.wait(30)
        return [item * 2 for item in items]

    batcher: Batcher[int, int] = Batcher(run)
    with ThreadPoolExecutor(33) as pool:
        first = pool.submit(batcher, 0)
        assert begun.wait(30)
        # As many as Terraform creates at once.
        others = [pool.submit(batcher, number) for number in range(1, 33)]
        until(lambda: len(batcher._waiting) == 32)
        go_on.set()
        assert first.result(30) == 0
        assert [other.result(30) for other in others] == [number * 2 for number in range(1, 33)]
    assert calls == [1, 32]


def test_a_thousand_calls_of_thirty_two_at_once_are_few_requests() -> None:
    calls: list[int] = []

    def run(items: Sequence[int]) -> list[int | Exception]:
        calls.append(len(items))
        return list(items)

    batcher: Batcher[int, int] = Batcher(run)
    with ThreadPoolExecutor(32) as pool:
        assert list(pool.map(batcher, range(1_000))) == list(range(1_000))
    assert sum(calls) == 1_000
    assert len(calls) <= 250, "fewer than four calls went together"


def test_a_refused_item_is_refused_alone_and_a_failed_request_fails_all() -> None:
    def run(items: Sequence[int]) -> list[int | Exception]:
        if 13 in items:
            raise OSError("the broker is gone")
        return [ValueError(str(item)) if item == 1 else item for item in items]

    batcher: Batcher[int, int] = Batcher(run)
    assert batcher(2) == 2
    with pytest.raises(ValueError, match="1"):
        batcher(1)
    with pytest.raises(OSError, match="the broker is gone"):
        batcher(13)
