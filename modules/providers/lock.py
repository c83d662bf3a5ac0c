"""Locks an environment's providers for several systems: `environments/locks/<environment>.lock.hcl`, to be committed.

Terraform makes the hashes (`terraform providers lock`): from a mirror where that has a provider for every system, else
from the registry, whose checksums are signed. From then on `init` installs what the file names and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from modules.errors import ConfigError
from modules.files import replace_text
from modules.project import Project
from modules.providers.mirror import best_package
from modules.providers.needed import Needed, bare_folder, run_terraform
from modules.terraform.command import TerraformCommand
from modules.terraform.lockfile import Locked, lock_path, lock_text, read_lock

__all__ = ["LockChange", "lock_providers", "locked_versions"]


@dataclass(frozen=True)
class LockChange:
    """What locking did to one provider."""

    address: str
    before: str | None
    after: str | None
    hashes: int
    changed: bool


def locked_versions(project: Project, environment: str) -> Mapping[str, str]:
    """Address → version of the committed lock: what somebody reviewed. Empty without one.

    Raises:
        PlanError: the file is no lock file.
    """
    return {address: each.version for address, each in read_lock(lock_path(project.environments, environment)).items()}


def lock_providers(
    needed: Sequence[Needed],
    path: Path,
    systems: Sequence[str],
    command: TerraformCommand,
    *,
    source: Path | None = None,
    upgrade: bool = False,
    on_progress: Callable[[str], None] = lambda _text: None,
) -> tuple[LockChange, ...]:
    """Write the lock of these providers and systems; nothing is written when one cannot be locked.

    Args:
        source: a filesystem mirror.
        upgrade: take the newest versions that the constraints allow, instead of those that are locked.

    Raises:
        ConfigError: the file cannot be written.
        PlanError: a provider cannot be locked.
    """
    before = read_lock(path)
    keep = {} if upgrade else {each.address: before[each.address] for each in needed if each.address in before}
    asked = tuple(f"-platform={system}" for system in systems)
    mirrored = [each for each in needed if source and _whole(source, each, systems, keep.get(each.address))]
    others = [each for each in needed if each not in mirrored]
    with bare_folder(needed) as folder:
        file = folder / ".terraform.lock.hcl"
        if keep:
            file.write_text(lock_text(keep))
        for group, where in ((mirrored, (f"-fs-mirror={source.resolve()}",) if source else ()), (others, ())):
            if group:
                names = ", ".join(each.source for each in group)
                on_progress(f"locking {names} for {', '.join(systems)}")
                arguments = ["providers", "lock", *asked, *where, *(each.address for each in group)]
                run_terraform(command, folder, arguments, on_progress, f"{names} could not be locked")
        after = read_lock(file)
    _write(path, lock_text(after))
    return tuple(_change(address, before.get(address), after.get(address)) for address in sorted({*before, *after}))


def _whole(source: Path, needed: Needed, systems: Sequence[str], locked: Locked | None) -> bool:
    return all(best_package(source, needed, system, locked) for system in systems)


def _change(address: str, before: Locked | None, after: Locked | None) -> LockChange:
    same = before is not None and after is not None and (before.version, set(before.hashes)) == (
        after.version, set(after.hashes),
    )  # fmt: skip
    return LockChange(
        address, before.version if before else None, after.version if after else None,
        len(after.hashes) if after else 0, not same,
    )  # fmt: skip


def _write(path: Path, text: str) -> None:
    try:
        replace_text(path, text)
    except OSError as error:
        raise ConfigError(
            f"cannot write the lock file: {error.strerror or error}", where=str(path), do="check the folder's rights"
        ) from None
