"""`infra ci`: workflows for GitHub and GitLab, the comment they write, and the AWS roles their runners take on."""

from __future__ import annotations

import shlex
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cli._ci_roles import EPILOG as ROLES_EPILOG
from cli._ci_roles import roles
from cli._options import JsonOption
from cli._output import note, print_json
from modules.errors import ConfigError

if TYPE_CHECKING:
    from modules.ci.pipeline import Pipeline

__all__ = ["app"]

app = typer.Typer(
    rich_markup_mode=None, no_args_is_help=True, help="Workflows that plan on a pull request and apply on a merge."
)

Forge = Literal["github", "gitlab"]
Policy = Literal["stop", "rollback"]


@app.command(
    epilog="Examples:  infra ci init github  ·  infra ci init gitlab --env dev --env prod  ·  "
    "infra ci init github --on-smoke-failure rollback --force"
)
def init(
    forge: Annotated[Forge, typer.Argument(help="github or gitlab.")],
    env: Annotated[
        list[str] | None,
        typer.Option(
            "--env", "-e", help="Deployed in this order; may be repeated. Default: all but laptops', production last."
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace files that are there and differ.")] = False,
    branch: Annotated[
        str, typer.Option("--branch", help="A merge into it deploys; default: the repository's default branch.")
    ] = "",
    runner: Annotated[
        str, typer.Option("--runner", help="Label of the machines that reach the brokers; default: hosted ones.")
    ] = "",
    install: Annotated[
        str,
        typer.Option("--install", metavar="COMMAND", help="Brings infra onto a runner; default: this repository does."),
    ] = "",
    on_smoke_failure: Annotated[
        Policy,
        typer.Option("--on-smoke-failure", help="A deploy misses its SLOs: stop, or deploy the revision before."),
    ] = "stop",
    stdout: Annotated[bool, typer.Option("--stdout", help="Print the files instead of writing them.")] = False,
    json: JsonOption = False,
) -> None:
    """Write the workflows: plan and cost on a pull request, reviewed plan on a merge, drift and prices at night."""
    from modules.ci.pipeline import Options, pipeline
    from modules.ci.render import render
    from modules.ci.write import repository_of, write_workflows
    from modules.project import find_project
    from modules.revisions import default_branch, folder_in_repository

    project = find_project()
    branch, folder = branch or default_branch(project), folder_in_repository(project)
    words = ["infra", "ci", "init", forge, *(word for name in env or [] for word in ("--env", name))]
    given = {"--branch": (branch, "main"), "--runner": (runner, ""), "--install": (install, "")}
    given["--on-smoke-failure"] = (on_smoke_failure, "stop")
    words += [word for name, (value, default) in given.items() if value != default for word in (name, value)]
    options = Options(branch, runner, install, on_smoke_failure, shlex.join(words), folder)
    found = pipeline(project, env or [], options)
    files = render(forge, found)
    if stdout:
        for file, text in files.items():
            sys.stdout.write(f"# {file}\n{text}" if len(files) > 1 else text)
        return
    written = write_workflows(repository_of(project.root, folder), files, force=force)
    if json:
        steps = [asdict(step) for step in found.steps]
        print_json({"version": 1, "files": [asdict(each) for each in written], "environments": steps})
        return
    for each in written:
        note(f"{each.outcome}: {each.file}")
    if folder:
        note(f"at the top of the repository {repository_of(project.root, folder)}; this project is {folder} in it")
    _say_what_is_next(forge, found)


def _say_what_is_next(forge: Forge, found: Pipeline) -> None:
    """What a person does once, before the first merge."""
    from modules.ci.next_steps import next_steps

    note(f"order: {' → '.join(step.name for step in found.steps)}")
    for line in next_steps(forge, found):
        note(line)


@app.command(
    epilog="Examples:  infra ci comment --env dev --plan plan.md --cost cost.md > comment.md  ·  "
    "infra ci comment -e dev --plan plan.md --rehearsed"
)
def comment(
    env: Annotated[str, typer.Option("--env", "-e", help="The environment that was planned.")],
    plan: Annotated[Path, typer.Option("--plan", metavar="FILE", help="What `infra plan --markdown FILE` wrote.")],
    cost: Annotated[
        Path | None, typer.Option("--cost", metavar="FILE", help="What `infra cost diff --markdown` printed.")
    ] = None,
    content_hash: Annotated[
        str, typer.Option("--hash", help="The plan's content hash: what a merge looks it up by.")
    ] = "",
    revision: Annotated[str, typer.Option("--revision", help="The commit that was planned.")] = "",
    rehearsed: Annotated[bool, typer.Option("--rehearsed", help="It was planned with --offline.")] = False,
) -> None:
    """Put plan and cost into one pull-request comment, with the marker by which the next run finds and renews it."""
    from modules.ci.comment import NO_PLAN
    from modules.ci.comment import comment as compose

    if any(mark in env for mark in ("--", "<", ">", "\n")):
        raise ConfigError("that is no environment's name", where="--env", do="give a name, such as dev")
    text = compose(
        env,
        _read(plan) or NO_PLAN,
        _read(cost) if cost else "",
        content_hash=content_hash,
        revision=revision,
        rehearsed=rehearsed,
    )
    sys.stdout.write(text)


def _read(file: Path) -> str:
    """ "" where the step before it wrote none: then the comment says so, instead of showing an old plan."""
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise ConfigError(f"cannot be read: {reason}", where=str(file), do="name the file that was written") from None


app.command(epilog=ROLES_EPILOG)(roles)
