"""The way back from drift: which addresses a deploy has to plan, and what it cannot take back. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from modules.drift.model import Drift, DriftReport

__all__ = ["WayBack", "way_back"]


@dataclass(frozen=True)
class WayBack:
    """Attributes:
    targets: `STACK:ADDRESS`, as `Deployment.plan` takes them.
    left: (what, why) of what is not taken back: what nobody declared, and what a service does not undo.
    """

    targets: tuple[str, ...] = ()
    left: tuple[tuple[str, str], ...] = ()


def way_back(report: DriftReport) -> WayBack:
    """Everything missing or changed; what nobody declared is never deleted, only its command is said."""
    targets: dict[str, None] = {}
    left: list[tuple[str, str]] = []
    for drift in report.drifts:
        if drift.kind == "unmanaged":
            left.append((drift.what, f"nobody declared it, so it is taken away by hand: {drift.by_hand}"))
            continue
        if _grown(drift):
            left.append((drift.what, "Kafka takes no partitions back; adopt them"))
            continue
        for address in (drift.address, *drift.with_it):
            targets[f"{drift.stack}:{address}"] = None
    return WayBack(tuple(targets), tuple(left))


def _grown(drift: Drift) -> bool:
    return any(
        each.path in ("partitions", "partitions_count") and int(each.after or 0) > int(each.before or 0)
        for each in drift.attributes
    )
