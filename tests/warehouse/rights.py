"""Who may do what in Snowflake, by the connector that is chosen: `python -m tests.warehouse.rights` writes the tables.

Read off the Terraform the preset becomes, roles expanded: what a role may do through the roles it includes is in its
rows, with the way. `tests/platforms/rights/snowflake-<connector>.md`, beside the platforms' own.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from modules.cdk import App
from modules.environment.model import Environment
from modules.resources.base import Stack
from modules.warehouse.build import estate_of
from modules.warehouse.estate import Estate
from modules.warehouse.keys import PublicKeys
from modules.warehouse.terraform import declare_estate
from tests.platforms.schema_walk import instances_of

__all__ = ["CONNECTORS", "FOLDER", "Right", "declared", "environment_of", "render", "rights_of"]

ENVIRONMENTS = Path(__file__).parents[2] / "environments"
FOLDER = Path(__file__).parents[1] / "platforms" / "rights"

CONNECTORS: dict[str, dict[str, Any]] = {
    "sink": {"connect": {"kind": "sink"}},
    "managed": {"connect": {"kind": "managed"}},
    "kafka-connect-v2": {"connect": {"kind": "kafka-connect", "version": "v2"}},
    "kafka-connect-v3": {"connect": {"kind": "kafka-connect", "version": "v3"}},
    "kafka-connect-v4": {"connect": {"kind": "kafka-connect", "version": "v4"}},
    "kafka-connect-v4-evolving": {
        "connect": {"kind": "kafka-connect", "version": "v4"},
        "warehouse": {"tables": {"STREAMING.PUBLIC.ORDER_EVENTS": {"schema_evolution": True}}},
    },
}
"""Name of a table → what the environment says."""


@dataclass(frozen=True, order=True)
class Right:
    """One row; `through` is the role that holds it, where that is not the principal itself."""

    principal: str
    may: str
    on: str
    through: str = ""


def environment_of(more: Mapping[str, Any]) -> Environment:
    """The tutorial's pipeline on Confluent, with what a table's connector says."""
    topic = {
        "key": "order_id",
        "value": {"schema": "schemas/order_events.avsc"},
        "sink": {"table": "STREAMING.PUBLIC.ORDER_EVENTS"},
    }
    return Environment.model_validate(
        {
            "name": "dev",
            "source": "environments/dev.yaml",
            "platform": "confluent",
            "topics": {"order-events": topic},
            **more,
        }
    )


@cache
def _app() -> App:
    return App()


def declared(estate: Estate, name: str) -> Mapping[str, Mapping[str, Any]]:
    """The Terraform JSON of an estate, without a synthesis; `name` is any that is not taken."""
    stack = Stack(_app(), name)
    declare_estate(stack, estate, {user.name: PublicKeys("<public key>") for user in estate.users})
    return stack.declared


def rights_of(estate: Estate, name: str) -> list[Right]:
    """Every right of every account role, sorted."""
    document = declared(estate, name)
    held, includes = _held(document), _includes(document)
    found: set[Right] = set()
    for role in (each.name for each in estate.roles):
        for inner in _closure(role, includes):
            through = "" if inner == role else inner
            found |= {Right(role, may, on, through) for may, on in held.get(inner, ())}
    return sorted(found)


def _held(document: Mapping[str, Any]) -> dict[str, set[tuple[str, str]]]:
    """Role → (privilege, object), as the resources give them."""
    held: dict[str, set[tuple[str, str]]] = {}
    for resource, value in _instances(document, "snowflake_grant_privileges_to_"):
        for privilege in value["privileges"]:
            held.setdefault(_plain(value["role"]), set()).add((privilege, _on(resource, value)))
    for resource, value in _instances(document, "snowflake_grant_ownership"):
        held.setdefault(_plain(value["role"]), set()).add(("OWNERSHIP", _on(resource, value)))
    return held


def _includes(document: Mapping[str, Any]) -> dict[str, set[str]]:
    includes: dict[str, set[str]] = {}
    for resource, value in _instances(document, "snowflake_grant_"):
        if "parent" in value:
            assert resource.endswith(("_in_role", "_in_database_role"))
            includes.setdefault(_plain(value["parent"]), set()).add(_plain(value["role"]))
    return includes


def _closure(role: str, includes: Mapping[str, set[str]]) -> set[str]:
    found, todo = {role}, [role]
    while todo:
        for inner in includes.get(todo.pop(), set()) - found:
            found.add(inner)
            todo.append(inner)
    return found


def _instances(document: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every instance of the resources whose type begins so: (name of the resource, its values)."""
    for type_, resources in document["resource"].items():
        if type_.startswith(prefix):
            for name, body in resources.items():
                for value in instances_of(document, body).values():
                    yield name, value


def _on(resource: str, value: Mapping[str, Any]) -> str:
    if "name" not in value:
        return "account"
    scope = next((f"{word} " for word in ("future", "all") if f"{word}_" in resource), "")
    where = " in" if scope else ""
    return f"{scope}{value['type'].lower()}{where} {_plain(value['name'])}"


def _plain(name: str) -> str:
    return name.replace('"', "")


def render(rights: list[Right]) -> str:
    """A table for people, as wide as it has to be."""
    rows = [("role", "may", "on", "through"), *((each.principal, each.may, each.on, each.through) for each in rights)]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = [
        "| " + " | ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    return "\n".join([lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]]) + "\n"


def table(connector: str) -> str:
    return render(rights_of(estate_of(environment_of(CONNECTORS[connector]), ENVIRONMENTS), connector))


def main() -> None:
    for connector in CONNECTORS:
        file = FOLDER / f"snowflake-{connector}.md"
        file.write_text(table(connector), encoding="utf-8")
        sys.stdout.write(f"{file}\n")


if __name__ == "__main__":
    main()
