"""`infra state`: the bucket that states are kept in, and moving, showing and restoring states."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cli._options import EnvOption, JsonOption, YesOption
from cli._output import note, print_json

if TYPE_CHECKING:
    from modules.environment import Environment
    from modules.project import Project

__all__ = ["app"]

app = typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=True)

StackArgument = Annotated[str, typer.Argument(help="The stack: cluster, topics, warehouse or connect.")]


RehearsalOption = Annotated[bool, typer.Option("--offline", help="The rehearsals' states instead of the real ones.")]


def _open(name: str, *, offline: bool = False) -> tuple[Project, Environment]:
    from dataclasses import replace

    from modules.environment import load_environment
    from modules.project import find_project
    from modules.simulated import LABEL

    project = replace(find_project(), offline=offline)
    environment = load_environment(project, name)
    if offline:
        note(LABEL)
    return project, environment


def _also(offline: bool) -> str:
    return " --offline" if offline else ""


def _confirm(question: str, *, yes: bool, json: bool) -> None:
    from modules.errors import ConfigError

    if yes:
        return
    if json or not sys.stdin.isatty():
        raise ConfigError("there is nobody to confirm", do="add --yes")
    typer.confirm(question, abort=True, err=True)


@app.command(epilog="Examples:  infra state bootstrap --env prod  ·  infra state bootstrap -e prod --json")
def bootstrap(env: EnvOption = "local", json: JsonOption = False) -> None:
    """Make the bucket that the YAML's `state.s3` names, or make it what it must be: versioned, encrypted, private."""
    from modules.errors import ConfigError
    from modules.state.bootstrap import bootstrap as make

    _, environment = _open(env)
    if environment.state.s3 is None:
        raise ConfigError(
            "its YAML keeps states in files, so there is no bucket to make", where=f"{environment.source}: state",
            do="write `state: {s3: {bucket: NAME, region: REGION}}` first",
        )  # fmt: skip
    done = make(environment.state.s3, env, lambda step: note(f"{step.outcome:<15} {step.what}"))
    if json:
        print_json(done.to_json())
        return
    note(f"bucket {done.bucket} of account {done.account} is ready: `infra state migrate --env {env} --to s3` moves in")


@app.command(
    epilog="Examples:  infra state migrate --env prod --to s3  ·  infra state migrate -e prod --to local --yes --json"
)
def migrate(
    to: Annotated[Literal["s3", "local"], typer.Option("--to", help="Where the states go.")],
    env: EnvOption = "local",
    yes: YesOption = False,
    json: JsonOption = False,
) -> None:
    """Carry the states over, digest by digest; killed anywhere, the same command goes on."""
    from modules.state.migrate import migrate as carry
    from modules.state.migrate import moves
    from modules.state.where import way

    project, environment = _open(env)
    source, target = way(environment, project, to)
    planned = moves(source, target)
    note(f"from {source.name} to {target.name}:")
    for move in planned:
        note(f"  {move.stack}: {move.how} (serial {move.serial}, {_count(move.resources)})")
    if not planned:
        note("  there is no state in either place")
    else:
        _confirm("Carry them over?", yes=yes, json=json)
    said = {"copy": "copied", "remove": "taken away where it was (kept as an earlier state)"}
    root = project.environment_state(env)
    done = carry(root, source, target, lambda stack, step: note(f"{stack}: {said[step]}") if step in said else None)
    if json:
        print_json(done.to_json())
    left = environment.state.s3 is not None and to == "local"
    also = "; now write `state: local` in the YAML" if left else ""
    note(f"the states of {env} are in {target.name}; `infra plan --env {env}` shows that nothing changed{also}")


@app.command(
    epilog="Examples:  infra state show --env prod  ·  infra state show -e prod --json | jq .states  ·  "
    "infra state show -e prod --offline"
)
def show(env: EnvOption = "local", json: JsonOption = False, offline: RehearsalOption = False) -> None:
    """Where each stack's state is, how old, and how much is in it."""
    from modules.state.inspect import show as look
    from modules.state.where import places_of

    project, environment = _open(env, offline=offline)
    found = [each for place in places_of(environment, project) for each in look(place)]
    if json:
        print_json({"version": 1, "environment": env, "offline": offline, "states": [each.to_json() for each in found]})
        return
    if not found:
        note(f"environment {env} has no states; `infra deploy --env {env}{_also(offline)}` makes them")
    for each in found:
        print(f"{each.stack}  {each.where}")
        if each.problem:
            print(f"  {each.problem}")
        else:
            print(f"  serial {each.serial}, lineage {each.lineage}, Terraform {each.terraform}")
            print(f"  {_count(each.resources)}, {each.outputs} outputs, {each.bytes:,} bytes")
        print(f"  changed {each.modified}")
        if each.locked:
            print(f"  locked by {each.locked['who']} ({each.locked['operation']}) since {each.locked['since']}")


@app.command(epilog="Examples:  infra state backups --env prod  ·  infra state backups -e prod topics --json")
def backups(
    stack: Annotated[str | None, typer.Argument(help="One stack only.")] = None,
    env: EnvOption = "local",
    json: JsonOption = False,
    offline: RehearsalOption = False,
) -> None:
    """Earlier states that can be put back: versions in the bucket, backups beside files."""
    from modules.state.inspect import earlier
    from modules.state.where import place_of

    project, environment = _open(env, offline=offline)
    found = earlier(project.environment_state(env), place_of(environment, project), (stack,) if stack else ())
    if json:
        from dataclasses import asdict

        print_json({"version": 1, "environment": env, "offline": offline, "backups": [asdict(each) for each in found]})
        return
    if not found:
        note(f"environment {env} has no earlier states")
    last = None
    for each in found:
        if each.stack != last:
            print(each.stack)
            last = each.stack
        serial = "unreadable" if each.serial is None else f"serial {each.serial}, {_count(each.resources)}"
        now = "  ← current" if each.current else ""
        print(f"  {each.modified}  {serial:<28} {each.id}{now}")


@app.command(
    epilog="Examples:  infra state restore topics ID --env prod  ·  "
    "infra state restore topics --file errored.tfstate -e prod --yes"
)
def restore(
    stack: StackArgument,
    identifier: Annotated[str | None, typer.Argument(metavar="[ID]", help="As `infra state backups` shows it.")] = None,
    env: EnvOption = "local",
    file: Annotated[Path | None, typer.Option("--file", help="A state in a file, such as an errored.tfstate.")] = None,
    yes: YesOption = False,
    json: JsonOption = False,
    offline: RehearsalOption = False,
) -> None:
    """Put an earlier state back. Resources are not touched; the state that is replaced stays as an earlier one."""
    from modules.errors import ConfigError
    from modules.state.inspect import earlier_content
    from modules.state.restore import restoration
    from modules.state.restore import restore as put_back
    from modules.state.where import place_of

    if (identifier is None) == (file is None):
        raise ConfigError("name one earlier state, or a file", do="`infra state backups` lists them")
    project, environment = _open(env, offline=offline)
    root, place = project.environment_state(env), place_of(environment, project)
    if file is not None:
        try:
            content = file.read_bytes()
        except OSError as error:
            raise ConfigError(f"cannot read the state: {error.strerror}", where=str(file)) from None
    else:
        content = earlier_content(root, place, stack, identifier or "")
    planned = restoration(place, stack, content)
    for word, addresses in (("knows again", planned.gained), ("forgets", planned.lost)):
        for address in addresses:
            note(f"{word}: {address}")
    if not (planned.gained or planned.lost):
        note("the same resources as now")
    _confirm(f"Put this state of {stack} back (as serial {planned.serial})?", yes=yes, json=json)
    done = put_back(root, place, stack, content, note)
    note(f"`infra plan --env {env}{_also(offline)}` shows what differs now from what is deployed")
    if json:
        print_json({"offline": offline, **done.to_json()})


def _count(resources: int | None) -> str:
    return f"{resources} resource{'' if resources == 1 else 's'}"
