"""What an EC2 machine carries for as long as one likes: its network's and its EBS link's baseline. Bursts are not here.

Sources: Amazon EC2 User Guide, "Network specifications" and "Amazon EBS-optimized instance types", read 2026-11. MSK's
brokers run on the machines they are named after (AWS Big Data Blog, "Best practices for right-sizing your Apache Kafka
clusters", 2022-03, which sizes them so). Machines that are not here are not checked.
"""

from __future__ import annotations

from decimal import Decimal

__all__ = ["Baseline", "baseline"]

Baseline = tuple[Decimal, Decimal]
"""Bytes/s of the network, each way, and of the link to EBS."""

_SIZES = ("large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "12xlarge", "16xlarge")
_NETWORK = {
    "m5": (750, 1_250, 2_500, 5_000, 10_000, 12_000, 20_000),
    "7g": (937, 1_876, 3_750, 7_500, 15_000, 22_500, 30_000),
}
_EBS = {
    "m5": (650, 1_150, 2_300, 4_750, 6_800, 9_500, 13_600),
    "7g": (630, 1_250, 2_500, 5_000, 10_000, 15_000, 20_000),
}
"""Mbit/s by size; the families c7g, m7g and r7g have the same."""

_OTHERS = {"t3.small": (128, 174), "m5.24xlarge": (25_000, 19_000)}


def baseline(machine: str) -> Baseline | None:
    """Of `m7g.large` or `kafka.m7g.large`; None where it is not known here."""
    name = machine.removeprefix("kafka.")
    family, _, size = name.partition(".")
    kind = "7g" if family in ("c7g", "m7g", "r7g") else family
    if name in _OTHERS:
        network, ebs = _OTHERS[name]
    elif kind in _NETWORK and size in _SIZES:
        at = _SIZES.index(size)
        network, ebs = _NETWORK[kind][at], _EBS[kind][at]
    else:
        return None
    return Decimal(network) * 125_000, Decimal(ebs) * 125_000
