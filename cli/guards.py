"""`infra guards`: what an environment is guarded against, how strictly, and what is waived until when."""

from __future__ import annotations

import typer

from cli._options import EnvOption, JsonOption

__all__ = ["app"]

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command(
    epilog="Examples:  infra guards --env prod  ·  infra guards -e prod --json | jq '.waivers[] | select(.soon)'"
)
def guards(env: EnvOption = "local", json: JsonOption = False) -> None:
    """What an environment is guarded against: severities, parameters, hooks, and waivers with their expiry."""
    from cli._output import note, print_json, stdout
    from modules.environment import load_environment
    from modules.guards.listing import listing
    from modules.project import find_project

    project = find_project()
    found = listing(load_environment(project, env), project)
    if json:
        print_json(found.to_json())
        return
    from cli._guards_view import show_guards

    show_guards(found, stdout())
    for line in found.remarks:
        note(line)
