"""Terraform's dependency lock file, `.terraform.lock.hcl`: read and written.

The format is Terraform's own and small: one `provider` block an address with `version`, `constraints` and `hashes`
(developer.hashicorp.com/terraform/language/files/dependency-lock). What is committed is one file an environment,
`environments/locks/<environment>.lock.hcl`; each stack gets the blocks of the providers it uses.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modules.errors import PlanError

__all__ = ["Locked", "lock_path", "lock_text", "provider_address", "read_lock", "required_providers"]

_REGISTRY = "registry.terraform.io"
_BLOCK = re.compile(r'^provider "([^"]+)" \{\n(.*?)^\}', re.M | re.S)
_ARGUMENT = re.compile(r'^\s*(version|constraints)\s*=\s*"([^"]*)"', re.M)
_HASH = re.compile(r'"((?:h1|zh):[^"]+)"')
_HEAD = "# Written by `infra providers lock`; commit it. Terraform installs nothing else.\n"


@dataclass(frozen=True)
class Locked:
    """One provider as locked. `h1:` hashes are of a package's files, `zh:` of its zip; one a system."""

    version: str
    constraints: str = ""
    hashes: tuple[str, ...] = ()


def lock_path(environments: Path, environment: str) -> Path:
    """Where an environment's lock is kept, in the project's `environments/`."""
    return environments / "locks" / f"{environment}.lock.hcl"


def provider_address(source: str) -> str:
    """A source as lock files and mirrors write it: `hashicorp/aws` → `registry.terraform.io/hashicorp/aws`."""
    parts = source.lower().split("/")
    if len(parts) == 1:
        parts = ["hashicorp", *parts]
    return "/".join([_REGISTRY, *parts] if len(parts) == 2 else parts)


def required_providers(document: Mapping[str, Any]) -> dict[str, str]:
    """A stack's providers: address → version constraint, empty where it names none."""
    settings = document.get("terraform") or {}
    found: dict[str, str] = {}
    for block in settings if isinstance(settings, list) else [settings]:
        required = block.get("required_providers") or {}
        for group in required if isinstance(required, list) else [required]:
            for name, its in group.items():
                body = its if isinstance(its, dict) else {"version": its}
                found[provider_address(str(body.get("source") or name))] = str(body.get("version") or "")
    return found


def read_lock(path: Path) -> dict[str, Locked]:
    """What a lock file locks, by address; empty where there is no such file.

    Raises:
        PlanError: it cannot be read, or is no lock file.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise PlanError(f"cannot read the lock file: {reason}", where=str(path), do=_AGAIN) from None
    return parse_lock(text, str(path))


def parse_lock(text: str, where: str) -> dict[str, Locked]:
    """What a lock file's text locks, by address.

    Args:
        where: what the text is, for people.

    Raises:
        PlanError: it is no lock file.
    """
    found = {}
    for address, body in _BLOCK.findall(text):
        given = dict(_ARGUMENT.findall(body))
        if "version" not in given:
            raise PlanError(f"the lock file names no version of {address}", where=where, do=_AGAIN)
        found[address] = Locked(given["version"], given.get("constraints", ""), tuple(_HASH.findall(body)))
    if not found and re.search(r"^\s*[^#\s]", text, re.M):
        raise PlanError("it is no lock file of Terraform", where=where, do=_AGAIN)
    return found


_AGAIN = "restore it from git, or write it again with `infra providers lock`"


def lock_text(locked: Mapping[str, Locked], only: Iterable[str] | None = None) -> str:
    """The file, of some of the providers where `only` names them; laid out as Terraform does it."""
    wanted = set(locked) if only is None else set(only) & set(locked)
    blocks = [_HEAD]
    for address in sorted(wanted):
        its = locked[address]
        hashes = "".join(f'    "{each}",\n' for each in sorted(its.hashes))
        constraints = f'  constraints = "{its.constraints}"\n' if its.constraints else ""
        version = f'  version     = "{its.version}"\n' if its.constraints else f'  version = "{its.version}"\n'
        blocks.append(f'provider "{address}" {{\n{version}{constraints}  hashes = [\n{hashes}  ]\n}}\n')
    return "\n".join(blocks)
