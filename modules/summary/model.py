"""What a summary is made of.

Records only: `gather.py` fills them; `text.py`, `markdown.py` and `document.py` show them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from modules.environment.model import Environment
from modules.terraform.plan import AttributeChange, Change, EnvironmentPlan, Kind

if TYPE_CHECKING:
    from modules.cost.diff import Diff
    from modules.cost.lines import Total
    from modules.guards.result import GuardReport

__all__ = [
    "Base", "BaseSchema", "CostPart", "Entry", "Right", "SchemaCheck", "Summary", "UnknownRights", "Verdict",
]  # fmt: skip

Verdict = Literal["compatible", "same", "breaks", "new", "removed", "unchecked", "invalid"]
"""`same`: the schema is the one there was, its level is another."""


@dataclass(frozen=True)
class Entry:
    """One resource's change as a reader needs it."""

    stack: str
    change: Change
    lost: str | None = None
    """What data goes with it, as a clause (`its messages are lost`)."""
    attributes: tuple[AttributeChange, ...] = ()
    """The differences that matter; of a creation or a destruction none."""
    follows: tuple[str, ...] = ()
    """Attributes whose values only follow from others, or are known after the apply: noise, named so that it is seen
    to be left out."""
    pending: bool = False
    """Its stack could not be planned yet, so that its values are not known."""

    @property
    def kind(self) -> Kind:
        return self.change.kind

    @property
    def address(self) -> str:
        return self.change.address


@dataclass(frozen=True, order=True)
class Right:
    """One thing that somebody may do. `system`: `kafka`, `confluent`, `aws` or `snowflake`.

    `denied` marks a rule that forbids, so that gaining it takes something away.
    """

    system: str
    principal: str
    right: str
    object: str
    denied: bool = False


@dataclass(frozen=True)
class UnknownRights:
    """Rights that a change gives or takes, whose words are known only after the apply."""

    stack: str
    address: str


@dataclass(frozen=True)
class SchemaCheck:
    """One subject's schema against the one before it.

    Attributes:
        level: the compatibility that was held against it (the base's, where there is one).
        against: what it was compared with: `what is deployed` or the base revision's label; None for a first version.
        reasons: why it breaks, or why it was not checked.
        fields: what became of its fields: `+ channel string, default "web"`.
    """

    subject: str
    level: str
    verdict: Verdict
    against: str | None
    reasons: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    new_level: str | None = None
    """The level that will hold, where it is another one."""


@dataclass(frozen=True)
class CostPart:
    """What the change adds to the month. `diff` is None where it cannot be told; `why` says why, or what to know."""

    diff: Diff | None
    why: str | None = None
    planned: Total | None = None
    """The month as planned, where only what was before is not known."""


@dataclass(frozen=True)
class BaseSchema:
    """A subject's schema in the base revision."""

    text: str
    level: str
    references: bool = False


@dataclass(frozen=True)
class Base:
    """The environment as another revision has it. `label`: what to call that revision."""

    label: str
    environment: Environment
    schemas: Mapping[str, BaseSchema] = field(default_factory=dict)


@dataclass(frozen=True)
class Summary:
    """A plan with what it means: data, schemas, money, rights, guards."""

    plan: EnvironmentPlan
    entries: tuple[Entry, ...]
    """What hurts first; what is only read is left out and counted in `reads`."""
    reads: tuple[tuple[str, Change], ...] = ()
    schemas: tuple[SchemaCheck, ...] = ()
    cost: CostPart | None = None
    gained: tuple[Right, ...] = ()
    lost: tuple[Right, ...] = ()
    unknown_rights: tuple[UnknownRights, ...] = ()
    guards: GuardReport | None = None
    base: str | None = None
    """What the plan was made against, where that is a revision and not what is deployed."""
    notes: tuple[str, ...] = ()
    """Sentences to read before the rest."""

    @property
    def destructive(self) -> tuple[Entry, ...]:
        """What is destroyed or replaced."""
        return tuple(each for each in self.entries if each.kind in ("delete", "replace"))

    @property
    def refusals(self) -> tuple[str, ...]:
        """Why a deploy of this is refused by what only the summary knows: schemas that break what the base has."""
        return tuple(
            f"{each.subject}: {reason}"
            for each in self.schemas
            if each.verdict in ("breaks", "invalid")
            for reason in each.reasons
        )

    def to_json(self) -> dict[str, Any]:
        """The plan's document with what the summary adds; see docs/summary.md."""
        from modules.summary.document import document

        return document(self)
