"""`infra ci roles`: the AWS roles of a CI's jobs, planned, shown, confirmed, made; a stack and a state of their own."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from cli._options import EnvOption, JsonOption, OfflineOption, YesOption
from cli._output import note, print_json
from modules.errors import ConfigError

if TYPE_CHECKING:
    from cli._deployment import Target
    from modules.ci.trust import Repository
    from modules.project import Project
    from modules.terraform.engine import Deployment

__all__ = ["EPILOG", "roles"]

EPILOG = (
    "Examples:  infra ci roles --env prod --repository acme/streaming  ·  infra ci roles -e prod --offline  ·  "
    "infra ci roles -e prod --forge gitlab --repository acme/data/streaming --existing-provider"
)


def roles(
    env: EnvOption = "prod",
    forge: Annotated[Literal["github", "gitlab"], typer.Option("--forge", help="github or gitlab.")] = "github",
    repository: Annotated[
        str, typer.Option("--repository", metavar="OWNER/NAME", help="Whose jobs; default: git's `origin`.")
    ] = "",
    branch: Annotated[
        str, typer.Option("--branch", help="GitLab: the branch that deploys; default: the repository's default branch.")
    ] = "",
    server: Annotated[str, typer.Option("--server", help="GitLab: its address.")] = "https://gitlab.com",
    existing_provider: Annotated[
        bool,
        typer.Option(
            "--existing-provider", help="The account has the service's identity provider already: it takes one of each."
        ),
    ] = False,
    offline: OfflineOption = False,
    yes: YesOption = False,
    json: JsonOption = False,
) -> None:
    """Make the two AWS roles of an environment: one that plans and reads, one that applies.

    Run by an administrator, once; and again after the environment gains a kind of resource.
    """
    from cli._deployment import open_target
    from cli._plan_view import result_json, show_plan, show_result
    from cli._progress import live_progress
    from modules.revisions import default_branch

    target = open_target(env, offline=offline)
    branch = branch or (default_branch(target.project) if forge == "gitlab" else "main")
    whose = _repository(target.project, forge, repository, branch, server)
    deployment = _deployment(target, whose, new_provider=not existing_provider)
    with live_progress() as progress:
        deployment.use_progress(progress)
        planned = deployment.plan()
    if not json:
        show_plan(planned)
    result = None
    if planned.has_changes and _confirmed(env, yes=yes, offline=offline, json=json):
        with live_progress() as progress:
            deployment.use_progress(progress)
            result = deployment.apply(planned)
        if not json:
            show_result(result)
    made = {name: each.value for name, each in deployment.outputs("ci").items()}
    if json:
        print_json({**result_json(planned, result), "roles": made})
    elif made:
        _say_where_they_go(whose, env, made)


def _confirmed(env: str, *, yes: bool, offline: bool, json: bool) -> bool:
    if yes:
        return True
    if json or not sys.stdin.isatty():
        note("nothing was made: add --yes to make them")
        return False
    question = f"Rehearse the roles of {env}?" if offline else f"Make the roles of {env}, with your own rights?"
    typer.confirm(question, abort=True, err=True)
    return True


def _deployment(target: Target, repository: Repository, *, new_provider: bool) -> Deployment:
    """Of the one stack. What the roles may do comes from the environment's stacks, which are synthesised for it."""
    from cli._deployment import _providers, deployment_of
    from modules.ci.pipeline import uses_aws
    from modules.terraform.backend import mount_states
    from modules.terraform.engine import Deployment, Options
    from stacks.ci import declares, synth_ci

    environment, project = target.environment, target.project
    if not uses_aws(environment):
        raise ConfigError(
            f"nothing of `{environment.name}` is in AWS, so its jobs need no roles there",
            where=environment.source,
            do="`state: {s3: …}` keeps its states in AWS; a laptop's environment needs nothing",
        )
    stacks = [folder.source for folder in deployment_of(target, to_run=False).folders.values()]
    own = environment.model_copy(update={"name": f"{environment.name}-ci"})
    mount_states(own, project)
    out = project.environment_state(own.name) / "cdktf.out"
    source = synth_ci(environment, repository, declares(stacks), out, new_provider=new_provider)
    return Deployment(
        project,
        own.name,
        [source],
        _providers(replace(target, environment=own)),
        Options(environment.terraform.binary, lock_timeout=environment.terraform.lock_timeout.seconds),
    )


def _repository(
    project: Project, forge: Literal["github", "gitlab"], given: str, branch: str, server: str
) -> Repository:
    from modules.ci.trust import Repository, repository_of

    if given:
        return Repository(forge, given, branch, server)
    try:
        done = subprocess.run(
            ["git", "remote", "get-url", "origin"], cwd=project.root, capture_output=True, text=True, check=False
        )
    except OSError:
        done = None
    if done is None or done.returncode:
        raise ConfigError(
            "whose jobs may take on the roles is not known: git has no remote `origin` here",
            where="--repository",
            do="say which it is: --repository OWNER/NAME",
        )
    return repository_of(done.stdout.strip(), forge, branch, server)


def _say_where_they_go(repository: Repository, env: str, made: dict[str, Any]) -> None:
    """The variables that the workflows read."""
    note(f"for jobs of {repository.path} alone; where the workflows look for them:")
    for role, variable in (("plan", "AWS_PLAN_ROLE"), ("apply", "AWS_APPLY_ROLE")):
        where = f"{env}-plan" if role == "plan" else env
        arn = made.get(f"{role}_role", "")
        if repository.forge == "github":
            note(f"  gh variable set {variable} --env {where} --body {arn}")
        else:
            note(f"  variable {variable}, environment scope {where}: {arn}")
