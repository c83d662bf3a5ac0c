"""`infra providers`: a mirror for closed networks, locks for several systems, versions held together."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli._options import JsonOption
from cli._output import note, print_json

if TYPE_CHECKING:
    from modules.environment.model import Environment
    from modules.project import Project
    from modules.providers.needed import Needed
    from modules.terraform.command import TerraformCommand

__all__ = ["app"]

app = typer.Typer(rich_markup_mode=None, add_completion=False, help="Provider plugins: mirror, lock, check.")

Envs = Annotated[
    list[str] | None,
    typer.Option(
        "--env", "-e", help="For this environment; may be given several times. Default: all with official plugins."
    ),
]
Systems = Annotated[
    list[str] | None,
    typer.Option(
        "--platform", help="A system, as `linux_amd64` or `darwin_arm64`; may be repeated. Default: this one."
    ),
]
From = Annotated[
    Path | None,
    typer.Option(
        "--from", help="A mirror that is asked before the registry. Default: INFRA_PLUGIN_DIR.", file_okay=False
    ),
]


@app.callback()
def group() -> None:
    """Provider plugins: mirror, lock, check."""


@app.command(
    epilog="Examples:  infra providers mirror ./plugins  ·  infra providers mirror /media/usb/plugins --env prod "
    "--platform linux_amd64 --platform linux_arm64"
)
def mirror(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Filled; what is there and right stays.", file_okay=False)
    ],
    env: Envs = None,
    platform: Systems = None,
    source: From = None,
    json: JsonOption = False,
) -> None:
    """Fill a filesystem mirror with the plugins that environments need; carry it into a closed network.

    Point INFRA_PLUGIN_DIR at it there. Packages are verified: signatures by Terraform, files against the lock.
    """
    from modules.project import find_project
    from modules.providers.mirror import Mirrored, fill_mirror
    from modules.providers.packages import this_system
    from modules.terraform.lockfile import lock_path, read_lock

    project = find_project()
    systems, source = _systems(platform) or [this_system()], _source(source)
    done: dict[str, Mirrored] = {}
    for environment, needed in _environments(project, env):
        locks = read_lock(lock_path(project.environments, environment.name))
        filled = fill_mirror(
            needed, folder, systems, _command(environment), source=source, locks=locks, on_progress=_tell(json)
        )
        for each in filled:
            done.setdefault(str(each.package.path), each)
    packages = [
        {
            "provider": each.package.address, "version": each.package.version, "platform": each.package.system,
            "path": each.package.path.relative_to(folder).as_posix(), "bytes": each.package.size,
            "h1": each.hash1, "from": each.origin,
        }
        for each in done.values()
    ]  # fmt: skip
    if json:
        print_json({"version": 1, "mirror": str(folder), "platforms": systems, "packages": packages})
        return
    total = sum(each.package.size for each in done.values())
    print(f"{len(done)} packages, {total / 1e6:.1f} MB in {folder}; use it with INFRA_PLUGIN_DIR={folder.resolve()}")


@app.command(
    epilog="Examples:  infra providers lock --env prod --platform linux_amd64 --platform darwin_arm64  ·  "
    "infra providers lock --upgrade"
)
def lock(
    env: Envs = None,
    platform: Systems = None,
    source: From = None,
    upgrade: Annotated[
        bool, typer.Option("--upgrade", help="Take the newest versions the stacks allow, not those locked.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Write environments/locks/ENV.lock.hcl: versions and hashes of the plugins, for several systems; commit it.

    From then on `plan` and `deploy` install exactly these, and stop where a plugin differs.
    """
    from modules.project import find_project
    from modules.providers.lock import lock_providers
    from modules.providers.packages import this_system
    from modules.terraform.lockfile import lock_path

    project = find_project()
    systems, source = _systems(platform) or [this_system()], _source(source)
    documents = []
    for environment, needed in _environments(project, env):
        path = lock_path(project.environments, environment.name)
        changes = lock_providers(
            needed, path, systems, _command(environment), source=source, upgrade=upgrade,
            on_progress=_tell(json),
        )  # fmt: skip
        shown = path.relative_to(project.root).as_posix()
        documents.append(
            {"environment": environment.name, "file": shown, "providers": [asdict(each) for each in changes]}
        )
        if not json:
            print(f"{shown}: {len(needed)} providers for {', '.join(systems)}")
            for each in changes:
                version = f"{each.before} → {each.after}" if each.before not in (None, each.after) else each.after
                same = "" if each.changed else ", as before"
                print(f"  {each.address} {version or 'taken out'}, {each.hashes} hashes{same}")
    if json:
        print_json({"version": 1, "platforms": systems, "locks": documents})


@app.command(epilog="Examples:  infra providers check --env prod  ·  infra providers check --online --json")
def check(
    env: Envs = None,
    source: From = None,
    online: Annotated[
        bool, typer.Option("--online", help="Ask the registry whether there are newer versions.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Hold stacks' constraints, resource classes, lock and mirror together; exit 1 where they do not agree."""
    from cli._findings import conclude, show_finding
    from modules.findings import document
    from modules.project import find_project
    from modules.providers.check import check_providers
    from modules.providers.registry import versions_of
    from modules.terraform.lockfile import lock_path, read_lock

    project, source = find_project(), _source(source)
    findings = []
    for environment, needed in _environments(project, env, official=False):
        path = lock_path(project.environments, environment.name)
        shown = path.relative_to(project.root).as_posix()
        if not json:
            note(f"environment {environment.name}")
        for finding in check_providers(
            needed, read_lock(path), shown, environment=environment.name, official=_is_official(environment),
            mirror=source, versions_of=versions_of if online else None,
        ):  # fmt: skip
            findings.append(finding)
            if not json:
                show_finding(finding)
    if json:
        print_json(document(findings, environment=env[0] if env and len(env) == 1 else None))
    if code := conclude(findings):
        raise typer.Exit(code)


def _environments(
    project: Project, names: list[str] | None, *, official: bool = True
) -> list[tuple[Environment, tuple[Needed, ...]]]:
    """The environments and what their stacks need; nothing is reached and no secret read."""
    from cli._stacks import stack_documents
    from modules.environment import load_environment
    from modules.environment.loader import list_environments
    from modules.errors import ConfigError
    from modules.providers.needed import needed_by

    found = []
    for name in names or list_environments(project):
        environment = load_environment(project, name)
        if official and not _is_official(environment):
            if names:
                raise ConfigError(
                    f"environment {name} uses the plugins that come along: there is nothing to mirror or lock",
                    where=environment.source,
                    do="name another environment, or set `terraform: {providers: official}`",
                )
            continue
        found.append((environment, needed_by(stack_documents(project, environment))))
    return found


def _is_official(environment: Environment) -> bool:
    chosen = environment.terraform.providers
    return chosen == "official" if chosen else environment.platform != "local"


def _command(environment: Environment) -> TerraformCommand:
    from modules.terraform.command import terraform_command

    return terraform_command(environment.terraform.binary)


def _source(given: Path | None) -> Path | None:
    from modules.errors import ConfigError

    named = given or (Path(os.environ["INFRA_PLUGIN_DIR"]) if os.environ.get("INFRA_PLUGIN_DIR") else None)
    if named is not None and not named.is_dir():
        raise ConfigError(
            f"{named} is not a folder", where="--from" if given else "INFRA_PLUGIN_DIR", do="name a filesystem mirror"
        )
    return named


def _systems(given: list[str] | None) -> list[str]:
    import re

    from modules.errors import ConfigError

    for each in given or ():
        if not re.fullmatch(r"[a-z0-9]+_[a-z0-9]+", each):
            raise ConfigError(
                f"`{each}` is no system",
                where="--platform",
                do="write it as `linux_amd64`, `linux_arm64`, `darwin_arm64`",
            )
    return list(dict.fromkeys(given or ()))


def _tell(json: bool) -> Callable[[str], None]:
    return (lambda _text: None) if json else note
