"""Packages in a Terraform filesystem mirror: found, hashed as lock files hash them, copied.

A mirror holds a package as a zip (`HOST/NS/NAME/terraform-provider-NAME_VERSION_SYSTEM.zip`) or unpacked
(`HOST/NS/NAME/VERSION/SYSTEM/…`); Terraform reads both (developer.hashicorp.com/terraform/cli/config/config-file).
"""

from __future__ import annotations

import base64
import hashlib
import os
import platform
import re
import shutil
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from modules.errors import ConfigError

__all__ = ["Package", "copy_package", "packages_in", "this_system"]

_PACKED = re.compile(r"terraform-provider-(?P<name>.+)_(?P<version>\d[^_]*)_(?P<os>[a-z0-9]+)_(?P<arch>[a-z0-9]+)\.zip")
_SYSTEM = re.compile(r"[a-z0-9]+_[a-z0-9]+")


@dataclass(frozen=True)
class Package:
    """One provider's plugin of one version for one system."""

    address: str
    version: str
    system: str
    path: Path
    """A zip file, or the folder with its files."""

    @property
    def packed(self) -> bool:
        return self.path.is_file()

    @property
    def size(self) -> int:
        """Bytes on disk."""
        files = [self.path] if self.packed else [each for each in self.path.rglob("*") if each.is_file()]
        return sum(each.stat().st_size for each in files)

    def hash1(self) -> str:
        """`h1:`, of the files' names and contents: the same packed and unpacked (golang.org/x/mod/sumdb/dirhash).

        Raises:
            ConfigError: it cannot be read, or is no zip file.
        """
        try:
            lines = sorted(_listed(self.path), key=lambda each: each[1])
        except (OSError, zipfile.BadZipFile, EOFError) as error:
            raise ConfigError(
                f"the package cannot be read: {getattr(error, 'strerror', None) or error}",
                where=str(self.path),
                do="delete it and fill the mirror again with `infra providers mirror`",
            ) from None
        digest = hashlib.sha256("".join(f"{each}  {name}\n" for each, name in lines).encode())
        return "h1:" + base64.b64encode(digest.digest()).decode()

    def zip_hash(self) -> str | None:
        """`zh:`, of the zip file itself; None where it is unpacked."""
        return f"zh:{_digest(self.path)}" if self.packed else None


def _listed(path: Path) -> Iterator[tuple[str, str]]:
    """SHA-256 and name of each file."""
    if path.is_file():
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                if not entry.is_dir():
                    with archive.open(entry) as stream:
                        digest = hashlib.sha256()
                        while chunk := stream.read(1 << 20):
                            digest.update(chunk)
                    yield digest.hexdigest(), entry.filename
        return
    for each in path.rglob("*"):
        if each.is_file():
            yield _digest(each), each.relative_to(path).as_posix()


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def this_system() -> str:
    """Terraform's name of this machine, `linux_amd64`."""
    machine = platform.machine().lower()
    names = {"x86_64": "amd64", "aarch64": "arm64", "i686": "386", "i386": "386"}
    system = {"win32": "windows", "darwin": "darwin"}.get(sys.platform, "linux")
    return f"{system}_{names.get(machine, machine)}"


def packages_in(mirror: Path, address: str | None = None) -> tuple[Package, ...]:
    """What a mirror holds, of one provider where `address` names it; sorted."""
    found = []
    for folder in [mirror / address] if address else sorted(mirror.glob("*/*/*")):
        its = folder.relative_to(mirror).as_posix()
        for path in folder.iterdir() if folder.is_dir() else ():
            if match := _PACKED.fullmatch(path.name):
                found.append(Package(its, match["version"], f"{match['os']}_{match['arch']}", path))
            elif path.is_dir():
                systems = [each for each in path.iterdir() if each.is_dir() and _SYSTEM.fullmatch(each.name)]
                found += [Package(its, path.name, each.name, each) for each in systems]
    return tuple(sorted(found, key=lambda each: (each.address, each.version, each.system)))


def copy_package(package: Package, mirror: Path) -> Package:
    """The package in another mirror, in the same layout; whole or not at all, and held against the original.

    Raises:
        ConfigError: it cannot be written, or the copy is not what was read.
    """
    folder = mirror / package.address
    target = folder / package.path.name if package.packed else folder / package.version / package.system
    part = target.with_name(f".{target.name}.part{os.getpid()}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if package.packed:
            shutil.copy2(package.path, part)
        else:
            shutil.copytree(package.path, part)
            if target.exists():
                shutil.rmtree(target)
        part.replace(target)
    except OSError as error:
        raise ConfigError(
            f"cannot write the mirror: {error.strerror or error}",
            where=str(target),
            do="free space or check its rights",
        ) from None
    finally:
        if part.is_dir():
            shutil.rmtree(part, ignore_errors=True)
        else:
            part.unlink(missing_ok=True)
    copy = Package(package.address, package.version, package.system, target)
    if copy.hash1() != package.hash1():
        raise ConfigError("the copy is not what was read", where=str(target), do="check the disk, and run it again")
    return copy
