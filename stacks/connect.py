"""What carries topics into tables: connectors or the project's own sink, and its rights on Kafka."""

from __future__ import annotations

from modules.cdk import App
from modules.environment.connect import kind_of, sink_class
from modules.resources.base import Stack
from modules.resources.builtin import terraform_data
from modules.resources.expressions import var
from modules.topics import connect_acls, connector_group, sink_connector_name, sink_group
from stacks.context import Context

__all__ = ["ConnectStack"]

_OBJECTS = ("client_settings", "credentials", "role_arns")
"""Outputs of the cluster stack that are no text."""


class ConnectStack(Stack):
    """Outputs `sinks`: topic → consumer group, table and Snowflake user, and the connector where there is one."""

    needs: tuple[str, ...] = ("cluster", "topics", "warehouse")
    inputs: tuple[tuple[str, str], ...] = ()

    def __init__(self, app: App, context: Context) -> None:
        super().__init__(app, "connect")
        environment, declarations = context.environment, context.declarations
        names = dict.fromkeys((*declarations.cluster_inputs, *declarations.connect_inputs))
        self.inputs = (*(("cluster", output) for output in names), ("warehouse", "connector_user"))
        for stack, output in self.inputs:
            self.variable(f"{stack}_{output}", type_="any" if output in _OBJECTS else "string")
        declarations.kafka_provider(self)
        declarations.acls(self, connect_acls(environment))
        declarations.connectors(self)
        sinks = {
            name: {
                "group": sink_group(name) if kind_of(environment) == "sink" else connector_group(environment, name),
                "table": topic.sink.table.upper(),
                "user": var("warehouse_connector_user"),
                **({"connector": sink_connector_name(environment, name)} if sink_class(environment) else {}),
            }
            for name, topic in environment.topics.items()
            if topic.sink
        }
        self.output("sinks", terraform_data(self, "sinks", sinks), description="What carries which topic where.")
