"""What every part of the environment model is built on: unknown keys are refused, nothing changes after loading."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

__all__ = ["Section"]


class Section(BaseModel):
    """A mapping of the YAML."""

    model_config = ConfigDict(extra="forbid", frozen=True)
