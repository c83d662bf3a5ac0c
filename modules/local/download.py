"""Fetches one pinned file from a Maven repository through jgo, and says clearly why when it cannot.

A file appears under its final name only when it is whole and its SHA-256 is the pinned one: jgo writes into a staging
folder, and the result is renamed. Nothing is written to `~/.m2`. Which repository is asked is jgo's own knowledge;
`INFRA_MAVEN_MIRROR` names another one (a company's mirror). What to fetch is `artifacts.py`'s work.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import logging
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modules.errors import DownloadError

__all__ = ["Cancelled", "Pinned", "disk_full", "fetch", "sha256_of", "verify"]

ATTEMPTS = 3
TIMEOUT_SECONDS = 30
"""How long a connection may stay silent."""


class Cancelled(Exception):
    """Another download failed or the user interrupted; this one stops at its next block."""


@dataclass(frozen=True)
class Pinned:
    """One file: `group:artifact:version[:packaging[:classifier]]`, its SHA-256 and its size in bytes."""

    coordinate: str
    sha256: str
    size: int

    @property
    def parts(self) -> tuple[str, str, str, str, str]:
        """Group, artifact, version, packaging, classifier (possibly empty)."""
        group, artifact, version, *rest = self.coordinate.split(":")
        return group, artifact, version, rest[0] if rest else "jar", rest[1] if len(rest) > 1 else ""

    @property
    def path(self) -> Path:
        """Where a Maven-shaped repository keeps it."""
        group, artifact, version, packaging, classifier = self.parts
        suffix = f"-{classifier}" if classifier else ""
        return Path(*group.split("."), artifact, version, f"{artifact}-{version}{suffix}.{packaging}")


def sha256_of(path: Path) -> str:
    """The file's SHA-256, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def verify(file: Path, pinned: Pinned) -> None:
    """Compare with the pin; a file that differs is deleted.

    Raises:
        DownloadError: the content is not the pinned one.
    """
    found = sha256_of(file)
    if found == pinned.sha256:
        return
    file.unlink(missing_ok=True)
    raise DownloadError(
        "a downloaded file is not what it should be; it was deleted",
        where=pinned.coordinate,
        details=[f"expected sha256 {pinned.sha256}", f"got      sha256 {found}"],
        do="run the command again; if it happens again, look at the proxy or mirror in between",
    )


def context(repository: Path, resolver: Any = None) -> Any:
    """A jgo context that keeps what it fetches in `repository`."""
    from jgo.maven import MavenContext, PythonResolver

    # jgo warns through logging about its own SHA-1 check; ours is the pinned SHA-256.
    logging.getLogger("jgo").setLevel(logging.CRITICAL)
    mirror = os.environ.get("INFRA_MAVEN_MIRROR")
    return MavenContext(
        resolver=resolver or PythonResolver(),
        repo_cache=repository,
        remote_repos={"mirror": mirror.rstrip("/")} if mirror else None,
        timeout=TIMEOUT_SECONDS,
    )


def fetch(
    pinned: Pinned,
    repository: Path,
    on_bytes: Callable[[int], None],
    cancelled: threading.Event,
    *,
    pause: Callable[[float], None] = time.sleep,
) -> None:
    """Download one file into `repository`, whole and verified; tries again when the connection breaks.

    Raises:
        DownloadError: no network, a broken download, an unknown file, a wrong checksum, a full disk.
        Cancelled: `cancelled` was set.
    """
    for attempt in range(1, ATTEMPTS + 1):
        seen = 0

        def count(amount: int) -> None:
            nonlocal seen
            if cancelled.is_set():
                raise Cancelled
            seen += amount
            on_bytes(amount)

        try:
            _fetch_once(pinned, repository, count)
        except OSError as error:
            on_bytes(-seen)
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise disk_full(repository) from None
            if error.errno is not None and not isinstance(error, ConnectionError | TimeoutError):
                raise _unwritable(repository, error) from None
            if attempt == ATTEMPTS or cancelled.is_set():
                raise _broken(pinned, error) from None
            pause(0.5 * attempt)
        else:
            on_bytes(pinned.size - seen)
            return


def _fetch_once(pinned: Pinned, repository: Path, count: Callable[[int], None]) -> None:
    """jgo into a staging folder beside the target, verify, rename."""
    from jgo.maven import PythonResolver

    @contextlib.contextmanager
    def progress(_name: str, _total: int) -> Iterator[Callable[[int], None]]:
        yield count

    group, artifact, version, packaging, classifier = pinned.parts
    repository.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=".staging-", dir=repository))
    try:
        maven = context(staging, PythonResolver(progress_callback=progress))
        wanted = maven.project(group, artifact).at_version(version).artifact(classifier, packaging)
        try:
            file = Path(wanted.resolve())
        except RuntimeError:
            # jgo's text names the repositories it asked; the coordinate is what helps.
            raise DownloadError(
                "the Maven repository does not have the file, or refuses to give it",
                where=pinned.coordinate,
                do="check the proxy, or INFRA_MAVEN_MIRROR if it is set",
            ) from None
        verify(file, pinned)
        target = repository / pinned.path
        target.parent.mkdir(parents=True, exist_ok=True)
        file.replace(target)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def disk_full(folder: Path, needed: int | None = None, free: int | None = None) -> DownloadError:
    """The error for a disk without room."""
    amounts = f": {needed / 1e6:.0f} MB needed, {free / 1e6:.0f} MB free" if needed and free is not None else ""
    return DownloadError(
        f"no space left on the disk{amounts}",
        where=str(folder),
        do="free some space, or set INFRA_CACHE to a folder on another disk",
    )


def _unwritable(folder: Path, error: OSError) -> DownloadError:
    return DownloadError(
        f"cannot write to the cache: {error.strerror}",
        where=str(folder),
        do="make the folder writable, or set INFRA_CACHE to another one",
    )


def _broken(pinned: Pinned, error: OSError) -> DownloadError:
    return DownloadError(
        f"the download failed {ATTEMPTS} times ({type(error).__name__}); is there a network?",
        where=pinned.coordinate,
        do="check the network and the proxy (HTTPS_PROXY), then run the command again; files already fetched are kept",
    )
