"""`infra demo`, cold (nothing downloaded, a project never used) and warm (a second time in the same project)."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Iterator

from bench.figures import Figure
from bench.project import temporary_project

__all__ = ["bench"]

_WARM_TIMES = 2


def bench() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory(prefix="infra-bench-cache-") as cache, temporary_project() as project:
        variables = {"INFRA_CACHE": cache}
        try:
            cold = project.infra("demo", codes=(0, 4), variables=variables)
            yield Figure("demo", "cold, downloads included", cold.seconds, "s", note=_verdict(cold.code))
            warm = [project.infra("demo", codes=(0, 4), variables=variables) for _ in range(_WARM_TIMES)]
            seconds = statistics.median(one.seconds for one in warm)
            worst = max(one.code for one in warm)
            yield Figure("demo", "warm, the platform up", seconds, "s", "≤ 40 s", _verdict(worst))
            project.infra("local", "down", variables=variables)
            again = project.infra("demo", codes=(0, 4), variables=variables)
            yield Figure("demo", "warm, the platform down before", again.seconds, "s", "≤ 40 s", _verdict(again.code))
            yield Figure("demo", "cold beside warm", cold.seconds / seconds, "×")
        finally:
            project.infra("local", "down", variables=variables)


def _verdict(code: int) -> str:
    return "" if code == 0 else "an SLO was missed"
