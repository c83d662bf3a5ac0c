"""Which store an environment's states are in: its YAML says so, and a marker in its folder remembers where they were.

The two are held against each other before anything is planned: states that were left behind in the other place would
be planned as if nothing were there, and everything made a second time.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from modules.environment.model import Environment
from modules.environment.state import S3State
from modules.errors import StateError
from modules.project import OUTPUTS_FILE, Project
from modules.terraform.files import private_folder, write_private
from modules.terraform.s3 import S3Backend
from modules.terraform.snapshots import mount, mounted, unmount
from modules.terraform.state import read_state

__all__ = [
    "forget", "local_states", "mount_states", "read_outputs", "remember", "remembered", "stacks_with_state", "store_of",
]  # fmt: skip

_MARKER = "backend.json"


def store_of(environment: Environment) -> S3Backend | None:
    """The store that the YAML names; None where states are files here."""
    its = environment.state.s3
    return None if its is None else S3Backend(its, environment.project, environment.name)


def mount_states(environment: Environment, project: Project) -> S3Backend | None:
    """Make the environment's states readable where they are, for this process; None where they are files here.

    Raises:
        StateError: states were left in another place than the YAML names.
    """
    root = project.environment_state(environment.name)
    unmount(root)
    if project.offline:
        return None
    store, before = store_of(environment), remembered(root)
    if before is not None and (store is None or store.place() != before.place()):
        there, to = ("files on this machine", "local") if store is None else (store.place(), "s3")
        raise _left_behind(environment, f"in {before.place()}", there, to)
    if store is None:
        return None
    if left := local_states(root):
        which = f"stack {left[0]}" if len(left) == 1 else f"stacks {', '.join(left)}"
        raise _left_behind(environment, f"in files on this machine ({which})", store.place(), "s3")
    mount(root, store)
    return store


def local_states(root: Path) -> tuple[str, ...]:
    """Stacks that have a state in a file below an environment's folder."""
    found = (path for path in sorted(root.glob("*/terraform.tfstate")) if path.stat().st_size)
    return tuple(path.parent.name for path in found)


def _left_behind(environment: Environment, where: str, yaml: str, to: str) -> StateError:
    name = environment.name
    return StateError(
        f"the states of {name} are {where}, but its YAML says {yaml}: planned like this, everything would be made a "
        "second time",
        where=f"{environment.source}: state",
        do=f"`infra state migrate --env {name} --to {to}` carries them over; or put the YAML back",
    )


def stacks_with_state(root: Path) -> tuple[str, ...]:
    """Stacks that were applied at some time, wherever their states are."""
    store = mounted(root)
    if isinstance(store, S3Backend):
        return store.stacks()
    return tuple(path.parent.name for path in sorted(root.glob("*/terraform.tfstate")))


def read_outputs(root: Path, store: S3Backend, keep: Callable[[str, Mapping[str, Any]], None]) -> None:
    """Leave what is no secret of the states' outputs in `outputs.json`, where clients look for it.

    Args:
        keep: told all outputs of each stack, sensitive ones included, as after a deploy.

    Raises:
        StateError: the states cannot be read.
        TerraformError: one is malformed.
    """
    stacks = store.stacks()
    store.refresh(stacks)
    states = {stack: read_state(root / stack / "terraform.tfstate") for stack in stacks}
    if stacks:
        remember(root, store)
    plain = {
        stack: {name: each.value for name, each in state.outputs.items() if not each.sensitive}
        for stack, state in states.items()
        if state is not None
    }
    content = json.dumps({name: each for name, each in plain.items() if each}, indent=2, sort_keys=True)
    write_private(private_folder(root) / OUTPUTS_FILE, content.encode() + b"\n")
    for stack, state in states.items():
        if state is not None and not state.empty:
            keep(stack, {name: each.value for name, each in state.outputs.items()})


def remember(root: Path, store: S3Backend) -> None:
    """Note that the environment's states are in this store."""
    parts = store.folder.split("/")
    marker = {"kind": store.kind, "project": parts[-2], "environment": store.environment}
    content = {**marker, "s3": store.settings.model_dump(exclude_none=True)}
    write_private(private_folder(root) / _MARKER, json.dumps(content, indent=1).encode())


def remembered(root: Path) -> S3Backend | None:
    """The store that was noted last; None where none was, or what is noted cannot be read."""
    try:
        marker = json.loads((root / _MARKER).read_bytes())
        return S3Backend(S3State(**marker["s3"]), str(marker["project"]), str(marker["environment"]))
    except (OSError, ValueError, KeyError, TypeError, ValidationError):
        return None


def forget(root: Path) -> None:
    """They are files here again."""
    (root / _MARKER).unlink(missing_ok=True)
