"""`infra unlock`: who holds an environment's states, and the locks of dead runs removed."""

from __future__ import annotations

import sys

import typer

from cli._options import EnvOption, JsonOption, YesOption

__all__ = ["app"]

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command(epilog="Examples:  infra unlock --env prod  ·  infra unlock -e prod --yes")
def unlock(env: EnvOption = "local", yes: YesOption = False, json: JsonOption = False) -> None:
    """Show who holds the environment's states and since when; remove the locks of runs that are dead, after asking."""
    from cli._output import note, print_json
    from modules.environment import load_environment
    from modules.errors import ConfigError, StateLockedError
    from modules.project import find_project
    from modules.state.unlock import held_locks, remove, require_dead
    from modules.terraform.backend import remembered, store_of

    project = find_project()
    environment = load_environment(project, env)
    root = project.environment_state(env)
    store = store_of(environment) or remembered(root)
    held = held_locks(root, store)
    for each in held:
        note(each.line())
        if each.lock.id:
            note(f"  lock id {each.lock.id}, {each.where}")
    require_dead(env, held)
    if not held:
        note(f"environment {env} is not locked")
    elif not yes:
        if json or not sys.stdin.isatty():
            raise ConfigError(
                "there is nobody to confirm that these runs are dead", do="make sure that they are, then add --yes"
            )
        typer.confirm("Are these runs dead? A lock of a live one keeps two from changing a state at once. Remove?",
                      abort=True, err=True)  # fmt: skip
    removed = [each for each in held if remove(root, store, each)]
    for each in removed:
        note(f"{each.what}: unlocked")
    if json:
        print_json({"version": 1, "environment": env, "removed": [each.to_json() for each in removed]})
    if changed := [each for each in held if each not in removed]:
        raise StateLockedError(
            f"the lock of {changed[0].what} has changed hands meanwhile, so it was left", where=f"environment {env}",
            do="run `infra unlock` again to see who holds it now",
        )  # fmt: skip
