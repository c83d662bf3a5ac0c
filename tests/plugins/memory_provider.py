"""A provider whose objects live in a JSON file, with all kinds of attributes and nestings: the servicer's test bench.

Started by Terraform through the script that `write_memory_mirror` makes; the file's path comes in the provider
configuration, so that a test can look at it and change it behind Terraform's back.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

from modules.local.plugins.mirror import platform_name
from modules.local.plugins.protocol.resource import Diagnostic, PluginError, Provider, Resource, State
from modules.local.plugins.protocol.schema import parse_schema
from modules.local.plugins.protocol.values import Dynamic

VERSION = "1.0.0"
_INNER = {
    "attributes": {
        "key": {"type": "string", "required": True},
        "size": {"type": "number", "optional": True},
        "token": {"type": "string", "computed": True},
    }
}
_NESTED = {"attributes": _INNER["attributes"]}

SNAPSHOT: dict[str, Any] = {
    "source": "infra/memory",
    "version": VERSION,
    "provider": {"attributes": {"file": {"type": "string", "required": True}}},
    "resources": {
        "memory_thing": {
            "schema_version": 3,
            "attributes": {
                "id": {"type": "string", "computed": True},
                "name": {"type": "string", "required": True},
                "comment": {"type": "string", "optional": True},
                "revision": {"type": "number", "computed": True},
                "mode": {"type": "string", "optional": True, "computed": True},
                "flag": {"type": "bool", "optional": True},
                "amount": {"type": "number", "optional": True},
                "words": {"type": ["list", "string"], "optional": True},
                "colours": {"type": ["set", "string"], "optional": True},
                "labels": {"type": ["map", "string"], "optional": True},
                "shape": {"type": ["object", {"sides": "number", "title": "string"}], "optional": True},
                "pair": {"type": ["tuple", ["string", "number"]], "optional": True},
                "anything": {"type": "dynamic", "optional": True},
                "secret": {"type": "string", "optional": True, "write_only": True},
                "nested_single": {"nested_type": {"nesting_mode": "single", **_NESTED}, "optional": True},
                "nested_list": {"nested_type": {"nesting_mode": "list", **_NESTED}, "optional": True},
                "nested_set": {"nested_type": {"nesting_mode": "set", **_NESTED}, "optional": True},
                "nested_map": {"nested_type": {"nesting_mode": "map", **_NESTED}, "optional": True},
            },
            "block_types": {
                "one": {"nesting_mode": "single", "block": _INNER},
                "grouped": {
                    "nesting_mode": "group",
                    "block": {"attributes": {"hint": {"type": "string", "optional": True}}},
                },
                "many": {
                    "nesting_mode": "list",
                    "block": {**_INNER, "block_types": {"deep": {"nesting_mode": "list", "block": _INNER}}},
                },
                "bag": {"nesting_mode": "set", "block": _INNER},
                "named": {"nesting_mode": "map", "block": _INNER},
            },
        },
        "memory_unserved": {"attributes": {"id": {"type": "string", "computed": True}}},
    },
}


class Thing(Resource):
    """Stored under its name; the name cannot change, `revision` counts updates."""

    replace_on = frozenset({"name"})
    recomputed: ClassVar = {"revision": frozenset()}

    def __init__(self) -> None:
        self.file = Path()
        self._lock = threading.Lock()

    def validate(self, config: State) -> Sequence[Diagnostic]:
        if config["comment"] == "forbidden":
            return (Diagnostic("this comment is forbidden", "Say something else.", ("comment",)),)
        if any(block["key"] == "bad" for block in config["many"] or [] if isinstance(block, dict)):
            return (Diagnostic("a bad key", path=("many", 0, "key")),)
        return ()

    def create(self, planned: State) -> State:
        if planned["comment"] == "broken":
            raise RuntimeError("nobody foresaw this")
        if planned["comment"] == "half":
            half = {**planned, "id": planned["name"], "revision": 1, "mode": None}
            self._store(planned["name"], half)
            raise PluginError("only half of it was made", state=half)
        mode = planned["mode"] if isinstance(planned["mode"], str) else "usual"
        state = self._filled({**planned, "id": planned["name"], "revision": 1, "mode": mode})
        self._store(planned["name"], state)
        return state

    def read(self, state: State) -> State | None:
        found = self._load().get(state["id"])
        return None if found is None else self._revived(found)

    def update(self, prior: State, planned: State) -> State:
        state = self._filled({**planned, "revision": prior["revision"] + 1})
        self._store(planned["name"], state)
        return state

    def delete(self, state: State) -> None:
        with self._lock:
            things = self._load()
            things.pop(state["id"], None)
            self.file.write_text(json.dumps(things))

    def _filled(self, state: State) -> State:
        """Give every inner object its token, as a service would."""

        def fill(value: Any) -> Any:
            if isinstance(value, dict):
                filled = {key: fill(item) for key, item in value.items()}
                return {**filled, "token": f"token-{value['key']}"} if "token" in value else filled
            return [fill(item) for item in value] if isinstance(value, list) else value

        filled = fill(state)
        assert isinstance(filled, dict)
        return filled

    def _load(self) -> dict[str, Any]:
        loaded = json.loads(self.file.read_text(), parse_float=Decimal) if self.file.exists() else {}
        assert isinstance(loaded, dict)
        return loaded

    def _store(self, name: str, state: State) -> None:
        with self._lock:
            things = self._load()
            things[name] = state
            self.file.write_text(json.dumps(things, default=_plain))

    def _revived(self, found: State) -> State:
        anything = found["anything"]
        return {**found, "anything": None if anything is None else Dynamic(anything["type"], anything["value"])}


def _plain(value: Any) -> Any:
    return {"type": value.type, "value": value.value} if isinstance(value, Dynamic) else float(value)


class MemoryProvider(Provider):
    def __init__(self) -> None:
        super().__init__(parse_schema(SNAPSHOT))
        self._thing = Thing()

    @property
    def resources(self) -> Mapping[str, Resource]:
        return {"memory_thing": self._thing}

    def configure(self, config: State) -> Sequence[Diagnostic]:
        self._thing.file = Path(config["file"])
        return ()


def write_memory_mirror(folder: Path) -> None:
    """A mirror with this provider, laid out like the bundled ones."""
    target = (
        folder / f"registry.terraform.io/infra/memory/{VERSION}/{platform_name()}/terraform-provider-memory_v{VERSION}"
    )
    target.parent.mkdir(parents=True)
    root = Path(__file__).parents[2]
    target.write_text(f"#!/bin/sh\nPYTHONPATH='{root}' exec '{sys.executable}' -m tests.plugins.memory_provider\n")
    target.chmod(0o755)


if __name__ == "__main__":
    from modules.local.plugins.protocol.serve import serve

    serve(MemoryProvider())
