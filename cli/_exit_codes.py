"""What commands end with, as data: the reference prints it, and a test holds the programs against it."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["ALWAYS", "exit_codes"]

ALWAYS: Mapping[int, str] = {
    0: "done, nothing to report",
    1: "an error: what happened, where, and what to do is on stderr",
    130: "interrupted (Ctrl-C)",
}
"""Of every command, unless it says otherwise."""

_OF: Mapping[str, Mapping[int, str]] = {
    "plan": {
        0: "nothing would change, or the plan kept still holds (`--compare`)",
        2: "something would, or it does not",
    },
    "deploy": {4: "deployed, but `--smoke` missed an SLO; the way back is printed"},
    "drift": {0: "nothing was changed outside", 2: "something was"},
    "smoke": {0: "every SLO met, nothing lost", 4: "an SLO missed, not proven, or slower with `--fail-on-regression`"},
    "status": {0: "healthy", 5: "not healthy"},
    "connect status": {4: "a connector or a task does not run"},
    "cost": {3: "over the budget"},
    "cost compare": {3: "over the budget"},
    "cost diff": {3: "over the budget afterwards"},
    "cost whatif": {3: "over the budget afterwards"},
    "cost actual": {1: "an error, or figures are missing and `--strict` was given"},
    "cost advise": {1: "an error, or the advice could not be applied"},
    "import": {0: "nothing to take over, or it was written", 2: "something is there to take over"},
    "promote": {0: "nothing differs, or it was written", 2: "something differs"},
    "warehouse sql": {0: "nothing differs, or it was applied", 2: "statements are left to run"},
    "doctor": {1: "a check failed"},
    "demo": {1: "a step failed"},
    "produce": {1: "an error, or an event was not delivered"},
    "secrets check": {1: "a reference does not resolve, or a secret stands in a file in clear"},
    "providers check": {1: "a plugin is not locked, or not of a version that the stacks take"},
}


def exit_codes(command: str) -> dict[int, str]:
    """Exit code → what it says, of `cost diff`, say; what holds for every command is in it."""
    return dict(sorted({**ALWAYS, **_OF.get(command, {})}.items()))
