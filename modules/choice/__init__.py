"""Choosing a platform: every option's price beside what it asks of those who run it."""

from __future__ import annotations

from modules.choice.decision import Choice, Decision, decide
from modules.choice.lacks import lacks

__all__ = ["Choice", "Decision", "decide", "lacks"]
