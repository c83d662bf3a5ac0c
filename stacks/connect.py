"""What carries topics into tables: the sink's rights on Kafka and what it is to do."""

from __future__ import annotations

from modules.cdk import App
from modules.resources.base import Stack
from modules.resources.builtin import terraform_data
from modules.resources.expressions import var
from modules.topics import sink_acls, sink_group
from stacks.context import Context

__all__ = ["ConnectStack"]


class ConnectStack(Stack):
    """Outputs `sinks`: topic → consumer group, table and Snowflake user."""

    needs: tuple[str, ...] = ("cluster", "topics", "warehouse")
    inputs: tuple[tuple[str, str], ...] = ()

    def __init__(self, app: App, context: Context) -> None:
        super().__init__(app, "connect")
        cluster = tuple(("cluster", output) for output in context.declarations.cluster_inputs)
        self.inputs = (*cluster, ("warehouse", "connector_user"))
        for stack, output in self.inputs:
            self.variable(f"{stack}_{output}")
        context.declarations.kafka_provider(self)
        context.declarations.acls(self, sink_acls(context.environment))
        sinks = {
            name: {
                "group": sink_group(name),
                "table": topic.sink.table.upper(),
                "user": var("warehouse_connector_user"),
            }
            for name, topic in context.environment.topics.items()
            if topic.sink
        }
        self.output("sinks", terraform_data(self, "sinks", sinks), description="What the sink carries where.")
