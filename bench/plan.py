"""`infra plan` against bare Terraform on the same JSON, in the same working folders, with the same plugins: the
pipeline of `local`, and an environment of 1,000 topics (with their ACLs some 4,000 resources).

Beyond the synthesis the two differ by what `infra` adds: it reads states, guards and costs, and judges the plan. The
ratio is told without the synthesis, which Terraform's side starts after.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from bench.figures import Figure
from bench.process import cpu_seconds, run
from bench.project import BenchProject, local_platform
from bench.synth import synthesise

__all__ = ["bench", "thousand"]

TOPICS = 1_000
_TIMES = 3
_AIM = "≤ 1.15 ×"


def bench() -> Iterator[Figure]:
    with local_platform(deployed=True) as project:
        yield from _compared(project, "local", "infra plan --env local")


def thousand() -> Iterator[Figure]:
    """The same for an environment of many topics, nothing to change."""
    with local_platform(deployed=False) as project:
        project.write_topics("many", TOPICS)
        deployed = project.infra("deploy", "--env", "many", "--yes")
        name = f"infra deploy, {TOPICS:,} topics with their ACLs"
        yield Figure("plan-1000", name, deployed.seconds, "s", note="synth, plan, all stacks")
        yield from _compared(project, "many", f"infra plan, {TOPICS:,} topics", "plan-1000")


@dataclass(frozen=True)
class _Bare:
    """Terraform by itself on every stack."""

    seconds: float
    peak_bytes: int


def _compared(project: BenchProject, environment: str, title: str, benchmark: str = "plan") -> Iterator[Figure]:
    project.infra("plan", "--env", environment)
    folders = _stack_folders(project, environment)
    whole, bare, apart, synth, ratios, worked = [], [], [], [], [], []
    for _ in range(_TIMES):
        # In turn, so that whatever else the machine does meets all four alike.
        readings = [cpu_seconds()]
        whole.append(project.infra("plan", "--env", environment, memory=True))
        readings.append(cpu_seconds())
        bare.append(_plan_bare(project, environment, folders, side_by_side=True))
        readings.append(cpu_seconds())
        synth.append(synthesise(project, environment))
        readings.append(cpu_seconds())
        apart.append(_plan_bare(project, environment, folders, side_by_side=False))
        ratios.append((whole[-1].seconds - synth[-1].seconds) / bare[-1].seconds)
        ours, theirs, making = (after - before for before, after in pairwise(readings))
        worked.append((ours - making) / theirs)
    plan, terraform = (statistics.median(each.seconds for each in runs) for runs in (whole, bare))
    resources = sum(len(json.loads((each / "terraform.tfstate").read_text())["resources"]) for each in folders)
    note = f"{len(folders)} stacks, {_instances(folders):,} resources in {resources} blocks, nothing to change"
    yield Figure(benchmark, title, plan, "s", note=note)
    yield Figure(benchmark, "bare Terraform, stacks side by side", terraform, "s")
    alone = statistics.median(each.seconds for each in apart)
    yield Figure(benchmark, "bare Terraform, one stack after the other", alone, "s")
    yield Figure(benchmark, "synth alone, its own process", statistics.median(each.seconds for each in synth), "s")
    spread = f"{min(ratios):.2f} to {max(ratios):.2f} in {_TIMES} rounds"
    yield Figure(benchmark, "ratio without the synth", statistics.median(ratios), "×", _AIM, note=spread)
    note = "the same of processor time, which a busy machine changes less"
    yield Figure(benchmark, "ratio without the synth, processor time", statistics.median(worked), "×", note=note)
    yield Figure(benchmark, "ratio with the synth", plan / terraform, "×")
    peaks = [max(each.peak_bytes for each in runs) / 1e6 for runs in (whole, bare)]
    yield Figure(benchmark, f"{title}: peak memory", peaks[0], "MB", note="infra, Terraform and its plugins together")
    yield Figure(benchmark, "bare Terraform: peak memory", peaks[1], "MB", note="all stacks, with their plugins")


def _stack_folders(project: BenchProject, environment: str) -> list[Path]:
    found = sorted((project.root / ".infra" / "env" / environment).glob("*/cdk.tf.json"))
    return [path.parent for path in found]


def _instances(folders: Sequence[Path]) -> int:
    from modules.terraform.state import read_state

    states = [read_state(each / "terraform.tfstate") for each in folders]
    return sum(len(state.addresses) for state in states if state)


def _plan_bare(project: BenchProject, environment: str, folders: Sequence[Path], *, side_by_side: bool) -> _Bare:
    """Plan every folder with Terraform itself; seconds until the last is done."""
    command, variables = _terraform(project, environment)

    def plan(folder: Path) -> int:
        arguments = ["plan", "-input=false", "-detailed-exitcode", "-no-color", "-parallelism=32"]
        done = run([*command, *arguments], environment=variables, folder=folder, codes=(0, 2), memory=True)
        return done.peak_bytes

    began = time.perf_counter()
    with ThreadPoolExecutor(len(folders) if side_by_side else 1) as pool:
        peaks = list(pool.map(plan, folders))
    return _Bare(time.perf_counter() - began, sum(peaks))


def _terraform(project: BenchProject, environment: str) -> tuple[tuple[str, ...], dict[str, str]]:
    from modules.environment import load_environment
    from modules.platforms import platform_for
    from modules.project import Project
    from modules.terraform.command import base_environment, terraform_command
    from stacks import STACK_NAMES, terraform_secrets

    own = Project(project.root)
    platform = platform_for(load_environment(own, environment), own)
    secrets = {key: text for name in STACK_NAMES for key, text in terraform_secrets(platform, own, name).items()}
    command = terraform_command()
    config = own.environment_state(environment) / "terraform.rc"
    return command.prefix, base_environment(command, config, secrets)
