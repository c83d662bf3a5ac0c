"""Environments as they were: a git revision's `environments/` in a temporary folder, and which revision a word means.

Git is only read (`rev-parse`, `status`, `merge-base`, `ls-tree`, `cat-file`): the work tree, the index and the
references stay as they are. Files come byte for byte, without checkout filters or export attributes, and are removed
afterwards.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from modules.errors import ConfigError
from modules.project import Project

__all__ = ["at_revision", "commit_of", "current", "default_branch", "folder_in_repository", "is_revision", "merge_base"]

_FOLDER = "environments"


@contextlib.contextmanager
def at_revision(project: Project, revision: str) -> Iterator[Project]:
    """A project that holds the revision's `environments/`; gone when the block ends.

    Raises:
        ConfigError: git is not installed, the project is in no repository, there is no such revision, or it has no
            environments.
    """
    commit = _commit(project, revision)
    with tempfile.TemporaryDirectory(prefix="infra-revision-") as folder:
        _write(project, commit, revision, Path(folder))
        yield Project(Path(folder), offline=project.offline)


def is_revision(project: Project, word: str) -> bool:
    """Whether git knows a commit by this name.

    Raises:
        ConfigError: git is not installed, or the project is in no repository.
    """
    _repository(project)
    return bool(_resolved(project, word))


def commit_of(project: Project, revision: str) -> str:
    """The commit that git knows by this name.

    Raises:
        ConfigError: it knows none, git is not installed, or the project is in no repository.
    """
    return _commit(project, revision)


def current(project: Project) -> tuple[str, bool]:
    """The commit that is checked out, and whether `environments/` differs from it.

    Raises:
        ConfigError: git is not installed, the project is in no repository, or that has no commit yet.
    """
    commit = _commit(project, "HEAD")
    code, out, err = _git(project, "status", "--porcelain", "--", _FOLDER)
    if code:
        raise _failed("status", "HEAD", err)
    return commit, bool(out.strip())


def merge_base(project: Project, one: str, other: str) -> str:
    """The last commit that two revisions have in common: what a pull request started from.

    Raises:
        ConfigError: one of them does not exist, or they have nothing in common.
    """
    first, second = _commit(project, one), _commit(project, other)
    code, out, _ = _git(project, "merge-base", first, second)
    if code:
        raise ConfigError(
            f"`{one}` and `{other}` have no commit in common",
            do=f"compare them as they are, with `{one} {other}`; a shallow clone needs `git fetch --unshallow` first",
        )
    return out.decode().strip()


def default_branch(project: Project) -> str:
    """The branch that changes are merged into: the remote's default, else `main`, `master`, or the only one there is.

    Without git, a repository or a commit `main` is assumed, as git and the services do.

    Raises:
        ConfigError: there are several branches, and none of them is one of those.
    """
    try:
        code, out, _ = _git(project, "symbolic-ref", "--quiet", "--short", "refs/remotes/origin/HEAD")
        if code == 0:
            return out.decode().strip().removeprefix("origin/")
        _, out, _ = _git(project, "for-each-ref", "--format=%(refname)", "refs/heads", "refs/remotes/origin")
        _, unborn, _ = _git(project, "symbolic-ref", "--quiet", "HEAD")
    except ConfigError:
        return "main"
    names = [re.sub(r"^refs/(heads|remotes/origin)/", "", line) for line in out.decode().split()]
    names = list(dict.fromkeys(names)) or [unborn.decode().strip().removeprefix("refs/heads/") or "main"]
    for usual in ("main", "master"):
        if usual in names:
            return usual
    if len(names) == 1:
        return names[0]
    raise ConfigError(
        f"which branch changes are merged into is not known: there are {', '.join(names[:5])}",
        where=str(project.root),
        do="name it: --branch NAME; or `git remote set-head origin --auto`",
    )


def folder_in_repository(project: Project) -> str:
    """Where the project is in its git repository, with `/`; "" at its top, or where there is no repository."""
    try:
        code, out, _ = _git(project, "rev-parse", "--show-prefix")
    except ConfigError:
        return ""
    return os.fsdecode(out).rstrip("\n").rstrip("/") if code == 0 else ""


def _commit(project: Project, revision: str) -> str:
    _repository(project)
    found = _resolved(project, revision)
    if found:
        return found
    _, out, _ = _git(project, "rev-parse", "--is-shallow-repository")
    shallow = " (this clone is shallow: `git fetch --unshallow` brings the rest)" if out.strip() == b"true" else ""
    raise ConfigError(
        f"git knows no revision `{revision}`",
        where=str(project.root),
        do=f"write a branch, a tag or a commit of this repository{shallow}",
    )


def _resolved(project: Project, revision: str) -> str:
    if not revision or revision.startswith("-"):  # never an option of git's
        return ""
    code, out, _ = _git(project, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
    return out.decode().strip() if code == 0 else ""


def _repository(project: Project) -> None:
    code, _, err = _git(project, "rev-parse", "--git-dir")
    if code == 0:
        return
    text = err.decode(errors="replace").strip()
    if "not a git repository" in text:
        raise ConfigError(
            "the project is in no git repository, so there are no revisions to compare",
            where=str(project.root),
            do="name two environments instead, or `git init` and commit",
        )
    raise ConfigError("git cannot read the repository", where=str(project.root), details=text.splitlines()[:5])


def _write(project: Project, commit: str, revision: str, folder: Path) -> None:
    """Every file below `environments/` of the commit; a link, or anything else that is no file, is left out."""
    code, out, err = _git(project, "ls-tree", "-r", "-z", commit, "--", f"{_FOLDER}/")
    if code:
        raise _failed("ls-tree", revision, err)
    files = []
    for entry in out.split(b"\0"):
        head, _, path = entry.partition(b"\t")
        mode, _, rest = head.partition(b" ")
        if mode in (b"100644", b"100755"):
            files.append((os.fsdecode(path), rest.split(b" ")[1].decode()))
    if not files:
        raise ConfigError(
            f"revision `{revision}` has no `{_FOLDER}` folder",
            where=str(project.root),
            do="name a later revision, in which the project is there",
        )
    for (name, _), content in zip(files, _contents(project, [each for _, each in files], revision), strict=True):
        parts = PurePosixPath(name).parts
        if ".." in parts:
            continue
        target = folder.joinpath(*parts)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


def _contents(project: Project, objects: Sequence[str], revision: str) -> Iterator[bytes]:
    """What each object holds, by one call of git's."""
    code, out, err = _git(project, "cat-file", "--batch", given="".join(f"{each}\n" for each in objects).encode())
    if code:
        raise _failed("cat-file", revision, err)
    place = 0
    for _ in objects:
        end = out.index(b"\n", place)
        size = int(out[place:end].rpartition(b" ")[2])
        yield out[end + 1 : end + 1 + size]
        place = end + 1 + size + 1


def _git(project: Project, *arguments: str, given: bytes | None = None) -> tuple[int, bytes, bytes]:
    """Exit code, stdout, stderr; run in the project's folder, so that paths are the project's."""
    command = ["git", "--no-pager", *arguments]
    try:
        done = subprocess.run(
            command, cwd=project.root, input=given, stdin=subprocess.DEVNULL if given is None else None,
            capture_output=True, check=False, env={**os.environ, "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0"},
        )  # fmt: skip
    except FileNotFoundError:
        raise ConfigError(
            "revisions are read with git, which is not installed here (or not on PATH)",
            do="install git, or name two environments instead",
        ) from None
    except OSError as error:
        raise ConfigError(f"git cannot be run: {error.strerror}", do="check that `git --version` works") from None
    return done.returncode, done.stdout, done.stderr


def _failed(step: str, revision: str, err: bytes) -> ConfigError:
    lines = err.decode(errors="replace").strip().splitlines()
    return ConfigError(
        f"git could not read revision `{revision}` (`git {step}`)",
        details=lines[:5],
        do="check the repository with `git fsck`",
    )
