"""Objects that were there before a rehearsal, as they were read somewhere else: what `infra import` rehearses with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from modules.local.plugins.protocol.plan import complete, mark_computed
from modules.simulated.invent import Invention
from modules.simulated.provider import SimulatedProvider
from modules.simulated.provider_names import SNAPSHOTS

__all__ = ["seed"]


def seed(store: Path, kind: str, attributes: Mapping[str, Any]) -> None:
    """Keep an object; `id` must be among its attributes, and computed values that are not are invented.

    Raises:
        KeyError: no provider has such a type.
    """
    for source in SNAPSHOTS:
        provider = SimulatedProvider(source, store)
        block = provider.schema.resources.get(kind)
        if block is None:
            continue
        try:
            given = mark_computed(block, complete(block, dict(attributes)) or {}, None)
            state = Invention(kind, block, provider.formats, given, provider.constants, 0).filled()
            provider.store.put(kind, str(attributes["id"]), state)
        finally:
            provider.close()
        return
    raise KeyError(kind)
