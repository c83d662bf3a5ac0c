"""A provider of the snapshots, simulated: every resource and data source by the same two classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from modules.local.plugins.protocol.plan import complete
from modules.local.plugins.protocol.resource import DataSource, Diagnostic, Plan, PluginError, Provider, Resource, State
from modules.local.plugins.protocol.schema import Block, load_schema, snapshot_path
from modules.local.plugins.protocol.values import UNKNOWN, from_json, has_unknown
from modules.simulated.documents import DOCUMENTS
from modules.simulated.invent import Formats, Invention
from modules.simulated.provider_names import SNAPSHOTS
from modules.simulated.rules import Rules, changed_values, load_rules
from modules.simulated.store import Store

__all__ = ["SimulatedProvider"]

_SALTS = range(1, 10_000)


class SimulatedProvider(Provider):
    """One provider; its objects are in `store`, shared with the other providers of the environment."""

    label = "simulated"

    def __init__(self, source: str, store: Path) -> None:
        super().__init__(load_schema(snapshot_path(SNAPSHOTS[source])))
        self.store = Store(store)
        self.constants = {
            "region": "us-east-1",
            "account": "000000000000",
            "partition": "aws",
            "org": "00000000-0000-4000-8000-000000000000",
        }
        self.default_tags: Mapping[str, str] = {}
        self._resources = {name: SimulatedResource(self, name) for name in self.schema.resources}
        self._data_sources = {name: SimulatedData(self, name) for name in self.schema.data_sources}

    @property
    def resources(self) -> Mapping[str, Resource]:
        return self._resources

    @property
    def data_sources(self) -> Mapping[str, DataSource]:
        return self._data_sources

    @property
    def formats(self) -> Formats:
        return _formats().get(self.schema.source, {})

    def configure(self, config: State) -> Sequence[Diagnostic]:
        """Only what shows in values is kept: the region and the default tags. No credential is looked at."""
        if isinstance(config.get("region"), str):
            self.constants["region"] = config["region"]
        tags = [block.get("tags") for block in config.get("default_tags") or [] if isinstance(block, dict)]
        self.default_tags = {key: value for each in tags if isinstance(each, dict) for key, value in each.items()}
        return ()

    def close(self) -> None:
        self.store.close()


class SimulatedResource(Resource):
    """Any resource type: its schema, the table of formats and the table of replacements say the rest."""

    def __init__(self, provider: SimulatedProvider, kind: str) -> None:
        self._provider = provider
        self._kind = kind
        self._read_rules: Rules | None = None

    @property
    def _block(self) -> Block:
        return self._provider.schema.resources[self._kind]

    @property
    def _rules(self) -> Rules:
        if self._read_rules is None:
            self._read_rules = load_rules(self._provider.schema.source, self._kind)
        return self._read_rules

    @property
    def recomputed(self) -> Mapping[str, frozenset[str]]:  # type: ignore[override]  # read from the table, not the class
        return {name: inputs for name, inputs in self._rules.recomputed.items() if name in self._block.attributes}

    def validate(self, config: State) -> Sequence[Diagnostic]:
        return tuple(self._rules.check(self._kind, config))

    def plan(self, prior: State | None, planned: State, config: State, changed: frozenset[str]) -> Plan:
        planned = self._with_tags(planned, config)
        if prior is None:
            return Plan(planned)
        paths = []
        said: dict[str, Diagnostic] = {}
        for each in changed_values(self._block, prior, planned):
            verdict, remark = self._rules.verdict(each), self._rules.remark(each)
            if verdict == "replaces":
                paths.append(each.path)
            elif verdict is None or remark:
                said[each.name] = self._unsure(each.name, remark)
        return Plan(planned, diagnostics=tuple(said.values()), replace_paths=tuple(dict.fromkeys(paths)))

    def _key(self, state: State) -> str:
        # Revisions of a task definition share its id.
        return str(state["arn" if "arn_without_revision" in state else "id"])

    def create(self, planned: State) -> State:
        for salt in (0, *_SALTS):
            invention = Invention(
                self._kind, self._block, self._provider.formats, planned, self._provider.constants, salt
            )
            state = invention.filled()
            key = self._key(state)
            if self._provider.store.add(self._kind, key, state):
                return state
            if invention.natural("arn" if key != state["id"] else "id"):
                break
        raise PluginError(
            f"simulated: there is a {self._kind} with the id {state['id']} already",
            "Two resources of this environment would be one and the same object. Give one of them another name.",
        )

    def read(self, state: State) -> State | None:
        found = self._provider.store.get(self._kind, self._key(state))
        return None if found is None else complete(self._block, from_json(self._block.wire_type, found))

    def update(self, prior: State, planned: State) -> State:
        given = {**planned, "id": prior["id"]}
        invention = Invention(self._kind, self._block, self._provider.formats, given, self._provider.constants, 0)
        state = invention.filled()
        for name in ("revision", "latest_revision", "latest_version", "version"):
            if planned.get(name) is UNKNOWN and isinstance(prior.get(name), int):
                state[name] = prior[name] + 1
        self._provider.store.put(self._kind, self._key(state), state)
        return state

    def delete(self, state: State) -> None:
        self._provider.store.remove(self._kind, self._key(state))

    def import_(self, identifier: str) -> State:
        # Some providers import by an address (`env-…/lkc-…`) and keep its last part as the id.
        known = (
            each for each in (identifier, identifier.rpartition("/")[2]) if self._provider.store.get(self._kind, each)
        )
        found = next(known, None)
        if found is None:
            raise PluginError(
                f"simulated: there is no {self._kind} with the id {identifier}",
                "A rehearsal holds only what it created itself.",
            )
        return {"id": found}

    def _with_tags(self, planned: State, config: State) -> State:
        """The AWS provider knows `tags_all` when it plans: its default tags and the resource's own."""
        if "tags_all" not in self._block.attributes or config.get("tags_all") is not None:
            return planned
        tags = planned.get("tags")
        if tags is UNKNOWN:
            return {**planned, "tags_all": UNKNOWN}
        return {**planned, "tags_all": {**self._provider.default_tags, **(tags or {})}}

    def _unsure(self, name: str, remark: str | None) -> Diagnostic:
        if remark:
            return Diagnostic(
                f"simulated: {self._kind}.{name} is planned as a change in place: {remark}",
                severity="warning",
            )
        return Diagnostic(
            f"simulated: whether a change of {self._kind}.{name} replaces is unknown",
            "Planned as a change in place; the provider's documentation says.",
            severity="warning",
        )


class SimulatedData(DataSource):
    """Any data source: an object of this rehearsal where one fits, else values of the right shape."""

    def __init__(self, provider: SimulatedProvider, kind: str) -> None:
        self._provider = provider
        self._kind = kind

    def read(self, config: State) -> State:
        block = self._provider.schema.data_sources[self._kind]
        found = self._found(config)
        known = {name: found[name] for name in block.attributes if found and found.get(name) is not None}
        given = {
            name: UNKNOWN if attribute.computed and config.get(name) is None else config.get(name)
            for name, attribute in block.attributes.items()
        }
        given |= {name: config.get(name) for name in block.blocks}
        fitting = {
            name: from_json(block.attributes[name].wire_type, value)
            for name, value in known.items()
            if given[name] is UNKNOWN and _fits(block, self._provider.schema.resources.get(self._kind), name)
        }
        invention = Invention(
            f"data.{self._kind}",
            block,
            self._provider.formats,
            {**given, **fitting},
            self._provider.constants,
            0,
        )
        invented = invention.filled()
        assert not has_unknown(invented)
        document = DOCUMENTS.get(self._kind)
        try:
            return {**invented, **document(config, invented)} if document else invented
        except ValueError as error:
            raise PluginError(f"{self._kind}: {error}") from None

    def _found(self, config: State) -> dict[str, Any] | None:
        if self._kind not in self._provider.schema.resources:
            return None
        wanted = {
            name: value
            for name in ("id", "display_name", "cluster_name", "name", "arn")
            if isinstance(value := config.get(name), str)
        }
        return self._provider.store.find(self._kind, **wanted) if wanted else None


def _fits(data: Block, resource: Block | None, name: str) -> bool:
    own = resource.attributes.get(name) if resource else None
    return own is not None and own.wire_type == data.attributes[name].wire_type


@cache
def _formats() -> Mapping[str, Formats]:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    with (Path(__file__).parent / "formats.yaml").open(encoding="utf-8") as file:
        loaded: Mapping[str, Formats] = yaml.load(file, Loader=loader)  # noqa: S506  a safe loader
    return loaded
