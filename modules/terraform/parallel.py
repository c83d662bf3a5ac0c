"""Runs a few jobs side by side and lets all of them finish, whatever one of them does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from modules.errors import InfraError

__all__ = ["side_by_side"]

T = TypeVar("T")
_WORKERS = 4


def side_by_side(jobs: Mapping[str, Callable[[], T]], also: type[Exception] = InfraError) -> dict[str, T | Exception]:
    """Each job's result, or the `InfraError` (or `also`) it raised, in the order given; other exceptions are raised.

    A single job runs in the caller's thread.
    """

    def guarded(job: Callable[[], T]) -> T | Exception:
        try:
            return job()
        except (InfraError, also) as error:
            return error

    if len(jobs) == 1:
        return {name: guarded(job) for name, job in jobs.items()}
    with ThreadPoolExecutor(_WORKERS, thread_name_prefix="terraform") as pool:
        futures = {name: pool.submit(guarded, job) for name, job in jobs.items()}
        return {name: future.result() for name, future in futures.items()}
