"""Workflows of a CI service, written into the user's repository from `templates/`; and what its runners may do in AWS.

Renders and answers; it calls no CI service. What the steps of a workflow do is in the commands they call.
"""

from __future__ import annotations

from modules.ci.comment import comment, marker
from modules.ci.pipeline import Options, Pipeline, Step, pipeline
from modules.ci.render import FORGES, render
from modules.ci.write import Written, write_workflows

__all__ = [
    "FORGES", "Options", "Pipeline", "Step", "Written", "comment", "marker", "pipeline", "render", "write_workflows",
]  # fmt: skip
