"""The AWS provider of a stack, with the tags that everything carries, and policies written as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from modules.environment.model import Environment
from modules.platforms.names import default_tags, resource_name
from modules.resources.aws import AwsProvider
from modules.resources.base import Stack
from modules.resources.expressions import Expr, function

__all__ = ["allow", "aws_provider", "name_tag", "policy", "trust_of_service"]


def aws_provider(stack: Stack, environment: Environment, region: str) -> None:
    """The stack's AWS provider; credentials come from where boto3 finds them, never from the stack.

    The provider has the tags, so no resource can be forgotten.
    """
    AwsProvider(stack, region=region, default_tags=[{"tags": default_tags(environment)}])


def name_tag(environment: Environment, *parts: str) -> dict[str, str]:
    """The tag by which AWS's console shows what has no name of its own."""
    return {"Name": resource_name(environment, *parts, limit=256)}


def policy(stack: Stack, id_: str, statements: Sequence[Mapping[str, object]]) -> Expr:
    """An IAM or resource policy as JSON, from a local of the stack, where it can be read."""
    document = stack.local(f"policy_{id_}", {"Version": "2012-10-17", "Statement": list(statements)})
    return function("jsonencode", document)


def allow(sid: str, actions: Sequence[str], resources: Sequence[str]) -> dict[str, object]:
    """A statement that allows; for policies of a role."""
    return {"Sid": sid, "Effect": "Allow", "Action": sorted(actions), "Resource": list(resources)}


def trust_of_service(service: str) -> list[dict[str, object]]:
    """Who may take on a role: one of AWS's services."""
    principal = {"Service": service}
    return [{"Sid": "Assume", "Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}]
