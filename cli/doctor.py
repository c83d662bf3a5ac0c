"""`infra doctor`: check this machine and an environment."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from cli._output import note, print_json, stdout

if TYPE_CHECKING:
    from modules.local.doctor import Finding

app = typer.Typer(rich_markup_mode=None, help="Check this machine and an environment.")

MARKS = {"ok": "✓", "warn": "!", "fail": "✗"}
COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


@app.command(epilog="Examples:  infra doctor  ·  infra doctor --env prod  ·  infra doctor --json")
def doctor(
    environment: str | None = typer.Option(
        None, "--env", "-e", help="Check this environment's file, ports and secrets; default: all files, no secrets."
    ),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Check Python, disk, memory, downloads, Java, Node, Terraform, services and environments; exit 1 if one fails."""
    from modules.local.doctor import examine
    from modules.project import find_project

    findings = examine(find_project(), environment)
    if as_json:
        found = list(findings)
        print_json([asdict(finding) for finding in found])
    else:
        found = [_show(finding) for finding in findings]
    failed = sum(finding.state == "fail" for finding in found)
    if failed:
        note(f"{failed} of {len(found)} checks failed")
        raise typer.Exit(1)
    note("all is well" if all(finding.state == "ok" for finding in found) else "nothing is in the way")


def _show(finding: Finding) -> Finding:
    from rich.text import Text

    line = Text.assemble((f"{MARKS[finding.state]} ", COLOURS[finding.state]), f"{finding.check}: {finding.text}")
    console = stdout()
    console.print(line, soft_wrap=True)
    for detail in finding.details:
        console.print(Text(f"    {detail}"), soft_wrap=True)
    if finding.do:
        console.print(Text(f"    → {finding.do}"), soft_wrap=True)
    return finding
