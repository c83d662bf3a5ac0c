"""Every secret reference of an environment: its path in the model, where it was written, whether it is used."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import BaseModel

from modules.environment.explain import Positions
from modules.environment.loader import read_document
from modules.environment.model import Environment
from modules.environment.types import SecretRefValue
from modules.errors import ConfigError
from modules.platforms import PLATFORMS
from modules.project import Project, recorded_outputs

__all__ = ["Reference", "references_of", "walk"]


@dataclass(frozen=True)
class Reference:
    """One reference and where it comes from."""

    path: str
    """`confluent.cloud_api_key`; of a deployed role `cluster.credentials.sink`."""
    reference: SecretRefValue
    where: str
    """`environments/dev.yaml:7`, or what else names it."""
    written: bool = True
    """False: a default, or what a deploy left."""
    used: bool = True
    """False: it is for a platform the environment is not on."""


def references_of(environment: Environment, project: Project) -> tuple[Reference, ...]:
    """Those of the YAML and its defaults, and those of roles that a deploy recorded."""
    positions = _positions(environment, project)
    found = []
    for path, reference, used in walk(environment):
        written = positions is not None and positions.node(*path) is not None
        if not used and not written:
            continue  # the default of another platform
        mark = str(positions.at(*path)) if written and positions is not None else f"{environment.source} (default)"
        found.append(Reference(_dotted(path), reference, mark, written, used))
    return (*found, *_recorded(environment, project))


def walk(
    value: object, path: tuple[str | int, ...] = (), used: bool = True
) -> Iterator[tuple[tuple[str | int, ...], SecretRefValue, bool]]:
    """Path (as YAML spells it), reference and whether the environment's platform has any use for it."""
    if isinstance(value, SecretRefValue):
        yield path, value, used
    elif isinstance(value, BaseModel):
        others = {name for name in PLATFORMS if isinstance(value, Environment) and name != value.platform}
        for name, field in type(value).model_fields.items():
            yield from walk(getattr(value, name), (*path, field.alias or name), used and name not in others)
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from walk(inner, (*path, str(name)), used)
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            yield from walk(inner, (*path, number), used)


def _positions(environment: Environment, project: Project) -> Positions | None:
    try:
        return read_document(project, environment.name).positions
    except ConfigError:
        return None


def _dotted(path: tuple[str | int, ...]) -> str:
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _recorded(environment: Environment, project: Project) -> Iterator[Reference]:
    cluster = recorded_outputs(project, environment.name, "cluster") or {}
    credentials = cluster.get("credentials")
    for role, text in sorted(credentials.items()) if isinstance(credentials, dict) else ():
        try:
            reference = SecretRefValue.parse(text)
        except ValueError:
            continue  # what a login is made of where it is no secret, as an IAM role
        yield Reference(f"cluster.credentials.{role}", reference, "outputs of stack cluster", written=False)
