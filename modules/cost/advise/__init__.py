"""Concrete savings of one environment: each a change of its YAML, re-estimated, with its amount and its risk in words.

`rules/` proposes (one small function a rule), `engine.py` tries each proposal on the environment as the loader would
read it and keeps what saves, `change.py` knows where a change is written. A proposal that the environment's checks
refuse, or that the workload would not fit, is dropped: nothing is advised that could not be deployed.
"""

from __future__ import annotations

from modules.cost.advise.engine import Advice, Combination, Saving, advise
from modules.cost.advise.rules import RULES, Proposal, Rule

__all__ = ["RULES", "Advice", "Combination", "Proposal", "Rule", "Saving", "advise"]
