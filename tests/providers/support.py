"""Mirrors with small plugins that are never started, and stacks that require them."""

from __future__ import annotations

import zipfile
from pathlib import Path

from modules.providers.needed import Needed
from modules.providers.packages import this_system

__all__ = ["ADDRESS", "NEEDED", "OTHER", "plant", "zipped"]

ADDRESS = "registry.terraform.io/acme/widget"
NEEDED = Needed(ADDRESS, "1.2.0", ("cluster",))
OTHER = "windows_arm64" if this_system() != "windows_arm64" else "linux_arm64"


def zipped(path: Path, version: str, text: str = "widget", name: str = "widget") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"terraform-provider-{name}_v{version}", f"#!/bin/sh\n# {text} {version}\n")
        archive.writestr("LICENSE", "none")
    return path


def plant(mirror: Path, version: str, *systems: str, text: str = "widget", address: str = ADDRESS) -> Path:
    """Packed packages in a mirror; gives the mirror."""
    for system in systems or (this_system(),):
        zipped(mirror / address / f"terraform-provider-widget_{version}_{system}.zip", version, f"{text} {system}")
    return mirror
