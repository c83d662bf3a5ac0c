"""Files replaced whole or not at all: until the new one is complete, the one before stays.

For files of a user's repository, which all may read, and for private ones; who writes which decides elsewhere.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

__all__ = ["replace_file", "replace_text"]


def replace_text(file: Path, text: str) -> None:
    """Write a file that all may read, in a folder that is made where it is missing.

    Raises:
        OSError: it cannot be written; nothing is left behind.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    replace_file(file, text.encode(), 0o644)


def replace_file(file: Path, content: bytes, mode: int = 0o600, *, lasting: bool = False) -> None:
    """Write a file with these rights; while it is written it is its owner's alone.

    Args:
        lasting: wait until the disk has it, so that a power cut leaves no empty file.

    Raises:
        OSError: it cannot be written; nothing is left behind.
    """
    descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            if lasting:
                stream.flush()
                os.fsync(stream.fileno())
        Path(name).chmod(mode)
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
