"""Golden Terraform JSON of whole environments: `python -m tests.platforms.golden [CASE…]` writes it anew.

A case is an environment file, `cases/<platform>-<mode>-<environment>.yaml`; the name's last part names the
environment. Files that begin with `_` are only extended; a mode that ends in `_applications` has the applications of
`cases/applications`. `golden/<case>/<stack>.tf.json` is what a stack becomes,
without what differs from run to run: cdktf's own notes, and the connector's public key.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from modules.environment import Environment, load_environment
from modules.platforms import platform_for
from modules.project import Project
from modules.warehouse.connection import make_key_pair
from stacks import synth

__all__ = ["CASES", "GOLDEN", "Documents", "cases", "environment_of", "golden", "project_of", "render", "synthesise"]

HERE = Path(__file__).parent
CASES = HERE / "cases"
GOLDEN = HERE / "golden"
ENVIRONMENTS = HERE.parents[1] / "environments"

Documents = dict[str, dict[str, Any]]
"""Stack → its Terraform JSON."""


def cases(prefix: str = "") -> list[str]:
    """The cases whose name begins with `prefix`, sorted."""
    return sorted(file.stem for file in CASES.glob(f"{prefix}*.yaml") if not file.stem.startswith("_"))


def project_of(case: str, root: Path) -> tuple[Project, str]:
    """A project in `root` with the case as its one environment, and that environment's name."""
    folder = root / "environments"
    for schemas in (ENVIRONMENTS / "schemas", HERE / "cases" / "schemas"):
        shutil.copytree(schemas, folder / "schemas", dirs_exist_ok=True)
    for file in (ENVIRONMENTS / "base.yaml", *CASES.glob("_*.yaml")):
        shutil.copy(file, folder)
    if "_applications-" in case:
        shutil.copytree(CASES / "applications", folder / "applications", dirs_exist_ok=True)
    name = case.rpartition("-")[2]
    shutil.copy(CASES / f"{case}.yaml", folder / f"{name}.yaml")
    return Project(root), name


def environment_of(case: str, root: Path) -> tuple[Environment, Project]:
    """The case, loaded and checked, in a project of its own below `root`."""
    project, name = project_of(case, root)
    return load_environment(project, name), project


def synthesise(case: str, root: Path) -> Documents:
    """What the case synthesises to now."""
    environment, project = environment_of(case, root)
    private, public = _key_pair()
    secrets = project.environment_state(environment.name) / "secrets"
    secrets.mkdir(parents=True)
    shutil.copy(private, secrets / "svc-kafka-connector.p8")
    found: Documents = {}
    for source in synth(environment, project, platform_for(environment, project), root / "out"):
        text = source.json_path.read_text(encoding="utf-8").replace(public, "<public key>")
        document = json.loads(text)
        document.pop("//", None)
        found[source.name] = document
    return found


def golden(case: str) -> Documents:
    """What is kept for the case."""
    return {
        file.name.removesuffix(".tf.json"): json.loads(file.read_text(encoding="utf-8"))
        for file in sorted((GOLDEN / case).glob("*.tf.json"))
    }


def render(document: dict[str, Any]) -> str:
    """A golden file's text."""
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def write(case: str) -> None:
    """Writes the case's golden files anew."""
    with tempfile.TemporaryDirectory() as folder:
        documents = synthesise(case, Path(folder).resolve())
    target = GOLDEN / case
    target.mkdir(parents=True, exist_ok=True)
    for old in target.glob("*.tf.json"):
        old.unlink()
    for stack, document in documents.items():
        (target / f"{stack}.tf.json").write_text(render(document), encoding="utf-8")


@cache
def _key_pair() -> tuple[Path, str]:
    """One connector's key for all cases of this run: making one takes a while."""
    path = Path(tempfile.mkdtemp(prefix="infra-golden-")) / "key.p8"
    return path, make_key_pair(path)


def main(names: list[str]) -> None:
    for case in names or cases():
        write(case)
        sys.stdout.write(f"{GOLDEN / case}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
