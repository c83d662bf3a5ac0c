"""What is examined, and how a check asks services; so that a test can answer in their place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from modules.environment.loader import load_environment
from modules.environment.model import Environment
from modules.errors import InfraError
from modules.project import Project, recorded_outputs

__all__ = ["CONFLUENT", "Documents", "Patient", "aws_client"]

CONFLUENT = "https://api.confluent.cloud"

Documents = Callable[[Environment], Mapping[str, Mapping[str, Any]]]
"""Gives an environment's stacks, name → Terraform JSON."""


def aws_client(service: str, region: str) -> Any:
    """A client of boto3's that does not wait long."""
    import boto3
    from botocore.config import Config

    patience = Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 2})
    client: Any = boto3.client(service, region_name=region, config=patience)  # type: ignore[call-overload]
    return client


@dataclass(frozen=True)
class Patient:
    """A project, and an environment when one was named.

    Args:
        documents: synthesises the environment's stacks; without it what they need of an account is not known.
        aws: makes a client of AWS, for a service and a region.
        confluent: the address of Confluent Cloud's API.
    """

    project: Project
    environment: str | None
    cache: Path
    documents: Documents | None = None
    aws: Callable[[str, str], Any] = field(default=aws_client)
    confluent: str = CONFLUENT

    def load(self) -> Environment | None:
        """The named environment if it is usable; what is wrong with it is another check's finding."""
        try:
            return load_environment(self.project, self.environment) if self.environment else None
        except InfraError:
            return None

    @cached_property
    def stacks(self) -> Mapping[str, Mapping[str, Any]]:
        """The environment's stacks; empty where they cannot be made, which a plan says better."""
        environment = self.load()
        if environment is None or self.documents is None:
            return {}
        try:
            return self.documents(environment)
        except InfraError:
            return {}

    def declared(self) -> dict[str, int]:
        """Resource type → how many blocks of it the stacks have; `for_each` counts its entries where they are known."""
        found: dict[str, int] = {}
        for document in self.stacks.values():
            for kind, named in (document.get("resource") or {}).items():
                for body in named.values():
                    each = body.get("for_each") if isinstance(body, dict) else None
                    found[kind] = found.get(kind, 0) + (len(each) if isinstance(each, dict | list) else 1)
        return found

    def region(self) -> str | None:
        """The AWS region of what the stacks make there; None where they make nothing in AWS."""
        for document in self.stacks.values():
            for body in (document.get("provider") or {}).get("aws") or ():
                if body.get("region"):
                    return str(body["region"])
        return None

    def outputs(self, stack: str = "cluster") -> Mapping[str, Any] | None:
        """What a deploy recorded."""
        return recorded_outputs(self.project, self.environment, stack) if self.environment else None
