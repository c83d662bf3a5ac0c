"""What guards need beside the plan: the expected month, and which provider plugins made it of which versions.

The edge of this package: reads price files, lock files, provider snapshots and git; runs nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from modules.deployed import last_deployed
from modules.environment import Environment, load_environment
from modules.errors import InfraError
from modules.guards.facts import Cost
from modules.project import Project
from modules.resources.snapshot import PROVIDERS, snapshot
from modules.revisions import at_revision
from modules.terraform.lockfile import Locked, lock_path, parse_lock, provider_address, read_lock

__all__ = ["cost_of", "locked", "reviewed_versions"]


def cost_of(environment: Environment, project: Project, base: Environment | None = None) -> Cost:
    """The month after the change, and before it: as `base`, else as the last deploy from here had it."""
    from modules.cost.overlay import project_book
    from modules.cost.report import report

    before, label = _before(environment, project, base)
    if environment.budget is None and before is None:
        return Cost()  # there is nothing to hold it against
    try:
        book = project_book(project)
        made = report(environment, book)
        earlier = report(before, book) if before is not None else None
    except InfraError as error:
        return Cost(problem=error.what)
    budget = made.budget
    return Cost(
        known=made.total.least,
        unknown=made.total.unknown,
        currency=book.currency,
        monthly=budget.monthly if budget else None,
        over=budget is not None and budget.over,
        maybe=budget is not None and budget.maybe,
        before=earlier.total.least if earlier else None,
        before_unknown=earlier.total.unknown if earlier else 0,
        before_label=label,
    )


def _before(environment: Environment, project: Project, base: Environment | None) -> tuple[Environment | None, str]:
    if base is not None:
        return base, "base"
    deployed = last_deployed(project, environment.name)
    if deployed is None or deployed.revision is None or deployed.changed:
        return None, ""  # files that were not committed are nowhere any more
    try:
        with at_revision(project, deployed.revision) as then:
            return load_environment(then, environment.name), f"deployed {deployed.at[:10]}"
    except InfraError:
        return None, ""  # not in this clone, or in a form that no longer loads


def locked(
    project: Project, environment: str, stacks: Sequence[str], locks: Mapping[str, bytes] | None = None
) -> tuple[tuple[str, str, str], ...]:
    """(stack, source, version) as `terraform init` chose them in the working folders; a source is `hashicorp/aws`.

    Args:
        locks: those that a kept plan was made with, by stack: what lies in the folders here is another plan's then.

    Raises:
        PlanError: a lock file is malformed.
    """
    folder = project.environment_state(environment)

    def of(stack: str) -> Mapping[str, Locked]:
        if locks is None:
            return read_lock(folder / stack / ".terraform.lock.hcl")
        text = locks.get(stack, b"").decode(errors="replace")
        return parse_lock(text, f"the plan's lock of stack {stack}")

    return tuple((stack, _short(address), each.version) for stack in stacks for address, each in of(stack).items())


def reviewed_versions(project: Project, environment: Environment) -> dict[str, frozenset[str]]:
    """Versions that somebody looked at: those the stacks are written for, the committed lock's, and the YAML's.

    Raises:
        PlanError: the committed lock file is malformed.
    """
    found: dict[str, set[str]] = {}
    for name in PROVIDERS:
        found.setdefault(_short(snapshot(name)["source"]), set()).add(str(snapshot(name)["version"]))
    for address, each in read_lock(lock_path(project.environments, environment.name)).items():
        found.setdefault(_short(address), set()).add(each.version)
    for source, allowed in environment.guards.provider_versions.allow.items():
        found.setdefault(_short(source), set()).update(allowed)
    return {source: frozenset(versions) for source, versions in found.items()}


def _short(source: str) -> str:
    """The source as people write it: without Terraform's own registry, in lower case."""
    return provider_address(source).removeprefix("registry.terraform.io/")
