"""`infra secrets`: look after an environment's secrets."""

from __future__ import annotations

import typer

from cli._findings import conclude, show_finding
from cli._options import EnvOption, JsonOption
from cli._output import is_quiet, note, print_json

__all__ = ["app"]

app = typer.Typer(
    rich_markup_mode=None, add_completion=False, help="Secrets: what is referred to, and whether it is there."
)


@app.callback()
def group() -> None:
    """Secrets: what is referred to, and whether it is there."""


@app.command(
    epilog="Examples:  infra secrets check  ·  infra secrets check --env dev  ·  infra secrets check --env prod --json"
)
def check(env: EnvOption = "local", json: JsonOption = False) -> None:
    """Check every secret reference of an environment; exit 1 if one does not resolve or a secret stands in clear.

    Each reference is told with its place in the YAML, whether it resolves, its file's mode, its age and end as far as
    known; no value is shown. YAML files are searched for what looks like a secret written in clear.
    """
    from modules.environment import load_environment
    from modules.findings import document
    from modules.project import find_project
    from modules.secrets import check_secrets

    project = find_project()
    environment = load_environment(project, env)
    tell = (lambda _path: None) if is_quiet() or json else (lambda path: note(f"asking for {path} …"))
    checked, besides = check_secrets(environment, project, on_reference=tell)
    findings = [*(each for one in checked for each in one.findings), *besides]
    if json:
        print_json(document(findings, environment=env, references=[each.to_json() for each in checked]))
    else:
        for finding in findings:
            show_finding(finding)
    code = conclude(findings)
    if code:
        raise typer.Exit(code)
