"""Where Terraform gets its provider plugins from, as a CLI configuration of our own.

The user's `~/.terraformrc` is not read, so that a run is the same on every machine. Bundled plugins come from a mirror
folder only and never touch the network; official ones from a mirror where it has them, else from the registry, kept in
a cache of the user's. Simulated plugins come from a mirror of their own, like bundled ones; their states are marked.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from modules.errors import PlanError
from modules.project import cache_dir
from modules.terraform.files import private_folder, write_private
from modules.terraform.lockfile import lock_text, read_lock, required_providers

__all__ = ["ProviderInstallation"]

_SMALL = 1 << 20
_official_init = threading.Lock()


@dataclass(frozen=True)
class ProviderInstallation:
    """Bundled or simulated plugins from a mirror folder, or official ones.

    Args:
        mirror: a Terraform filesystem mirror, `HOST/NAMESPACE/NAME/VERSION/OS_ARCH/terraform-provider-NAME_vVERSION`
            (or packed zip files); needed for `bundled` and `simulated`.
        lock: the environment's committed lock file, which need not be there (`official` only).
    """

    kind: Literal["bundled", "official", "simulated"]
    mirror: Path | None = None
    lock: Path | None = None

    @property
    def simulated(self) -> bool:
        """Whether nothing real is read or changed."""
        return self.kind == "simulated"

    def sources(self) -> tuple[str, ...]:
        """Addresses the mirror holds, `registry.terraform.io/mongey/kafka`."""
        if self.mirror is None:
            return ()
        found = (path for path in self.mirror.glob("*/*/*") if path.is_dir())
        return tuple(sorted(path.relative_to(self.mirror).as_posix() for path in found))

    def cli_config(self) -> str:
        """The text of the CLI configuration file."""
        sources = self.sources()
        lines = ["disable_checkpoint = true"]
        if self.kind == "official":
            lines.append(f"plugin_cache_dir = {_quoted(plugin_cache())}")
        lines.append("provider_installation {")
        if self.mirror is not None:
            lines += ["  filesystem_mirror {", f"    path = {_quoted(self.mirror)}"]
            if self.kind == "official":
                lines.append(f"    include = {json.dumps(sources)}")
            lines.append("  }")
        if self.kind == "official":
            lines += ["  direct {", f"    exclude = {json.dumps(sources)}", "  }"] if sources else ["  direct {}"]
        return "\n".join([*lines, "}", ""])

    def lock_into(self, folder: Path, document: Mapping[str, Any]) -> tuple[str, ...]:
        """Put the committed lock of a stack's providers into its folder; what `init` is told besides then.

        Raises:
            PlanError: the lock is unreadable, or does not have one of them.
        """
        locked = read_lock(self.lock) if self.kind == "official" and self.lock else {}
        if not locked:
            return ()
        needed = [each for each in required_providers(document) if not each.startswith("terraform.io/builtin/")]
        missing = sorted(set(needed) - set(locked))
        if missing:
            raise PlanError(
                f"provider {missing[0]} is not locked",
                where=str(self.lock),
                do="`infra providers lock`, review and commit it",
                details=missing[1:],
            )
        write_private(folder / ".terraform.lock.hcl", lock_text(locked, needed).encode())
        return ("-lockfile=readonly",)

    def fingerprint(self) -> str:
        """Changes when a plugin in the mirror or the lock does: then a working folder must be initialised again."""
        digest = hashlib.sha256()
        if self.kind == "official" and self.lock is not None and self.lock.is_file():
            digest.update(self.lock.read_bytes())
        if self.mirror is not None:
            for path in sorted(item for item in self.mirror.rglob("*") if item.is_file()):
                status = path.stat()
                digest.update(path.relative_to(self.mirror).as_posix().encode())
                # Bundled plugins are small scripts; a real plugin of 100 MB is told by size and time.
                small = status.st_size <= _SMALL
                digest.update(path.read_bytes() if small else f"{status.st_size} {status.st_mtime_ns}".encode())
        return digest.hexdigest()

    @contextlib.contextmanager
    def initialising(self) -> Iterator[None]:
        """Terraform's plugin cache is not safe for several `init` at once, in this process or another."""
        if self.kind != "official":
            yield
            return
        folder = private_folder(plugin_cache())
        with _official_init, (folder / ".lock").open("w") as lock:
            if sys.platform != "win32":
                import fcntl

                fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def plugin_cache() -> Path:
    return cache_dir() / "terraform-plugins"


def _quoted(path: Path) -> str:
    return json.dumps(path.resolve().as_posix(), ensure_ascii=False)
