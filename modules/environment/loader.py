"""Reads `environments/<name>.yaml` with what it extends, and says everything that is wrong with it at once.

The steps: 1. read the file and those it extends, 2. check each file's keys, 3. merge, 4. add the applications that take
part (`application_files.py`), 5. validate against the model, 6. check across keys and against the schema files. Steps
2 and 4 to 6 gather problems; each names the file and line its value came from. Nothing is resolved (secrets) or
reached (services) here.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from pydantic import ValidationError

from modules.environment.application_files import add_applications
from modules.environment.applications import FOLDER
from modules.environment.checks import check_environment
from modules.environment.document import Entry, Mapping, Mark, Node, Problem, Scalar, Sequence, merge, read_yaml
from modules.environment.explain import Positions, explain, plain_location
from modules.environment.keys import check_keys
from modules.environment.model import Environment
from modules.environment.smoke import with_smoke_topic
from modules.errors import ConfigError
from modules.project import Project

__all__ = ["EnvironmentDocument", "list_environments", "load_environment", "read_document"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


@dataclass(frozen=True)
class EnvironmentDocument:
    """An environment as written: the merged tree, its files (its own first), and what is wrong so far."""

    name: str
    files: tuple[str, ...]
    root: Mapping
    removed: dict[tuple[str, ...], Mark]
    problems: list[Problem]

    @property
    def positions(self) -> Positions:
        return Positions(self.root, self.removed)


def list_environments(project: Project) -> list[str]:
    """The names that can be given as `--env`, sorted; `base` and files that begin with `_` are only extended."""
    names = (file.stem for file in project.environments.glob("*.yaml"))
    return sorted(name for name in names if name != "base" and _NAME.fullmatch(name))


def load_environment(project: Project, name: str, over: Iterable[Mapping] = ()) -> Environment:
    """The environment, complete and checked, with the topic that `infra smoke` measures on.

    Args:
        over: further layers on top of the file's own, as `--set` gives them; the last one is right.

    Raises:
        ConfigError: there is no such environment, or it has problems; `details` has a line for each,
            `environments/dev.yaml:7: topics.order-events.retention: …`.
    """
    document = read_document(project, name, over)
    problems = list(document.problems)
    problems += add_applications(project, document.name, document.root, list_environments(project))
    environment: Environment | None = None
    data: dict[str, Any] = {"name": name, "source": document.files[0], **_plain(document.root, ())}
    try:
        environment = Environment.model_validate(data)
    except ValidationError as error:
        problems += explain(error, document.positions)
        environment = _what_is_valid(data, error)
    if environment is not None:
        known = not any(each.path == "platform" for each in problems)
        problems += check_environment(environment, document.positions, project.environments, platform_known=known)
    if problems:
        raise _refusal(document, problems)
    assert environment is not None
    return with_smoke_topic(environment)


def read_document(project: Project, name: str, over: Iterable[Mapping] = ()) -> EnvironmentDocument:
    """The environment's files, read and merged, and `over` on top of them.

    Raises:
        ConfigError: there is no such environment, a file is unreadable or not YAML, or `extends` goes in a circle.
    """
    if name not in list_environments(project):
        raise _unknown(project, name)
    problems: list[Problem] = []
    chain = _chain(project, name, problems)
    removed: dict[tuple[str, ...], Mark] = {}
    root = Mapping(chain[-1].mark)
    for layer in (*reversed(chain), *over):
        problems += check_keys(layer)
        layer.entries.pop("extends", None)
        root = merge(root, layer, removed)
    root.mark = chain[0].mark  # where a key that is nowhere would be written
    return EnvironmentDocument(name, tuple(layer.mark.file for layer in chain), root, removed, problems)


def _chain(project: Project, name: str, problems: list[Problem]) -> list[Mapping]:
    """The file and those it extends, nearest first."""
    chain: list[Mapping] = []
    seen: list[str] = []
    mark: Mark | None = None
    while True:
        if name in seen:
            circle = " → ".join([*seen[seen.index(name) :], name])
            raise ConfigError(f"`extends` goes in a circle: {circle}", where=str(mark), do="take one `extends` out")
        shown = f"environments/{name}.yaml"
        there = [file.stem for file in project.environments.glob("*.yaml")]
        if mark and name not in there:
            raise ConfigError(
                f"it extends `{name}`, but there is no {shown}",
                where=str(mark),
                do=_closest(name, there, "write one of: "),
            )
        layer = read_yaml(project.environments / f"{name}.yaml", shown, problems)
        layer.mark = Mark(shown, 1)
        chain.append(layer)
        seen.append(name)
        entry = layer.entries.get("extends")
        if entry is None:
            return chain
        name, mark = _extended(entry), entry.mark


def _extended(entry: Entry) -> str:
    node = entry.node
    if isinstance(node, Scalar) and isinstance(node.value, str) and _NAME.fullmatch(node.value.lstrip("_")):
        return node.value
    got = f", not '{node.text}'" if isinstance(node, Scalar) else ""
    raise ConfigError(
        f"`extends` takes the name of one other file of environments/, without .yaml{got}",
        where=str(entry.mark),
        do="write `extends: base`; for several, let each extend the next",
    )


def _unknown(project: Project, name: str) -> ConfigError:
    there = list_environments(project)
    if not there:
        return ConfigError("there is no environment yet", where="environments/", do="write environments/local.yaml")
    if name == "base" or (name.startswith("_") and (project.environments / f"{name}.yaml").exists()):
        return ConfigError(
            f"`{name}` is what environments extend, not one itself",
            where=f"environments/{name}.yaml",
            do=f"choose one of: {', '.join(there)}",
        )
    if _NAME.fullmatch(name) and (project.environments / f"{name}.yml").exists():
        return ConfigError(
            f"the file of environment `{name}` ends with .yml",
            where=f"environments/{name}.yml",
            do="rename it to .yaml",
        )
    return ConfigError(
        f"there is no environment `{name}`", where="environments/", do=_closest(name, there, "choose one of: ")
    )


def _closest(name: str, there: list[str], words: str) -> str:
    close = difflib.get_close_matches(name, there, n=1)
    hint = f"did you mean `{close[0]}`? " if close else ""
    return f"{hint}{words}{', '.join(sorted(there))}"


def _plain(node: Node, path: tuple[str, ...]) -> Any:
    """The tree as plain Python; topic settings keep the text they were written as (`1e3`, `false`)."""
    if isinstance(node, Mapping):
        return {name: _plain(entry.node, (*path, name)) for name, entry in node.entries.items()}
    if isinstance(node, Sequence):
        return [_plain(item, path) for item in node.items]
    if path[:-1] in (("connect", "settings"), ("connect", "worker")):
        return node.text
    if len(path) == 4 and (path[0], path[2]) in (("topics", "config"), ("sources", "settings")):
        return node.text
    return node.value


def _what_is_valid(data: dict[str, Any], error: ValidationError) -> Environment | None:
    """The environment without what pydantic refused, so that the checks across keys can still be made on the rest."""
    for _ in range(8):  # what is left out may make what holds it incomplete, and so on upwards
        for each in error.errors(include_url=False, include_input=False):
            location = plain_location(each["loc"])
            *above, last = location if each["type"] != "missing" else location[:-1] or ("platform",)
            place: Any = data
            for key in above:
                if isinstance(place, dict) and isinstance(place.get(key), list):
                    place.pop(key)  # a wrong item takes its list along
                place = place.get(key) if isinstance(place, dict) else None
            if isinstance(place, dict):
                place.pop(last, None)
        data.setdefault("platform", "local")  # only to check the rest: the environment is refused anyway
        try:
            return Environment.model_validate(data)
        except ValidationError as again:
            error = again
    return None


def _refusal(document: EnvironmentDocument, problems: list[Problem]) -> ConfigError:
    order = {file: number for number, file in enumerate(document.files)}
    unique = {str(each): each for each in map(_in_its_file, problems)}

    def place(each: Problem) -> tuple[int, str, int]:
        own = each.mark.file in order
        return (order[each.mark.file] if own else len(order)), "" if own else each.mark.file, each.mark.line

    lines = sorted(unique.values(), key=place)
    count = "a problem" if len(lines) == 1 else f"{len(lines)} problems"
    return ConfigError(
        f"environment `{document.name}` has {count}",
        where=document.files[0],
        details=[str(each) for each in lines],
        do="mend the line named above" if len(lines) == 1 else "mend the lines named above",
    )


def _in_its_file(problem: Problem) -> Problem:
    """The problem with its path as the file it is in has it: an application's file has its keys at the top level."""
    if not problem.mark.file.startswith(f"environments/{FOLDER}/"):
        return problem
    above = f"{FOLDER}.{PurePosixPath(problem.mark.file).stem}"
    return Problem(problem.mark, problem.path.removeprefix(above).removeprefix("."), problem.message)
