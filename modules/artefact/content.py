"""What a plan depends on, part by part, and the one hash of it.

Parts are the environment's YAML with what it extends and the files it names, the synthesised JSON of each stack, locked
provider versions, and the versions of the tools. The commit is none of them: a merge makes a new one of the same
content. Neither is anything of this machine, so that two checkouts of the same content have the same hash.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from modules.environment.loader import read_document
from modules.environment.model import Environment
from modules.errors import PlanError
from modules.guards.hooks import hook_files
from modules.project import Project
from modules.terraform.command import TerraformCommand
from modules.terraform.lockfile import lock_path
from modules.terraform.source import StackSource
from modules.terraform.source import read_document as stack_document

__all__ = ["Content", "content_hash", "content_of", "moved_parts", "terraform_version"]


@dataclass(frozen=True)
class Content:
    """Part → what tells it from another: a version, or the SHA-256 of its content."""

    parts: Mapping[str, str]

    @property
    def hash(self) -> str:
        return content_hash(self.parts)


def content_hash(parts: Mapping[str, str]) -> str:
    """SHA-256 over all parts, hexadecimal."""
    return _digest(json.dumps(dict(parts), sort_keys=True).encode())


def content_of(
    environment: Environment, project: Project, stacks: Sequence[StackSource], command: TerraformCommand
) -> Content:
    """The content that a plan of these stacks depends on.

    Args:
        stacks: synthesised already.

    Raises:
        PlanError: Terraform does not tell its version, or a file cannot be read.
    """
    parts = {"mode": "rehearsal" if project.offline else "real"}
    tool, number = terraform_version(command)
    parts["infra"] = version("infra")
    parts["Terraform"] = f"{tool} {number}"
    for path in _files(environment, project):
        try:
            parts[path.relative_to(project.root).as_posix()] = _digest(path.read_bytes())
        except OSError as error:
            raise PlanError(f"cannot read it: {error.strerror}", where=str(path), do="check its rights") from None
    made_up = _made_up_keys(project, environment.name) if project.offline else ()
    for source in stacks:
        document = stack_document(source, source.json_path.read_bytes())
        parts[f"stack {source.name}"] = _digest(_portable(document, project, made_up))
        for name, wanted in _providers(document):
            parts[f"provider {name}"] = wanted
    return Content(dict(sorted(parts.items())))


def moved_parts(approved: Mapping[str, str], now: Mapping[str, str]) -> tuple[str, ...]:
    """What of the content has moved, a line each: what people write first, then what follows from it."""
    lines = []
    for name in sorted({*approved, *now}, key=lambda each: (each.startswith(("stack ", "provider ")), each)):
        before, after = approved.get(name), now.get(name)
        if before == after:
            continue
        if name == "Terraform":
            lines.append(f"it was made with {before}, here it is {after}, and a plan file is for one version only")
        elif "/" in name and " " not in name:
            what = "was added" if before is None else "is gone" if after is None else "was changed"
            lines.append(f"{name} {what}")
        elif name.startswith("stack "):
            what = "is new" if before is None else "is gone" if after is None else "comes out otherwise"
            lines.append(f"{name}: its synthesised JSON {what}")
        elif before is None or after is None:
            lines.append(f"{name} is {'new' if before is None else 'gone'}")
        else:
            lines.append(f"{name} was {before}, here it is {after}")
    return tuple(lines)


def terraform_version(command: TerraformCommand) -> tuple[str, str]:
    """Which program it is, and its version: `("Terraform", "1.15.5")`.

    Raises:
        PlanError: it does not say.
    """
    import os

    environment = {**os.environ, **command.environment, "CHECKPOINT_DISABLE": "1", "TF_CLI_CONFIG_FILE": os.devnull}
    try:
        done = subprocess.run(
            [*command.prefix, "version"], env=environment, capture_output=True, text=True, check=False, timeout=60,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        program, number = done.stdout.splitlines()[0].rsplit(" v", 1)
        return program, number.strip()
    except (OSError, IndexError, ValueError, subprocess.TimeoutExpired):
        raise PlanError(
            "Terraform does not tell its version", where=command.label, do="check terraform.binary or INFRA_TERRAFORM"
        ) from None


def _files(environment: Environment, project: Project) -> list[Path]:
    """The YAML files, and every file of the project that they name."""
    found = {project.root / name for name in read_document(project, environment.name).files}
    found |= {project.environments / "applications" / f"{name}.yaml" for name in environment.applications}
    found |= {lock_path(project.environments, environment.name), *hook_files(environment, project)}
    for text in _texts(environment.model_dump(mode="python")):
        if "\n" in text or len(text) > 400 or not ("." in text or "/" in text):
            continue
        for folder in (project.environments, project.root):
            path = (folder / text).resolve()
            if path.is_relative_to(project.environments.resolve()):
                found |= set(path.rglob("*")) if path.is_dir() and path != project.environments.resolve() else {path}
    root = project.root.resolve()
    real = {path.resolve() for path in found if path.is_file() and path.resolve().is_relative_to(root)}
    return sorted(project.root / path.relative_to(root) for path in real)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _texts(each)


def _portable(document: Mapping[str, Any], project: Project, made_up: Sequence[str]) -> bytes:
    """The JSON without what is of this machine: the project's folder, and key pairs that a rehearsal made up."""
    text = json.dumps(document, sort_keys=True)
    text = text.replace(json.dumps(str(project.root))[1:-1], "<project>")
    for key in made_up:
        text = text.replace(json.dumps(key)[1:-1], "<key>")
    return text.encode()


def _made_up_keys(project: Project, environment: str) -> list[str]:
    from modules.errors import SecretError
    from modules.warehouse.connection import public_key_of

    found = []
    for path in sorted((project.environment_state(environment) / "secrets").glob("*.p8")):
        try:
            found.append(public_key_of(path.read_text(), str(path)))
        except (OSError, SecretError):
            continue
    return found


def _providers(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    settings = document.get("terraform") or {}
    first = settings[0] if isinstance(settings, list) and settings else settings
    required = first.get("required_providers") if isinstance(first, Mapping) else {}
    blocks = required if isinstance(required, list) else [required]
    for each in blocks:
        for name, wanted in (each or {}).items():
            if isinstance(wanted, Mapping):
                yield str(wanted.get("source", name)), str(wanted.get("version", "any"))


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
