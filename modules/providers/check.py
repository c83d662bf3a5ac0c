"""Holds an environment's providers together: stacks' constraints, schema snapshots, the lock, the mirror, the registry.

No network is asked unless `versions_of` is given; what a mirror holds is read from the disk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from modules.errors import InfraError
from modules.findings import Finding, from_error
from modules.providers.mirror import best_package
from modules.providers.needed import Needed
from modules.providers.packages import packages_in, this_system
from modules.providers.versions import meets, newest, order, parse_version
from modules.terraform.lockfile import Locked, provider_address

__all__ = ["check_providers", "snapshot_versions"]


def snapshot_versions() -> dict[str, str]:
    """Address → the version whose schema the resource classes were generated from."""
    from modules.resources.snapshot import PROVIDERS, snapshot

    found: list[Any] = [snapshot(name) for name in PROVIDERS]
    return {provider_address(each["source"]): str(each["version"]) for each in found}


def check_providers(
    needed: Sequence[Needed],
    locks: Mapping[str, Locked],
    lock_file: str,
    *,
    environment: str,
    official: bool = True,
    mirror: Path | None = None,
    versions_of: Callable[[str], Sequence[str]] | None = None,
    snapshots: Mapping[str, str] | None = None,
) -> Iterator[Finding]:
    """What agrees and what does not, provider by provider.

    Args:
        lock_file: its name in messages.
        official: plugins are the vendors'; bundled ones are part of this program and not locked.
        versions_of: asks the registry for a provider's versions.
    """
    snapshots = snapshot_versions() if snapshots is None else snapshots
    for each in needed:
        locked = locks.get(each.address)
        yield from _constraints(each, snapshots.get(each.address))
        if official:
            yield from _lock(each, locked, lock_file, environment)
            if mirror is not None:
                yield from _mirror(each, locked, mirror, environment)
        known = [package.version for package in packages_in(mirror, each.address)] if mirror else []
        if versions_of is not None:
            try:
                known += versions_of(each.address)
            except InfraError as error:
                yield from_error("registry", error, "warn")
        yield from _newer(each, snapshots.get(each.address), locked, known)
    for address in sorted(set(locks) - {each.address for each in needed}) if official else ():
        do = f"`infra providers lock --env {environment}` takes it out"
        yield Finding("lock", "warn", f"{address} is locked in {lock_file}, and no stack needs it", do)


def _constraints(needed: Needed, generated: str | None) -> Iterator[Finding]:
    stacks = ", ".join(needed.stacks)
    if generated is None:
        yield Finding(
            "schema", "ok", f"{needed.source} {needed.constraint or 'any version'} ({stacks}); no classes here"
        )
    elif not meets(generated, needed.constraint):
        text = f"{needed.source}: stacks ask for {needed.constraint}, the resource classes are of {generated}"
        do = "bring the snapshot up to date (`python -m modules.resources.generate`), or change the constraint"
        yield Finding("schema", "fail", text, do, (f"stacks {stacks}",))
    else:
        yield Finding(
            "schema", "ok", f"{needed.source} {needed.constraint or 'any version'} ({stacks}), classes of {generated}"
        )


def _lock(needed: Needed, locked: Locked | None, lock_file: str, environment: str) -> Iterator[Finding]:
    again = f"`infra providers lock --env {environment} --platform linux_amd64 --platform darwin_arm64`, and commit it"
    if locked is None:
        text = f"{needed.source} is not locked: whatever the registry gives out is installed"
        yield Finding("lock", "warn", text, again)
    elif not meets(locked.version, needed.constraint):
        text = f"{needed.source}: {lock_file} has {locked.version}, stacks ask for {needed.constraint}"
        yield Finding("lock", "fail", text, again)
    elif not any(each.startswith("h1:") for each in locked.hashes):
        yield Finding("lock", "fail", f"{needed.source} {locked.version}: {lock_file} has no hash of its files", again)
    else:
        systems = sum(each.startswith("h1:") for each in locked.hashes)
        text = f"{needed.source} {locked.version}, for {systems} system{'' if systems == 1 else 's'}"
        yield Finding("lock", "ok", text)


def _mirror(needed: Needed, locked: Locked | None, mirror: Path, environment: str) -> Iterator[Finding]:
    system = this_system()
    do = f"`infra providers mirror {mirror} --env {environment}` where there is a network"
    package = best_package(mirror, needed, system, locked)
    if package is None:
        held = sorted({f"{each.version} {each.system}" for each in packages_in(mirror, needed.address)})
        wanted = locked.version if locked else needed.constraint or "any version"
        if not held and not packages_in(mirror):
            yield Finding("mirror", "fail", f"{mirror} holds no plugin at all", do)
            return
        # A provider that the mirror does not know at all is fetched from the registry.
        state, text = ("fail", f"the mirror has no {wanted} for {system}") if held else ("warn", "not in the mirror")
        yield Finding("mirror", "fail" if state == "fail" else "warn", f"{needed.source}: {text}", do, tuple(held))
        return
    try:
        hash1, zipped = package.hash1(), package.zip_hash()
    except InfraError as error:
        yield from_error("mirror", error)
        return
    if locked is not None and hash1 not in locked.hashes and zipped not in locked.hashes:
        text = f"{needed.source} {package.version} for {system} in the mirror is not what the lock file says"
        yield Finding("mirror", "fail", text, do, (str(package.path), f"found {hash1}"))
    else:
        right = "as locked" if locked else "no lock to hold it against"
        yield Finding("mirror", "ok", f"{needed.source} {package.version} for {system}, {right}")


def _newer(needed: Needed, generated: str | None, locked: Locked | None, known: Sequence[str]) -> Iterator[Finding]:
    now = locked.version if locked else generated
    latest, current = newest(known), parse_version(now or "")
    if latest and current and order(parse_version(latest) or current) > order(current):
        yield Finding("newer", "ok", f"{needed.source}: {latest} is there, {now} is used")
