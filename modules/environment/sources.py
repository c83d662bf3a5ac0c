"""What brings rows into topics, in the environment model: `sources.<name>`, told apart by its `kind`.

A further kind is a model with a `kind` of its own, with its principals and its check, and a line in each of these.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from pydantic import Field

from modules.environment import capture, source
from modules.environment.capture import DebeziumPostgres
from modules.environment.document import Problem
from modules.environment.source import SnowflakeSource

if TYPE_CHECKING:
    from modules.environment.explain import Positions
    from modules.environment.model import Environment

__all__ = ["Source", "check", "principals"]

Source: TypeAlias = Annotated[SnowflakeSource | DebeziumPostgres, Field(discriminator="kind")]


def principals(environment: Environment) -> dict[str, dict[str, Any]]:
    """The applications that sources amount to, as an application's file would say it: each has a login of its own."""
    return {**source.principals(environment.sources, environment.topics), **capture.principals(environment)}


def check(environment: Environment, positions: Positions) -> Iterator[Problem]:
    """What is wrong with an environment's sources, of whichever kind."""
    yield from source.check(environment, positions)
    yield from capture.check(environment, positions)
