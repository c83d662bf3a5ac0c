"""Redpanda in the environment model: its settings and what is wrong with them before any account is asked."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from modules.environment.document import Problem
from modules.environment.section import Section
from modules.environment.types import DataSize, DataSizeValue, Number, Whole

if TYPE_CHECKING:
    from modules.environment.explain import Positions
    from modules.environment.model import Environment

__all__ = ["Redpanda", "check"]


class Redpanda(Section):
    """Redpanda on one's own machines in AWS; read when `platform` is redpanda."""

    region: str = Field("us-east-1", description="The AWS region.")
    compute: Literal["ec2", "fargate"] = Field("fargate", description="What the brokers run on.")
    brokers: Whole = Field(3, ge=1, description="How many.")
    vcpu: Number = Field(Decimal(2), gt=0, description="Virtual processors a broker.")
    memory: DataSize = Field(DataSizeValue(8 * 2**30), description="Memory a broker.")


def check(environment: Environment, positions: Positions) -> Iterator[Problem]:
    """What Redpanda would refuse, found before anything is asked of it."""
    yield from ()
