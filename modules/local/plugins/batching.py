"""Joins calls that arrive together into one call of the service.

Terraform creates objects one by one, ten at a time; Kafka takes hundreds in one request. Whoever comes first does the
work for all who wait meanwhile, so nothing is delayed when calls come singly.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Generic, TypeVar

__all__ = ["Batcher"]

Item = TypeVar("Item")
Result = TypeVar("Result")


class Batcher(Generic[Item, Result]):
    """Calls `run` with the items that have gathered; it answers each with a result or an exception, in their order."""

    def __init__(
        self, run: Callable[[Sequence[Item]], Sequence[Result | Exception]], gather_seconds: float = 0.003
    ) -> None:
        self._run = run
        self._gather_seconds = gather_seconds
        self._waiting: list[tuple[Item, Future[Result]]] = []
        self._lock = threading.Lock()
        self._turn = threading.Lock()

    def __call__(self, item: Item) -> Result:
        future: Future[Result] = Future()
        with self._lock:
            self._waiting.append((item, future))
        with self._turn:
            # Someone else's turn may have taken this item along.
            if not future.done():
                time.sleep(self._gather_seconds)
                self._take_turn()
        return future.result()

    def _take_turn(self) -> None:
        with self._lock:
            batch, self._waiting = self._waiting, []
        try:
            results = self._run([item for item, _ in batch])
        except Exception as error:
            results = [error] * len(batch)
        for (_, future), result in zip(batch, results, strict=True):
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)
