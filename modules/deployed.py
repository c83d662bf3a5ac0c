"""Which git revision of `environments/` each deploy came from, and so how to go back to the one before.

Kept beside the states that Terraform makes: in the environment's folder, or in the bucket that a team shares. Nothing
is undone here: going back is a deploy of what was there before, with its own plan.
"""

from __future__ import annotations

import contextlib
import json
import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from modules.errors import ConfigError, StateError
from modules.project import Project
from modules.revisions import current

if TYPE_CHECKING:
    from modules.terraform.s3 import S3Backend

__all__ = ["Deployed", "last_deployed", "new_backups", "record_deploy", "way_back"]

_FILE = "deployed.json"
_KEPT = 20


@dataclass(frozen=True)
class Deployed:
    """One deploy that went through."""

    at: str
    revision: str | None
    """The commit that was checked out; None: no git repository."""
    changed: bool
    """Whether files in `environments/` differed from that commit."""


def last_deployed(project: Project, environment: str) -> Deployed | None:
    """The newest deploy from here; None where none is known."""
    found = _read(project, environment)
    return found[-1] if found else None


def record_deploy(project: Project, environment: str) -> None:
    """Remember that what is in the work tree is deployed now."""
    try:
        revision, changed = current(project)
    except ConfigError:
        revision, changed = None, False
    now = Deployed(datetime.now(UTC).isoformat(timespec="seconds"), revision, changed)
    kept = [*_read(project, environment), now][-_KEPT:]
    content = json.dumps([asdict(each) for each in kept], indent=2)
    store = _store(project, environment)
    if store is not None:
        with contextlib.suppress(StateError):  # what was deployed is deployed
            store.keep(_FILE, content.encode())
    path = project.environment_state(environment) / _FILE
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    staged = path.with_suffix(".new")
    staged.write_text(content)
    staged.replace(path)


def new_backups(project: Project, environment: str, since: float) -> Mapping[str, str]:
    """Stack → where its state is as it was before a deploy that began at `since` (seconds since 1970): a file, or the
    command that puts a version of the bucket back.

    Raises:
        StateError: the bucket cannot be asked.
    """
    store = _store(project, environment)
    if store is not None:
        versions = {stack: store.before(stack, since) for stack in store.stacks()}
        command = f"--env {shlex.quote(environment)}"
        return {
            stack: f"`infra state restore {stack} {version} {command}` puts it back"
            for stack, version in versions.items()
            if version
        }
    from modules.terraform.copies import AFTER

    found = sorted(project.environment_state(environment).glob("*/backups/*.tfstate"))
    first: dict[str, str] = {}
    for path in found:
        if path.stat().st_mtime >= since and not path.name.endswith(AFTER):
            first.setdefault(path.parent.parent.name, str(path))
    return first


def way_back(
    project: Project, environment: str, before: Deployed | None, backups: Mapping[str, str]
) -> tuple[str, ...]:
    """Lines for a person: the command that deploys the earlier revision, and where the earlier states are.

    Args:
        before: the deploy before the one that is to be undone.
    """
    deploy = f"infra deploy --env {shlex.quote(environment)}"
    lines = [_command(before, deploy)]
    if before is not None and before.changed:
        lines.append("that deploy had changes in environments/ which were not committed: bring them back as well")
    lines += [f"state of {stack} before: {path}" for stack, path in backups.items()]
    if not backups:
        lines.append("no state was changed by this deploy")
    return tuple(lines)


def _command(before: Deployed | None, deploy: str) -> str:
    if before is None:
        return f"nothing was deployed from here before: `{deploy.replace('deploy', 'destroy', 1)}` takes it away again"
    if before.revision is None:
        return f"to go back, put environments/ as it was on {before.at} (no git repository is here), then: {deploy}"
    checkout = f"git checkout {before.revision[:12]} -- environments"
    return f"to go back to what was deployed on {before.at}: {checkout} && {deploy}"


def _read(project: Project, environment: str) -> list[Deployed]:
    store = _store(project, environment)
    try:
        if store is not None:
            content = store.kept(_FILE) or b"[]"
        else:
            content = (project.environment_state(environment) / _FILE).read_bytes()
        return [Deployed(**each) for each in json.loads(content)]
    except (OSError, ValueError, TypeError, StateError):
        return []


def _store(project: Project, environment: str) -> S3Backend | None:
    """The bucket, where the states are in one."""
    from modules.terraform.s3 import S3Backend
    from modules.terraform.snapshots import mounted

    found = mounted(project.environment_state(environment))
    return found if isinstance(found, S3Backend) else None
