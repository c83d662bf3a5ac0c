"""The folders the worker finds its connectors in.

The Snowflake connector's jar does not list its classes as services, so a worker would look through all of its 60,000
classes, 12 s at each start. Beside the jar, which stays as it is, goes a second one with the list that Kafka's own
`connect-plugin-path sync-manifests` would write; Debezium's folder has one already.
"""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

from modules.project import Project

__all__ = ["SNOWFLAKE_SERVICES", "make_plugins", "plugins_folder"]

SNOWFLAKE_SERVICES = {
    "org.apache.kafka.connect.sink.SinkConnector": ("com.snowflake.kafka.connector.SnowflakeSinkConnector",),
    "org.apache.kafka.connect.storage.Converter": (
        "io.confluent.connect.avro.AvroConverter",
        "com.snowflake.kafka.connector.records.SnowflakeAvroConverter",
        "com.snowflake.kafka.connector.records.SnowflakeAvroConverterWithoutSchemaRegistry",
        "com.snowflake.kafka.connector.records.SnowflakeJsonConverter",
    ),
}


def plugins_folder(project: Project) -> Path:
    """What the worker's `plugin.path` names; each child is a connector."""
    return project.local / "run" / "connect-plugins"


def make_plugins(project: Project, jar: Path) -> None:
    """Make the folder anew: the Snowflake connector's jar, linked, and the list of its services."""
    folder = plugins_folder(project)
    shutil.rmtree(folder, ignore_errors=True)
    plugin = folder / "snowflake"
    plugin.mkdir(parents=True)
    (plugin / jar.name).symlink_to(jar)
    with zipfile.ZipFile(plugin / "services.jar", "w") as services:
        for service, classes in SNOWFLAKE_SERVICES.items():
            services.writestr(f"META-INF/services/{service}", "".join(f"{name}\n" for name in classes))
