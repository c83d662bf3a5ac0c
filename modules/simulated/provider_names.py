"""Which providers can be simulated: those with a schema snapshot."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["SNAPSHOTS"]

SNAPSHOTS: Mapping[str, str] = {
    "hashicorp/aws": "aws",
    "confluentinc/confluent": "confluent",
    "mongey/kafka": "kafka",
    "mongey/kafka-connect": "kafka-connect",
    "cultureamp/schemaregistry": "schemaregistry",
    "snowflakedb/snowflake": "snowflake",
}
"""Source address → the snapshot's name."""
