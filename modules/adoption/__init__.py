"""Adoption: what runs already becomes part of an environment: its YAML, and Terraform's states by import blocks."""

from __future__ import annotations

from modules.adoption.blocks import import_blocks
from modules.adoption.cluster import difference, read_cluster, refuse_another, write_cluster
from modules.adoption.declare import Adoption, adopt, write_adoption
from modules.adoption.found import FoundCluster
from modules.adoption.live import LiveCluster, LiveSubject, LiveTopic, read_live

__all__ = [
    "Adoption", "FoundCluster", "LiveCluster", "LiveSubject", "LiveTopic", "adopt", "difference", "import_blocks",
    "read_cluster", "read_live", "refuse_another", "write_adoption", "write_cluster",
]  # fmt: skip
