"""What a state holds of providers that its stack no longer declares: Terraform could neither read nor remove it.

It would stop on the first of these with words about a provider's configuration; here all are named before it starts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from modules.errors import PlanError
from modules.terraform.snapshots import state_bytes

__all__ = ["held_by_provider", "leftovers", "refuse_leftovers"]

_SOURCE = re.compile(r'provider\["(?:[^"/]+/)?([^"/]+/[^"/]+)"\]')
_BUILT_IN = "builtin/terraform"
_SHOWN = 3


def held_by_provider(state_file: Path) -> dict[str, tuple[str, ...]]:
    """Provider (`hashicorp/aws`) → addresses of the resources it made; empty where there is no readable state."""
    try:
        resources = json.loads(state_bytes(state_file))["resources"]
        found: dict[str, list[str]] = {}
        for resource in resources:
            match = _SOURCE.search(str(resource.get("provider", "")))
            if resource.get("mode") != "managed" or not match or match[1] == _BUILT_IN:
                continue
            where = f"{resource['module']}." if resource.get("module") else ""
            for instance in resource["instances"]:
                key = instance.get("index_key")
                suffix = "" if key is None else f"[{json.dumps(key, ensure_ascii=False)}]"
                found.setdefault(match[1], []).append(f"{where}{resource['type']}.{resource['name']}{suffix}")
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return {source: tuple(dict.fromkeys(addresses)) for source, addresses in found.items()}


def leftovers(state_file: Path, document: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Likewise, of the providers alone that the stack's JSON does not declare."""
    there = _declared(document)
    return {source: held for source, held in held_by_provider(state_file).items() if source not in there}


def refuse_leftovers(environment: str, found: Mapping[str, Mapping[str, tuple[str, ...]]]) -> None:
    """Stops where any stack has some.

    Args:
        found: stack → `leftovers` of it.

    Raises:
        PlanError: there are some; all are named.
    """
    lines = [
        f"stack {stack}: {_count(addresses)} of {source} ({_few(addresses)})"
        for stack, by_source in found.items()
        for source, addresses in sorted(by_source.items())
    ]
    if not lines:
        return
    raise PlanError(
        "what is deployed belongs to providers that are no longer declared, so Terraform could neither read it nor "
        "take it away",
        where=f"environment {environment}",
        details=lines,
        do="put back the line of the YAML that was changed since the last deploy; what is named above goes by "
        "`infra destroy`, or by taking it out of the YAML while the rest of that line stays",
    )


def _declared(document: Mapping[str, Any]) -> set[str]:
    """Sources, those included that a type's or a provider's name implies."""
    settings = document.get("terraform") or {}
    blocks = settings if isinstance(settings, list) else [settings]
    named: dict[str, Any] = {}
    for block in blocks:
        required = block.get("required_providers") or {}
        for each in required if isinstance(required, list) else [required]:
            named |= each
    sources = {name: body.get("source") if isinstance(body, dict) else None for name, body in named.items()}
    used = set(document.get("provider") or {})
    used |= {kind.split("_")[0] for block in ("resource", "data") for kind in document.get(block) or {}}
    found = {str(source).removeprefix("registry.terraform.io/") for source in sources.values() if source}
    return found | {f"hashicorp/{name}" for name in used if not sources.get(name)}


def _count(addresses: Iterable[str]) -> str:
    number = len(tuple(addresses))
    return f"{number} resource" if number == 1 else f"{number} resources"


def _few(addresses: tuple[str, ...]) -> str:
    return ", ".join(addresses[:_SHOWN]) + (" …" if len(addresses) > _SHOWN else "")
