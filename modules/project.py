"""Where things are: the project folder, its `.infra` state folder and the user's cache.

Of files' contents only the outputs that a deploy recorded are read here. `INFRA_CACHE` moves the cache (downloads:
Kafka, the registry), which is shared by all projects of a user.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modules.errors import ConfigError

__all__ = ["OUTPUTS_FILE", "OUTPUTS_VARIABLE", "Project", "cache_dir", "find_project", "recorded_outputs"]

OUTPUTS_FILE = "outputs.json"
"""In an environment's folder: its stacks' outputs that are no secrets, `{stack: {output: value}}`."""

OUTPUTS_VARIABLE = "INFRA_OUTPUTS"


@dataclass(frozen=True)
class Project:
    """A folder that has `environments/`; everything `infra` writes goes below `root/.infra`."""

    root: Path
    offline: bool = False
    """A rehearsal: states of its own, below `.infra/offline`; no secret is read, no service is reached."""

    @property
    def environments(self) -> Path:
        return self.root / "environments"

    @property
    def state(self) -> Path:
        """Terraform working folders, states, the local platform's data and secrets."""
        return self.root / ".infra"

    @property
    def local(self) -> Path:
        """The local platform's folder: `services.json`, `data/`, `logs/`, `run/`, `secrets/`."""
        return self.state / "local-platform"

    def environment_state(self, environment: str) -> Path:
        """One environment's folder: `<stack>/` working folders and `secrets/`."""
        return (self.state / "offline" if self.offline else self.state) / "env" / environment


def find_project(start: Path | None = None) -> Project:
    """The nearest folder at or above `start` (default: the current one, or `INFRA_PROJECT`) with `environments/`.

    Raises:
        ConfigError: there is none.
    """
    given = os.environ.get("INFRA_PROJECT")
    here = (start or (Path(given) if given else Path.cwd())).resolve()
    for folder in (here, *here.parents):
        if (folder / "environments").is_dir():
            return Project(folder)
    raise ConfigError(
        f"no `environments` folder in {here} or above it",
        do="begin one with `infra init`, run infra inside a project, or set INFRA_PROJECT to its folder",
    )


def recorded_outputs(project: Project, environment: str, stack: str) -> Mapping[str, Any] | None:
    """A stack's outputs as the last deploy left them; None where it was never applied from here.

    A task that runs elsewhere is told them by the environment variable `INFRA_OUTPUTS`.
    """
    try:
        told = os.environ.get(OUTPUTS_VARIABLE)
        found = json.loads(told or (project.environment_state(environment) / OUTPUTS_FILE).read_text())[stack]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found if isinstance(found, dict) else None


def cache_dir() -> Path:
    """The user's cache of downloads; `INFRA_CACHE` overrides it."""
    override = os.environ.get("INFRA_CACHE")
    if override:
        return Path(override)
    from platformdirs import user_cache_dir

    return Path(user_cache_dir("infra", appauthor=False))
