"""The mirror folder from which a rehearsal's `terraform init` takes every provider; nothing comes from a network."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from modules.local.plugins.mirror import BundledPlugin, write_mirror
from modules.simulated.provider_names import SNAPSHOTS

__all__ = ["simulated_plugins", "write_simulated_mirror"]


def simulated_plugins(store: Path) -> tuple[BundledPlugin, ...]:
    """One plugin for each snapshot, keeping its objects in `store`."""
    return tuple(
        BundledPlugin(source, _version(name), "modules.simulated", (source, str(store.resolve())), "simulated")
        for source, name in SNAPSHOTS.items()
    )


def write_simulated_mirror(folder: Path, store: Path) -> None:
    """Write (or bring up to date) the mirror.

    Raises:
        TerraformError: the folder cannot be written.
    """
    write_mirror(folder, simulated_plugins(store))


@cache
def _version(name: str) -> str:
    from modules.resources.snapshot import snapshot

    return str(snapshot(name)["version"])
