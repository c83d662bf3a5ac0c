"""Which PostgreSQL runs: the one that comes with the package `pgserver`, or one that is installed on the machine.

`pgserver` has wheels to Python 3.12 only, so it is an optional extra (`cdc`). Only its programs are used: its Python
code would stop the server when the interpreter ends.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from modules.errors import LocalError

__all__ = ["MINIMUM", "Programs", "find_programs", "reachable"]

MINIMUM = 14
"""The oldest that Debezium 3.6 is tested with."""
_NEEDED = ("initdb", "postgres")
_DEBIAN = Path("/usr/lib/postgresql")


@dataclass(frozen=True)
class Programs:
    """The folder with `initdb` and `postgres`."""

    folder: Path
    origin: str


def find_programs() -> Programs:
    """The programs to use.

    Raises:
        LocalError: there are none, or only old ones.
    """
    bundled = _bundled()
    if bundled is not None:
        return bundled
    installed = _installed()
    if installed is None:
        raise LocalError(
            "there is no PostgreSQL here",
            do="install the project with its extra `cdc` (Python 3.12 or older), or a PostgreSQL "
            f"{MINIMUM} or newer whose `postgres` and `initdb` are on the PATH",
        )
    major = _major(installed)
    if major < MINIMUM:
        raise LocalError(
            f"this PostgreSQL is {major}, change data capture needs {MINIMUM} or newer", where=str(installed),
            do="put a newer one first on the PATH",
        )  # fmt: skip
    return Programs(installed, "PATH")


def reachable(programs: Programs, folder: Path, user: str | None) -> Programs:
    """The programs where `user` can run them: those that lie in somebody's private folder are copied to `folder`."""
    if user is None or _open_to_all(programs.folder / "postgres"):
        return programs
    root = programs.folder.parent
    # The package's libraries lie beside it, where its programs look for them.
    target = folder / "program" / root.parent.name / root.name
    if not (target / programs.folder.name / "postgres").exists():
        staged = folder / "program.new"
        shutil.rmtree(staged, ignore_errors=True)
        shutil.copytree(root, staged / root.parent.name / root.name)
        libraries = root.parent.with_name(f"{root.parent.name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, staged / libraries.name)
        staged.replace(folder / "program")
    return Programs(target / programs.folder.name, programs.origin)


def _bundled() -> Programs | None:
    spec = find_spec("pgserver")
    if spec is None or not spec.origin:
        return None
    folder = Path(spec.origin).parent / "pginstall" / "bin"
    return Programs(folder, "pgserver") if _complete(folder) else None


def _installed() -> Path | None:
    found = shutil.which("postgres")
    if found and _complete(Path(found).resolve().parent):
        return Path(found).resolve().parent
    # Debian and Ubuntu keep the server's programs off the PATH.
    versions = [path for path in _DEBIAN.glob("*/bin") if path.parent.name.isdigit() and _complete(path)]
    return max(versions, key=lambda path: int(path.parent.name), default=None)


def _complete(folder: Path) -> bool:
    return all(os.access(folder / name, os.X_OK) for name in _NEEDED)


def _major(folder: Path) -> int:
    try:
        ran = subprocess.run(
            [folder / "postgres", "--version"], capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return 0
    version = re.search(r"PostgreSQL\) (\d+)", ran.stdout)
    return int(version[1]) if version else 0


def _open_to_all(path: Path) -> bool:
    """Whether every user may enter all folders above and run the file."""
    try:
        return all(each.stat().st_mode & 0o001 for each in (path, *path.parents))
    except OSError:
        return False
