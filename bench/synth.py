"""Synthesis of `local` and of 1,000 and 10,000 topics: wall time and peak memory, Node's included."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from bench.figures import Figure
from bench.process import run
from bench.project import BenchProject, temporary_project

__all__ = ["Synthesis", "bench", "synthesise"]

_PROGRAM = """
import json, sys, time, tempfile
from pathlib import Path
began = time.perf_counter()
from modules.environment import load_environment
from modules.platforms import platform_for
from modules.project import find_project
project = find_project()
environment = load_environment(project, sys.argv[1])
loaded = time.perf_counter()
from stacks import synth
imported = time.perf_counter()
with tempfile.TemporaryDirectory() as out:
    sources = synth(environment, project, platform_for(environment, project), Path(out))
    done = time.perf_counter()
    size = sum(source.json_path.stat().st_size for source in sources)
print(json.dumps({"load": loaded - began, "imports": imported - loaded, "synth": done - imported, "bytes": size,
                  "topics": len(environment.topics)}))
"""


@dataclass(frozen=True)
class Synthesis:
    """A synthesis in a fresh process. `seconds` is all of it; the parts are inside."""

    seconds: float
    peak_bytes: int
    load: float
    imports: float
    synth: float
    topics: int


def synthesise(project: BenchProject, environment: str) -> Synthesis:
    """Load an environment and synthesise its stacks, once, in a process of its own."""
    done = run([sys.executable, "-c", _PROGRAM, environment], environment=project.variables, memory=True)
    parts = json.loads(done.stdout.strip().splitlines()[-1])
    return Synthesis(
        done.seconds, done.peak_bytes, parts["load"], parts["imports"], parts["synth"], int(parts["topics"])
    )


def bench() -> Iterator[Figure]:
    with temporary_project() as project:
        project.pretend_platform()
        baseline = 0.0
        for name, count in (("local", 0), ("thousand", 1_000), ("ten-thousand", 10_000)):
            if count:
                project.write_topics(name, count)
            else:
                synthesise(project, name)  # Thrown away: bytecode and page cache.
            one = synthesise(project, name)
            title = f"{one.topics:,} topics" if count else "local"
            inside = f"reading the YAML {one.load:.2f} s, imports {one.imports:.2f} s, synth {one.synth:.2f} s"
            yield Figure("synth", f"{title}: whole process", one.seconds, "s", note=inside)
            yield Figure("synth", f"{title}: peak memory", one.peak_bytes / 1e6, "MB", note="Python and Node together")
            baseline = baseline or one.seconds
            if count:
                yield Figure("synth", f"{title}: beside local", one.seconds / baseline, "×")
