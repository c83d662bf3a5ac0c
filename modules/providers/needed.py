"""Which providers an environment's stacks need, and a folder with nothing else in it to ask Terraform for them."""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modules.errors import PlanError
from modules.terraform.command import TerraformCommand, base_environment
from modules.terraform.lockfile import required_providers
from modules.terraform.source import StackSource

__all__ = ["Needed", "bare_folder", "needed_by", "run_terraform"]

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
"""These commands of Terraform have no way to be told that nobody wants any."""


@dataclass(frozen=True)
class Needed:
    """One provider, the constraints of all stacks that use it, joined, and which stacks these are."""

    address: str
    constraint: str
    stacks: tuple[str, ...]

    @property
    def name(self) -> str:
        """`aws` of `registry.terraform.io/hashicorp/aws`."""
        return self.address.rpartition("/")[2]

    @property
    def source(self) -> str:
        """Without the public registry's host, as stacks write it."""
        return self.address.removeprefix("registry.terraform.io/")


def needed_by(documents: Mapping[str, Mapping[str, Any]]) -> tuple[Needed, ...]:
    """What stacks (name → synthesised JSON) require, by address. Terraform's built-in provider is not among them."""
    constraints: dict[str, dict[str, None]] = {}
    stacks: dict[str, dict[str, None]] = {}
    for stack, document in documents.items():
        for address, constraint in required_providers(document).items():
            if address.startswith("terraform.io/builtin/"):
                continue
            if constraint:
                constraints.setdefault(address, {})[constraint] = None
            stacks.setdefault(address, {})[stack] = None
    return tuple(
        Needed(address, ", ".join(constraints.get(address, {})), tuple(stacks[address])) for address in sorted(stacks)
    )


def documents_of(sources: Iterable[StackSource]) -> dict[str, dict[str, Any]]:
    """Stack → its synthesised JSON."""
    return {source.name: json.loads(source.json_path.read_bytes()) for source in sources}


@contextmanager
def bare_folder(needed: Sequence[Needed], cli_config: str = "disable_checkpoint = true\n") -> Iterator[Path]:
    """A temporary folder whose configuration requires these providers and nothing else."""
    with tempfile.TemporaryDirectory(prefix="infra-providers-") as name:
        folder = Path(name)
        required: dict[str, dict[str, str]] = {}
        for number, each in enumerate(needed):
            version = {"version": each.constraint} if each.constraint else {}
            required[f"p{number}"] = {"source": each.address, **version}
        (folder / "main.tf.json").write_text(json.dumps({"terraform": {"required_providers": required}}))
        (folder / "terraform.rc").write_text(cli_config)
        yield folder


def run_terraform(
    command: TerraformCommand, folder: Path, arguments: Sequence[str], on_line: Callable[[str], None], what: str
) -> None:
    """One command of Terraform's in that folder, its lines handed on as they come.

    Raises:
        PlanError: it failed; in its own words.
    """
    lines: list[str] = []
    try:
        with subprocess.Popen(
            [*command.prefix, *arguments],
            cwd=folder, env=base_environment(command, folder / "terraform.rc", {}), text=True, errors="replace",
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        ) as child:  # fmt: skip
            try:
                assert child.stdout is not None
                for line in child.stdout:
                    if text := _COLOURS.sub("", line).strip(" \n│╷╵"):
                        lines.append(text)
                        if text.startswith("- ") and not any(each.startswith("Error") for each in lines):
                            on_line(text.removeprefix("- "))
            except BaseException:
                child.terminate()
                raise
    except OSError as error:
        raise PlanError(
            f"Terraform cannot be started: {error.strerror or error}", where=command.label, do="see `infra doctor`"
        ) from None
    if child.returncode:
        first = next((n for n, line in enumerate(lines) if line.startswith("Error")), max(0, len(lines) - 6))
        raise PlanError(
            f"{what}: {lines[first].removeprefix('Error: ') if lines else 'Terraform did not say why'}",
            do="check the network and the proxy, or name a mirror that has them (`--from DIR`, INFRA_PLUGIN_DIR)",
            details=lines[first + 1 : first + 9],
        )
