"""Fills a filesystem mirror for closed networks: from another mirror where that has a package, else from the registry.

From the registry it is Terraform that fetches (`terraform providers mirror`), so signatures and checksums are checked
as at an `init`. What is there already and right is left. A package that the environment's lock does not know is an
error: a mirror so cannot carry in what nobody reviewed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from modules.errors import ConfigError
from modules.providers.needed import Needed, bare_folder, run_terraform
from modules.providers.packages import Package, copy_package, packages_in
from modules.providers.versions import meets, newest
from modules.terraform.command import TerraformCommand
from modules.terraform.lockfile import Locked

__all__ = ["Mirrored", "best_package", "fill_mirror"]


@dataclass(frozen=True)
class Mirrored:
    """One package of the mirror as it is now."""

    package: Package
    hash1: str
    origin: str
    """`registry`, `there already`, or the mirror it was copied from."""


def best_package(mirror: Path, needed: Needed, system: str, locked: Locked | None = None) -> Package | None:
    """The package that Terraform would take: the locked version, else the newest that meets the constraints."""
    fitting = [each for each in packages_in(mirror, needed.address) if each.system == system]
    if locked is not None:
        return next((each for each in fitting if each.version == locked.version), None)
    version = newest((each.version for each in fitting), needed.constraint)
    return next((each for each in fitting if each.version == version), None)


def fill_mirror(
    needed: Sequence[Needed],
    target: Path,
    systems: Sequence[str],
    command: TerraformCommand,
    *,
    source: Path | None = None,
    locks: Mapping[str, Locked] | None = None,
    on_progress: Callable[[str], None] = lambda _text: None,
) -> tuple[Mirrored, ...]:
    """Every provider for every system.

    Args:
        source: another mirror, asked first.
        locks: what is locked, by address: these versions, and packages with these hashes only.

    Raises:
        ConfigError: a package is not what the lock says, or cannot be written.
        PlanError: the registry does not give one.
    """
    locks = locks or {}
    done: list[Mirrored] = []
    for system in systems:
        missing = []
        for each in needed:
            found = _from_mirrors(each, system, target, source, locks.get(each.address), on_progress)
            if found is None:
                missing.append(each)
            else:
                done.append(found)
        if missing:
            _fetch(missing, target, system, command, locks, on_progress)
            done += [_verified(_fetched(target, each, system, locks), locks, "registry") for each in missing]
    return tuple(done)


def _from_mirrors(
    needed: Needed,
    system: str,
    target: Path,
    source: Path | None,
    locked: Locked | None,
    on_progress: Callable[[str], None],
) -> Mirrored | None:
    locks = {needed.address: locked} if locked else {}
    there = best_package(target, needed, system, locked)
    other = best_package(source, needed, system, locked) if source else None
    if there and (other is None or other.version == there.version or meets(there.version, needed.constraint)):
        on_progress(f"{needed.source} {there.version} {system}: there already")
        return _verified(there, locks, "there already")
    if other is None:
        return None
    on_progress(f"{needed.source} {other.version} {system}: copying {other.size / 1e6:.1f} MB")
    _verified(other, locks, "")  # before it is copied
    return _verified(copy_package(other, target), locks, str(source))


def _fetch(
    needed: Sequence[Needed],
    target: Path,
    system: str,
    command: TerraformCommand,
    locks: Mapping[str, Locked],
    on_progress: Callable[[str], None],
) -> None:
    pinned = [
        Needed(each.address, f"= {locks[each.address].version}", each.stacks) if each.address in locks else each
        for each in needed
    ]
    names = ", ".join(each.source for each in needed)
    on_progress(f"{system}: asking the registry for {names}")
    with bare_folder(pinned) as folder:
        arguments = ["providers", "mirror", f"-platform={system}", str(target.resolve())]
        run_terraform(command, folder, arguments, on_progress, f"{names} for {system} could not be fetched")


def _fetched(target: Path, needed: Needed, system: str, locks: Mapping[str, Locked]) -> Package:
    found = best_package(target, needed, system, locks.get(needed.address))
    if found is None:
        raise ConfigError(
            f"Terraform left no package of {needed.source} for {system}", where=str(target), do="run it again"
        )
    return found


def _verified(package: Package, locks: Mapping[str, Locked], origin: str) -> Mirrored:
    """Held against the lock.

    Raises:
        ConfigError: the lock knows neither the package's files nor its zip.
    """
    hash1 = package.hash1()
    locked = locks.get(package.address)
    if locked is not None and hash1 not in locked.hashes and package.zip_hash() not in locked.hashes:
        raise ConfigError(
            f"{package.address} {package.version} for {package.system} is not what the lock file says",
            where=str(package.path),
            do="delete it and fetch it again; for a system that was never locked: `infra providers lock --platform …`",
            details=(f"found {hash1}", f"locked {len(locked.hashes)} hashes, not this one"),
        )
    return Mirrored(package, hash1, origin)
