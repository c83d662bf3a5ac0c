"""Files of a working folder: written whole or not at all, readable by their owner only."""

from __future__ import annotations

import contextlib
from pathlib import Path

from modules.files import replace_file

__all__ = ["private_folder", "write_private"]


def write_private(path: Path, content: bytes) -> bool:
    """Write a file atomically with mode 0600; False when it already held just that (its time stays)."""
    with contextlib.suppress(OSError):
        if path.stat().st_size == len(content) and path.read_bytes() == content:
            return False
    replace_file(path, content, lasting=True)
    return True


def private_folder(path: Path) -> Path:
    """Make a folder (and its parents) with mode 0700."""
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(0o700)
    return path
