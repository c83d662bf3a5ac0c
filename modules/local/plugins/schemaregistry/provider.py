"""The provider block of `cultureamp/schemaregistry`: the registry's address and login."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from modules.local.plugins.network import listens
from modules.local.plugins.protocol.resource import Diagnostic, Provider, Resource, State
from modules.local.plugins.protocol.schema import load_schema, snapshot_path
from modules.local.plugins.protocol.values import UNKNOWN
from modules.local.plugins.schemaregistry.client import RegistryApi, unreachable
from modules.local.plugins.schemaregistry.subject import SchemaResource

__all__ = ["SchemaRegistryProvider"]


class SchemaRegistryProvider(Provider):
    """Subjects of one registry."""

    def __init__(self) -> None:
        super().__init__(load_schema(snapshot_path("schemaregistry")))
        self._api = RegistryApi()
        self._resources: dict[str, Resource] = {"schemaregistry_schema": SchemaResource(self._api)}

    @property
    def resources(self) -> Mapping[str, Resource]:
        return self._resources

    def validate_config(self, config: State) -> Sequence[Diagnostic]:
        url = config["schema_registry_url"]
        if isinstance(url, str) and urlsplit(url).scheme not in ("http", "https"):
            return (Diagnostic(f"{url!r} is not an http address", path=("schema_registry_url",)),)
        return ()

    def configure(self, config: State) -> Sequence[Diagnostic]:
        url = config["schema_registry_url"]
        if url is UNKNOWN:
            return ()
        username = _text(config["username"]) or os.environ.get("SCHEMA_REGISTRY_USERNAME")
        password = _text(config["password"]) or os.environ.get("SCHEMA_REGISTRY_PASSWORD") or ""
        self._api.configure(url, (username, password) if username else None)
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        if listens(parts.hostname or "", port):
            return ()
        return (unreachable(url, ("schema_registry_url",)),)

    def close(self) -> None:
        self._api.close()


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
