"""`python -m bench [names…] [--json]`: run benchmarks and print what they found beside what was hoped for."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator, Mapping

from bench import cost, demo, plan, platforms, sink, smoke, startup, synth, topics
from bench.figures import Figure, to_json, to_text
from bench.process import BenchError

BENCHMARKS: Mapping[str, Callable[[], Iterator[Figure]]] = {
    "help": startup.help_,
    "imports": startup.imports,
    "cost": cost.bench,
    "synth": synth.bench,
    "platforms": platforms.bench,
    "plan": plan.bench,
    "plan-1000": plan.thousand,
    "topics": topics.bench,
    "smoke": smoke.bench,
    "sink": sink.bench,
    "demo": demo.bench,
}
"""From the quickest to the slowest; those from `plan` on start a local platform of their own."""


def main() -> int:
    """Run the chosen benchmarks; 1 when one of them could not be run, whatever the figures are."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"which; default all: {', '.join(BENCHMARKS)}")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    chosen = parser.parse_args()
    unknown = [name for name in chosen.names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    figures: list[Figure] = []
    failed = False
    for name in chosen.names or BENCHMARKS:
        began = time.monotonic()
        try:
            for figure in BENCHMARKS[name]():
                figures.append(figure)
                print(f"{name}: {figure.name}: {figure.shown}", file=sys.stderr, flush=True)
        except BenchError as error:
            failed = True
            figures.append(Figure(name, "could not be run", None, "", note=str(error).splitlines()[0]))
            print(f"{name}: {error}", file=sys.stderr)
        print(f"{name}: took {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    print(json.dumps(to_json(figures, _machine()), indent=2) if chosen.json else to_text(figures))
    return 1 if failed else 0


def _machine() -> dict[str, object]:
    return {"cpus": os.cpu_count(), "system": platform.system(), "python": platform.python_version()}


if __name__ == "__main__":
    sys.exit(main())
