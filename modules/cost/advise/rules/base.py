"""What a rule is: a name, what it is about, and a function from an environment to changes that might save.

A rule does not say how much: each of its proposals is estimated. It does not check what the loader or the limits check
either; it names the risk, and what else has to be done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from modules.cost.advise.change import Edit, Files
from modules.cost.book import PriceBook
from modules.cost.report import Report
from modules.environment.model import Environment
from modules.environment.types import DurationValue

__all__ = ["Context", "Kind", "Proposal", "Rule", "minutes", "rule"]

Kind = Literal["setting", "statement", "move", "commitment"]
"""setting: a deploy makes it so. statement: the YAML only says it, somebody else has to make it so. move: another
cluster. commitment: a contract, no change of the YAML."""


@dataclass(frozen=True)
class Context:
    """All a rule may look at."""

    files: Files
    environment: Environment
    report: Report
    book: PriceBook
    region: str

    @property
    def peak_mb(self) -> Decimal:
        """MB/s at the peak, as they cross the network."""
        return self.report.usage.peak_bytes_per_second / 10**6

    def known(self, item: str) -> bool:
        """Whether the book has a price of an item here."""
        return item in self.book and self.book.price(item, self.region).known


@dataclass(frozen=True)
class Proposal:
    """A change that might save.

    Attributes:
        title: what to do, an imperative.
        edits: the change of the YAML; none for a commitment.
        risk: what may go wrong or get worse.
        also: what has to be done besides the YAML and a deploy.
        cautious: the same change, as it saves least (a smaller warehouse whose queries take twice as long).
        slows: whether rows may become visible later, which an SLO may forbid.
        range: for a commitment, what it saves at least and at most.
        option: for a move, where to (an id of `catalog.OPTIONS`).
        destroys: whether something that holds data goes away, which production protects; a move always does.
    """

    title: str
    edits: tuple[Edit, ...]
    risk: str
    kind: Kind = "setting"
    also: str = ""
    cautious: tuple[Edit, ...] = ()
    slows: bool = False
    range: tuple[Decimal, Decimal] | None = None
    sources: Sequence[str] = ()
    option: str = ""
    destroys: bool = False


@dataclass(frozen=True)
class Rule:
    """One kind of saving."""

    id: str
    about: str
    propose: Callable[[Context], Iterator[Proposal]]


def rule(id: str, about: str) -> Callable[[Callable[[Context], Iterator[Proposal]]], Rule]:
    """Make a function a rule."""

    def made(propose: Callable[[Context], Iterator[Proposal]]) -> Rule:
        return Rule(id, about, propose)

    return made


def minutes(count: int) -> DurationValue:
    return DurationValue(count * 60_000)
