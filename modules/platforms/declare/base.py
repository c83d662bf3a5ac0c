"""What stacks ask a platform to declare: the Terraform half of `modules/platforms/base.py`.

Implementations import the generated resource classes; clients (producer, sink, smoke) never come here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from modules.resources.base import Stack
from modules.topics import AclSpec, SchemaSpec, TopicSpec

__all__ = ["CLUSTER_OUTPUTS", "Declarations"]

CLUSTER_OUTPUTS = ("bootstrap_servers", "registry_url", "client_settings", "credentials")
"""What every platform's cluster stack outputs; stacks behind it take what they need as variables `cluster_<output>`.

`client_settings` are librdkafka's (`security.protocol`, `sasl.mechanism` …) as far as all roles share them and nothing
in them is secret. `credentials` are references by role (`admin`, `producer`, `consumer`, `sink`, and `registry` where
it has a login): `aws-sm:NAME` or `file:PATH` of a JSON object with `username` and `password`; a role without is left
out.
"""


class Declarations(Protocol):
    """One platform, bound to one environment."""

    cluster_inputs: tuple[str, ...]
    """Outputs of the cluster stack that the topics and connect stacks take, as variables `cluster_<output>`."""

    connect_inputs: tuple[str, ...]
    """Those that the connect stack takes beside them."""

    def cluster(self, stack: Stack) -> None:
        """Brokers, registry, network; with the outputs named in `CLUSTER_OUTPUTS`."""

    def kafka_provider(self, stack: Stack) -> None:
        """The provider that makes topics and ACLs, from the cluster's outputs."""

    def registry_provider(self, stack: Stack) -> None:
        """The provider that registers schemas, from the cluster's outputs."""

    def topics(self, stack: Stack, specs: Sequence[TopicSpec]) -> None:
        """Topics, each at an address that holds its name."""

    def acls(self, stack: Stack, specs: Sequence[AclSpec]) -> None:
        """Allow rules, nothing else is allowed."""

    def schemas(self, stack: Stack, specs: Sequence[SchemaSpec], texts: Mapping[str, str]) -> None:
        """Subjects; `texts` holds each subject's schema."""

    def connectors(self, stack: Stack) -> None:
        """What runs connectors, and the connectors; nothing where the project's own sink is a process."""
