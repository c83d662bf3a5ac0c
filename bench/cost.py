"""The cost report: how long a person waits for the comparison, and how fast a range of what-ifs is priced."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from bench.figures import Figure
from bench.process import INFRA, ROOT, median, run

__all__ = ["bench"]

_COMPARE_AIM, _POINTS_AIM = 0.6, 3.0
_POINTS = 10_000
_RANGE = "workload.ingress=1GB/day..10TB/day"


def bench() -> Iterator[Figure]:
    bare = median([sys.executable, "-c", "pass"], 5)
    own = median([*INFRA, "cost", "--env", "dev"], 5)
    compare = median([*INFRA, "cost", "compare", "--env", "dev"], 5)
    yield Figure("cost", "infra cost compare --env dev", compare, "s", f"≤ {_COMPARE_AIM} s")
    yield Figure("cost", "of its aim", compare / _COMPARE_AIM, "×", "≤ 1 ×")
    yield Figure("cost", "infra cost --env dev", own, "s", "≤ 0.6 s")
    yield Figure("cost", "python -c pass", bare, "s")
    yield Figure("cost", "compare / python -c pass", compare / bare, "×")
    yield Figure("cost", "cost / python -c pass", own / bare, "×")
    yield from _points()


def _points() -> Iterator[Figure]:
    """Points of one environment, in a process that has everything imported; beside them the plain report of one."""
    program = f"""
import time
from modules.cost import load_book, report
from modules.cost.sweep import sweep
from modules.environment.loader import load_environment
from modules.project import find_project
project, book = find_project(), load_book()
environment = load_environment(project, "dev")
report(environment, book).total
began = time.perf_counter()
for _ in range(200):
    report(environment, book).total
one = (time.perf_counter() - began) / 200
began = time.perf_counter()
made = sweep(project, "dev", [{_RANGE!r}], book, points={_POINTS})
print(time.perf_counter() - began, made.size, one)
"""
    seconds, size, one = (float(each) for each in run([sys.executable, "-c", program], folder=ROOT).stdout.split())
    yield Figure("cost", f"{size:,.0f} what-if points", seconds, "s", f"≤ {_POINTS_AIM:.0f} s")
    yield Figure("cost", "of their aim", seconds / _POINTS_AIM, "×", "≤ 1 ×")
    yield Figure("cost", "a point", seconds / size * 1e6, "µs", note="one environment, its own option")
    yield Figure("cost", "a point / a whole report", seconds / size / one, "×")
