"""Puts rendered workflows into a repository; a file that someone changed is not written over unless that is wanted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from modules.errors import ConfigError
from modules.files import replace_text

__all__ = ["Written", "repository_of", "texts_before", "write_workflows"]


@dataclass(frozen=True)
class Written:
    """What became of one file."""

    file: str
    outcome: Literal["created", "replaced", "unchanged"]


def repository_of(root: Path, folder: str) -> Path:
    """The top of the repository in which `root` is `folder`: the services look for workflows there alone."""
    top = root.resolve()
    for _ in PurePosixPath(folder).parts:
        top = top.parent
    return top


def write_workflows(root: Path, files: Mapping[str, str], *, force: bool = False) -> tuple[Written, ...]:
    """Writes all of them, or none.

    Raises:
        ConfigError: as `texts_before`; or one cannot be written.
    """
    before = texts_before(root, files, force=force)
    written = []
    for file, text in files.items():
        if before[file] == text:
            written.append(Written(file, "unchanged"))
            continue
        _write(root / file, text)
        written.append(Written(file, "created" if before[file] is None else "replaced"))
    return tuple(written)


def texts_before(root: Path, files: Mapping[str, str], *, force: bool = False) -> dict[str, str | None]:
    """What is in the files now; None: there is no such file. Asked before anything is shown or written.

    Raises:
        ConfigError: a file is there already and is another, and `force` is not given; or it is not to be read.
    """
    before = {file: _text(root / file) for file in files}
    others = [file for file, text in files.items() if before[file] not in (None, text)]
    if others and not force:
        raise ConfigError(
            "a file is there already, and is not what would be written"
            if len(others) == 1
            else f"{len(others)} files are there already, and are not what would be written",
            where=str(root),
            details=others,
            do="compare with `--stdout`, then add --force to replace them",
        )
    return before


def _text(file: Path) -> str | None:
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise ConfigError(f"cannot be read: {reason}", where=str(file), do="move it away") from None


def _write(file: Path, text: str) -> None:
    try:
        replace_text(file, text)
    except OSError as error:
        raise ConfigError(
            f"cannot be written: {error.strerror}", where=str(file), do="free space or check the folder's rights"
        ) from None
