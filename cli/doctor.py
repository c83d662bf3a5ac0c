"""`infra doctor`: check this machine, an environment, and the accounts it needs."""

from __future__ import annotations

import contextlib
from functools import partial

import typer

from cli._findings import conclude, show_finding
from cli._output import is_quiet, print_json

app = typer.Typer(rich_markup_mode=None, add_completion=False, help="Check this machine and an environment.")


@app.command(epilog="Examples:  infra doctor  ·  infra doctor --env prod  ·  infra doctor --env prod --json")
def doctor(
    environment: str | None = typer.Option(
        None,
        "--env",
        "-e",
        help="Check this environment too: its secrets, plugins, accounts, rights, quotas and ways there.",
    ),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON document instead of text."),
) -> None:
    """Check this machine and, with --env, what that environment needs: logins, rights, quotas, network, clock.

    Nothing is changed. Services are asked only for a named environment, side by side. Exit 1 if a check fails.
    """
    from cli._stacks import stack_documents
    from cli._states import client_platform
    from modules.doctor import examine
    from modules.environment import load_environment
    from modules.errors import InfraError
    from modules.findings import document
    from modules.project import find_project

    project = find_project()
    if environment is not None:
        with contextlib.suppress(InfraError):  # what is wrong with the YAML or the states, a check says
            client_platform(load_environment(project, environment), project)
    waiting = _Waiting(quiet=as_json or is_quiet())
    found = []
    try:
        documents = partial(stack_documents, project)
        for finding in examine(project, environment, documents=documents, on_waiting=waiting.show):
            found.append(finding)
            if not as_json:
                waiting.clear()
                show_finding(finding)
    finally:
        waiting.clear()
    if as_json:
        print_json(document(found, environment=environment))
    if code := conclude(found):
        raise typer.Exit(code)


class _Waiting:
    """A line on stderr with what is still being asked, where somebody watches."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._names: list[str] = []

    def show(self, names: list[str]) -> None:
        import shutil
        import sys

        if self._quiet or not names:
            return
        text = f"asking: {', '.join(names)} …"
        width = shutil.get_terminal_size().columns - 1
        sys.stderr.write(f"\r\033[K{text[:width]}")
        sys.stderr.flush()
        self._names = names

    def clear(self) -> None:
        import sys

        if self._names:
            sys.stderr.write("\r\033[K")
            sys.stderr.flush()
            self._names = []
