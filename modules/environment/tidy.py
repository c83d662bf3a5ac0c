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
    plain = text.lstrip("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    lines = plain.split("\n")
    kept = _inside_texts(plain, where)
    tidied = [line if number in kept else line.rstrip(" \t") for number, line in enumerate(lines)]
    while tidied and not tidied[0]:
        tidied.pop(0)
    while tidied and not tidied[-1]:
        tidied.pop()
    made = "\n".join(tidied) + "\n" if tidied else ""
    # A text that goes on to the file's end may say by its last lines how it ends.
    return next(each for each in (made, plain, text) if _says(each) == _says(text))


def _says(text: str) -> list[tuple[object, ...]]:
    """All that a reader of the YAML is told."""
    import yaml

    return [
        (type(event), *(getattr(event, name, None) for name in ("value", "tag", "anchor")))
        for event in yaml.parse(text, Loader=yaml.SafeLoader)
    ]


def _inside_texts(text: str, where: str) -> set[int]:
    """The lines of scalars that go over several lines: white space may matter there."""
    import yaml

    found: set[int] = set()
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            start, end = event.start_mark, event.end_mark
            if isinstance(event, yaml.ScalarEvent) and start and end and end.line > start.line:
                found.update(range(start.line, end.line))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{where}:{mark.line + 1}" if mark else where
        raise ConfigError(
            f"it is not YAML: {getattr(error, 'problem', None) or error}",
            where=place,
            do="correct it; nothing was written",
        ) from None
    return found
