"""Which places an environment's states are in, or were, and which way a migration goes."""

from __future__ import annotations

from modules.environment.model import Environment
from modules.errors import ConfigError
from modules.project import Project
from modules.state.places import Bucket, Files, Place
from modules.terraform.backend import local_states, remembered, store_of

__all__ = ["place_of", "places_of", "way"]


def place_of(environment: Environment, project: Project) -> Place:
    """Where the YAML says that the states are; a rehearsal's are files here always."""
    store = None if project.offline else store_of(environment)
    return Bucket(store) if store else Files(project.environment_state(environment.name), simulated=project.offline)


def places_of(environment: Environment, project: Project) -> tuple[Place, ...]:
    """That one, and every other in which states were left behind."""
    root = project.environment_state(environment.name)
    found: list[Place] = [place_of(environment, project)]
    if project.offline:
        return tuple(found)
    if isinstance(found[0], Bucket) and local_states(root):
        found.append(Files(root))
    before = remembered(root)
    if before is not None and before.place() != found[0].name:
        found.append(Bucket(before))
    return tuple(found)


def way(environment: Environment, project: Project, to: str) -> tuple[Place, Place]:
    """Where a migration takes states from, and where it brings them.

    Args:
        to: `s3` or `local`.

    Raises:
        ConfigError: the YAML names no bucket; or they are in files already.
    """
    root = project.environment_state(environment.name)
    store, before = store_of(environment), remembered(root)
    if to == "s3":
        if store is None:
            raise ConfigError(
                "its YAML keeps states in files", where=f"{environment.source}: state",
                do="write `state: {s3: {bucket: NAME, region: REGION}}` first, then `infra state bootstrap`",
            )  # fmt: skip
        elsewhere = before is not None and before.place() != store.place()
        return (Bucket(before) if elsewhere and before else Files(root)), Bucket(store)
    source = before or store
    if source is None:
        raise ConfigError(
            f"the states of {environment.name} are in files on this machine already",
            where=f"{environment.source}: state",
        )
    return Bucket(source), Files(root)
