"""The largest production environment: synth with memory, an offline plan, and the same through prebuilt AWS bindings.

The bindings (`cdktf-cdktf-provider-aws`, half a gigabyte) are no part of this project; the figure is measured where
`INFRA_BENCH_BINDINGS` names a folder they are in:

    pip install --no-deps --target FOLDER cdktf-cdktf-provider-aws
    INFRA_BENCH_BINDINGS=FOLDER python -m bench platforms
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.figures import Figure
from bench.process import ROOT, BenchError, Measured, run
from bench.project import BenchProject, temporary_project
from bench.synth import synthesise

__all__ = ["bench"]

CASE = "msk-provisioned-prod"
"""The largest of the tests' cases."""

_BINDINGS = """
import importlib, inspect, json, re, sys
import modules.cdk
from cdktf import App, TerraformStack

document = json.loads(open(sys.argv[1]).read())
app = App(outdir=sys.argv[2], skip_validation=True)
stack = TerraformStack(app, "cluster")
made = 0

def words(kind):
    return "".join(part.capitalize() for part in kind.split("_")[1:])

for section, by_kind in (("resource", document["resource"]), ("data", document.get("data", {}))):
    for kind, by_name in by_kind.items():
        if not kind.startswith("aws_"):
            continue
        plain = kind[4:] if section == "resource" else f"data_{kind}"
        module = importlib.import_module(f"cdktf_cdktf_provider_aws.{plain}")
        wanted = words(kind) if section == "resource" else "DataAws" + words(kind)
        names = {name.lower(): name for name in dir(module)}
        cls = getattr(module, names[wanted.lower()])
        known = inspect.signature(cls.__init__).parameters
        for name, body in by_name.items():
            simple = {k: v for k, v in body.items() if k in known and isinstance(v, (str, int, float, bool))}
            try:
                made_one = cls(stack, f"{section}-{kind}-{name}", **simple)
            except Exception:
                # Its arguments are blocks: only the object counts here, so its body goes in as it is.
                from cdktf import TerraformResource
                made_one = TerraformResource(stack, f"{section}-{kind}-{name}", terraform_resource_type=kind)
            for key, value in body.items():
                made_one.add_override(key, value)
            made += 1
app.synth()
print(made)
"""


def bench() -> Iterator[Figure]:
    with temporary_project() as project, tempfile.TemporaryDirectory(prefix="infra-bench-") as folder:
        name = _largest(project)
        synthesise(project, name)  # Thrown away: bytecode and page cache.
        own = synthesise(project, name)
        inside = f"reading the YAML {own.load:.2f} s, imports {own.imports:.2f} s, synth {own.synth:.2f} s"
        yield Figure("platforms", f"{CASE}: synth, whole process", own.seconds, "s", "≤ 3 s", inside)
        yield Figure("platforms", "peak memory", own.peak_bytes / 1e6, "MB", "≤ 300 MB", "Python and Node together")
        offline = project.infra("plan", "--env", name, "--offline", codes=(2,))
        yield Figure("platforms", f"{CASE}: infra plan --offline", offline.seconds, "s", "≤ 10 s", "the first one")
        again = project.infra("plan", "--env", name, "--offline", codes=(2,))
        yield Figure("platforms", f"{CASE}: infra plan --offline", again.seconds, "s", "≤ 10 s", "the second")
        bindings = os.environ.get("INFRA_BENCH_BINDINGS")
        if not bindings:
            note = "set INFRA_BENCH_BINDINGS to a folder with cdktf-cdktf-provider-aws"
            yield Figure("platforms", "prebuilt AWS bindings", None, "s", note=note)
            return
        theirs = _prebuilt(project, name, Path(bindings), Path(folder))
        count = theirs.stdout.split()[-1]
        title = f"prebuilt AWS bindings, {count} resources of the cluster stack"
        yield Figure("platforms", title, theirs.seconds, "s", note=f"{theirs.peak_bytes / 1e6:.0f} MB")
        yield Figure("platforms", "prebuilt beside ours (all four stacks)", theirs.seconds / own.seconds, "×", "≥ 8 ×")
        yield Figure("platforms", "memory: prebuilt beside ours", theirs.peak_bytes / own.peak_bytes, "×")


def _largest(project: BenchProject) -> str:
    """Put the case into the project; its environment's name."""
    cases, environments = ROOT / "tests" / "platforms" / "cases", project.root / "environments"
    shutil.copy(cases / "_common.yaml", environments)
    shutil.copy(cases / f"{CASE}.yaml", environments / "largest.yaml")
    return "largest"


def _prebuilt(project: BenchProject, name: str, bindings: Path, folder: Path) -> Measured:
    """Seconds and memory to make the cluster stack's AWS resources with the bindings, in a process of its own."""
    document = project.root / ".infra" / "offline" / "env" / name / "cluster" / "cdk.tf.json"
    if not document.exists():
        found = sorted(project.root.glob(".infra/**/cluster/cdk.tf.json"))
        if not found:
            raise BenchError("the offline plan left no cluster stack")
        document = found[0]
    json.loads(document.read_text())
    variables = {"PYTHONPATH": os.pathsep.join([str(ROOT), str(bindings)])}
    return run(
        [sys.executable, "-c", _BINDINGS, str(document), str(folder / "out")], environment=variables, memory=True
    )
