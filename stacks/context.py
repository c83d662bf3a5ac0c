"""What every stack is given: the environment, its project, its platform and what that platform declares."""

from __future__ import annotations

from dataclasses import dataclass

from modules.environment.model import Environment
from modules.platforms.base import Platform
from modules.platforms.declare import Declarations
from modules.project import Project

__all__ = ["Context"]


@dataclass(frozen=True)
class Context:
    environment: Environment
    project: Project
    platform: Platform
    declarations: Declarations
