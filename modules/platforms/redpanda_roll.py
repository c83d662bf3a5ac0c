"""When one Redpanda broker may be replaced after another: the steps between two of them, as a pure state machine.

A broker that comes back with an empty disk joins under a new id, and the id it had before stays in the cluster as a
dead member that holds replicas. So before the next broker is touched: every broker there should be has joined, ids
whose broker came back under another are decommissioned, data has moved, and the cluster is healthy. A broker that
comes back with its disk (EC2) keeps its id, and only the health is waited for.

Nothing here talks to anyone: `redpanda_gate.py` fetches the views and carries out the steps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

__all__ = ["Broker", "ClearMaintenance", "Decommission", "Done", "Health", "Step", "View", "Wait", "next_step"]

_BLOCKING = ("unavailable", "full_acks_produce_unavailable")
"""Risks of `pre_restart_probe` that are waited out. `rf1_offline` and `acks1_data_loss` are what their topics chose."""


@dataclass(frozen=True)
class Broker:
    """A member as `GET /v1/brokers` lists it.

    Attributes:
        id: its node id; ids never return.
        address: its advertised RPC address, the stable name.
        alive: the others hear from it.
        draining: it is being decommissioned.
        maintenance: it gives its leaderships away.
    """

    id: int
    address: str
    alive: bool
    draining: bool = False
    maintenance: bool = False


@dataclass(frozen=True)
class Health:
    """`GET /v1/cluster/health_overview`, as far as it is looked at."""

    healthy: bool
    leaderless: int = 0
    under_replicated: int = 0
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class View:
    """What is known at one moment.

    Attributes:
        expected: addresses of the brokers there should be now.
        seeds: addresses of those that found the cluster together.
        brokers: members; None where no broker answers.
        health: None where no broker answers.
        ready: addresses of those that say of themselves that they serve.
        before: the broker that is to be touched next; None behind the last.
        risks: of `pre_restart_probe` of that broker: risk → partitions; None where it does not answer.
        leaving: addresses of brokers that are to be taken out for good.
    """

    expected: Sequence[str]
    seeds: Sequence[str]
    brokers: tuple[Broker, ...] | None
    health: Health | None
    ready: frozenset[str] = frozenset()
    before: str | None = None
    risks: Mapping[str, int] | None = None
    leaving: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True)
class Wait:
    """Nothing to do yet but to look again."""

    why: str


@dataclass(frozen=True)
class ClearMaintenance:
    """`DELETE /v1/brokers/{id}/maintenance`: the one place for it in a cluster must be free."""

    id: int


@dataclass(frozen=True)
class Decommission:
    """`PUT /v1/brokers/{id}/decommission`."""

    id: int
    why: str


@dataclass(frozen=True)
class Done:
    """The next broker may be touched. `sure`: no health was read, so there is nothing to look at twice."""

    why: str
    sure: bool = False


Step: TypeAlias = Wait | ClearMaintenance | Decommission | Done


def next_step(view: View) -> Step:
    """What to do now. The same view gives the same step, so a run that was broken off goes on where it was."""
    if forming := _forming(view):
        return forming
    if view.brokers is None or view.health is None:
        return Wait("no broker answers")
    for check in (_joined, _ghosts, _leaving, _still, _health, _restart):
        step = check(view, view.brokers, view.health)
        if step is not None:
            return step
    return Done("the cluster is whole")


def _forming(view: View) -> Step | None:
    """A cluster is founded by all its seeds together: until each has been started there is none to wait for."""
    started = set(view.expected)
    missing = [seed for seed in view.seeds if seed not in started]
    if missing and view.brokers is None:
        return Done(f"the cluster is not founded before {', '.join(missing)} is started", sure=True)
    return None


def _joined(view: View, brokers: tuple[Broker, ...], _health: Health) -> Step | None:
    alive = {broker.address for broker in brokers if broker.alive and not broker.draining}
    missing = [address for address in view.expected if address not in alive | view.leaving]
    if missing:
        return Wait(f"{', '.join(missing)} has not joined")
    # The others' word comes from a report that may be older than the restart; so each is asked itself.
    starting = [address for address in view.expected if address not in view.ready | view.leaving]
    return Wait(f"{', '.join(starting)} is starting") if starting else None


def _ghosts(view: View, brokers: tuple[Broker, ...], health: Health) -> Step | None:
    """Dead ids whose broker is back under a newer one, the oldest first and one at a time."""
    newest: dict[str, int] = {}
    for broker in brokers:
        if broker.alive and not broker.draining:
            newest[broker.address] = max(broker.id, newest.get(broker.address, -1))
    for ghost in sorted(brokers, key=lambda broker: broker.id):
        successor = newest.get(ghost.address, -1)
        if successor <= ghost.id:
            continue
        if ghost.alive:
            return Wait(f"{ghost.address} is back as id {successor}, id {ghost.id} is not given up by the others yet")
        if ghost.draining:
            return Wait(f"id {ghost.id} is being decommissioned: its replicas move")
        if health.leaderless:
            # Decommissioning it would give up what only it may have.
            return Wait(f"{health.leaderless} partitions have no leader; id {ghost.id} is kept until they do")
        if ghost.maintenance:
            return ClearMaintenance(ghost.id)
        return Decommission(ghost.id, f"{ghost.address} is back as id {successor}")
    return None


def _leaving(view: View, brokers: tuple[Broker, ...], _health: Health) -> Step | None:
    for broker in brokers:
        if broker.address in view.leaving:
            if broker.draining:
                return Wait(f"id {broker.id} is being decommissioned: its replicas move")
            if broker.maintenance:
                return ClearMaintenance(broker.id)
            return Decommission(broker.id, f"{broker.address} leaves for good")
    return None


def _still(view: View, brokers: tuple[Broker, ...], _health: Health) -> Step | None:
    """Nobody down, leaving or in maintenance besides."""
    for broker in brokers:
        if broker.draining:
            return Wait(f"id {broker.id} is being decommissioned: its replicas move")
        if not broker.alive:
            return Wait(f"id {broker.id} at {broker.address} is down, and no broker came back in its place")
        if broker.maintenance:
            return ClearMaintenance(broker.id)
    return None


def _health(view: View, _brokers: tuple[Broker, ...], health: Health) -> Step | None:
    wrong = []
    if health.leaderless:
        wrong.append(f"{health.leaderless} partitions without a leader")
    if health.under_replicated:
        wrong.append(f"{health.under_replicated} partitions with too few replicas")
    if wrong or not health.healthy:
        return Wait("the cluster is not healthy: " + (", ".join(wrong or health.reasons) or "it does not say why"))
    return None


def _restart(view: View, _brokers: tuple[Broker, ...], _health: Health) -> Step | None:
    if view.before is None or view.before not in view.expected:
        return None
    if view.risks is None:
        return Wait(f"{view.before} does not say whether it may be restarted")
    for risk in _BLOCKING:
        if view.risks.get(risk):
            return Wait(
                f"{view.before} cannot stop yet: {view.risks[risk]} partitions would be {risk.replace('_', ' ')}"
            )
    return None
