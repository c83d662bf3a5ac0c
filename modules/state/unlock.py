"""Locks of runs that are dead. One whose holder is alive on this machine is never removed; of another machine's holder
nobody here can know, so that a person has to.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modules.errors import StateLockedError
from modules.terraform.locks import LockInfo, age_text, me
from modules.terraform.records import environment_holder, running_child, state_free
from modules.terraform.s3 import S3Backend

__all__ = ["Held", "held_locks", "remove", "require_dead"]

_LOCAL = ".terraform.tfstate.lock.info"


@dataclass(frozen=True)
class Held:
    """One lock. `process` is the live holder on this machine, where it is known."""

    stack: str
    """Empty: the environment's own."""
    where: str
    lock: LockInfo
    process: int | None = None

    @property
    def what(self) -> str:
        return f"stack {self.stack}" if self.stack else "the environment"

    def line(self) -> str:
        """Who holds it, doing what, since when."""
        doing = f" ({self.lock.operation})" if self.lock.operation else ""
        since = f" since {self.lock.since}, {age_text(self.lock.age())} ago" if self.lock.created else ""
        alive = f"; process {self.process} on this machine, alive" if self.process else ""
        return f"{self.what}: locked by {self.lock.who or 'nobody that it names'}{doing}{since}{alive}"

    def to_json(self) -> dict[str, Any]:
        return {
            "stack": self.stack or None, "where": self.where, "id": self.lock.id, "who": self.lock.who,
            "operation": self.lock.operation, "since": self.lock.since, "alive_process": self.process,
        }  # fmt: skip


def held_locks(root: Path, store: S3Backend | None) -> tuple[Held, ...]:
    """Every lock of an environment, of the living and the dead.

    Raises:
        StateError: the bucket cannot be read.
    """
    found = list(_of_files(root))
    if store is not None:
        busy = {each.stack: each.process for each in found if each.process}
        found = [each for each in found if not each.stack]
        for stack, lock in store.locks().items():
            alive = busy.pop(stack, None) or _alive_here(lock, store, stack)
            found.append(Held(stack, store.place(stack), lock, alive))
    return tuple(found)


def require_dead(environment: str, held: tuple[Held, ...]) -> None:
    """Stop where a holder is alive on this machine.

    Raises:
        StateLockedError: one is.
    """
    alive = next((each for each in held if each.process), None)
    if alive is not None:
        raise StateLockedError(
            f"{alive.what} is locked by a run that is alive: process {alive.process}, {alive.lock.who}",
            where=f"environment {environment}",
            do=f"wait until it has finished, or stop it gracefully: kill -INT {alive.process}",
        )


def remove(root: Path, store: S3Backend | None, held: Held) -> bool:
    """Remove just this lock; False where it is gone or another's by now."""
    if store is not None and held.stack:
        return store.unlock(held.stack, held.lock)
    path = root / held.stack / _LOCAL
    try:
        same = LockInfo.parse(path.read_bytes()).id == held.lock.id
    except OSError:
        return False
    if not same or not state_free(root / held.stack):
        return False
    path.unlink(missing_ok=True)
    return True


def _of_files(root: Path) -> Iterator[Held]:
    """The environment's own lock and those of Terraform in its folders."""
    own = environment_holder(root)
    if own is not None:
        yield Held("", str(root / "run.lock"), LockInfo("", f"`{own.command}`", own.since, ""), own.pid or None)
    for folder in sorted(path for path in root.glob("*") if (path / "cdk.tf.json").exists()):
        child = running_child(folder)
        path = folder / _LOCAL
        lock = LockInfo.parse(path.read_bytes()) if path.is_file() else None
        if child is not None:
            lock = lock or LockInfo("", f"`{child.command}`", child.since, "")
            yield Held(folder.name, str(path), lock, child.pid)
        elif lock is not None:
            yield Held(folder.name, str(path), lock, None if state_free(folder) else _holder_of(folder))


def _holder_of(folder: Path) -> int:
    """The process that holds a state file, a person's own Terraform; 1, which lives for ever, if it cannot be told."""
    import psutil

    wanted = folder.resolve()
    for process in psutil.process_iter(["name"]):
        try:
            if "terraform" in str(process.info["name"]) and Path(process.cwd()) == wanted:
                return int(process.pid)
        except (psutil.Error, OSError):
            continue
    return 1


def _alive_here(lock: LockInfo, store: S3Backend, stack: str) -> int | None:
    """A Terraform of any folder of this machine that works on this very state."""
    import psutil

    if lock.host != me().rpartition("@")[2]:
        return None
    for process in psutil.process_iter():
        try:
            if "terraform" in " ".join(process.cmdline()[:5]) and _works_on(Path(process.cwd()), store, stack):
                return int(process.pid)
        except (psutil.Error, OSError):
            continue
    return None


def _works_on(folder: Path, store: S3Backend, stack: str) -> bool:
    try:
        config = json.loads((folder / ".terraform" / "terraform.tfstate").read_bytes())["backend"]["config"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return (config.get("bucket"), config.get("key")) == (store.settings.bucket, store.key(stack))
