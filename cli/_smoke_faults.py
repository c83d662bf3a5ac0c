"""`--fault`: which function breaks what, on a laptop alone."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modules.environment import Environment
    from modules.project import Project
    from modules.smoke import LoadPlan
    from modules.smoke.faults import Rehearsal

__all__ = ["rehearsal_of"]


def rehearsal_of(text: str | None, plan: LoadPlan, environment: Environment, project: Project) -> Rehearsal | None:
    """The rehearsal that `--fault` asks for; nothing is broken yet.

    Raises:
        ConfigError: not a laptop, no such fault, or the run does not last so long.
        LocalError: what is to break does not run.
    """
    if text is None:
        return None
    from modules.environment.connect import kind_of
    from modules.errors import ConfigError
    from modules.local.faults import breaking
    from modules.smoke.faults import Rehearsal, parse_fault

    fault = parse_fault(text, plan)
    if environment.platform != "local":
        raise ConfigError(
            f"{fault.name} is rehearsed on the local platform only; {environment.name} is on {environment.platform}",
            where="--fault",
            do=f"infra smoke --env local --fault {text}",
        )
    if fault.name == "sink-kill" and kind_of(environment) != "sink":
        raise ConfigError(
            f"in {environment.name} a connector carries the events, so there is no sink to kill",
            where="--fault",
            do="set `connect: {kind: sink}`, or choose another fault",
        )
    # Asked to end (SIGTERM) it must mend what it broke, as after Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    return Rehearsal(fault, breaking(project, environment, fault.name))
