"""All rules, one file a subject. To add one: a function with `@rule` in one of them, and a test."""

from __future__ import annotations

from modules.cost.advise.rules.base import Context, Proposal, Rule
from modules.cost.advise.rules.clusters import CLUSTERS
from modules.cost.advise.rules.commitments import COMMITMENTS, NEGOTIATED
from modules.cost.advise.rules.connectors import CONNECTORS
from modules.cost.advise.rules.data import DATA
from modules.cost.advise.rules.moves import MOVES
from modules.cost.advise.rules.readers import READERS

__all__ = ["NEGOTIATED", "RULES", "Context", "Proposal", "Rule"]

RULES: tuple[Rule, ...] = (*READERS, *DATA, *CLUSTERS, *CONNECTORS, *MOVES, *COMMITMENTS)
