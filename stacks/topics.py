"""Topics with their dead-letter topics, who may use them, and the schemas of what is in them."""

from __future__ import annotations

import json

from modules.cdk import App
from modules.errors import ConfigError
from modules.resources.base import Stack
from modules.terraform.state import read_attributes
from modules.topics import access_acls, schema_specs, topic_specs
from stacks.context import Context

__all__ = ["TopicsStack"]


class TopicsStack(Stack):
    """Outputs `topics` and `subjects`, both lists of names."""

    needs: tuple[str, ...] = ("cluster",)
    inputs: tuple[tuple[str, str], ...] = ()

    def __init__(self, app: App, context: Context) -> None:
        super().__init__(app, "topics")
        environment, declarations = context.environment, context.declarations
        self.inputs = tuple(("cluster", output) for output in declarations.cluster_inputs)
        for stack, output in self.inputs:
            self.variable(f"{stack}_{output}")
        topics, schemas = topic_specs(environment), schema_specs(environment)
        declarations.kafka_provider(self)
        declarations.topics(self, topics)
        declarations.acls(self, access_acls(environment))
        if schemas or _registered(context):
            declarations.registry_provider(self)
        if schemas:
            declarations.schemas(self, schemas, {each.subject: _schema_text(context, each.path) for each in schemas})
        self.output("topics", [topic.name for topic in topics])
        self.output("subjects", [schema.subject for schema in schemas])


def _registered(context: Context) -> bool:
    """Whether subjects are there, which the provider is needed for to take them away."""
    state = context.project.environment_state(context.environment.name) / "topics" / "terraform.tfstate"
    return bool(read_attributes(state, ("schemaregistry_schema",)))


def _schema_text(context: Context, path: str) -> str:
    """The schema in one line, so that its formatting is never a change."""
    file = context.project.environments / path
    try:
        return json.dumps(json.loads(file.read_text()), separators=(",", ":"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"cannot read the schema: {error}", where=str(path), do="mend or replace the file") from None
