"""Clusters that were there before their environment, as `infra import --cluster` writes them into its YAML.

What is named here stays what it was: a name that Terraform could only change by making the cluster anew, and what
belongs to somebody else (networks, security groups, keys). Everything else is the environment's own from then on.
"""

from __future__ import annotations

from pydantic import Field

from modules.environment.section import Section

__all__ = ["AdoptedConfluent", "AdoptedMsk"]


class AdoptedConfluent(Section):
    """A Confluent environment with its cluster."""

    environment_name: str = Field(description="The Confluent environment's name.", min_length=1)
    cluster_name: str = Field(description="The cluster's name.", min_length=1)
    network: str | None = Field(
        None,
        description="A Confluent network (`n-…`) or PrivateLink attachment (`platt-…`) by which the cluster is reached "
        "already; nothing of that connection is made here.",
        pattern=r"^(n|platt)-[a-z0-9]+$",
    )


class AdoptedMsk(Section):
    """A cluster of Amazon MSK."""

    name: str = Field(description="The cluster's name.", min_length=1, max_length=64)
    security_groups: list[str] = Field(
        description="Its security groups; who may reach the brokers is decided there, not by `network.clients`.",
        min_length=1,
    )
    kms_key: str | None = Field(
        None, description="The key its disks are encrypted by.", pattern=r"^arn:aws[a-z-]*:kms:\S+$"
    )
    configuration: str | None = Field(
        None,
        description="Its configuration, `<arn>#<revision>`; without the line brokers get this environment's.",
        pattern=r"^arn:aws[a-z-]*:kafka:[^#\s]+#[0-9]+$",
    )
    scram_secrets: list[str] = Field(
        default_factory=list, description="Logins it has already, by their secrets' ARNs; they go on to work."
    )
