"""`kafka-connect_connector`: a connector's settings, those that are secret kept apart.

A change is made in place, another name replaces. Settings the configuration calls sensitive are not read back, so that
they never show in `config`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from modules.local.plugins.kafkaconnect.client import ConnectApi, ConnectRefusal
from modules.local.plugins.protocol.resource import Diagnostic, PluginError, Resource, State
from modules.local.plugins.protocol.values import has_unknown

__all__ = ["Connector"]


class Connector(Resource):
    """Identified by its name."""

    replace_on = frozenset({"name"})

    def __init__(self, api: ConnectApi) -> None:
        self._api = api

    def validate(self, config: State) -> Sequence[Diagnostic]:
        name, settings = config["name"], config["config"]
        if not isinstance(name, str) or not isinstance(settings, Mapping) or has_unknown([settings.get("name")]):
            return ()
        if settings.get("name") != name:
            return (Diagnostic(f"config must say `name` too, and the same: {name}", path=("config",)),)
        return ()

    def create(self, planned: State) -> State:
        name = planned["name"]
        if self._guarded(planned, lambda: self._api.config(name)) is not None:
            raise PluginError(
                f"the connector {name} already exists at {self._api.url}",
                "It is not in this state. Delete it, or take it over with\n\n"
                f'import {{\n  to = kafka-connect_connector.<name>\n  id = "{name}"\n}}',
            )
        return self._put(planned)

    def read(self, state: State) -> State | None:
        name = state["id"]
        found = self._guarded(state, lambda: self._api.config(name))
        if found is None:
            return None
        secret = state.get("config_sensitive")
        plain = {key: value for key, value in found.items() if key not in (secret or {})}
        return {**state, "name": name, "config": plain, "config_sensitive": secret}

    def update(self, prior: State, planned: State) -> State:
        return self._put(planned)

    def delete(self, state: State) -> None:
        self._guarded(state, lambda: self._api.delete(state["name"]))

    def import_(self, identifier: str) -> State:
        if self._guarded({}, lambda: self._api.config(identifier)) is None:
            raise PluginError(f"there is no connector {identifier} at {self._api.url} to import")
        return {"id": identifier}

    def _put(self, planned: State) -> State:
        settings = {**(planned["config"] or {}), **(planned["config_sensitive"] or {})}
        self._guarded(planned, lambda: self._api.put(planned["name"], settings))
        return {**planned, "id": planned["name"]}

    def _guarded(self, state: State, call: Any) -> Any:
        try:
            return call()
        except ConnectRefusal as refusal:
            said = refusal.message
            for secret in (state.get("config_sensitive") or {}).values():
                # A worker repeats values that it does not take.
                said = said.replace(secret, "***") if secret else said
            raise PluginError(
                f"Kafka Connect refused the connector {state.get('name') or state.get('id') or ''}".rstrip(),
                f"{said}\n({self._api.url}, status {refusal.status})",
            ) from None
