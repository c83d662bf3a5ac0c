"""Reads `environments/applications/*.yaml` into an environment's tree, as if they stood below its key `applications`.

So each value keeps its file and line, and validation and messages are those of the environment itself. Of a file that
is for other environments only the keys are looked at: a misspelt `environments` would otherwise go unnoticed.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from pathlib import Path

from modules.environment.applications import FOLDER, LEAST, name_problem
from modules.environment.document import Entry, Mapping, Mark, Problem, Scalar, Sequence, read_yaml
from modules.environment.keys import check_keys
from modules.environment.model import Application
from modules.project import Project

__all__ = ["add_applications"]


def add_applications(project: Project, environment: str, root: Mapping, environments: list[str]) -> list[Problem]:
    """Adds the applications of an environment to its tree; says what is wrong with their files.

    Raises:
        ConfigError: a file is unreadable or not YAML.
    """
    problems: list[Problem] = []
    found: dict[str, Entry] = {}
    for file in sorted((project.environments / FOLDER).glob("*.y*ml"), key=lambda each: each.stem):
        shown = f"environments/{FOLDER}/{file.name}"
        mark = Mark(shown, 1)
        wrong = _file_problem(file)
        if wrong:
            problems.append(Problem(mark, "", wrong))
        node = read_yaml(file, shown, problems, least=LEAST)
        node.mark = mark
        unknown = check_keys(node, Application)
        problems += [Problem(each.mark, _within(file.stem, each.path), each.message) for each in unknown]
        problems += _unknown_environments(file.stem, node, environments)
        if _takes_part(node, environment):
            found[file.stem] = Entry(mark, node)
    root.entries.pop(FOLDER, None)  # an environment's own file has no such key: `check_keys` has said so
    if found:
        root.entries[FOLDER] = Entry(next(iter(found.values())).mark, Mapping(root.mark, found))
    return problems


def _file_problem(file: Path) -> str | None:
    if file.suffix == ".yml":
        return "the file ends with .yml; rename it to .yaml"
    return name_problem(file.stem)


def _within(name: str, path: str) -> str:
    return f"{FOLDER}.{name}.{path}"


def _unknown_environments(name: str, node: Mapping, environments: list[str]) -> Iterator[Problem]:
    for number, item in enumerate(_named(node)):
        if isinstance(item, Scalar) and isinstance(item.value, str) and item.value not in environments:
            close = difflib.get_close_matches(item.value, environments, n=1)
            hint = f"did you mean `{close[0]}`?" if close else f"there are {', '.join(environments)}"
            message = f"there is no environment `{item.value}`; {hint}"
            yield Problem(item.mark, _within(name, f"environments.{number}"), message)


def _takes_part(node: Mapping, environment: str) -> bool:
    """Whether it is for this environment; also where what it says of that is no list of names, which is refused."""
    named = _named(node)
    return not named or any(not isinstance(item, Scalar) or item.value == environment for item in named)


def _named(node: Mapping) -> list[object]:
    entry = node.entries.get("environments")
    return list(entry.node.items) if entry and isinstance(entry.node, Sequence) else []
