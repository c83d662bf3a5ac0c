"""`infra init`: a new environment by a few questions, with what it would cost beside them."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cli._options import JsonOption, YesOption
from cli._output import note, print_json, stderr
from modules.errors import ConfigError

if TYPE_CHECKING:
    from modules.scaffold import Answers, Scaffold

__all__ = ["app"]

app = typer.Typer(rich_markup_mode=None, add_completion=False)

Forge = Literal["github", "gitlab", "none"]


@app.command(
    epilog="Examples:  infra init  ·  infra init dev --platform confluent --ingress 5GB/day --yes  ·  "
    "infra init prod --platform msk --region eu-west-1 --production --ci github --yes  ·  infra init dev --stdout --yes"
)
def init(
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="The environment's name; asked for without it.")] = "",
    platform: Annotated[
        str, typer.Option("--platform", help="local, confluent, msk, redpanda, or an option of `infra cost compare`.")
    ] = "",
    region: Annotated[str, typer.Option("--region", help="The AWS region.")] = "",
    ingress: Annotated[str, typer.Option("--ingress", help="What comes in, such as 1GB/day or 5MB/s.")] = "",
    message_size: Annotated[str, typer.Option("--message-size", help="Of a message, such as 1KiB.")] = "",
    project: Annotated[str, typer.Option("--project", help="What names begin with.")] = "",
    production: Annotated[
        bool | None, typer.Option("--production/--no-production", help="With safe defaults: protection, several zones.")
    ] = None,
    ci: Annotated[Forge | None, typer.Option("--ci", help="Also write the workflows: github, gitlab or none.")] = None,
    install: Annotated[
        str, typer.Option("--install", metavar="COMMAND", help="With --ci: brings infra onto a runner.")
    ] = "",
    force: Annotated[bool, typer.Option("--force", help="Replace the environment's file if it is there.")] = False,
    to_stdout: Annotated[bool, typer.Option("--stdout", help="Print the environment's file, write nothing.")] = False,
    yes: YesOption = False,
    json: JsonOption = False,
) -> None:
    """Make a new environment: asks little, shows what it would cost, writes YAML with comments.

    What is not given is asked for; with --yes, or where nobody can answer, defaults are taken.
    """
    from modules.scaffold import check_answers, option_named, priced

    root = _root()
    if root != Path.cwd():
        note(f"in the project {root}")
    asking = not yes and not json and sys.stdin.isatty()
    if not asking and not yes:
        raise ConfigError("there is nobody to answer", where="infra init", do="add --yes, and options for the answers")
    if install and ci in (None, "none") and not asking:
        raise ConfigError(
            "it is for workflows, and none are written", where="--install", do="add --ci github or gitlab"
        )
    answers = _asked(
        root,
        name=name,
        option=option_named(platform) if platform else "",
        region=region,
        ingress=ingress,
        message_size=message_size,
        project=project,
        production=production,
        asking=asking,
    )
    check_answers(answers)
    scaffold, report = priced(root, answers)
    if to_stdout:
        sys.stdout.write(scaffold.files[scaffold.own])
        return
    # All that can be refused is, before anything is shown.
    _refuse_replacing(root, scaffold, {}, force=force)
    forge = ci or (_choose("CI", ("github", "gitlab", "none"), "none") if asking else "none")
    workflows = _workflows(root, scaffold, forge, install, asking=asking) if forge != "none" else {}
    _refuse_replacing(root, scaffold, workflows, force=force)
    if not json:
        _show(scaffold, str(report.total))
    if asking:
        typer.confirm(f"Write {scaffold.own}{' and the workflows' * bool(workflows)}?", True, abort=True, err=True)
    written = _write(root, scaffold, workflows, force=force)
    if json:
        _print(scaffold, str(report.total), written)
        return
    for file, outcome in written.items():
        note(f"{outcome}: {file}")
    for file in scaffold.kept:
        note(f"kept as it is: {file}")
    _say_what_is_next(scaffold)


def _root() -> Path:
    """The project there is, or this folder becomes one."""
    import os

    from modules.project import find_project

    try:
        return find_project().root
    except ConfigError:
        given = os.environ.get("INFRA_PROJECT")
        return Path(given).resolve() if given else Path.cwd()


def _asked(
    root: Path,
    *,
    name: str,
    option: str,
    region: str,
    ingress: str,
    message_size: str,
    project: str,
    production: bool | None,
    asking: bool,
) -> Answers:
    """Answers from options, else from the person, else defaults."""
    from modules.scaffold import Answers, check_answers

    def ask(given: str, words: str, default: str) -> str:
        return given or (typer.prompt(words, default=default, err=True) if asking else default)

    known = _known(root)
    answers = Answers(
        name=ask(name, "Name of the environment", "dev"),
        option=option,
        project=ask(project, "Name of the project", known),
        ingress=ask(ingress, "What comes in", "1GB/day"),
        message_size=ask(message_size, "Size of a message", "1KiB"),
    )
    if option != "local":
        answers = replace(answers, region=ask(region, "AWS region", "us-east-1"))
    check_answers(replace(answers, option=option or "msk"))
    if not option:
        answers = replace(answers, option=_platform(root, answers, asking=asking))
    if production is None and asking and answers.option != "local":
        production = typer.confirm("In production, with its protections?", default=answers.name == "prod", err=True)
    return replace(answers, production=answers.name == "prod" if production is None else production)


def _known(root: Path) -> str:
    import re

    base = root / "environments" / "base.yaml"
    found = re.search(r"(?m)^project:\s*([a-z0-9-]+)", base.read_text("utf-8", "replace")) if base.is_file() else None
    return found[1] if found else "streaming"


def _platform(root: Path, answers: Answers, *, asking: bool) -> str:
    """The platform, with every one's cost for this workload on the screen; by default the cheapest of known cost."""
    from modules.scaffold import PLATFORMS, option_named, workload_compared

    comparison = workload_compared(root, answers)
    fitting = [row.report for row in comparison.rows if row.report.fits and row.report.total.most is not None]
    cheapest = fitting[0].option if fitting else "confluent-basic"
    if not asking:
        return cheapest
    from cli._cost_compare import show_options

    show_options(comparison, stderr())
    note("")
    for each, words in PLATFORMS.items():
        note(f"  {each:<22}{words}")
    while True:
        try:
            return option_named(typer.prompt("Platform", default=cheapest, err=True))
        except ConfigError as error:
            note(f"{error.what}: {error.do}")


def _choose(words: str, choices: tuple[str, ...], default: str) -> str:
    while True:
        given = str(typer.prompt(f"{words} ({', '.join(choices)})", default=default, err=True)).lower()
        if given in choices:
            return given
        note(f"choose one of: {', '.join(choices)}")


def _show(scaffold: Scaffold, total: str) -> None:
    for line in scaffold.files[scaffold.own].splitlines():
        note(f"  {line}")
    note("")
    note(f"{scaffold.answers.name}: {total} a month (`infra cost --env {scaffold.answers.name}` has every line)")


def _refuse_replacing(root: Path, scaffold: Scaffold, workflows: Mapping[str, str], *, force: bool) -> None:
    """What a person may have changed is replaced with `force` alone.

    Raises:
        ConfigError: there is such an environment, or a workflow that is another; or a file is none.
    """
    from modules.ci.write import texts_before

    if (root / scaffold.own).exists() and not force:
        raise ConfigError(
            "there is such an environment already",
            where=scaffold.own,
            do="choose another name, look at it with --stdout, or add --force to replace it",
        )
    texts_before(_top(root), workflows, force=force)
    texts_before(root, scaffold.files, force=True)


def _write(root: Path, scaffold: Scaffold, workflows: Mapping[str, str], *, force: bool) -> dict[str, str]:
    from modules.ci.write import write_workflows

    extended = {file for file in scaffold.files if file == ".gitignore" and (root / file).exists()}
    written = [*write_workflows(_top(root), workflows, force=force), *write_workflows(root, scaffold.files, force=True)]
    return {each.file: "extended" if each.file in extended else each.outcome for each in written}


def _top(root: Path) -> Path:
    """Of the repository, where the services look for workflows."""
    from modules.ci.write import repository_of
    from modules.project import Project
    from modules.revisions import folder_in_repository

    return repository_of(root, folder_in_repository(Project(root)))


def _workflows(root: Path, scaffold: Scaffold, forge: str, install: str, *, asking: bool) -> dict[str, str]:
    """The workflows of the project as it will be."""
    from modules.ci.pipeline import Options, pipeline
    from modules.ci.render import render
    from modules.project import Project
    from modules.revisions import default_branch, folder_in_repository

    branch, folder = default_branch(Project(root)), folder_in_repository(Project(root))
    words = ["infra", "ci", "init", forge, *(["--branch", branch] if branch != "main" else [])]
    with scaffold.tried(root) as project:
        while True:
            given = [*words, "--install", install] if install else words
            try:
                options = Options(branch, "", install, "stop", shlex.join(given), folder)
                return render(forge, pipeline(project, [], options))
            except ConfigError as error:
                if not asking or error.where != "--install" or install:
                    raise
                note(f"{error.what}: {error.do}")
                install = str(typer.prompt("Command", err=True))


def _print(scaffold: Scaffold, total: str, written: dict[str, str]) -> None:
    from modules.scaffold import to_fill_in

    print_json(
        {
            "version": 1,
            "environment": asdict(scaffold.answers),
            "monthly": total,
            "files": [{"file": file, "outcome": outcome} for file, outcome in written.items()],
            "kept": list(scaffold.kept),
            "to_fill_in": list(to_fill_in(scaffold)),
        }
    )


def _say_what_is_next(scaffold: Scaffold) -> None:
    from modules.scaffold import to_fill_in

    name, left = scaffold.answers.name, to_fill_in(scaffold)
    for line in left:
        note(f"fill in: {line}")
    if scaffold.answers.option == "local":
        note(f"next: infra local up --env {name}; infra deploy --env {name}")
    else:
        note(f"next: infra plan --env {name} --offline (it needs no account), then infra doctor --env {name}")
