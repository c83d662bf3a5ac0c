"""The gates between brokers: what makes Terraform wait until one broker's replacement is seen through.

`terraform_data.before-<n>` stands before broker n and behind broker n-1, and is replaced exactly when something will
touch broker n; its provisioner runs the gate program, which ends when the cluster is whole. `settled` stands behind
the last broker. A rehearsal has no brokers, so there the gates stand open.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from modules.environment.model import Environment
from modules.platforms.declare.redpanda.nodes import Node, nodes_of, seeds_of
from modules.platforms.declare.redpanda.secrets import Secrets
from modules.platforms.names import resource_name
from modules.platforms.redpanda import AUTHORITY
from modules.resources.base import Resource, Stack

__all__ = ["Gates", "service_name"]


def service_name(environment: Environment, node: Node) -> str:
    """A broker's service in ECS."""
    return resource_name(environment, node.name, limit=255)


@dataclass(frozen=True)
class Gates:
    """Declares gates; `watched` is false in a rehearsal."""

    stack: Stack
    environment: Environment
    secrets: Secrets
    ecs_cluster: str
    watched: bool

    def before(self, node: Node, triggers: Mapping[str, object], waits: Sequence[Resource | str]) -> str:
        """The gate before a broker, by its address."""
        return self._declare(f"before-{node.number}", triggers, waits, ["--before", node.address])

    def settled(self, triggers: Mapping[str, object], waits: Sequence[Resource | str]) -> str:
        """The gate behind the last broker."""
        return self._declare("settled", triggers, waits, [])

    def _declare(
        self, id_: str, triggers: Mapping[str, object], waits: Sequence[Resource | str], more: list[str]
    ) -> str:
        body: dict[str, object] = {
            "triggers_replace": dict(triggers),
            "depends_on": [each if isinstance(each, str) else each.address for each in waits],
        }
        if self.watched:
            body["provisioner"] = [{"local-exec": {"command": self._command(more)}}]
        self.stack.declare("resource", "terraform_data", id_, body)
        return f"terraform_data.{id_}"

    def _command(self, more: list[str]) -> str:
        """The gate program with the Python that runs `infra`; no secret is in it, only where they are."""
        its = self.environment.redpanda
        arguments = ["--region", its.region, "--ecs-cluster", self.ecs_cluster]
        for node in nodes_of(self.environment):
            arguments += ["--broker", f"{service_name(self.environment, node)}={node.address}"]
        arguments += ["--seeds", str(len(seeds_of(self.environment)))]
        arguments += ["--patience", str(its.roll_patience.milliseconds // 1000), *more]
        authority = self.secrets.credentials[AUTHORITY].partition(":")[2]
        secrets = f"--login '{self.secrets.admin}' --authority '{authority}'"
        return f'"$INFRA_PYTHON" -m modules.platforms.redpanda_gate {shlex.join(arguments)} {secrets}'
