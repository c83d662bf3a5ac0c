"""Reports written to files that the user names: whole or not at all, and never over something that is not a report."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from cli._output import note
from modules.errors import ConfigError
from modules.files import replace_file

__all__ = ["Kind", "check_target", "write_comment", "write_file", "write_page"]


@dataclass(frozen=True)
class Kind:
    """A kind of file: how each begins, what it is called, an example of a name."""

    begins: bytes
    name: str
    example: str


_PAGE = Kind(b"<!doctype html>", "HTML page", "cost.html")


def write_page(option: str, file: Path, page: str) -> None:
    """Write an HTML page where `option` says; an earlier page is replaced, `-` is stdout.

    Raises:
        ConfigError: there is no such folder, it may not be written to, or something else is there already.
    """
    size = write_file(option, file, page, _PAGE)
    if size:
        note(f"wrote {file} ({size / 1000:,.0f} kB, one file, needs no network)")


def write_file(option: str, file: Path, text: str, kind: Kind) -> int:
    """Write a text file where `option` says; an earlier one of its kind is replaced, `-` is stdout. Bytes written.

    Raises:
        ConfigError: there is no such folder, it may not be written to, or something else is there already.
    """
    if str(file) == "-":
        print(text)
        return 0
    target = file.expanduser()
    check_target(option, target, kind)
    content = text.encode()
    try:
        _replace(target.resolve(), content)
    except OSError as error:
        raise ConfigError(f"cannot write {file}: {_reason(error)}", where=option, do=_elsewhere()) from None
    return len(content)


def write_comment(file: Path, text: str) -> None:
    """Leave Markdown for a pull request's comment, over whatever the file held; `-` is stdout.

    Raises:
        ConfigError: the file cannot be written.
    """
    if str(file) == "-":
        print(text)
        return
    try:
        file.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"the Markdown cannot be written: {error.strerror}",
            where=str(file),
            do="name a file in a folder that is there",
        ) from None


def check_target(option: str, file: Path, kind: Kind = _PAGE) -> None:
    """Whether a file can be written, before the work that it is for.

    Raises:
        ConfigError: as in `write_file`.
    """
    if str(file) == "-":
        return
    target = file.expanduser()
    if target.is_dir():
        raise ConfigError(f"{target} is a folder", where=option, do=f"name a file, such as {target / kind.example}")
    if not target.parent.is_dir():
        raise ConfigError(
            f"there is no folder {target.parent}", where=option, do=f"make it first: mkdir -p {target.parent}"
        )
    if target.exists() and not _is(target, kind):
        raise ConfigError(
            f"{target} is there already and is no {kind.name}", where=option, do="name another file, or remove that one"
        )


def _is(target: Path, kind: Kind) -> bool:
    """An empty file counts as one; one that may not be read is left to the writing to fail on."""
    try:
        with target.open("rb") as stream:
            begins = stream.read(len(kind.begins))
    except OSError:
        return True
    return not begins or begins.lower() == kind.begins.lower()


def _replace(target: Path, content: bytes) -> None:
    if not target.exists() or target.is_file():
        replace_file(target, content, target.stat().st_mode & 0o777 if target.exists() else 0o666 & ~_umask())
    else:  # a pipe or a device, `/dev/stdout`: there is nothing to replace
        target.write_bytes(content)


def _umask() -> int:
    now = os.umask(0o077)
    os.umask(now)
    return now


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def _elsewhere() -> str:
    return "name a file in a folder that you may write to"
