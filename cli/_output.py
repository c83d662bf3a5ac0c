"""How every command talks: data on stdout, progress and errors on stderr, no colour when piped or with NO_COLOR.

Import-light on purpose: rich is loaded only by the functions that draw.
"""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

from modules.errors import InfraError

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["fail", "is_quiet", "note", "print_json", "set_plain", "stderr", "stdout"]

_plain = False


def set_plain() -> None:
    """Turn colour and live displays off for this run (`--plain`)."""
    global _plain
    _plain = True


def is_quiet() -> bool:
    """True where nobody watches: CI, a pipe, `--plain`, a dumb terminal. Then no live display is drawn."""
    return _plain or bool(os.environ.get("CI")) or not sys.stderr.isatty() or os.environ.get("TERM") == "dumb"


def stdout() -> Console:
    """The console for data."""
    return _console(stderr=False)


def stderr() -> Console:
    """The console for progress."""
    return _console(stderr=True)


def _console(*, stderr: bool) -> Console:
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else int(os.environ.get("COLUMNS", "100"))
    return Console(stderr=stderr, no_color=_plain or None, highlight=False, width=width, soft_wrap=False)


def note(text: str) -> None:
    """A line of progress, written at once: stacks are worked on side by side."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def print_json(value: Any) -> None:
    """One JSON document on stdout, keys in the order given."""
    print(json.dumps(value, indent=2, default=str))


def fail(error: InfraError, code: int | None = None) -> int:
    """Print what happened, where, and what to do; return the exit code. What others said may repeat a secret."""
    from modules.redaction import redact_known

    red, bold, off = ("\033[31m", "\033[1m", "\033[0m") if _coloured() else ("", "", "")
    where = f"{bold}{error.where}{off}: " if error.where else ""
    note(f"{red}error{off}: {where}{redact_known(error.what)}")
    for line in error.details:
        note(f"  {redact_known(line)}")
    if error.do:
        note(f"  → {error.do}")
    return error.exit_code if code is None else code


def _coloured() -> bool:
    return sys.stderr.isatty() and not _plain and not os.environ.get("NO_COLOR")
