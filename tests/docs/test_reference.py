"""Nothing is undocumented: commands, options, exit codes, settings, environment variables."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli import _reference as commands
from cli._exit_codes import exit_codes
from cli.main import COMMANDS, module_of
from modules.environment import reference as settings

ROOT = Path(__file__).resolve().parents[2]
DOCS = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "docs").glob("*.md")}
SOURCES = [path for folder in ("cli", "modules", "stacks") for path in (ROOT / folder).rglob("*.py")]


def test_the_page_of_commands_is_what_the_program_has() -> None:
    assert commands.PAGE.read_text(encoding="utf-8") == commands.page(), "make generated"


def test_the_page_of_settings_is_what_the_model_has() -> None:
    assert settings.PAGE.read_text(encoding="utf-8") == settings.page(), "make generated"


def test_every_setting_says_what_it_does() -> None:
    assert settings.undescribed() == []


def test_every_command_and_option_says_what_it_does() -> None:
    silent = []
    for name, context in commands.commands():
        if not commands.help_of(name, context):
            silent.append(name)
        for each in context.command.params:
            record = None if getattr(each, "hidden", False) else each.get_help_record(context)
            if record is not None and not re.sub(r"\[[^\]]*\]", "", record[1]).strip():
                silent.append(f"{name} {record[0]}")
    assert silent == []


def test_every_command_of_the_table_is_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [name for name in COMMANDS if not re.search(rf"`infra {name}\b", readme)] == []


def codes_of(file: Path) -> Iterator[int]:
    """Every exit code that a file's `typer.Exit(…)` can give, names followed to what they were set to in it."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    named: dict[str, list[ast.expr]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    named.setdefault(target.id, []).append(node.value)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "typer.Exit":
            for argument in (*node.args, *(each.value for each in node.keywords)):
                yield from _ends(argument, named)


def _ends(value: ast.expr, named: dict[str, list[ast.expr]]) -> Iterator[int]:
    if isinstance(value, ast.IfExp):
        yield from _ends(value.body, named)
        yield from _ends(value.orelse, named)
    elif isinstance(value, ast.Constant) and isinstance(value.value, int):
        yield int(value.value)
    elif isinstance(value, ast.Name):
        for each in named.get(value.id, ()):
            yield from _ends(each, named)


def commands_of(file: Path) -> list[str]:
    """The commands whose functions are in a file: by its name, `cost_diff.py`, or all of a command of its own."""
    module = file.stem
    owners = {module_of(name).rpartition(".")[2]: name for name in COMMANDS}
    all_names = [name for name, _ in commands.commands()]
    if module in owners:
        return [name for name in all_names if name.split()[0] == owners[module]]
    spelt = module.replace("_", " ")
    found = [name for name in all_names if name.replace("-", " ") == spelt]
    return found or [name for name in all_names if name.split()[0] == spelt.split()[0]]


PRIVATE = {"_adopt_cluster": "import"}
"""Files that no command is named after."""


@pytest.mark.parametrize("file", sorted((ROOT / "cli").glob("*.py")), ids=lambda file: file.stem)
def test_every_exit_code_is_documented(file: Path) -> None:
    given = set(codes_of(file))
    if not given:
        return
    names = [PRIVATE[file.stem]] if file.stem in PRIVATE else commands_of(file)
    assert names or file.stem == "main", f"which command is {file.name} of?"
    documented = {code for name in names for code in exit_codes(name)}
    assert given <= documented, f"{names}: not in cli/_exit_codes.py"


def test_the_reader_of_exit_codes_sees_them() -> None:
    assert set(codes_of(ROOT / "cli" / "plan.py")) >= {0, 2}
    assert set(codes_of(ROOT / "cli" / "smoke.py")) >= {4, 130}


INTERNAL = {
    "INFRA_ADMIN": "a user of the Snowflake stand-in",
    "INFRA_CONNECTOR_KEY": "set by the cloud for the connector's task",
    "INFRA_OUTPUTS": "what a file says of itself",
    "INFRA_PLACE_OF_A_NAME": "a mark in the stand-in's SQL",
    "INFRA_STATE_SOCKET": "from Terraform's process to the same one started anew",
    "INFRA_SERVICE": "how the laptop platform knows its own processes",
}
"""Names that look like variables and are no business of a user's."""


def test_every_environment_variable_that_is_read_is_documented() -> None:
    read = {name for path in SOURCES for name in re.findall(r'["\'](INFRA_[A-Z_]+)["\']', path.read_text("utf-8"))}
    assert {"INFRA_PROJECT", "INFRA_CACHE", "INFRA_TERRAFORM"} <= read
    text = "\n".join([*DOCS.values(), (ROOT / "README.md").read_text(encoding="utf-8")])
    assert sorted(name for name in read if name not in text and name not in INTERNAL) == []
