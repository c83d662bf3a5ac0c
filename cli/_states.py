"""Before a command looks at what is deployed: the states are found where the YAML says, and clients get their outputs.

With states in files here a deploy has left everything; with states in a bucket another machine may have deployed, so
that outputs are read anew. A task that is told its outputs (`INFRA_OUTPUTS`) asks for nothing.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from modules.platforms import platform_for
from modules.project import OUTPUTS_FILE, OUTPUTS_VARIABLE

if TYPE_CHECKING:
    from modules.environment import Environment
    from modules.platforms.base import Platform
    from modules.project import Project

__all__ = ["client_platform", "find_states"]


def find_states(environment: Environment, project: Project, platform: Platform) -> None:
    """Make the states readable, and leave their outputs where clients look for them.

    Raises:
        StateError: they are not where the YAML says, or cannot be read.
    """
    from modules.terraform.backend import mount_states, read_outputs

    store = mount_states(environment, project)
    if store is not None:
        read_outputs(project.environment_state(environment.name), store, platform.applied)


def client_platform(environment: Environment, project: Project) -> Platform:
    """The platform for a command that only talks to what is deployed. Where the bucket cannot be read, the outputs that
    are here do, which is said.

    Raises:
        StateError: states cannot be read, and no outputs are here.
    """
    from modules.errors import StateError

    platform = platform_for(environment, project)
    if os.environ.get(OUTPUTS_VARIABLE):
        return platform
    recorded = project.environment_state(environment.name) / OUTPUTS_FILE
    try:
        find_states(environment, project, platform)
    except StateError as error:
        if environment.state.s3 is None or error.where == f"{environment.source}: state" or not recorded.is_file():
            raise
        from cli._output import note

        note(f"{error.where}: {error.what}; taking the outputs that were read on {_time(recorded)}")
    return platform


def _time(path: Path) -> str:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC).strftime("%Y-%m-%d %H:%M UTC")
