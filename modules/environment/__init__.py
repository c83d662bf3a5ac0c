"""The environment: what one YAML file of `environments/` says, read and checked. Start with `load_environment`."""

from __future__ import annotations

from modules.environment.loader import EnvironmentDocument, list_environments, load_environment, read_document
from modules.environment.model import Environment

__all__ = ["Environment", "EnvironmentDocument", "list_environments", "load_environment", "read_document"]
