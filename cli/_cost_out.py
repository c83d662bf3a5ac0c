"""`--csv` and `--html` of the cost commands, spelled once, and the rule that stdout carries one format."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modules.errors import ConfigError

if TYPE_CHECKING:
    from modules.cost.compare import Comparison
    from modules.cost.report import Report

__all__ = ["CsvOption", "HtmlOption", "not_before", "one_format", "write_report"]

CsvOption = Annotated[bool, typer.Option("--csv", help="Print CSV, for a spreadsheet.")]
HtmlOption = Annotated[
    Path | None,
    typer.Option(
        "--html",
        metavar="FILE",
        help="Write one self-contained page with charts there (`-`: to stdout); the table is not printed then.",
    ),
]


def one_format(**asked: bool) -> str:
    """The format that stdout carries: the one option that was given, or an empty string.

    Raises:
        ConfigError: two were given.
    """
    given = [name for name, is_given in asked.items() if is_given]
    if len(given) > 1:
        both = " and ".join(f"--{name}" for name in given)
        raise ConfigError(f"{both} are two formats for one output", do="give one of them")
    return given[0] if given else ""


def not_before(command: str, **asked: bool) -> None:
    """A format that stands before the subcommand would be lost.

    Raises:
        ConfigError: one does.
    """
    given = " ".join(f"--{name}" for name, is_given in asked.items() if is_given)
    if given:
        raise ConfigError(f"{given} stands before `{command}`", do=f"write it behind: infra cost {command} {given}")


def write_report(file: Path, report: Report | None, comparison: Comparison) -> None:
    """The page of an environment with the comparison beside it, or of a comparison alone."""
    from cli._files import write_page
    from modules.cost.formats.html import comparison_page, report_page
    from modules.cost.stale import today

    page = report_page(report, comparison, today()) if report else comparison_page(comparison, today())
    write_page("--html", file, page)
