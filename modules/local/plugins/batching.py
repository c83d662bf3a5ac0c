"""Joins calls that arrive together into one call of the service.

Terraform creates objects one by one, some tens at a time; Kafka takes hundreds in one request. The first that comes
starts a worker, which takes along all that have gathered and ends when nobody waits any more. No caller works for the
others: each goes on as soon as its own answer is there, since Terraform sends the next one only then.
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
        self._working = False

    def __call__(self, item: Item) -> Result:
        future: Future[Result] = Future()
        with self._lock:
            self._waiting.append((item, future))
            idle, self._working = not self._working, True
        if idle:
            threading.Thread(target=self._work, name="batch", daemon=True).start()
        return future.result()

    def _work(self) -> None:
        while True:
            time.sleep(self._gather_seconds)
            with self._lock:
                batch, self._waiting = self._waiting, []
                if not batch:
                    self._working = False
                    return
            self._answer(batch)

    def _answer(self, batch: Sequence[tuple[Item, Future[Result]]]) -> None:
        try:
            results = self._run([item for item, _ in batch])
        except Exception as error:
            results = [error] * len(batch)
        for (_, future), result in zip(batch, results, strict=True):
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)
