"""Checks an environment's secrets: each reference with its place, whether it resolves, its mode, age and end.

A value is held for a moment, to see that it is there and when a certificate or token in it ends, and never kept.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from modules.environment.applications import FOLDER
from modules.environment.loader import read_document
from modules.environment.model import Environment
from modules.environment.secrets import resolve_secret
from modules.environment.types import AWS_SCHEMES, SecretRefValue
from modules.errors import ConfigError, InfraError, SecretError
from modules.findings import Finding
from modules.project import Project
from modules.secrets.references import Reference, references_of
from modules.secrets.written import ALLOWED, find_written

__all__ = ["Checked", "check_secrets"]

OLD = timedelta(days=365)
"""A secret not changed for longer is told."""
SOON = timedelta(days=30)
"""An end that is nearer is told."""

_MOVE = (
    "move it where few can read it, write a reference (env:, file:, aws-sm:, aws-ssm:), and make a new one, for git "
    "remembers this one"
)


@dataclass(frozen=True)
class Checked:
    """One reference as it was found; nothing of its value."""

    path: str
    reference: str
    where: str
    used: bool
    resolves: bool | None
    """None: it is not used, and so was not asked for."""
    mode: str | None = None
    """file: its permissions, `0600`."""
    changed: datetime | None = None
    expires: datetime | None = None
    rotates: bool = False
    findings: tuple[Finding, ...] = field(default=(), repr=False)

    def to_json(self) -> dict[str, Any]:
        """Times in ISO 8601."""
        found = asdict(self)
        del found["findings"]
        return {key: value.isoformat() if isinstance(value, datetime) else value for key, value in found.items()}


def check_secrets(
    environment: Environment,
    project: Project,
    *,
    now: datetime | None = None,
    on_reference: Callable[[str], None] = lambda _path: None,
) -> tuple[tuple[Checked, ...], tuple[Finding, ...]]:
    """Every reference, and what is wrong besides: secrets in clear, private files that others may read; and that there
    is no reference.

    Args:
        on_reference: told each reference's path before it is asked for.
    """
    now = now or datetime.now(UTC)
    checked = []
    for each in references_of(environment, project):
        on_reference(each.path)
        checked.append(_checked(each, project, now))
    besides = (*_in_clear(environment, project), *_own_files(environment, project))
    if not checked:
        besides = (Finding("secret", "ok", f"{environment.source}: no secret references, so none to resolve"), *besides)
    return tuple(checked), besides


def _checked(its: Reference, project: Project, now: datetime) -> Checked:
    text = str(its.reference)
    if not its.used:
        do = f"take it out of {its.where}, or say which platform it is for"
        unused = Finding(
            "unused", "warn", f"{its.path}: this environment's platform has no use for it", do, (its.where,)
        )
        return Checked(its.path, text, its.where, False, None, findings=(unused,))
    try:
        value = resolve_secret(its.reference, project)
    except InfraError as error:
        details = (its.where, *([error.where] if error.where and error.where != text else []))
        failure = Finding("secret", "fail", f"{its.path}: {error.what}", error.do, details)
        return Checked(
            its.path, text, its.where, True, False, findings=(failure,), **_file_facts(its.reference, project)
        )
    facts: dict[str, Any] = _file_facts(its.reference, project)
    warnings = list(_kept_in_git(its, project))
    if its.reference.scheme in AWS_SCHEMES:
        facts |= _aws_facts(its, warnings)
    end = min((each for each in (_end_of(value), facts.pop("expires", None)) if each), default=None)
    del value
    warnings += _about_time(its, facts.get("changed"), end, now)
    found = warnings or [Finding("secret", "ok", f"{its.path}: {text} resolves", None, (its.where,))]
    return Checked(its.path, text, its.where, True, True, expires=end, findings=tuple(found), **facts)


def _file_facts(reference: SecretRefValue, project: Project) -> dict[str, Any]:
    if reference.scheme != "file":
        return {}
    try:
        found = (project.root / Path(reference.name).expanduser()).stat()
    except (OSError, RuntimeError):
        return {}
    return {"mode": f"{stat.S_IMODE(found.st_mode):04o}", "changed": datetime.fromtimestamp(found.st_mtime, UTC)}


def _aws_facts(its: Reference, warnings: list[Finding]) -> dict[str, Any]:
    from modules.environment.aws_secrets import describe

    try:
        about = describe(its.reference)
    except SecretError:
        return {}  # it may be read and not be described: its age is unknown then
    if about.kind not in (None, "SecureString"):
        do = "store it as a SecureString (`aws ssm put-parameter --type SecureString --overwrite`)"
        text = f"{its.path}: the parameter is a {about.kind}, which is not encrypted"
        warnings.append(Finding("secret", "warn", text, do, (its.where,)))
    return {"changed": about.changed, "expires": about.expires, "rotates": about.rotates}


def _kept_in_git(its: Reference, project: Project) -> Iterator[Finding]:
    """A secret's file that git would carry everywhere."""
    if its.reference.scheme != "file":
        return
    path = (project.root / Path(its.reference.name).expanduser()).resolve()
    if not path.is_relative_to(project.root.resolve()):
        return
    name = str(path)
    if _git(project, "ls-files", "--error-unmatch", "--", name) == 0:
        do = "take it out of git (`git rm --cached`), make a new secret, and name the file in .gitignore"
        yield Finding("secret", "fail", f"{its.path}: git keeps the secret's file", do, (its.where, name))
    elif _git(project, "check-ignore", "-q", "--", name) == 1:
        do = "name the file in .gitignore, or keep it outside the project"
        yield Finding("secret", "warn", f"{its.path}: git does not ignore the secret's file", do, (its.where, name))


def _git(project: Project, *arguments: str) -> int | None:
    """Git's exit code; None where there is no git or no repository."""
    try:
        ran = subprocess.run(["git", *arguments], cwd=project.root, capture_output=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return ran.returncode


def _about_time(its: Reference, changed: datetime | None, end: datetime | None, now: datetime) -> Iterator[Finding]:
    if end is not None and end <= now:
        text = f"{its.path}: it ended on {end:%Y-%m-%d}"
        yield Finding("secret", "fail", text, "make a new one and put it there", (its.where,))
    elif end is not None and end - now < SOON:
        text = f"{its.path}: it ends on {end:%Y-%m-%d}, in {(end - now).days} days"
        yield Finding("secret", "warn", text, "make a new one and put it there", (its.where,))
    if changed is not None and now - changed > OLD:
        text = f"{its.path}: it was not changed since {changed:%Y-%m-%d}"
        yield Finding("secret", "warn", text, "change it: docs/secrets.md says how, by kind", (its.where,))


def _end_of(value: str) -> datetime | None:
    """When a certificate or a JSON web token in the value ends; None where there is none."""
    ends = []
    if "-----BEGIN CERTIFICATE-----" in value:
        from cryptography import x509

        plain = value.replace("\\n", "\n")
        for pem in re.findall(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", plain, re.S):
            try:
                ends.append(x509.load_pem_x509_certificate(pem.encode()).not_valid_after_utc)
            except ValueError:
                continue
    if value.startswith("eyJ"):
        import jwt

        with contextlib.suppress(jwt.PyJWTError, KeyError, TypeError, ValueError, OverflowError, OSError):
            ends.append(datetime.fromtimestamp(jwt.decode(value, options={"verify_signature": False})["exp"], UTC))
    return min(ends, default=None)


def _in_clear(environment: Environment, project: Project) -> Iterator[Finding]:
    """What looks like a secret in the environment's own files, those it extends and its applications'."""
    try:
        files = [project.root / file for file in read_document(project, environment.name).files]
    except ConfigError:
        files = [project.root / environment.source]
    applications = sorted((project.environments / FOLDER).glob("*.yaml"))
    for path in [*files, *applications]:
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        for each in find_written(text):
            place = f"{path.relative_to(project.root)}:{each.line}"
            do = f"{_MOVE}; if it is none, end the line with `{ALLOWED}`"
            yield Finding("in clear", "fail", f"{place}: {each.kind} ({each.length} characters)", do)


def _own_files(environment: Environment, project: Project) -> Iterator[Finding]:
    """Keys and passwords that the CLI made below `.infra`: nobody else may read them."""
    folder = project.environment_state(environment.name) / "secrets"
    if os.name != "posix" or not folder.is_dir():
        return
    for path in (folder, *sorted(folder.iterdir())):
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & 0o077:
            right = "700" if path.is_dir() else "600"
            text = f"{path.relative_to(project.root)}: others on this machine may read it (mode {mode:04o})"
            yield Finding("own files", "fail", text, f"chmod {right} {path}")
