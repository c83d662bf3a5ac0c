"""`infra validate`: reads every environment as a plan would, and says all that is wrong. Nothing is reached."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli._options import JsonOption
from cli._output import note, print_json
from modules.errors import ConfigError

if TYPE_CHECKING:
    from modules.environment import Environment
    from modules.project import Project

__all__ = ["app"]

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command(epilog="Examples:  infra validate  ·  infra validate -e dev -e prod  ·  infra validate --json")
def validate(
    env: Annotated[
        list[str] | None, typer.Option("--env", "-e", help="An environment; may be repeated. Default: all of them.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Check environments' YAML and schema files: no account, no network. Exit 1: something is wrong in one."""
    from modules.environment.loader import list_environments, load_environment
    from modules.project import find_project

    project = find_project()
    names = env or list_environments(project)
    if not names:
        raise ConfigError("there is no environment yet", where="environments/", do="write environments/local.yaml")
    found: list[dict[str, Any]] = []
    details: list[str] = []
    for name in dict.fromkeys(names):
        try:
            environment = load_environment(project, name)
            _check_waivers(environment, project)
        except ConfigError as error:
            problems = [*(error.details or (str(error).splitlines()[0],))]
            found.append({"environment": name, "valid": False, "problems": problems})
            details += [line for line in problems if line not in details]
        else:
            found.append({"environment": name, "valid": True, "platform": environment.platform, "problems": []})
            if not json:
                note(f"{name}: valid ({environment.platform}, {len(environment.topics)} topics)")
    if json:
        print_json({"version": 1, "environments": found})
    wrong = [each["environment"] for each in found if not each["valid"]]
    if wrong:
        raise ConfigError(
            f"{wrong[0]} is not valid" if len(wrong) == 1 else f"{', '.join(wrong)} are not valid",
            details=details,
            do="correct what is named; `infra plan --offline` then shows what it would make",
        )


def _check_waivers(environment: Environment, project: Project) -> None:
    """That none holds for too long, which depends on the day and so is not the loader's to say."""
    if environment.guards.waivers:
        from datetime import UTC, datetime

        from modules.guards.check import waivers_of

        waivers_of(environment, project, datetime.now(UTC).date())
