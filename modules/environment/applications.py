"""Applications: who produces to and consumes from an environment's topics, each in a file its team owns.

`environments/applications/<name>.yaml` is one application in every environment, or in those it names. Here is what
such a file says and what would be wrong with it beside the environment's topics; reading the files is `loader.py`'s
work, and what an application's rights amount to is decided in `modules/topics`.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from itertools import combinations
from typing import TYPE_CHECKING

from pydantic import Field

from modules.environment.section import Section
from modules.environment.types import DataRate

if TYPE_CHECKING:
    from modules.environment.document import Problem
    from modules.environment.explain import Positions
    from modules.environment.model import Environment

__all__ = ["FOLDER", "LEAST", "Application", "Quota", "check", "name_problem"]

FOLDER = "applications"
"""Below environments/."""

LEAST = "`produces: [<topic>]` or `consumes: [<topic>]`"
"""What a file cannot do without."""

_NAME = re.compile(r"[a-z]([a-z0-9-]*[a-z0-9])?")
_NAME_LENGTH = 32
"""So that `<project>-<environment>-…-<name>` stays readable within 64 characters, the shortest limit of a service."""

RESERVED = (
    "admin", "connector", "consumer", "controller", "deployer", "producer", "registry", "registry-admin",
    "registry-database", "sink",
)  # fmt: skip
"""Roles that every environment has, and logins of the platforms themselves."""

_RESERVED_PREFIXES = ("kafka-", "redpanda-", "source-", "amazonmsk")
_RESERVED_SUFFIX = "-registry"
_PREFIX = re.compile(r"[a-zA-Z0-9._-]+")


class Quota(Section):
    """The most an application may send and read, over all brokers."""

    produce: DataRate | None = Field(None, description="What it may send; default: not limited.")
    consume: DataRate | None = Field(None, description="What it may read; default: not limited.")


class Application(Section):
    """One application, with a principal and credentials of its own."""

    description: str | None = Field(None, description="What it does.", min_length=1)
    owner: str | None = Field(None, description="The team to ask.", min_length=1)
    produces: list[str] = Field(default_factory=list, description="Topics it writes.")
    consumes: list[str] = Field(default_factory=list, description="Topics it reads, dead letters included.")
    groups: list[str] = Field(
        default_factory=list, description="What names of its consumer groups begin with; default: `<name>-`."
    )
    quota: Quota = Field(Quota(), description="The most it may send and read, over all brokers.")
    environments: list[str] = Field(default_factory=list, description="Where it runs; default: in all of them.")

    def group_prefixes(self, name: str) -> list[str]:
        """What its groups' names begin with, given its own name; none if it reads nothing."""
        return (self.groups or [f"{name}-"]) if self.consumes else []


def name_problem(name: str) -> str | None:
    """Why an application cannot have this name; None if it can."""
    if name in RESERVED:
        return f"`{name}` is a role that every environment has; choose another name for the file"
    if name.startswith(_RESERVED_PREFIXES) or name.endswith(_RESERVED_SUFFIX):
        return f"names like `{name}` are taken (`kafka-…`, `redpanda-…`, `source-…`, `…-registry`); choose another one"
    if len(name) > _NAME_LENGTH:
        return f"the application's name has {len(name)} characters; services leave room for {_NAME_LENGTH}"
    if not _NAME.fullmatch(name):
        return "an application is named with lower-case letters, digits and `-`, a letter first; rename the file"
    if re.search(r"-[0-9]+$", name):
        return "an application's name does not end in `-` and a number, as parts of other names do; rename the file"
    return None


def check(environment: Environment, positions: Positions) -> Iterator[Problem]:
    """What is wrong with the applications that take part in an environment."""
    for name in environment.applications:
        yield from _Checked(environment, positions, name).problems()
    yield from _overlaps(environment, positions)


class _Checked:
    """One application beside its environment."""

    def __init__(self, environment: Environment, positions: Positions, name: str) -> None:
        self._environment = environment
        self._positions = positions
        self._name = name
        self._application = environment.applications[name]

    def problems(self) -> Iterator[Problem]:
        its = self._application
        if not its.produces and not its.consumes and not self._written("produces", "consumes"):
            yield self._problem(f"it neither produces nor consumes; write {LEAST}")
        yield from self._topics()
        yield from self._groups()
        yield from self._quotas()

    def _written(self, *keys: str) -> bool:
        """Whether something is written there, though it was refused."""
        nodes = [self._positions.node(FOLDER, self._name, key) for key in keys]
        return any(getattr(node, "items", getattr(node, "text", "")) for node in nodes if node is not None)

    def _topics(self) -> Iterator[Problem]:
        topics = self._environment.topics
        dead = {dead for name, topic in topics.items() if (dead := topic.dead_letter_of(name))}
        for key, known in (("produces", set(topics)), ("consumes", {*topics, *dead})):
            given: list[str] = getattr(self._application, key)
            for number, topic in enumerate(given):
                if topic in given[:number]:
                    yield self._problem(f"`{topic}` is there twice; keep one", key, number)
                elif topic in known:
                    continue
                elif topic in dead:
                    yield self._problem(f"only the sink writes dead letters to `{topic}`; it may be read", key, number)
                else:
                    yield self._problem(f"there is no topic `{topic}`{_closest(topic, known)}", key, number)

    def _groups(self) -> Iterator[Problem]:
        its = self._application
        if its.groups and not its.consumes and not self._written("consumes"):
            yield self._problem("groups are for reading, and it consumes nothing; take them out", "groups")
        for number, prefix in enumerate(its.groups):
            if not prefix:
                yield self._problem("an empty beginning is that of every group; write one, as `billing-`", "groups", 0)
            elif not _PREFIX.fullmatch(prefix):
                bad = "".join(sorted(set(re.sub(_PREFIX, "", prefix))))
                message = f"{bad!r} is not allowed in '{prefix}'; use letters, digits, `.`, `_` and `-`"
                yield self._problem(message, "groups", number)

    def _quotas(self) -> Iterator[Problem]:
        its = self._application
        for key, used in (("produce", its.produces), ("consume", its.consumes)):
            rate = getattr(its.quota, key)
            if rate is None:
                continue
            if not used and not self._written(f"{key}s"):
                yield self._problem(f"it {key}s nothing, so there is nothing to limit; take it out", "quota", key)
            elif rate.bytes_per_second < 1:
                yield self._problem(f"{rate} is less than a byte a second: nothing would pass", "quota", key)

    def _problem(self, message: str, *at: str | int) -> Problem:
        return _problem(self._positions, message, self._name, *at)


def _overlaps(environment: Environment, positions: Positions) -> Iterator[Problem]:
    """Groups that another one could join: it would take its partitions, and move its offsets."""
    claimed = {
        name: [(number, each) for number, each in enumerate(its.group_prefixes(name)) if each]
        for name, its in environment.applications.items()
    }
    for (one, mine), (other, theirs) in combinations(claimed.items(), 2):
        for _, prefix in mine:
            for number, against in theirs:
                if prefix.startswith(against) or against.startswith(prefix):
                    message = (
                        f"groups `{against}…` and `{prefix}…` of `{one}` overlap: one could join the other's group"
                    )
                    yield _problem(positions, message, other, "groups", number)
    for name, prefixes in claimed.items():
        for number, prefix in prefixes:
            for group, whose, exact in _groups_of_roles(environment):
                if group.startswith(prefix) or (not exact and prefix.startswith(group)):
                    message = (
                        f"groups `{prefix}…` overlap with `{group}{'' if exact else '…'}` of the {whose}; {_OTHER}"
                    )
                    yield _problem(positions, message, name, "groups", number)


_OTHER = "write others under `groups`"


def _groups_of_roles(environment: Environment) -> Iterator[tuple[str, str, bool]]:
    """Groups of the roles that every environment has: name, role, and whether it is the whole name."""
    # As `modules/topics/specs.py` gives them their rights; the model knows nothing of topics' rights.
    for name, topic in environment.topics.items():
        yield f"{name}-", "consumer", False
        if topic.sink:
            yield f"sink-{name}", "sink", True
    if environment.connect.kind == "managed":
        yield "connect-", "managed connector", False


def _problem(positions: Positions, message: str, name: str, *at: str | int) -> Problem:
    from modules.environment.document import Problem

    return Problem(positions.at(FOLDER, name, *at), ".".join(str(key) for key in (FOLDER, name, *at)), message)


def _closest(name: str, known: set[str]) -> str:
    close = difflib.get_close_matches(name, sorted(known), n=1)
    if close:
        return f"; did you mean `{close[0]}`?"
    return f"; there are {', '.join(sorted(known))}" if known else "; the environment has none"
