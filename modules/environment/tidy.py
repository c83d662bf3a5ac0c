"""How YAML files of a project are laid out: what `infra fmt` does to them.

Only what no reader can see: line ends, white space at the end of lines, empty lines at a file's ends. Keys, comments,
quotes and indentation stay as they were written, and so does the inside of a text that goes over several lines.
"""

from __future__ import annotations

from pathlib import Path

from modules.errors import ConfigError
from modules.project import Project

__all__ = ["tidy", "yaml_files"]


def yaml_files(project: Project) -> list[Path]:
    """The YAML files below `environments/`, sorted."""
    return sorted(file for file in project.environments.rglob("*.yaml") if file.is_file())


def tidy(text: str, where: str) -> str:
    """The text, tidied; what it says stays the same.

    Raises:
        ConfigError: it is not YAML.
    """
    lines = text.lstrip("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    kept = _inside_texts("\n".join(lines), where)
    tidied = [line if number in kept else line.rstrip(" \t") for number, line in enumerate(lines)]
    while tidied and not tidied[0]:
        tidied.pop(0)
    while len(tidied) > 1 and not tidied[-1] and (len(tidied) - 1 not in kept or not tidied[-2]):
        tidied.pop()
    return "\n".join(tidied) + "\n"


def _inside_texts(text: str, where: str) -> set[int]:
    """The lines of scalars that go over several lines: white space may matter there."""
    import yaml

    found: set[int] = set()
    try:
        for token in yaml.scan(text, Loader=yaml.SafeLoader):
            if isinstance(token, yaml.ScalarToken) and token.end_mark.line > token.start_mark.line:
                found.update(range(token.start_mark.line, token.end_mark.line))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{where}:{mark.line + 1}" if mark else where
        raise ConfigError(
            f"it is not YAML: {getattr(error, 'problem', None) or error}",
            where=place,
            do="correct it; nothing was written",
        ) from None
    return found
