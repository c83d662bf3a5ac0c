"""Which settings each connector takes, as data: a misspelt one is found before anything is applied.

Here and not beside the functions that fill them (`modules/connectors/settings`), because the environment's checks need
them and stand on nothing else.
"""

from __future__ import annotations

from modules.environment.connector_settings import debezium, snowflake
from modules.environment.connector_settings.base import Connector, Setting, setting_problem

__all__ = ["CONNECTORS", "Connector", "Setting", "setting_problem"]

CONNECTORS = {
    each.class_name: each
    for each in (
        snowflake.CLASSIC,
        snowflake.STREAMING,
        snowflake.CONFLUENT,
        debezium.DEBEZIUM,
        debezium.CONFLUENT,
    )
}
"""By `connector.class`."""
