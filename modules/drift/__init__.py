"""Drift: what was changed outside, is missing, or is there and nobody declared it; and both ways back.

find       a refresh-only plan and the services' own listings → a `DriftReport`
changes    Terraform's refresh-only plan as drift, in the YAML's words
kafka, warehouse    what is there and declared nowhere
ignored    what is left out: rules of the project, and the environment's own
history    when each drift was first seen, and whether it went away
adopt      the outside change into the YAML        revert    what a deploy has to plan for the way back
"""

from __future__ import annotations

from modules.drift.find import find_drift
from modules.drift.model import AttributeDrift, Drift, DriftReport, IgnoredDrift, Unlisted

__all__ = ["AttributeDrift", "Drift", "DriftReport", "IgnoredDrift", "Unlisted", "find_drift"]
