"""What the local platform's modules share: the services' names, the events they tell, the lock."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from modules.local.locks import file_lock
from modules.project import Project

__all__ = ["EXTRAS", "SERVICES", "SINK", "Event", "Progress", "locked", "silent"]

SERVICES = ("kafka", "registry", "snowflake")
EXTRAS = ("connect", "postgres")
"""Started when an environment or `--with` asks for them."""
SINK = "sink"
LOCK_SECONDS = 300


@dataclass(frozen=True)
class Event:
    """Something that happened to a service; `service` is `download` while files are fetched."""

    service: str
    state: Literal["fetching", "starting", "ready", "running", "stopping", "stopped", "failed"]
    done: int = 0
    total: int = 0
    """Bytes, while fetching."""


Progress = Callable[[Event], None]


def silent(event: Event) -> None:
    """Progress for callers who want none."""


def locked(project: Project) -> AbstractContextManager[Path]:
    """The platform's lock: held while services are started or stopped."""
    project.local.mkdir(parents=True, exist_ok=True, mode=0o700)
    return file_lock(
        project.local / "lock", "another `infra` is starting or stopping the local platform", seconds=LOCK_SECONDS
    )
