"""What a provider plugin implements: resources over plain dictionaries, and the provider that holds them.

A resource never sees protobuf, msgpack or Terraform's rules about unknown values; it creates, reads, updates, deletes
and imports. It may rely on these promises of the servicer:

* `planned` holds every attribute of the schema; what is not known yet is `UNKNOWN`.
* Whatever it returns from create or update is only asked for the unknowns; a value it leaves out becomes null.
* Calls for different objects arrive in parallel, from several threads.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple

from modules.local.plugins.protocol.schema import ProviderSchema

__all__ = ["DataSource", "Diagnostic", "Plan", "PluginError", "Provider", "Resource", "State"]

State = dict[str, Any]
PathStep = str | int


@dataclass(frozen=True)
class Diagnostic:
    """One error or warning, pointing at an attribute: `("topic", 0, "name")`; strings are names or map keys."""

    summary: str
    detail: str = ""
    path: tuple[PathStep, ...] = ()
    severity: Literal["error", "warning"] = "error"


class PluginError(Exception):
    """A foreseen failure, shown to the user as a Terraform diagnostic.

    Args:
        summary: one sentence, what happened.
        detail: what to do, and the service's own words.
        path: the attribute it is about.
        state: what exists in spite of the failure; Terraform keeps it (a failed create is then tainted).
    """

    def __init__(
        self, summary: str, detail: str = "", *, path: tuple[PathStep, ...] = (), state: State | None = None
    ) -> None:
        super().__init__(summary)
        self.summary = summary
        self.detail = detail
        self.path = path
        self.state = state

    @property
    def diagnostic(self) -> Diagnostic:
        return Diagnostic(self.summary, self.detail, self.path)


class Plan(NamedTuple):
    """A refined plan: the planned state, what needs a replacement, and what to tell.

    `requires_replace` names attributes and blocks at the top level; `replace_paths` are paths to values inside them.
    """

    planned: State
    requires_replace: frozenset[str] = frozenset()
    diagnostics: tuple[Diagnostic, ...] = ()
    replace_paths: tuple[tuple[PathStep, ...], ...] = ()


class Resource(ABC):
    """One resource type."""

    replace_on: ClassVar[frozenset[str]] = frozenset()
    """Top-level attributes and blocks whose change replaces the object."""

    wants_write_only: ClassVar[bool] = False
    """Whether create and update are given the values of write-only arguments, which no plan and no state holds."""

    recomputed: ClassVar[Mapping[str, frozenset[str]]] = {}
    """Computed attributes an update changes, and the attributes whose change does it (empty: any)."""

    def validate(self, config: State) -> Sequence[Diagnostic]:
        """Check the written configuration; values may be `UNKNOWN`. Must not touch the service."""
        return ()

    def plan(self, prior: State | None, planned: State, config: State, changed: frozenset[str]) -> Plan:
        """Refine what the schema alone says. `prior` is None on create; `changed` names what differs from it."""
        return Plan(planned, changed & self.replace_on if prior is not None else frozenset())

    @abstractmethod
    def create(self, planned: State) -> State: ...

    @abstractmethod
    def read(self, state: State) -> State | None:
        """The object as it is now; None when it is gone."""

    def update(self, prior: State, planned: State) -> State:
        raise PluginError(f"{type(self).__name__} cannot be changed in place")

    @abstractmethod
    def delete(self, state: State) -> None:
        """Delete; an object that is already gone is not an error."""

    def import_(self, identifier: str) -> State:
        """Enough state for `read` to find the object."""
        return {"id": identifier}


class DataSource(ABC):
    """One data source type."""

    def validate(self, config: State) -> Sequence[Diagnostic]:
        """Check the written configuration; values may be `UNKNOWN`. Must not touch the service."""
        return ()

    @abstractmethod
    def read(self, config: State) -> State:
        """What it finds for a configuration that is known in full; what it does not mention is as configured."""


class Provider(ABC):
    """A provider: its schema snapshot, its resources and its configuration."""

    label: ClassVar[str] = "bundled"
    """How messages name this kind of plugin."""

    def __init__(self, schema: ProviderSchema) -> None:
        self.schema = schema

    @property
    def title(self) -> str:
        """`bundled mongey/kafka plugin`."""
        return f"{self.label} {self.schema.source} plugin"

    @property
    @abstractmethod
    def resources(self) -> Mapping[str, Resource]:
        """The resource types this plugin serves; the snapshot may know more."""

    @property
    def data_sources(self) -> Mapping[str, DataSource]:
        """The data sources this plugin serves; Terraform is told of no others."""
        return {}

    def validate_config(self, config: State) -> Sequence[Diagnostic]:
        return ()

    @abstractmethod
    def configure(self, config: State) -> Sequence[Diagnostic]:
        """Keep the configuration. Called once per Terraform command, before any read or write."""

    def close(self) -> None:
        """The process ends; let go of connections."""
        return
