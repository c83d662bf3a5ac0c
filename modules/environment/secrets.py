"""Resolves secret references (`env:`, `file:`, `aws-sm:`, `aws-ssm:`) at the last moment, at the edge.

A secret's value is returned, never logged or put into an error; it is remembered only
to be cut out of what others say. A file that everyone on the machine may read
is refused, as ssh refuses such a key: a warning would be read once and the key stay open.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from modules.environment.types import SecretRefValue
from modules.errors import SecretError
from modules.files import replace_file
from modules.project import Project
from modules.redaction import remember

__all__ = ["check_storable", "keep_secret", "resolve_secret", "store_secret"]


def resolve_secret(reference: SecretRefValue, project: Project) -> str:
    """The secret's value, without a trailing newline; in an offline rehearsal a placeholder, and nothing is read.

    Raises:
        SecretError: the variable is unset, the file missing, unreadable or open to everyone, the manager's answer
            unusable, or the secret empty.
    """
    if project.offline:
        return "simulated-secret"
    if reference.scheme == "env":
        return _from_env(reference)
    if reference.scheme == "file":
        return _from_file(reference, project)
    from modules.environment.aws_secrets import read

    return _not_empty(read(reference), reference)


def keep_secret(path: Path, value: str) -> None:
    """Writes a secret's file, whole or not at all, readable by its owner only; its folder is private too.

    Raises:
        SecretError: it cannot be written.
    """
    remember(value)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        replace_file(path, value.encode(), lasting=True)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise SecretError(
            f"cannot keep the secret: {reason}", where=str(path), do="free space or check the folder's rights"
        ) from None


def check_storable(reference: SecretRefValue, project: Project) -> None:
    """Say beforehand that a secret cannot be changed behind its reference, as far as that can be known.

    Raises:
        SecretError: it is an environment variable, or in a folder that cannot be written.
    """
    if reference.scheme == "env":
        raise SecretError(
            "a secret in an environment variable cannot be changed from here: it ends with this process",
            where=str(reference),
            do="keep it in a file (`file:…`) or in AWS (`aws-sm:…`, `aws-ssm:…`) and change the reference",
        )
    if reference.scheme == "file":
        folder = _file_of(reference, project).parent
        if not os.access(folder, os.W_OK | os.X_OK):
            raise SecretError(
                "the secret's folder cannot be written", where=str(folder), do="check the folder's rights"
            )


def store_secret(reference: SecretRefValue, project: Project, value: str) -> None:
    """Changes a secret behind its reference: a file whole or not at all (0600), a link's target rather than the link;
    a new version in AWS Secrets Manager or Parameter Store, of `aws-sm:NAME#KEY` that one key.

    Raises:
        SecretError: it cannot be written.
    """
    check_storable(reference, project)
    if reference.scheme == "file":
        keep_secret(_file_of(reference, project), value)
    else:
        from modules.environment.aws_secrets import check_aws_storable, store

        check_aws_storable(reference, len(value.encode()))
        store(reference, value)


def _file_of(reference: SecretRefValue, project: Project) -> Path:
    try:
        return (project.root / Path(reference.name).expanduser()).resolve()
    except RuntimeError:
        raise SecretError("there is no such home folder", where=str(reference), do="write the path in full") from None


def _from_env(reference: SecretRefValue) -> str:
    value = os.environ.get(reference.name)
    if value is None:
        raise SecretError(
            f"the environment variable {reference.name} is not set",
            where=str(reference),
            do=f"export {reference.name}",
        )
    return _not_empty(value, reference)


def _from_file(reference: SecretRefValue, project: Project) -> str:
    """The file's text; the path is relative to the project, `~` is the user's home."""
    try:
        path = project.root / Path(reference.name).expanduser()
    except RuntimeError:
        raise SecretError("there is no such home folder", where=str(reference), do="write the path in full") from None
    try:
        with path.open(encoding="utf-8") as file:
            if os.name == "posix" and os.fstat(file.fileno()).st_mode & stat.S_IROTH:
                raise SecretError(
                    "everyone on this machine may read the secret's file", where=str(path), do=f"chmod 600 {path}"
                )
            text = file.read()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise SecretError(
            f"cannot read the secret's file: {reason}",
            where=str(path),
            do="create it (mode 0600) or change the reference",
        ) from None
    return _not_empty(text.rstrip("\r\n"), reference)


def _not_empty(value: str, reference: SecretRefValue) -> str:
    if not value:
        raise SecretError("the secret is empty", where=str(reference), do="put the secret there")
    return remember(value)
