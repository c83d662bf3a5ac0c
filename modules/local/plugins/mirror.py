"""A filesystem mirror from which `terraform init` installs plugins written in Python: bundled ones, or simulated ones.

Each plugin is a shell script that starts this very Python on a module of this project, so its content (and with it the
hash in Terraform's lock file) only changes when the interpreter or the project moves.
"""

from __future__ import annotations

import os
import platform
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from modules.errors import TerraformError

__all__ = ["BUNDLED", "BundledPlugin", "platform_name", "write_mirror"]

_REGISTRY = "registry.terraform.io"


@dataclass(frozen=True)
class BundledPlugin:
    """A plugin's official address and version, and the module that stands in for it.

    Args:
        arguments: of the module's command line.
        kind: what its script calls it.
    """

    source: str
    version: str
    module: str
    arguments: tuple[str, ...] = ()
    kind: str = "bundled"

    @property
    def address(self) -> str:
        """`registry.terraform.io/mongey/kafka`."""
        return f"{_REGISTRY}/{self.source}"

    @property
    def executable(self) -> str:
        return f"terraform-provider-{self.source.rpartition('/')[2]}_v{self.version}"


BUNDLED: tuple[BundledPlugin, ...] = (
    BundledPlugin("mongey/kafka", "0.13.1", "modules.local.plugins.kafka"),
    BundledPlugin("mongey/kafka-connect", "0.5.0", "modules.local.plugins.kafkaconnect"),
    BundledPlugin("cultureamp/schemaregistry", "1.6.0", "modules.local.plugins.schemaregistry"),
    BundledPlugin("snowflakedb/snowflake", "2.20.0", "modules.local.plugins.snowflake"),
)
"""Versions are those of the schema snapshots (a test compares them)."""


def write_mirror(folder: Path, plugins: Sequence[BundledPlugin] = BUNDLED) -> None:
    """Write (or bring up to date) the mirror of some plugins: unpacked layout, for the platform this runs on.

    Point Terraform at it with `provider_installation { filesystem_mirror { path = "<folder>" } }` in its CLI
    configuration, or `terraform init -plugin-dir=<folder>`.

    Raises:
        TerraformError: the folder cannot be written.
    """
    for plugin in plugins:
        target = folder / plugin.address / plugin.version / platform_name() / plugin.executable
        content = _script(plugin)
        try:
            if target.exists() and target.read_text(encoding="utf-8") == content and os.access(target, os.X_OK):
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            # Written aside and renamed, since another run's Terraform may be starting the old one right now; not in
            # the same folder, whose content is what Terraform hashes.
            fresh = folder / f".{target.name}.{os.getpid()}"
            fresh.write_text(content, encoding="utf-8")
            fresh.chmod(0o755)
            fresh.replace(target)
        except OSError as error:
            raise TerraformError(
                f"the {plugin.kind} provider plugins cannot be written ({error.strerror})",
                where=str(target.parent),
                do="check the folder's permissions and the free disk space",
            ) from None


def platform_name() -> str:
    """Terraform's name of this platform, `linux_amd64`."""
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine().lower(), platform.machine().lower())
    return f"{sys.platform}_{machine}"


def _script(plugin: BundledPlugin) -> str:
    root = Path(__file__).resolve().parents[3]
    command = shlex.join([sys.executable, "-m", plugin.module, *plugin.arguments])
    return (
        "#!/bin/sh\n"
        f"# The {plugin.kind} plugin for {plugin.source} {plugin.version} of `infra`: Python, not the official one.\n"
        f'PYTHONPATH={shlex.quote(str(root))}"${{PYTHONPATH:+:$PYTHONPATH}}" exec {command} "$@"\n'
    )
