"""A Terraform folder whose plugins are all simulated, and the store they share."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

from modules.simulated.mirror import write_simulated_mirror
from modules.simulated.provider import SimulatedProvider
from modules.simulated.provider_names import SNAPSHOTS
from modules.simulated.store import Store
from tests.plugins.attached import AttachedPlugin
from tests.plugins.terraform_folder import Terraform

__all__ = ["Bench"]


class Bench(Terraform):
    """`started`: Terraform starts the plugins itself, which takes most of the time it then takes."""

    def __init__(self, folder: Path, *, started: bool = False) -> None:
        self.store = Store(folder / "simulated.sqlite")
        write_simulated_mirror(folder / "mirror", self.store.path)
        here = () if started else SNAPSHOTS
        plugins = [AttachedPlugin(partial(SimulatedProvider, source, self.store.path), anew=False) for source in here]
        super().__init__(folder / "work", folder / "mirror", plugins=plugins)

    def plan_text(self) -> str:
        """What Terraform prints with a plan that must succeed, in one line."""
        code, out, err = self.run("plan", "-input=false", "-compact-warnings")
        assert code == 0, out + err
        return " ".join(out.split())

    def state(self) -> dict[str, dict[str, Any]]:
        """All attributes by address."""
        shown = json.loads(self.run("show", "-json")[1])
        return {each["address"]: each["values"] for each in shown["values"]["root_module"]["resources"]}
