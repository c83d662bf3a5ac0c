"""A cluster becomes an environment's: which service to ask, its YAML as a difference, the YAML written.

The file is only ever shown until it is asked to be written, and is as it was where the result would not load.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from modules.adoption import confluent, msk
from modules.adoption.found import FoundCluster, Setting
from modules.environment import load_environment
from modules.environment.confluent import Confluent
from modules.environment.edit import REMOVE, edit_yaml
from modules.environment.loader import list_environments
from modules.environment.model import Environment
from modules.environment.secrets import resolve_secret
from modules.errors import ConfigError
from modules.project import Project
from modules.terraform.state import read_attributes

__all__ = ["difference", "read_cluster", "refuse_another", "write_cluster"]

_CONFLUENT = re.compile(r"(env-[a-z0-9]+)/(lkc-[a-z0-9]+)")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


def read_cluster(identifier: str, environment: Environment | None, project: Project) -> FoundCluster:
    """What runs: `env-…/lkc-…` of Confluent Cloud, an ARN or a name of Amazon MSK.

    Args:
        environment: the one that is to have it; None where its file is still to be written.

    Raises:
        ConfigError: it is neither, there is no such cluster, or it cannot be taken over.
        SecretError, ServiceError: the service cannot be asked.
    """
    if match := _CONFLUENT.fullmatch(identifier):
        settings = environment.confluent if environment else Confluent()
        key = resolve_secret(settings.cloud_api_key, project)
        api = confluent.ConfluentApi(key, resolve_secret(settings.cloud_api_secret, project), confluent.API)
        return confluent.read_confluent(api, match[1], match[2])
    if identifier.startswith(("lkc-", "env-")):
        raise ConfigError(
            f"`{identifier}` is half of a cluster's address", do="write both ids, `--cluster env-abc123/lkc-abc123`"
        )
    region = msk.region_of(identifier)
    if region:
        return msk.read_msk(identifier, region)
    if environment is not None and environment.platform == "redpanda":
        raise ConfigError(
            "a Redpanda cluster that was not made here cannot be taken over: what runs it are machines or tasks of "
            "somebody else's, and not ECS services that this tool could replace one by one",
            where=environment.source,
            do="deploy a new environment; topics and subjects of a cluster it runs already are adopted by "
            f"`infra import --env {environment.name}` without --cluster",
        )
    if environment is not None and environment.platform == "msk" and "/" not in identifier and ":" not in identifier:
        return msk.read_msk(identifier, environment.msk.region)
    raise ConfigError(
        f"`{identifier}` is neither a cluster of Confluent Cloud nor of Amazon MSK",
        do="write env-…/lkc-…, or the ARN; an MSK cluster's name does in an environment whose platform is msk",
    )


def refuse_another(project: Project, name: str, found: FoundCluster) -> None:
    """An environment has one cluster.

    Raises:
        ConfigError: its state holds another one already.
    """
    state = project.environment_state(name) / "cluster" / "terraform.tfstate"
    kinds = {"aws_msk_cluster", "aws_msk_serverless_cluster", "confluent_kafka_cluster"}
    held = {str(attributes.get("id")) for attributes in read_attributes(state, kinds).values()}
    wanted = {found.id, found.id.rpartition("/")[2]}
    if held and not held & wanted:
        raise ConfigError(
            f"environment `{name}` has another cluster already, {', '.join(sorted(held))}",
            where=str(state),
            do="adopt this one into an environment of its own (`--env` with a new name)",
        )


def difference(project: Project, name: str, found: FoundCluster) -> str:
    """What `write_cluster` would change, as a unified diff; empty where the file says it all already.

    Raises:
        ConfigError: the name is none, or the file cannot be read.
    """
    path = _path(project, name)
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    shown = f"environments/{name}.yaml"
    lines = difflib.unified_diff(
        before.splitlines(keepends=True),
        _after(project, name, found).splitlines(keepends=True),
        shown if before else "/dev/null",
        shown,
    )
    return "".join(lines)


def write_cluster(project: Project, name: str, found: FoundCluster) -> Path:
    """Writes the environment's file, new or changed.

    Raises:
        ConfigError: the result would not load; the file is then as it was.
    """
    path = _path(project, name)
    before = path.read_bytes() if path.exists() else None
    try:
        path.write_text(_after(project, name, found), encoding="utf-8")
        load_environment(project, name)
    except OSError as error:
        raise ConfigError(f"cannot write: {error.strerror}", where=str(path)) from None
    except ConfigError as error:
        if before is None:
            path.unlink(missing_ok=True)
        else:
            path.write_bytes(before)
        raise ConfigError(
            "with what was found the environment would not load, so its file was left as it was",
            where=f"environments/{name}.yaml",
            details=error.details or (error.what,),
            do="mend what is named above first, in the file or what it extends",
        ) from None
    return path


def _path(project: Project, name: str) -> Path:
    if not _NAME.fullmatch(name) or name == "base":
        raise ConfigError(f"`{name}` is no name of an environment", do="take letters, digits, `-` and `_`")
    return project.environments / f"{name}.yaml"


def _after(project: Project, name: str, found: FoundCluster) -> str:
    if name not in list_environments(project):
        return _fresh(project, found)
    from ruamel.yaml import YAML

    path = _path(project, name)
    content = YAML().load(path.read_bytes().decode("utf-8-sig")) or {}
    changes: list[tuple[tuple[str, ...], Any]] = [
        (setting.path, setting.value)
        for setting in found.settings
        if _at(content, setting.path) != setting.value
        and not (setting.only_new and _at(content, setting.path) is not None)
    ]
    changes += [(each, REMOVE) for each in found.dropped if _at(content, each) is not None]
    if not changes:
        return path.read_text(encoding="utf-8")
    copy = path.with_name(f".{path.name}.import")
    try:
        copy.write_bytes(path.read_bytes())
        edit_yaml(copy, changes)
        return copy.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot write: {error.strerror}", where=str(error.filename or path)) from None
    finally:
        copy.unlink(missing_ok=True)


def _at(content: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        if not isinstance(content, Mapping):
            return None
        content = content.get(key)
    return content


def _fresh(project: Project, found: FoundCluster) -> str:
    """A new file, with a remark behind what is worth one."""
    lines = [
        "# yaml-language-server: $schema=schema.json",
        f"# What runs as {found.id}; change it and deploy, as any other environment.",
    ]
    if (project.environments / "base.yaml").exists():
        lines.append("extends: base")
    lines += _lines(found.settings, ())
    return "\n".join(lines) + "\n"


def _lines(settings: tuple[Setting, ...], above: tuple[str, ...]) -> list[str]:
    lines: list[str] = []
    depth = len(above)
    seen: list[str] = []
    for setting in settings:
        key = setting.path[depth]
        if key in seen:
            continue
        seen.append(key)
        if len(setting.path) > depth + 1:
            lines.append(f"{'  ' * depth}{key}:")
            inner = tuple(each for each in settings if each.path[: depth + 1] == setting.path[: depth + 1])
            lines += _lines(inner, setting.path[: depth + 1])
            continue
        remark = f" # {setting.remark}" if setting.remark else ""
        lines.append(f"{'  ' * depth}{key}: {_scalar(setting.value)}{remark}")
    return lines


def _scalar(value: Any) -> str:
    import yaml

    text = yaml.safe_dump(value, default_flow_style=True, width=10_000, allow_unicode=True)
    return text.removesuffix("\n").removesuffix("\n...")
