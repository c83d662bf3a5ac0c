"""What an environment would cost if its YAML said something else: `--set`, checked as files are, and the difference.

Nothing is written. A whole range of values is `sweep.py`'s.
"""

from __future__ import annotations

from collections.abc import Sequence

from modules.cost.book import PriceBook
from modules.cost.diff import Diff, Side, diff_reports
from modules.cost.report import report
from modules.environment.document import Mapping
from modules.environment.loader import load_environment, read_document
from modules.environment.model import Environment
from modules.environment.overrides import layer_of, parse_setting, written
from modules.errors import ConfigError
from modules.project import Project

__all__ = ["layers_of", "load_with", "what_if"]

AS_GIVEN, WHAT_IF = "as given", "what if"


def what_if(project: Project, name: str, settings: Sequence[str], book: PriceBook) -> Diff:
    """The environment as its files have it, against the same with `settings` (`KEY=VALUE`).

    Raises:
        ConfigError: a setting is wrong, or the environment is, with it or without.
    """
    before = load_environment(project, name)
    after = load_with(project, name, layers_of(project, name, settings))
    return diff_reports(name, Side(AS_GIVEN, report(before, book)), Side(WHAT_IF, report(after, book)))


def layers_of(project: Project, name: str, settings: Sequence[str]) -> list[Mapping]:
    """Each setting as a layer on top of the environment's files; the last one is right.

    Raises:
        ConfigError: one is not KEY=VALUE, its key cannot be set, or its value is not YAML.
    """
    root = read_document(project, name).root
    parsed = [parse_setting(text, root) for text in settings]
    return [layer_of(path, value, f"--set {written(path)}") for path, value in parsed]


def load_with(project: Project, name: str, layers: Sequence[Mapping]) -> Environment:
    """The environment with further layers, checked.

    Raises:
        ConfigError: it does not hold together with them; what is wrong is named with its option.
    """
    try:
        return load_environment(project, name, layers)
    except ConfigError as error:
        options = {each.mark.file for each in layers}
        if not error.details or not options:
            raise
        own = all(detail.split(": ")[0] in options for detail in error.details)
        shown = [_without_doubled_key(detail) for detail in error.details]
        with_what = " ".join(dict.fromkeys(each.mark.file for each in layers))
        raise ConfigError(
            f"with {with_what} {error.what}",
            where=None if own else error.where,
            details=shown,
            do="mend the option named above" if own else "give what is missing with further --set options",
        ) from None


def _without_doubled_key(detail: str) -> str:
    """`--set a.b: a.b: expected …` without the second key."""
    option, _, rest = detail.partition(": ")
    key, colon, message = rest.partition(": ")
    return f"{option}: {message}" if colon and option.endswith(f" {key}") else detail
