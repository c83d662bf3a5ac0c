"""A plan as a team reads it: what is lost, what changes, what it costs, who may do more.

For a terminal, a program and a pull request. Nothing here runs Terraform or decides; the guards and the reviews do."""

from __future__ import annotations

from modules.summary.gather import bare, summarise
from modules.summary.model import Base, BaseSchema, Summary

__all__ = ["Base", "BaseSchema", "Summary", "bare", "summarise"]
