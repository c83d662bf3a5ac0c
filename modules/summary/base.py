"""What a change is planned against where nothing deployed can be seen: the base revision, rehearsed first.

A pull request from a fork has no credentials. Its plan with simulated providers would show everything as new; so the
base revision's YAML is deployed with them first, into a store of its own that is thrown away, and the plan of the work
tree is made against that. Git is only read, the project's own rehearsals stay as they are.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from modules.environment.loader import list_environments, load_environment
from modules.environment.model import Environment
from modules.errors import ConfigError, InfraError, InterruptedRun
from modules.project import Project
from modules.revisions import at_revision, commit_of, merge_base
from modules.summary.model import Base
from modules.summary.schemas import schemas_of

__all__ = ["Against", "rehearsed_base", "rehearsed_gone"]

Deploy = Callable[[Project, Environment], None]


@dataclass(frozen=True)
class Against:
    """What to plan with.

    Attributes:
        project: the work tree, with the rehearsal's states: plan with it, and with simulated providers only.
        base: what was rehearsed; None where the base has no such environment, or one that does not deploy. Then
            everything is new.
        notes: sentences to show with the plan.
    """

    project: Project
    base: Base | None
    notes: tuple[str, ...] = ()


@contextlib.contextmanager
def rehearsed_base(
    project: Project, environment: str, revision: str, deploy: Deploy, note: Callable[[str], None]
) -> Iterator[Against]:
    """Deploy the base revision's environment with simulated providers, for the block; all of it is gone afterwards.

    Args:
        revision: a branch, a tag or a commit; `A...` and `A...B` mean where B (default: HEAD) left A.
        deploy: plans and applies an environment with simulated providers, in the project that it is given.
        note: told what goes on.

    Raises:
        ConfigError: git does not know the revision, or there is no repository.
    """
    commit, label = _named(project, revision)
    note(f"base: {environment} as in {label} is rehearsed first")
    with contextlib.ExitStack() as stack:
        try:
            then = stack.enter_context(_opened(project, commit, label))
            base = _rehearse(then, environment, label, deploy)
        except _NoBaseError as error:
            # What a rehearsal left half-way must not be planned against.
            stack.close()
            said = f"{error}, so everything is shown as new"
            note(f"base: {said}")
            empty = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="infra-base-")))
            yield Against(_moved_to(empty, project), None, (said,))
            return
        note(f"base: {environment} as in {label} is there; now what changes")
        then.environments.rename(then.root / "environments-before")
        yield Against(_moved_to(then.root, project), base)


@contextlib.contextmanager
def rehearsed_gone(
    project: Project, environment: str, revision: str, deploy: Deploy, note: Callable[[str], None]
) -> Iterator[Against]:
    """Deploy an environment that the base has and the work tree has no more, with simulated providers, for the block:
    what a destroy would take away can be planned then.

    Raises:
        ConfigError: the base has no such environment either, or none that deploys; or as `rehearsed_base`.
    """
    commit, label = _named(project, revision)
    note(f"base: {environment} as in {label} is rehearsed first")
    with contextlib.ExitStack() as stack:
        try:
            then = stack.enter_context(_opened(project, commit, label))
            base = _rehearse(then, environment, label, deploy)
        except _NoBaseError as error:
            raise ConfigError(
                f"there is no environment `{environment}` here, and {error}",
                where="environments/",
                do=f"choose one of: {', '.join(list_environments(project)) or 'none'}",
            ) from None
        note(f"base: {environment} as in {label} is there; now what goes")
        said = (
            f"{environment} is taken out of environments/, {label} has it: shown is what goes with it",
            "nothing takes it down by itself: `infra destroy --env "
            f"{environment}`, from a checkout that still has its YAML, does",
        )
        yield Against(then, base, said)


def _moved_to(root: Path, project: Project) -> Project:
    """The work tree's YAML under another root, below which both sides have the same paths."""
    (root / "environments").symlink_to(project.environments, target_is_directory=True)
    return Project(root, offline=True)


class _NoBaseError(Exception):
    """There is nothing to plan against; the message is the beginning of a sentence."""


@contextlib.contextmanager
def _opened(project: Project, commit: str, label: str) -> Iterator[Project]:
    with contextlib.ExitStack() as stack:
        try:
            found = stack.enter_context(at_revision(replace(project, offline=True), commit))
        except ConfigError:
            raise _NoBaseError(f"{label} has no environments") from None
        yield found


def _rehearse(then: Project, name: str, label: str, deploy: Deploy) -> Base:
    if name not in list_environments(then):
        raise _NoBaseError(f"{label} has no environment {name}")
    try:
        environment = load_environment(then, name)
        deploy(then, environment)
        return Base(label, environment, schemas_of(environment, then))
    except InterruptedRun:
        raise
    except InfraError as error:
        where = f"{error.where}: " if error.where else ""
        why = error.details[0] if error.details else f"{where}{error.what}"
        raise _NoBaseError(f"{name} as in {label} cannot be deployed ({why})") from None


def _named(project: Project, revision: str) -> tuple[str, str]:
    """The commit, and what to call it."""
    if "..." in revision:
        one, _, other = revision.partition("...")
        commit = merge_base(project, one or "HEAD", other or "HEAD")
        return commit, f"{commit[:7]}, where {other or 'HEAD'} left {one or 'HEAD'}"
    commit = commit_of(project, revision)
    return commit, commit[:7] if commit.startswith(revision) else f"{revision} ({commit[:7]})"
