"""What each connector must be allowed to do in Snowflake: a table, by connector, version and schema evolution.

Where the documentation gives a choice (an existing table, or one the connector makes), the project's way is the
existing table: the estate declares it, so nothing else has to be created and CREATE rights are left out. The client
the connector is built on decides more than its name does, hence the versions.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from modules.errors import ConfigError

__all__ = ["MATRIX", "Rights", "rights_of"]


@dataclass(frozen=True)
class Rights:
    """A connector's rights on its database, schema and table.

    Attributes:
        database, schema, table: privileges.
        owns_table: OWNERSHIP of the table, which holds all of `table`.
        direct: the connector's own role must hold them; inherited ones do not count.
        evolves: it adds columns to the table by itself.
        warehouse: it runs queries, so it needs a virtual warehouse.
        why: in words.
        source: the page that says so.
    """

    connector: str
    versions: str
    database: tuple[str, ...]
    schema: tuple[str, ...]
    table: tuple[str, ...]
    owns_table: bool
    direct: bool
    evolves: bool
    warehouse: bool
    why: str
    source: str


_CLASSIC = "docs.snowflake.com/en/user-guide/kafka-connector-install"
_HIGH_PERFORMANCE = "docs.snowflake.com/en/connectors/kafkahp/setup-snowflake"


def _own(*, evolves: bool) -> Rights:
    table = ("INSERT", "SELECT", *(("EVOLVE SCHEMA",) if evolves else ()))
    why = "INSERT writes rows; SELECT finds the row of a batch that the warehouse refused."
    return Rights("sink", "any", ("USAGE",), ("USAGE",), table, False, False, evolves, True, why, _HIGH_PERFORMANCE)


def _classic(connector: str, versions: str, *, evolves: bool) -> Rights:
    why = "An existing table must be the connector's own: it alters it, and asks SHOW GRANTS whether it owns it."
    table = ("EVOLVE SCHEMA",) if evolves else ()
    return Rights(connector, versions, ("USAGE",), ("USAGE",), table, True, True, evolves, False, why, _CLASSIC)


def _fourth(*, evolves: bool) -> Rights:
    table = ("INSERT", *(("EVOLVE SCHEMA",) if evolves else ()))
    why = "Privileges held by the role itself; CREATE PIPE since the first channel makes the table's default pipe."
    schema = ("USAGE", "CREATE PIPE")
    return Rights("kafka-connect", "4", ("USAGE",), schema, table, False, True, evolves, False, why, _HIGH_PERFORMANCE)


MATRIX: tuple[Rights, ...] = tuple(
    rights
    for evolves in (False, True)
    for rights in (
        _own(evolves=evolves),
        _classic("kafka-connect", "2", evolves=evolves),
        _classic("kafka-connect", "3", evolves=evolves),
        _fourth(evolves=evolves),
        _classic("managed", "any", evolves=evolves),
    )
)
"""Confluent's managed SnowflakeSink is a connector of version 3; MSK Connect runs whichever it is given. OWNERSHIP
brings EVOLVE SCHEMA along (docs.snowflake.com/en/user-guide/data-load-schema-evolution)."""


def rights_of(connector: str, version: str | None = None, schema_evolution: bool = False) -> Rights:
    """The line for a connector.

    Args:
        connector: `sink`, `managed` or `kafka-connect`.
        version: of the connector, as `4.0.1` or `3`; default: 4.
        schema_evolution: whether it adds columns by itself.

    Raises:
        ConfigError: no line is known for it.
    """
    lines = [each for each in MATRIX if each.connector == connector and each.evolves == schema_evolution]
    major = re.match(r"v?(\d+)", version or "4")
    for each in lines:
        if each.versions == "any" or (major and each.versions == major[1]):
            return each
    known = sorted({f"{each.connector} {each.versions}" for each in MATRIX})
    raise ConfigError(
        f"nothing is known of the rights a connector `{connector}` of version {version} needs",
        do=f"choose one of: {', '.join(known)}",
    )
