"""Reads a Terraform state (format version 4), a file's or a mounted store's: addresses and outputs. Never writes one.

Faster than starting `terraform output`, and it works without plugins.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from modules.errors import PlanError, TerraformError
from modules.terraform.failures import malformed_state
from modules.terraform.foreign import refuse_foreign
from modules.terraform.snapshots import mounted, state_bytes, state_place

__all__ = ["OutputValue", "State", "new_simulated_state", "parse_state", "read_attributes", "read_state"]

_SIMULATED = "simulated-"
"""How the lineage of a rehearsal's state begins: Terraform keeps it in every copy and backup."""


@dataclass(frozen=True)
class OutputValue:
    """One output. A sensitive value is kept out of the repr."""

    value: Any = field(repr=False)
    sensitive: bool = False


@dataclass(frozen=True)
class State:
    """What is known of a stack that was applied."""

    serial: int
    terraform_version: str
    addresses: tuple[str, ...]
    """Managed resource instances."""
    outputs: Mapping[str, OutputValue]
    lineage: str = ""

    @property
    def simulated(self) -> bool:
        """Whether it is a rehearsal's: what it holds does not exist."""
        return self.lineage.startswith(_SIMULATED)

    @property
    def empty(self) -> bool:
        """Nothing in it: destroyed, or never applied."""
        return not self.addresses and not self.outputs


def read_state(path: Path, kind: type[TerraformError] = PlanError, *, simulated: bool = False) -> State | None:
    """The state; None where there is none yet (Terraform's lock leaves an empty file behind).

    Args:
        simulated: whether it must be a rehearsal's; a real run never takes one for real, nor the other way round.

    Raises:
        TerraformError (of `kind`): it is malformed, or of the other kind.
    """
    state = _read(path, kind)
    if state is not None and state.simulated != simulated:
        raise _of_the_other_kind(path, kind, simulated)
    return state


def new_simulated_state() -> bytes:
    """An empty state of a rehearsal, from which Terraform goes on."""
    state = {"version": 4, "terraform_version": "1.0.0", "serial": 0, "lineage": f"{_SIMULATED}{uuid.uuid4()}"}
    return json.dumps({**state, "outputs": {}, "resources": []}).encode()


def _of_the_other_kind(path: Path, kind: type[TerraformError], simulated: bool) -> TerraformError:
    if simulated:
        return kind(
            "this state is of real resources, but stands where a rehearsal's should be",
            where=state_place(path),
            do="move it back to where it came from; `--offline` keeps its own states below `.infra/offline`",
        )
    return kind(
        "this state was made by an offline rehearsal: what it holds does not exist",
        where=state_place(path),
        do="take it away, and restore the real one from `backups` beside it if there was one; or add --offline",
    )


def _read(path: Path, kind: type[TerraformError]) -> State | None:
    try:
        content = state_bytes(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise kind(f"cannot read the state: {error.strerror}", where=str(path), do="check its rights") from None
    if not content.strip() and not mounted(path.parent.parent):
        # Terraform empties the file before it writes: with an earlier state beside it, this one was lost.
        if any((path.parent / "backups").glob("*.tfstate")) or path.with_name("terraform.tfstate.backup").exists():
            raise malformed_state(path, kind, ["it is empty, although there was a state before"])
        return None
    try:
        return parse_state(content, state_place(path), kind)
    except ValueError:
        raise malformed_state(path, kind) from None


def parse_state(content: bytes, place: str, kind: type[TerraformError] = PlanError) -> State:
    """A state from its JSON.

    Args:
        place: where it is, for people.

    Raises:
        ValueError: it is malformed.
        TerraformError (of `kind`): another tool made it.
    """
    try:
        document = json.loads(content)
        refuse_foreign(document, place, kind)
        return State(
            int(document["serial"]),
            str(document.get("terraform_version", "")),
            tuple(_addresses(document.get("resources") or [])),
            {
                name: OutputValue(body["value"], bool(body.get("sensitive")))
                for name, body in (document.get("outputs") or {}).items()
            },
            str(document.get("lineage", "")),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(str(error)) from None


def read_attributes(path: Path, types: Collection[str]) -> dict[str, Mapping[str, Any]]:
    """Address → attributes of the resources of some types; empty where there is no readable state.

    May hold sensitive values: for use in a computation, never for display.
    """
    try:
        resources = json.loads(state_bytes(path))["resources"]
        return {
            address: instance["attributes"]
            for resource in resources
            if resource.get("mode") == "managed" and resource["type"] in types
            for instance in resource["instances"]
            for address in _addresses([{**resource, "instances": [instance]}])
        }
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _addresses(resources: list[dict[str, Any]]) -> list[str]:
    found = []
    for resource in resources:
        if resource.get("mode") != "managed":
            continue
        prefix = f"{resource['module']}." if resource.get("module") else ""
        for instance in resource["instances"]:
            key = instance.get("index_key")
            suffix = "" if key is None else f"[{json.dumps(key, ensure_ascii=False)}]"
            found.append(f"{prefix}{resource['type']}.{resource['name']}{suffix}")
    # A deposed object stands beside the one that replaces it, under the same address.
    return list(dict.fromkeys(found))
