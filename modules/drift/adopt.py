"""Takes what was changed outside into the environment's YAML: shown as a diff first, then written whole or not at all.

Comments, order and quotes stay. Topics that nobody declared become declared ones, as `infra import` does it; what the
YAML cannot say is left with the reason. Nothing outside the project's files is touched.
"""

from __future__ import annotations

import difflib
import json
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

from modules.adoption import Adoption, LiveCluster
from modules.adoption import adopt as adopt_topics
from modules.drift.model import AttributeDrift, DriftReport
from modules.environment import load_environment
from modules.environment.edit import REMOVE, edited, write_whole
from modules.environment.model import Environment
from modules.environment.warehouse_presets import completed
from modules.errors import ConfigError
from modules.project import Project

__all__ = ["Adopting", "adoption_of", "difference", "write_adopting"]

Key = tuple[str, ...]


@dataclass(frozen=True)
class Adopting:
    """Attributes:
    settings: keys of the environment's file and their values, `REMOVE` for what goes.
    schemas: files below environments/ and their content.
    left: (what, why) of what the YAML cannot say.
    """

    settings: tuple[tuple[Key, Any], ...] = ()
    schemas: Mapping[str, str] = field(default_factory=dict)
    left: tuple[tuple[str, str], ...] = ()

    @property
    def empty(self) -> bool:
        return not self.settings and not self.schemas


def adoption_of(
    report: DriftReport, environment: Environment, project: Project, live: LiveCluster | None = None
) -> Adopting:
    """What the YAML gains.

    Args:
        live: what runs; needed only where topics or subjects are to be declared.
    """
    own = _content(_path(project, environment.name).read_text(encoding="utf-8"))
    settings: dict[Key, Any] = {}
    schemas: dict[str, str] = {}
    gone = "it is gone; make it again with --revert, or take it out of the YAML by hand"
    left = [(drift.what, gone) for drift in report.of("missing")]
    for drift in report.of("changed"):
        for attribute in drift.attributes:
            if attribute.key is None:
                left.append((f"{drift.what}, {attribute.path}", attribute.why_not or "no key of the YAML says it"))
            elif attribute.key[-1] == "schema" and attribute.key[0] == "topics":
                _schema(environment, own, attribute, settings, schemas)
            else:
                settings |= _required(environment, attribute.key)
                settings[attribute.key] = _value(attribute, own)
    _undeclared(report, environment, live, settings, schemas, left)
    return _loadable(project, environment, Adopting(tuple(settings.items()), schemas, tuple(left)))


def _loadable(project: Project, environment: Environment, adopting: Adopting) -> Adopting:
    """Without the settings that the environment would not load with, which is tried on a copy of its files."""
    if adopting.empty:
        return adopting
    with tempfile.TemporaryDirectory(prefix="infra-drift-") as folder:
        copy = Project(Path(folder))
        shutil.copytree(project.environments, copy.environments)
        if _refusal(copy, environment, adopting) is None:
            return adopting
        kept: list[tuple[Key, Any]] = []
        left = list(adopting.left)
        for group in _together(adopting.settings):
            shutil.rmtree(copy.environments)
            shutil.copytree(project.environments, copy.environments)
            refusal = _refusal(copy, environment, replace(adopting, settings=(*kept, *group)))
            if refusal is None:
                kept += group
            else:
                name = ".".join(group[-1][0])
                left.append((name, refusal.removeprefix(f"{name}: ")))
    return replace(
        adopting, settings=tuple(kept), schemas=_named(kept, adopting.schemas, environment), left=tuple(left)
    )


def _refusal(project: Project, environment: Environment, adopting: Adopting) -> str | None:
    """Why the environment would not load with it."""
    try:
        write_adopting(project, environment, adopting)
    except ConfigError as error:
        return error.details[0].partition(": ")[2] if error.details else error.what
    return None


def _together(settings: Sequence[tuple[Key, Any]]) -> list[list[tuple[Key, Any]]]:
    """Settings of one thing (a user's role and comment) stand or fall together."""
    groups: dict[Key, list[tuple[Key, Any]]] = {}
    for key, value in settings:
        groups.setdefault(key[:3] if key[0] == "warehouse" else key, []).append((key, value))
    return list(groups.values())


def _named(settings: Sequence[tuple[Key, Any]], schemas: Mapping[str, str], environment: Environment) -> dict[str, str]:
    """The schemas that a setting names, or the environment already."""
    known = {topic.value.schema_ for topic in environment.topics.values() if topic.value}
    said = json.dumps([value for _, value in settings], default=str)
    return {name: text for name, text in schemas.items() if name in known or json.dumps(name) in said}


def _required(environment: Environment, key: Key) -> dict[Key, Any]:
    """What an entry has to say besides, where the preset said it so far (a user's role)."""
    if key[0] != "warehouse" or key[2] in getattr(environment.warehouse, key[1]):
        return {}
    its = getattr(completed(environment), key[1])[key[2]]
    plain = its.model_dump(mode="json", by_alias=True)
    names = [info.alias or name for name, info in type(its).model_fields.items() if info.is_required()]
    return {(*key[:3], name): plain[name] for name in names}


def _value(attribute: AttributeDrift, own: Any) -> Any:
    assert attribute.key is not None
    if attribute.after is not None:
        return _column(attribute.after) if attribute.path.startswith("column ") else attribute.after
    # What another file gives is only taken back by `null`.
    return REMOVE if _at(own, attribute.key) is not None else None


def _column(text: str) -> dict[str, Any]:
    """A column as the report writes it: `NUMBER(12,2), not null, "what it holds"`."""
    match = re.fullmatch(r'(.*?)(, not null)?(?:, "(.*)")?', text, re.DOTALL)
    assert match is not None
    comment = {"comment": match[3]} if match[3] else {}
    return {"type": match[1], **({"nullable": False} if match[2] else {}), **comment}


def _schema(
    environment: Environment, own: Any, attribute: AttributeDrift, settings: dict[Key, Any], schemas: dict[str, str]
) -> None:
    """The registry's newest schema into a file of this environment's; one that others may read stays as it is."""
    assert attribute.key is not None
    given = environment.topics[attribute.key[1]].value
    assert given is not None
    file = given.schema_
    if _at(own, attribute.key) is None:
        path = PurePosixPath(file)
        file = str(path.with_name(f"{path.stem}.{environment.name}{path.suffix}"))
        settings[attribute.key] = file
    schemas[file] = json.dumps(json.loads(str(attribute.after)), indent=2, ensure_ascii=False) + "\n"


def _undeclared(
    report: DriftReport,
    environment: Environment,
    live: LiveCluster | None,
    settings: dict[Key, Any],
    schemas: dict[str, str],
    left: list[tuple[str, str]],
) -> None:
    unmanaged = report.of("unmanaged")
    wanted = [each.name for each in unmanaged if each.type == "topic"]
    taken: set[str] = set()
    if wanted and live is not None:
        found = _topics(environment, live, wanted)
        for name, entry in found.topics.items():
            settings["topics", name] = dict(entry)
            taken |= {f"topic {name}", *([f"subject {name}-value"] if "value" in entry else [])}
        schemas.update(found.schemas)
        reasons = {each: text for text in found.left for each in wanted if f"topic {each} " in text}
        for name in wanted:
            if name not in found.topics:
                left.append((f"topic {name}", reasons.get(name, "it was gone before it could be read")))
                taken.add(f"topic {name}")
    for drift in unmanaged:
        topic = drift.name.removesuffix("-value")
        its = environment.topics.get(topic)
        subject = live.subjects.get(drift.name) if live else None
        if drift.what in taken:
            continue
        if drift.type == "subject" and its is not None and its.value is None and subject and subject.kind == "AVRO":
            file = f"schemas/{topic.replace('.', '_')}.avsc"
            level = {"compatibility": subject.compatibility} if subject.compatibility else {}
            settings["topics", topic, "value"] = {"schema": file, **level}
            schemas[file] = json.dumps(json.loads(subject.schema), indent=2, ensure_ascii=False) + "\n"
        else:
            left.append((drift.what, drift.do))


def _topics(environment: Environment, live: LiveCluster, names: Sequence[str]) -> Adoption:
    chosen = LiveCluster({name: live.topics[name] for name in names if name in live.topics}, live.subjects)
    return adopt_topics(environment, chosen)


def difference(project: Project, environment: Environment, adopting: Adopting) -> str:
    """What `write_adopting` would change, as a unified diff."""
    return "".join(
        line
        for name, (before, after) in _files(project, environment, adopting).items()
        for line in difflib.unified_diff(
            before.splitlines(keepends=True),
            after.splitlines(keepends=True),
            f"environments/{name}" if before else "/dev/null",
            f"environments/{name}",
        )
    )


def write_adopting(project: Project, environment: Environment, adopting: Adopting) -> list[Path]:
    """Writes the environment's file and the schemas beside it; returns the files.

    Raises:
        ConfigError: the result would not load, or cannot be written; every file is then as it was.
    """
    files = _files(project, environment, adopting)
    written: list[Path] = []
    try:
        for name, (_, after) in files.items():
            path = project.environments / name
            path.parent.mkdir(parents=True, exist_ok=True)
            written.append(path)
            write_whole(path, after)
        load_environment(project, environment.name)
    except (OSError, ConfigError) as error:
        for name, (before, _) in files.items():
            path = project.environments / name
            if before and path in written:
                write_whole(path, before)
            elif path in written:
                path.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise ConfigError(f"cannot write: {error.strerror}", where=str(error.filename or project.root)) from None
        raise ConfigError(
            "with what was changed outside the environment would not load, so its file was left as it was",
            where=f"environments/{environment.name}.yaml",
            details=error.details or (error.what,),
            do="take less over with --only, or take it back with --revert",
        ) from None
    return written


def _files(project: Project, environment: Environment, adopting: Adopting) -> dict[str, tuple[str, str]]:
    """File below environments/ → its text before and after, where they differ."""
    path = _path(project, environment.name)
    before = path.read_text(encoding="utf-8")
    files = {path.name: (before, edited(before, adopting.settings) if adopting.settings else before)}
    for name, text in adopting.schemas.items():
        file = project.environments / name
        files[name] = (file.read_text(encoding="utf-8") if file.exists() else "", text)
    return {name: pair for name, pair in files.items() if pair[0] != pair[1]}


def _path(project: Project, name: str) -> Path:
    return project.environments / f"{name}.yaml"


def _content(text: str) -> Any:
    from ruamel.yaml import YAML

    return YAML(typ="safe").load(text) or {}


def _at(content: Any, key: Key) -> Any:
    for each in key:
        if not isinstance(content, Mapping):
            return None
        content = content.get(each)
    return content
