"""How much is in an environment's topics and tables right now, for people who are about to lose it.

Counted where that costs next to nothing: a topic's by its first and last offsets (records that were compacted away or
that belong to a transaction's markers count along), a table's by what Snowflake keeps for SHOW TABLES. What does not
answer is left out: a count is a courtesy, and no reason to stop.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection
from typing import Any

from modules.environment.model import Environment
from modules.errors import InfraError
from modules.platforms.base import Platform
from modules.project import Project

__all__ = ["count_contents"]

_SECONDS = 5.0


def count_contents(
    environment: Environment, platform: Platform, project: Project, topics: Collection[str], databases: Collection[str]
) -> dict[str, str]:
    """`kafka_topic orders` → `1,234 messages`, `snowflake_table D.S.T` → `1,234 rows`."""
    found: dict[str, str] = {}
    if topics:
        found |= _topics(platform, topics)
    if databases:
        found |= _tables(platform, project, databases)
    return found


def _topics(platform: Platform, topics: Collection[str]) -> dict[str, str]:
    from confluent_kafka import KafkaException, TopicPartition, admin

    specs = vars(admin)["OffsetSpec"]
    try:
        settings: dict[str, Any] = {**platform.kafka_client("admin"), "log_level": 0, "error_cb": lambda _: None}
        client = admin.AdminClient(settings)
        there = client.list_topics(timeout=_SECONDS).topics
        places = [TopicPartition(name, number) for name in topics if name in there for number in there[name].partitions]
        if not places:
            return {}
        sums = dict.fromkeys((place.topic for place in places), 0)
        for spec, sign in ((specs.latest(), 1), (specs.earliest(), -1)):
            asked = client.list_offsets(dict.fromkeys(places, spec), request_timeout=_SECONDS)
            for place, future in asked.items():
                sums[place.topic] += sign * int(future.result(_SECONDS).offset)
    except (KafkaException, InfraError, TimeoutError):
        return {}
    return {f"kafka_topic {name}": _counted(number, "message") for name, number in sums.items()}


def _tables(platform: Platform, project: Project, databases: Collection[str]) -> dict[str, str]:
    from modules.warehouse.connection import connect

    found: dict[str, str] = {}
    with (
        contextlib.suppress(InfraError),
        contextlib.closing(connect(platform.snowflake_client("admin"), project)) as connection,
    ):
        from snowflake.connector.errors import Error

        for database in databases:
            with contextlib.suppress(Error):
                cursor = connection.cursor()
                quoted = database.replace('"', '""')
                cursor.execute(f'SHOW TABLES IN DATABASE "{quoted}"')
                rows = cursor.fetchall()
                columns = [each[0] for each in cursor.description]
                for row in rows:
                    line = dict(zip(columns, row, strict=True))
                    name = f"{line['database_name']}.{line['schema_name']}.{line['name']}"
                    if line.get("rows") is not None:
                        found[f"snowflake_table {name}"] = _counted(int(line["rows"]), "row")
    return found


def _counted(number: int, word: str) -> str:
    return f"{number:,} {word}" + ("" if number == 1 else "s")
