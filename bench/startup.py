"""`infra --help`: how long before a person sees something; and what a command imports on its way."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from bench.figures import Figure
from bench.process import INFRA, median, run

__all__ = ["help_", "imports"]

HEAVY = (
    "cdktf",
    "cdktn",
    "jsii",
    "snowflake",
    "confluent_kafka",
    "boto3",
    "duckdb",
    "fakesnow",
    "grpc",
    "rich",
    "httpx",
)


def help_() -> Iterator[Figure]:
    bare = median([sys.executable, "-c", "pass"], 9)
    own = median([*INFRA, "--help"], 9)
    yield Figure("help", "infra --help", own, "s", "≤ 0.2 s")
    yield Figure("help", "python -c pass", bare, "s")
    yield Figure("help", "ratio", own / bare, "×")


def imports() -> Iterator[Figure]:
    for arguments in (["--help"], ["--version"], ["cost", "--env", "dev"], ["cost", "compare", "--env", "dev"]):
        # A cost report is a table, which rich draws; nothing is drawn for the other two.
        heavy = [name for name in _heavy_imports(arguments) if not (name == "rich" and arguments[0] == "cost")]
        yield Figure(
            "imports",
            f"heavy packages on the way of infra {' '.join(arguments)}",
            len(heavy),
            "",
            "0",
            ", ".join(heavy),
        )


def _heavy_imports(arguments: list[str]) -> list[str]:
    program = (
        "import sys, contextlib, io\n"
        "from cli.main import main\n"
        "with contextlib.redirect_stdout(io.StringIO()):\n"
        f"    code = main({arguments!r})\n"
        f"print(','.join(name for name in {HEAVY!r} if name in sys.modules))\n"
        "sys.exit(code)"
    )
    return [name for name in run([sys.executable, "-c", program]).stdout.strip().split(",") if name]
