"""What an estate has from the start, written as an environment's YAML would say it: `completed` merges the three.

1. What the topics' sinks need: their databases, schemas and tables, the connector's role, user and virtual warehouse.
2. The preset, which is a mapping of the same shape as the YAML's `warehouse:`.
3. What the environment says itself, which wins key by key; `warehouse.without` takes things of 1 and 2 away.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any

from modules.environment.capture import unwrapped_topics
from modules.environment.connect import kind_of
from modules.environment.identifiers import fold
from modules.environment.smoke import SMOKE_TOPIC
from modules.environment.source import snowflake_sources
from modules.environment.warehouse import Warehouse

if TYPE_CHECKING:
    from modules.environment.model import Environment

__all__ = ["NEEDED", "completed", "current_view", "given_by_preset", "schematized", "sink_tables"]

_CONNECTOR_ROLE, _CONNECTOR_USER, _WAREHOUSE = "KAFKA_CONNECTOR", "SVC_KAFKA_CONNECTOR", "STREAMING_WH"
_SOURCE_USER = "SVC_KAFKA_SOURCE"
NEEDED = (f"roles.{_CONNECTOR_ROLE}", f"users.{_CONNECTOR_USER}", f"warehouses.{_WAREHOUSE}")
"""What cannot be left out: the connector logs in with it."""

_MARTS = {"comment": "For readers."}
_MONITOR, _POLICY = "STREAMING_MONITOR", "KAFKA_CONNECTOR_POLICY"

_NEWEST = (
    "SELECT {columns} FROM {table} QUALIFY ROW_NUMBER() OVER (PARTITION BY {key} "
    "ORDER BY RECORD_METADATA:CreateTime::NUMBER DESC, RECORD_METADATA:offset::NUMBER DESC) = 1"
)
_AS_THEY_ARE = (
    "SELECT {columns} FROM {table} QUALIFY ROW_NUMBER() OVER (PARTITION BY {keys} "
    "ORDER BY __LSN DESC, RECORD_METADATA:offset::NUMBER DESC) = 1 AND __DELETED = 'false'"
)


def sink_tables(environment: Environment) -> dict[str, list[str]]:
    """Table DATABASE.SCHEMA.NAME → the topics whose sink it is, in order; names folded as Snowflake does."""
    tables: dict[str, list[str]] = {}
    for name, topic in environment.topics.items():
        if topic.sink:
            tables.setdefault(fold(topic.sink.table), []).append(name)
    return tables


def schematized(environment: Environment) -> bool:
    """Whether what carries events into tables writes their fields into columns of their own."""
    return kind_of(environment) == "sink" or environment.connect.schematization


def current_view(table: str, tables: Collection[str]) -> str:
    """The preset's view of a sink table's newest row by key; with its schema, or its database too, where
    tables have the same name."""
    parts = table.split(".")
    for depth in (1, 2, 3):
        last = parts[-depth:]
        if [each.split(".")[-depth:] for each in tables].count(last) < 2:
            break
    return f"ANALYTICS.MARTS.{'_'.join(last)}_CURRENT"


def completed(environment: Environment) -> Warehouse:
    """The `warehouse:` section with everything it stands for."""
    own = environment.warehouse
    return Warehouse.model_validate(_merge(given_by_preset(environment), own.model_dump(exclude_unset=True)))


def given_by_preset(environment: Environment) -> dict[str, Any]:
    """What is there before the environment says anything, without what it does not want."""
    given = _merge(_for_sinks(environment), _PRESETS[environment.warehouse.preset](environment))
    for each in environment.warehouse.without:
        section, _, name = each.partition(".")
        _take_away(given, section, name)
    return given


def _for_sinks(environment: Environment) -> dict[str, Any]:
    tables = sink_tables(environment)
    databases: dict[str, Any] = {}
    for table in tables:
        database, schema, _ = table.split(".")
        databases.setdefault(database, {"schemas": {}})["schemas"][schema] = {"access_roles": False}
    readers, reader = _for_sources(environment)
    return {
        "databases": databases,
        "tables": {table: _table(topics[0]) for table, topics in tables.items()},
        "warehouses": {_WAREHOUSE: {"comment": "Readers and the sink's look-ups."}},
        "roles": {_CONNECTOR_ROLE: {"comment": "Writes topics into tables, and nothing else."}, **readers},
        "users": {
            _CONNECTOR_USER: {
                "role": _CONNECTOR_ROLE,
                "warehouse": _WAREHOUSE,
                "comment": "Writes topics into tables; key pair only.",
            },
            **reader,
        },
    }


def _table(topic: str) -> dict[str, Any]:
    if topic == SMOKE_TOPIC:
        return {"comment": "What infra smoke measures on; it deletes its rows.", "retention": "0d"}
    return {"comment": f"Rows of the topic {topic}."}


def _for_sources(environment: Environment) -> tuple[dict[str, Any], dict[str, Any]]:
    """Roles and the user that read what sources publish; none without sources."""
    names = list(dict.fromkeys(fold(each.role) for each in snowflake_sources(environment).values()))
    if not names:
        return {}, {}
    user = {
        "role": names[0],
        "further_roles": names[1:],
        "warehouse": _WAREHOUSE,
        "comment": "Reads what sources publish; key pair only.",
    }
    role = {"warehouses": [_WAREHOUSE], "comment": "Reads what sources publish."}
    return {name: dict(role) for name in names}, {_SOURCE_USER: user}


def _none(environment: Environment) -> dict[str, Any]:
    return {}


def _order_events(environment: Environment) -> dict[str, Any]:
    """A place for what is made of the events, and the roles that load, transform and read."""
    raw = sorted({table.rpartition(".")[0] for table in sink_tables(environment)})
    given: dict[str, Any] = {
        "databases": _merge(
            _raw_databases(raw),
            {"ANALYTICS": {"comment": "What is made of the events.", "schemas": {"MARTS": _MARTS}}},
        ),
        "resource_monitors": {_MONITOR: {"credits": environment.warehouse.monthly_credits}},
        "warehouses": {
            _WAREHOUSE: {"resource_monitor": _MONITOR, "comment": "The sink's look-ups and loads."},
            "TRANSFORM_WH": {"resource_monitor": _MONITOR, "comment": "dbt and the like."},
            "REPORTING_WH": {
                "resource_monitor": _MONITOR,
                "statement_timeout": "10m",
                "comment": "People and dashboards.",
            },
        },
        "roles": {
            "LOADER": {
                "inherits": [f"{each}_WRITE" for each in raw],
                "warehouses": [_WAREHOUSE],
                "comment": "Loads by batch beside the stream.",
            },
            "TRANSFORMER": {
                "inherits": [*(f"{each}_READ" for each in raw), "ANALYTICS.MARTS_OWNER"],
                "warehouses": ["TRANSFORM_WH"],
                "comment": "Makes marts of events.",
            },
            "ANALYST": {
                "inherits": ["ANALYTICS.MARTS_READ"],
                "warehouses": ["REPORTING_WH"],
                "comment": "Reads marts.",
            },
        },
    }
    given["views"] = _current_views(environment)
    if environment.warehouse.allowed_cidrs:
        given["network_policies"] = {
            _POLICY: {
                "allowed_cidrs": list(environment.warehouse.allowed_cidrs),
                "comment": "From where the connector logs in.",
            }
        }
        given["users"] = {_CONNECTOR_USER: {"network_policy": _POLICY}}
    return given


def _raw_databases(schemas: list[str]) -> dict[str, Any]:
    databases: dict[str, Any] = {}
    for each in schemas:
        database, schema = each.split(".")
        databases.setdefault(database, {"comment": "Events as they come.", "schemas": {}})
        databases[database]["schemas"][schema] = {"access_roles": True}
    return databases


def _current_views(environment: Environment) -> dict[str, Any]:
    """For each sink of a topic with a key: the newest row of every key; of a captured table: its rows as they are.

    Nobody reads what is only measured on."""
    if not schematized(environment):
        return {}
    views = {}
    captured = unwrapped_topics(environment)
    tables = {table: topics for table, topics in sink_tables(environment).items() if topics[0] != SMOKE_TOPIC}
    for table, topics in tables.items():
        if topics[0] in captured:
            keys = captured[topics[0]]
            views[current_view(table, tables)] = {
                "query": _AS_THEY_ARE.format(
                    columns=f"{{columns {table}}}", table=table, keys=", ".join(fold(key) for key in keys)
                ),
                "comment": "The captured table's rows as they are: the newest change of each, without deleted ones.",
            }
            continue
        key = environment.topics[topics[0]].key
        if key:
            views[current_view(table, tables)] = {
                "query": _NEWEST.format(columns=f"{{columns {table}}}", table=table, key=fold(key)),
                "comment": f"The newest event of every {key}.",
            }
    return views


_PRESETS: dict[str, Callable[[Environment], dict[str, Any]]] = {"none": _none, "order-events": _order_events}


def _take_away(given: dict[str, Any], section: str, name: str) -> None:
    """Removes one thing and, in the preset's own roles and warehouses, what refers to it."""
    given.get(section, {}).pop(name, None)
    roles = given.get("roles", {}).values()
    if section == "databases":
        for kind in ("tables", "views"):
            given[kind] = {key: each for key, each in given.get(kind, {}).items() if not key.startswith(f"{name}.")}
        for role in roles:
            role["inherits"] = [each for each in role.get("inherits", []) if not each.startswith(f"{name}.")]
    elif section == "warehouses":
        for role in roles:
            role["warehouses"] = [each for each in role.get("warehouses", []) if each != name]
    elif section == "resource_monitors":
        for warehouse in given.get("warehouses", {}).values():
            if warehouse.get("resource_monitor") == name:
                del warehouse["resource_monitor"]


def _merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`over` laid on `base`: mappings merge, anything else replaces; as `extends` does."""
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = _merge(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return merged
