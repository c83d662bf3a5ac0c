"""Writes docs/cli.md: every command with its options, arguments and exit codes, read off the program itself.

`python -m cli._reference` writes it (`make generated`); a test compares it with what is committed.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from cli._exit_codes import ALWAYS, exit_codes
from cli.main import COMMANDS, module_of

__all__ = ["PAGE", "commands", "help_of", "page"]

PAGE = Path(__file__).resolve().parents[1] / "docs" / "cli.md"

_HEAD = """# Commands

Read off the program: `make generated` writes this page. Data goes to stdout, progress and errors to stderr; `--json` is
there wherever a machine may read. An error says what happened, where and what to do. `infra --plain …` leaves out
colour and live displays, as `NO_COLOR` and a pipe do; `infra --version` prints the version.

Every command ends with one of these, unless it says otherwise:
"""


def commands() -> Iterator[tuple[str, typer.Context]]:
    """Every command by its full name, `cost diff`, with a context that its help can be asked in."""
    for name in COMMANDS:
        module = importlib.import_module(module_of(name))
        yield from _walk(name, typer.main.get_command(module.app), None)


def _walk(name: str, command: Any, parent: typer.Context | None) -> Iterator[tuple[str, typer.Context]]:
    context = typer.Context(command, info_name=name.split()[-1], parent=parent)
    yield name, context
    if hasattr(command, "list_commands"):
        for below in command.list_commands(context):
            # Resolved, since a group may list what it has not imported yet.
            yield from _walk(f"{name} {below}", command.resolve_command(context, [below])[1], context)


def page() -> str:
    """The page's text."""
    found = list(commands())
    blocks = [_HEAD + "\n" + _codes(ALWAYS)]
    blocks += ["\n".join(_contents([name for name, _ in found]))]
    blocks += ["\n\n".join(_section(name, context)) for name, context in found]
    return "\n\n".join(blocks) + "\n"


def _contents(names: list[str]) -> Iterator[str]:
    for name in names:
        indent = "  " * name.count(" ")
        yield f"{indent}- [infra {name}](#infra-{name.replace(' ', '-')})"


def help_of(name: str, context: typer.Context) -> str:
    """A command's help; of a group of the table, which may leave it to that, the table's."""
    return str(context.command.help or COMMANDS.get(name, ""))


def _section(name: str, context: typer.Context) -> Iterator[str]:
    command: Any = context.command
    yield f"## infra {name}"
    yield from _paragraphs(help_of(name, context))
    rows = [(each, each.get_help_record(context)) for each in command.params if not getattr(each, "hidden", False)]
    shown = [
        f"| `{_cell(record[0])}` | {_cell(record[1])}{' Needed.' * bool(each.required)} |"
        for each, record in rows
        if record is not None
    ]
    if shown:
        yield "| option | what it does |\n|---|---|\n" + "\n".join(shown)
    if {code: text for code, text in exit_codes(name).items() if ALWAYS.get(code) != text}:
        yield _codes(exit_codes(name))
    if command.epilog:
        yield from _paragraphs(command.epilog)


def _codes(codes: Any) -> str:
    rows = "\n".join(f"| {code} | {_cell(text)} |" for code, text in codes.items())
    return f"| exit code | says |\n|---|---|\n{rows}"


def _paragraphs(text: str) -> Iterator[str]:
    """Help text; examples, which help puts into one line, one below the other."""
    for part in re.split(r"\n\s*\n", text.strip()):
        words, _, examples = " ".join(part.split()).partition("Examples:")
        if words:
            yield words.strip()
        if examples:
            lines, _, rest = examples.partition(".  ")
            yield "\n".join(f"    {line.strip()}" for line in lines.strip().split("·"))
            if rest:
                yield rest.strip()


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(PAGE)
