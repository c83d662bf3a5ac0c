"""Writes a Terraform command's log to disk, with the secrets cut out before a byte of it is there.

`python -m modules.terraform.log_keeper` is started by `runner.py` between Terraform and the file: a process of its own,
so that Terraform can go on writing when `infra` is killed. The first line it is given is a JSON list of the secrets
(so they are in no argument and no file), all others are Terraform's. It ends when Terraform has, and not before:
signals to all are Terraform's to obey.
"""

from __future__ import annotations

import json
import os
import signal
from typing import Any

from modules.redaction import Redactor

__all__ = ["cleaned", "main"]

_CHUNK = 65_536


def main() -> int:
    """Copy stdin to stdout until its end, line by line."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    stream = open(0, "rb", closefd=False)  # noqa: SIM115
    redactor = Redactor(json.loads(stream.readline()))
    rest = b""
    while data := stream.read1(_CHUNK):
        whole, newline, rest = (rest + data).rpartition(b"\n")
        _write(cleaned(whole + newline, redactor))
    _write(cleaned(rest, redactor))
    return 0


def cleaned(data: bytes, redactor: Redactor) -> bytes:
    """Whole lines without the secrets; what says which resource a line is about stays, for the journal reads it."""
    text = data.decode(errors="replace")
    if redactor(text) == text:
        return data
    lines = [_cleaned_line(line, redactor) for line in text.splitlines(keepends=True)]
    return redactor("".join(lines)).encode() if not any(map(_is_event, lines)) else "".join(lines).encode()


def _cleaned_line(line: str, redactor: Redactor) -> str:
    if redactor(line) == line:
        return line
    if not _is_event(line):
        return redactor(line)
    try:
        value = json.loads(line)
    except ValueError:
        return redactor(line)
    return json.dumps(_cleaned_value(value, redactor), ensure_ascii=False) + "\n"


def _is_event(line: str) -> bool:
    return line.startswith('{"@level"')


_KEPT = {"type", "resource", "action", "@level", "@module", "@timestamp"}
"""Words of Terraform's own, and addresses, which come from the configuration and are never secret."""


def _cleaned_value(value: Any, redactor: Redactor) -> Any:
    if isinstance(value, dict):
        return {key: inner if key in _KEPT else _cleaned_value(inner, redactor) for key, inner in value.items()}
    if isinstance(value, list):
        return [_cleaned_value(inner, redactor) for inner in value]
    return redactor(value) if isinstance(value, str) else value


def _write(data: bytes) -> None:
    """All of it; on a full disk nothing, since Terraform must not be held up."""
    try:
        while data:
            data = data[os.write(1, data) :]
    except OSError:
        return


if __name__ == "__main__":
    os._exit(main())
