"""Confluent Cloud in the environment model: its settings and what is wrong with them before any account is asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from modules.environment.document import Problem
from modules.environment.section import Section
from modules.environment.types import SecretRef, Whole

if TYPE_CHECKING:
    from modules.environment.explain import Positions
    from modules.environment.model import Environment

__all__ = ["Confluent", "check"]


class Confluent(Section):
    """Confluent Cloud on AWS; read when `platform` is confluent."""

    tier: Literal["basic", "standard", "enterprise", "freight", "dedicated"] = Field(
        "basic", description="The cluster's type; enterprise and freight are reachable from private networks only."
    )
    region: str = Field("us-east-1", description="The AWS region.")
    cku: Whole | None = Field(None, ge=1, description="The size of a dedicated cluster.")
    cloud_api_key: SecretRef | None = Field(None, description="The Cloud API key's id, as a reference.")
    cloud_api_secret: SecretRef | None = Field(None, description="The Cloud API key's secret, as a reference.")


def check(environment: Environment, positions: Positions) -> Iterator[Problem]:
    """What Confluent Cloud would refuse, found before anything is asked of it."""
    yield from ()
