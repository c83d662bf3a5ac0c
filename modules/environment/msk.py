"""MSK in the environment model: its settings and what is wrong with them before any account is asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from modules.environment.document import Problem
from modules.environment.section import Section
from modules.environment.types import DataSize, Whole

if TYPE_CHECKING:
    from modules.environment.explain import Positions
    from modules.environment.model import Environment

__all__ = ["Msk", "check"]


class Msk(Section):
    """Amazon MSK; read when `platform` is msk."""

    mode: Literal["provisioned", "express", "serverless"] = Field("provisioned", description="The cluster's kind.")
    region: str = Field("us-east-1", description="The AWS region.")
    broker_type: str = Field("kafka.m7g.large", description="The brokers' instance type.")
    brokers: Whole = Field(3, ge=1, description="How many; a multiple of the number of zones.")
    storage_per_broker: DataSize | None = Field(None, description="Default: what the workload keeps, with headroom.")


def check(environment: Environment, positions: Positions) -> Iterator[Problem]:
    """What MSK would refuse, found before anything is asked of it."""
    yield from ()
