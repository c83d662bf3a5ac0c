"""Says who makes the Snowflake estate where that is not Terraform, and checks that it is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cli._output import note
from modules.errors import ApplyError, InfraError, SecretError, ServiceError

if TYPE_CHECKING:
    from cli._deployment import Target
    from modules.warehouse.sql import Difference

__all__ = ["require_estate", "say_who_makes_the_estate"]


def say_who_makes_the_estate(target: Target) -> None:
    """One line: what applies the estate, and how the account stands; nothing with engine `terraform`."""
    engine, command = _engine(target)
    if engine == "terraform":
        return
    where = f"{target.environment.source}: warehouse.engine is `{engine}`"
    if target.offline:
        note(f"{where}: the estate is applied by {command}, not by Terraform; not looked at in a rehearsal")
        return
    try:
        found = _compare(target)
    except InfraError as error:
        note(f"{where}: the estate is applied by {command}; whether it is there is not known: {error.what}")
        return
    if not found.statements:
        note(f"{where}: the estate is applied by {command}, and is as declared")
        return
    note(f"{where}: {len(found.statements)} differences from what is declared; they are applied by {command}")


def require_estate(target: Target) -> None:
    """Before an apply: what the other stacks build on must be there.

    Raises:
        ApplyError: something that is declared is missing; what is only otherwise than declared does not stop a deploy.
    """
    engine, command = _engine(target)
    if engine == "terraform" or target.offline:
        return
    try:
        found = _compare(target)
    except (SecretError, ServiceError):
        return  # said with the plan: who deploys need not be able to log in to Snowflake
    missing = [each for each in found.safe if each.sql.startswith(("CREATE ", "GRANT "))]
    if missing:
        raise ApplyError(
            f"the Snowflake estate is not complete: objects and grants missing: {len(missing)}, "
            f"the first: {missing[0].about}",
            where=f"{target.environment.source}: warehouse.engine is `{engine}`",
            do=f"run {command} first, then deploy again",
        )


def _engine(target: Target) -> tuple[str, str]:
    """The engine, and the command that applies the estate with it."""
    engine = target.environment.warehouse.engine
    name = target.environment.name
    if engine == "pulumi":
        return engine, f"`pulumi up` in what `infra warehouse pulumi --env {name}` writes"
    return engine, f"`infra warehouse sql --env {name} --apply`"


def _compare(target: Target) -> Difference:
    from modules.warehouse.sql import compare

    return compare(target.environment, target.project, target.platform)
