"""`infra import --cluster`: a cluster that runs becomes an environment's, in its YAML and by import blocks."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NoReturn

import typer

if TYPE_CHECKING:
    from modules.adoption import FoundCluster
    from modules.project import Project

__all__ = ["adopt_cluster"]


def adopt_cluster(
    cluster: str | None, topics: Sequence[str], env: str, *, write: bool, yes: bool, json: bool, offline: bool
) -> NoReturn:
    """Show it, or write it; exits 2 where there is something that was not done.

    Raises:
        ConfigError: the options do not go together, or the cluster cannot be taken over.
    """
    from cli._output import print_json
    from modules.adoption import difference, write_cluster
    from modules.errors import ConfigError
    from modules.project import find_project

    if cluster is None:
        raise ConfigError(
            "a rehearsal has no topics of its own to take over", do="write --cluster, or leave --offline out"
        )
    if topics:
        raise ConfigError("--cluster takes the cluster alone", do="take topics over with `infra import`, afterwards")
    project = find_project()
    found = _found(cluster, env, project, offline=offline)
    changes = difference(project, env, found)
    if not json:
        _show(env, changes, found)
    if write and changes:
        if not yes:
            if json or not sys.stdin.isatty():
                raise ConfigError("there is nobody to confirm", do="add --yes")
            typer.confirm(f"Write this to environments/{env}.yaml?", abort=True, err=True)
        write_cluster(project, env, found)
    waiting = _take_over(env, found, offline=offline) if write else dict(found.imports)
    if json:
        document = {"version": 1, "environment": env, "written": write, "cluster": found.id, "diff": changes}
        imports = {"cluster": waiting} if waiting else {}
        print_json({**document, "imports": imports, "left": list(found.left)})
    else:
        _say(env, waiting, changes, written=write, offline=offline)
    raise typer.Exit(0 if write else 2)


def _found(cluster: str, env: str, project: Project, *, offline: bool) -> FoundCluster:
    from dataclasses import replace

    from modules.adoption import read_cluster, refuse_another
    from modules.environment import load_environment
    from modules.environment.loader import list_environments

    environment = load_environment(project, env) if env in list_environments(project) else None
    found = read_cluster(cluster, environment, project)
    refuse_another(replace(project, offline=offline), env, found)
    return found


def _take_over(env: str, found: FoundCluster, *, offline: bool) -> dict[str, str]:
    """Prepares the import of what the state does not hold yet; a rehearsal is told what there is first."""
    from cli._deployment import deployment_of, open_target

    target = open_target(env, offline=offline)
    deployment = deployment_of(target, to_run=False)
    undeployed = {item.address for item in deployment.undeployed()["cluster"]}
    waiting = {address: identifier for address, identifier in found.imports.items() if address in undeployed}
    if offline:
        from modules.simulated.seed import seed

        store = target.project.environment_state(env) / "simulated.sqlite"
        for address in waiting:
            seed(store, address.partition(".")[0], found.objects[address])
    deployment.adopt({"cluster": waiting})
    return waiting


def _show(env: str, changes: str, found: FoundCluster) -> None:
    from cli._output import stdout

    console = stdout()
    if changes:
        console.print(f"[bold]{found.id}[/] as environments/{env}.yaml says it:", soft_wrap=True)
        console.print(changes, markup=False, highlight=False, soft_wrap=True, end="")
    for text in found.left:
        console.print(f"left alone: {text}", markup=False, highlight=False, soft_wrap=True)


def _say(env: str, waiting: Mapping[str, str], changes: str, *, written: bool, offline: bool) -> None:
    from cli._output import note, stdout

    console = stdout()
    for address, identifier in waiting.items():
        console.print(f"→ cluster: {address}  (id {identifier})", markup=False, highlight=False, soft_wrap=True)
    flag = " --offline" if offline else ""
    if not written:
        note("add --write to do it")
        return
    if changes:
        note(f"written: environments/{env}.yaml")
    if waiting:
        does = f"`infra plan --env {env}{flag}` shows it, `infra deploy --env {env}{flag}` does it"
        note(f"{len(waiting)} objects will be taken over: {does}")
    else:
        note(f"what runs is in {env} already")
