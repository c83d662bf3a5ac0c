"""Adoption: what runs already becomes part of an environment: its YAML, and Terraform's states by import blocks."""

from __future__ import annotations

from modules.adoption.blocks import import_blocks
from modules.adoption.declare import Adoption, adopt, write_adoption
from modules.adoption.live import LiveCluster, LiveSubject, LiveTopic, read_live

__all__ = [
    "Adoption", "LiveCluster", "LiveSubject", "LiveTopic", "adopt", "import_blocks", "read_live", "write_adoption",
]  # fmt: skip
