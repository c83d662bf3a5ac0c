"""`infra plan` against bare Terraform on the same JSON, in the same working folders, with the same plugins."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.figures import Figure
from bench.process import run
from bench.project import BenchProject, local_platform
from bench.synth import synthesise

__all__ = ["bench"]

_TIMES = 3


def bench() -> Iterator[Figure]:
    with local_platform(deployed=True) as project:
        project.infra("plan", "--env", "local")
        folders = _stack_folders(project)
        whole, bare, apart, synth = [], [], [], []
        for _ in range(_TIMES):
            # In turn, so that whatever else the machine does meets all four alike.
            whole.append(project.infra("plan", "--env", "local").seconds)
            bare.append(_bare(project, folders, side_by_side=True))
            apart.append(_bare(project, folders, side_by_side=False))
            synth.append(synthesise(project, "local").seconds)
        plan, terraform, synthesis = (statistics.median(values) for values in (whole, bare, synth))
        yield Figure("plan", "infra plan --env local", plan, "s", note=f"{len(folders)} stacks, nothing to change")
        yield Figure("plan", "bare Terraform, stacks side by side", terraform, "s")
        yield Figure("plan", "bare Terraform, one stack after the other", statistics.median(apart), "s")
        yield Figure("plan", "synth alone, its own process", synthesis, "s")
        yield Figure("plan", "ratio without the synth", (plan - synthesis) / terraform, "×", "≤ 1.15 ×")
        yield Figure("plan", "ratio with the synth", plan / terraform, "×")


def _stack_folders(project: BenchProject) -> list[Path]:
    found = sorted((project.root / ".infra" / "env" / "local").glob("*/cdk.tf.json"))
    return [path.parent for path in found]


def _bare(project: BenchProject, folders: Sequence[Path], *, side_by_side: bool) -> float:
    """Plan every folder with Terraform itself; seconds until the last is done."""
    command, variables = _terraform(project)

    def plan(folder: Path) -> None:
        arguments = ["plan", "-input=false", "-detailed-exitcode", "-no-color"]
        run([*command, *arguments], environment=variables, folder=folder, codes=(0, 2))

    began = time.perf_counter()
    with ThreadPoolExecutor(len(folders) if side_by_side else 1) as pool:
        list(pool.map(plan, folders))
    return time.perf_counter() - began


def _terraform(project: BenchProject) -> tuple[tuple[str, ...], dict[str, str]]:
    from modules.environment import load_environment
    from modules.platforms import platform_for
    from modules.project import Project
    from modules.terraform.command import base_environment, terraform_command
    from stacks import STACK_NAMES, terraform_secrets

    own = Project(project.root)
    platform = platform_for(load_environment(own, "local"), own)
    secrets = {key: text for name in STACK_NAMES for key, text in terraform_secrets(platform, own, name).items()}
    command = terraform_command()
    config = own.environment_state("local") / "terraform.rc"
    return command.prefix, base_environment(command, config, secrets)
