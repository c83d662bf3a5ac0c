"""A cluster that runs, in the words of an environment's YAML and of Terraform: what reading it comes to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

__all__ = ["FoundCluster", "Path", "Setting"]

Path = tuple[str, ...]


class Setting(NamedTuple):
    """A line of the YAML; `remark` is its comment. One that is `only_new` leaves alone what the file says already."""

    path: Path
    value: Any
    remark: str = ""
    only_new: bool = False


@dataclass(frozen=True)
class FoundCluster:
    """What was found.

    Attributes:
        id: as a person names it: `env-…/lkc-…`, an ARN.
        settings: what the YAML says of it, in the file's order.
        dropped: keys that a cluster of this kind does not take.
        imports: address in the cluster stack → id by which its provider imports it.
        objects: address → its attributes as the provider would read them, for a rehearsal.
        left: what is not taken over, or changes with the first deploy, and why.
    """

    platform: Literal["confluent", "msk"]
    id: str
    settings: tuple[Setting, ...]
    imports: Mapping[str, str]
    objects: Mapping[str, Mapping[str, Any]]
    dropped: tuple[Path, ...] = ()
    left: tuple[str, ...] = field(default=())
