"""What MSK would refuse, or take and leave an environment unsafe, found before anything is asked of it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from modules.environment import msk_limits as limits
from modules.environment.document import Problem

if TYPE_CHECKING:
    from modules.environment.explain import Positions
    from modules.environment.model import Environment
    from modules.environment.msk import Msk

__all__ = ["check"]

_Say = Callable[..., Problem]
"""`say("message", "msk", "region")`: a problem at that key."""

_ARN = re.compile(r"arn:aws:(iam|sts)::[0-9]{12}:(root|(user|role|assumed-role)/\S+)")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def check(environment: Environment, positions: Positions) -> Iterator[Problem]:
    """Every problem with the environment's MSK, each at its line."""

    def say(message: str, *path: object) -> Problem:
        return Problem(positions.at(*path), ".".join(str(each) for each in path if isinstance(each, str)), message)

    def written(*path: str) -> bool:
        return positions.node(*path) is not None

    msk = environment.msk
    yield from _region(msk, say)
    yield from _zones(environment, say, written)
    if msk.mode == "serverless":
        yield from _serverless(msk, say, written)
    else:
        yield from _brokers(environment, say)
        yield from _version(msk, say)
        yield from _disks(environment, say, written)
    yield from _partitions(environment, say)
    yield from _topics(environment, say)
    yield from _registry(environment, say, written)
    if msk.adopted and not environment.network.vpc_id:
        message = (
            "a cluster that was there is in a VPC that was there: write `vpc_id` and `subnet_ids` under `network:`"
        )
        yield say(message, "msk", "adopted")
    for field, pattern, what in (("trusted", _ARN, "IAM ARN (`arn:aws:iam::…`)"), ("alarm_emails", _EMAIL, "address")):
        for number, value in enumerate(getattr(msk, field)):
            if not pattern.fullmatch(value):
                yield say(f"'{value}' is no {what}", "msk", field, number)


def _close(given: str, known: Iterable[str]) -> str:
    found = difflib.get_close_matches(given, list(known), n=1, cutoff=0.6)
    return f"; did you mean `{found[0]}`?" if found else ""


def _region(msk: Msk, say: _Say) -> Iterator[Problem]:
    known = limits.SERVERLESS_REGIONS if msk.mode == "serverless" else limits.REGIONS
    if msk.region in known:
        return
    what = "MSK Serverless" if msk.mode == "serverless" else "MSK"
    hint = _close(msk.region, known) or f"; regions are {', '.join(known)}"
    yield say(f"{what} is not in region `{msk.region}` (AWS's list of {limits.READ}){hint}", "msk", "region")


def _zones(environment: Environment, say: _Say, written: Callable[..., bool]) -> Iterator[Problem]:
    msk, zones = environment.msk, environment.network.zones
    allowed = (2,) if msk.region in limits.TWO_ZONES_ONLY else limits.ZONES[msk.mode]
    if zones not in allowed:
        where = f" in {msk.region}" if msk.region in limits.TWO_ZONES_ONLY else ""
        words = " or ".join(map(str, allowed))
        at = ("msk", "region") if where and not written("network", "zones") else ("network", "zones")
        yield say(f"MSK {msk.mode}{where} takes {words} zones, not {zones}", *at)
    elif environment.production and zones < 3:
        yield say(f"production spreads its brokers over 3 zones, not {zones}", "network", "zones")


def _serverless(msk: Msk, say: _Say, written: Callable[..., bool]) -> Iterator[Problem]:
    if msk.authentication == "scram":
        yield say(
            "serverless takes no other login than `iam`; write that, or take the line out", "msk", "authentication"
        )
    for key in ("broker_type", "brokers", "kafka_version", "storage_per_broker", "storage_ceiling"):
        if written("msk", key):
            yield say("serverless has no brokers to choose; take the line out", "msk", key)


def _brokers(environment: Environment, say: _Say) -> Iterator[Problem]:
    msk, zones = environment.msk, environment.network.zones
    types = limits.BROKERS[msk.mode]
    if msk.broker_type not in types:
        other = next((mode for mode, its in limits.BROKERS.items() if msk.broker_type in its), None)
        if other:
            start = "kafka." if msk.mode == "provisioned" else "express."
            message = f"`{msk.broker_type}` is a broker of mode {other}; {msk.mode} takes {start}…"
        else:
            hint = _close(msk.broker_type, types) or f"; there are {', '.join(types)}"
            message = f"MSK {msk.mode} has no broker type `{msk.broker_type}`{hint}"
        yield say(message, "msk", "broker_type")
    if msk.brokers % zones or msk.brokers < zones:
        below, above = msk.brokers // zones * zones, -(-msk.brokers // zones) * zones
        words = f"{below} or {above}" if below else str(above)
        yield say(
            f"{_count(msk.brokers, 'broker')} over {zones} zones: each zone needs as many; write {words}",
            "msk", "brokers",
        )  # fmt: skip
    elif environment.production and msk.brokers < 3:
        yield say(f"production keeps three copies, so it needs 3 brokers or more, not {msk.brokers}", "msk", "brokers")


def _version(msk: Msk, say: _Say) -> Iterator[Problem]:
    known = limits.VERSIONS[msk.mode]
    if msk.version not in known and not msk.adopted:  # an older one goes on to run
        hint = _close(msk.version, known) or ""
        words = ", ".join(known)
        yield say(
            f"MSK {msk.mode} runs {words} (read {limits.READ}), not `{msk.version}`{hint}", "msk", "kafka_version"
        )
    elif msk.broker_type == "kafka.t3.small" and msk.version.endswith(".kraft"):
        yield say(
            "kafka.t3.small cannot run KRaft; write a larger type, or `kafka_version: 3.9.x`", "msk", "broker_type"
        )


def _disks(environment: Environment, say: _Say, written: Callable[..., bool]) -> Iterator[Problem]:
    from modules.environment.msk import GIB, storage_ceiling_gib, storage_gib

    msk = environment.msk
    if msk.mode == "express":
        for key in ("storage_per_broker", "storage_ceiling"):
            if written("msk", key):
                yield say("Express keeps the data itself and has no disks to size; take the line out", "msk", key)
        return
    start, ceiling, largest = storage_gib(environment), storage_ceiling_gib(environment), limits.LARGEST_DISK // GIB
    if start > largest:
        at = "storage_per_broker" if msk.storage_per_broker else "brokers"
        yield say(f"{start:,} GiB a broker; MSK provisions at most {largest:,}: more brokers, or Express", "msk", at)
    elif ceiling > largest:
        yield say(f"a disk grows to {largest:,} GiB at most, not {ceiling:,}", "msk", "storage_ceiling")
    elif ceiling < start:
        yield say(
            f"the ceiling of {ceiling:,} GiB is below the {start:,} GiB a disk starts with", "msk", "storage_ceiling"
        )


def _partitions(environment: Environment, say: _Say) -> Iterator[Problem]:
    msk = environment.msk
    leaders = copies = 0
    for name, topic in environment.topics.items():
        count = topic.partitions + (1 if topic.dead_letter_of(name) else 0)
        leaders += count
        copies += count * environment.replication(name)
    if msk.mode == "serverless":
        if leaders > limits.SERVERLESS_PARTITIONS:
            most = limits.SERVERLESS_PARTITIONS
            yield say(f"{leaders:,} partitions; MSK Serverless takes {most:,}: fewer, or another `mode`", "topics")
        return
    most = limits.BROKERS[msk.mode].get(msk.broker_type, 0)
    each = -(-copies // msk.brokers)
    if most and each > most:
        yield say(
            f"{copies:,} partition copies are {each:,} a broker; {msk.broker_type} takes {most:,}: "
            f"{-(-copies // most)} brokers or more, a larger type, or fewer partitions",
            "topics",
        )


def _topics(environment: Environment, say: _Say) -> Iterator[Problem]:
    mode = environment.msk.mode
    allowed, fixed = limits.TOPIC_SETTINGS.get(mode), limits.FIXED_SETTINGS.get(mode, {})
    for name, topic in environment.topics.items():
        for key, value in topic.config.items():
            path = ("topics", name, "config", key)
            if key in fixed:
                yield say(f"MSK {mode} fixes this at {fixed[key]}; take the line out", *path)
            elif allowed is not None and key not in allowed:
                yield say(f"MSK {mode} does not take this setting; it takes {', '.join(sorted(allowed))}", *path)
            elif environment.production and key == "min.insync.replicas" and value == "1":
                yield say("production acknowledges nothing that only one broker has; write 2, or leave it out", *path)
        if environment.production and (topic.replication or 3) < 3:
            yield say(f"production keeps three copies, not {topic.replication}", "topics", name, "replication")


def _registry(environment: Environment, say: _Say, written: Callable[..., bool]) -> Iterator[Problem]:
    registry, network = environment.msk.registry, environment.network
    if registry.kind != "glue" and registry.registry_name is not None:
        yield say("is for `kind: glue`", "msk", "registry", "registry_name")
    if registry.kind == "external":
        if registry.url is None:
            yield say("an external registry needs its `url`", "msk", "registry")
        elif environment.production and registry.url.startswith("http:"):
            yield say("production reaches its registry by https", "msk", "registry", "url")
        return
    for key in ("url", "credentials"):
        if getattr(registry, key) is not None:
            yield say("is for `kind: external`; the registry made here has its own", "msk", "registry", key)
    if registry.kind == "glue":
        yield from _glue(environment, say, written)
        return
    if registry.image.endswith(":latest"):
        yield say("`latest` is another image tomorrow; pin a version or a digest", "msk", "registry", "image")
    if environment.production and network.domain is None:
        yield say(
            "production's registry answers by TLS, so its load balancer needs a name: write `domain` and `zone_id` "
            "under `network:`, or `kind: external`",
            *(("msk", "registry") if written("msk", "registry") else ("production",)),
        )


def _glue(environment: Environment, say: _Say, written: Callable[..., bool]) -> Iterator[Problem]:
    for key in ("image", "tasks", "database"):
        if written("msk", "registry", key):
            yield say("is for `kind: apicurio`; Glue runs nothing of yours", "msk", "registry", key)
    for name, topic in environment.topics.items():
        if topic.value and topic.value.references:
            yield say(
                "Glue has no schemas that refer to others; define the types in the schema itself, or take another "
                "`msk.registry.kind`",
                "topics", name, "value", "references",
            )  # fmt: skip


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
