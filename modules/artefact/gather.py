"""Puts an artefact together from what a plan left in the working folders, and puts it back there for an apply."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from modules.artefact.content import Content
from modules.artefact.package import Artefact, StackFiles
from modules.artefact.states import StateIdentity, state_identity, untouched
from modules.artefact.store import now
from modules.environment.model import Environment
from modules.errors import ConfigError, PlanError, PriceError
from modules.project import Project
from modules.revisions import current
from modules.terraform.engine import Deployment
from modules.terraform.files import private_folder, write_private
from modules.terraform.plan import EnvironmentPlan
from modules.terraform.plan_file import LOCK_FILE
from modules.terraform.workdir import WorkingFolder

__all__ = ["gather", "put_back", "states_of"]


def states_of(deployment: Deployment) -> dict[str, StateIdentity | None]:
    """Each stack's state as it is now.

    Raises:
        PlanError: one is malformed, another tool's, or of the other kind.
    """
    return {name: state_identity(deployment.folders[name]) for name in deployment.stack_names}


def gather(
    plan: EnvironmentPlan,
    deployment: Deployment,
    environment: Environment,
    project: Project,
    content: Content,
    identity: Mapping[str, str],
    summary: Mapping[str, Any],
    allow_destroy: Sequence[str] = (),
) -> Artefact:
    """Everything of a plan just made.

    Args:
        allow_destroy: what whoever reviews it sees as let go.

    Raises:
        PlanError: a plan file is gone, or another run replaced it.
    """
    return Artefact(
        plan=plan,
        created=now(),
        content=content.parts,
        content_hash=content.hash,
        states=states_of(deployment),
        identity=dict(identity),
        tools={"infra": version("infra"), "Terraform": content.parts["Terraform"]},
        revision=_revision(project),
        cost=_cost(environment),
        summary=dict(summary),
        allow_destroy=tuple(allow_destroy),
        made_up_keys={path.name: path.read_text() for path in _made_up(project, environment.name)},
        files={stack.stack: _files(plan, deployment.folders[stack.stack]) for stack in plan.stacks},
    )


def put_back(artefact: Artefact, deployment: Deployment, project: Project) -> EnvironmentPlan:
    """Lay the artefact's files where `Deployment.apply` takes them from; returns the plan to apply.

    Raises:
        PlanError: plugins are missing, a file cannot be written.
    """
    for name, key in artefact.made_up_keys.items() if project.offline else ():
        folder_of_keys = private_folder(project.environment_state(artefact.plan.environment) / "secrets")
        write_private(folder_of_keys / Path(name).name, key.encode())
    for name, files in artefact.files.items():
        folder = deployment.folders[name]
        if files.first_state is not None and _never_applied(folder):
            write_private(private_folder(folder.path) / folder.state_file.name, files.first_state)
        if files.imports:
            private_folder(folder.path)
            folder.adopt(files.imports)
    there = {name: files for name, files in artefact.files.items() if files.plan_file}
    digests = deployment.install(
        {name: files.plan_file for name, files in there.items()},
        {name: files.lock for name, files in there.items() if files.lock},
    )
    stacks = tuple(
        replace(each, plan_file=deployment.folders[each.stack].plan_file, digest=digests[each.stack])
        if each.stack in digests
        else each
        for each in artefact.plan.stacks
    )
    return replace(artefact.plan, stacks=stacks)


def _never_applied(folder: WorkingFolder) -> bool:
    return not folder.state_file.is_file() or untouched(folder.state_file.read_bytes())


def _made_up(project: Project, environment: str) -> list[Path]:
    """Key pairs of a rehearsal: a later plan should find those that were applied."""
    if not project.offline:
        return []
    return sorted((project.environment_state(environment) / "secrets").glob("*.p8"))


def _files(plan: EnvironmentPlan, folder: WorkingFolder) -> StackFiles:
    name = folder.source.name
    synthesised, imports = folder.source.json_path.read_bytes(), folder.adopting()
    if not plan.stack(name).digest:
        return StackFiles(synthesised=synthesised, imports=imports)
    if folder.plan_digest() != plan.stack(name).digest:
        raise PlanError("the plan file is gone or was made anew by another run", where=f"stack {name}", do="plan again")
    lock = folder.path / LOCK_FILE
    first = folder.state_file.read_bytes() if folder.simulated else b""
    return StackFiles(
        folder.plan_file.read_bytes(),
        lock.read_bytes() if lock.is_file() else b"",
        synthesised,
        first if first and untouched(first) else None,
        imports,
    )


def _revision(project: Project) -> dict[str, Any] | None:
    try:
        commit, changed = current(project)
    except ConfigError:
        return None
    return {"commit": commit, "changed": changed}


def _cost(environment: Environment) -> dict[str, Any]:
    """What a month costs, as far as it is known; unknown is said, never counted as nothing."""
    from modules.cost.report import report

    try:
        found = report(environment)
    except PriceError as error:
        return {"currency": "USD", "monthly": None, "why": error.what}
    total = found.total
    return {
        "currency": "USD",
        "monthly": str(total.least),
        "most": None if total.most is None else str(total.most),
        "unknown": total.unknown,
        "option": found.option,
    }
