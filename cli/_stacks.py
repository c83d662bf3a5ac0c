"""An environment's stacks as Terraform JSON, made as a rehearsal makes them: no secret is read, nothing reached."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from modules.environment.model import Environment
    from modules.project import Project

__all__ = ["stack_documents"]


def stack_documents(project: Project, environment: Environment) -> Mapping[str, Mapping[str, Any]]:
    """Stack → its JSON; synthesised into a temporary folder."""
    import tempfile
    from dataclasses import replace
    from pathlib import Path

    from modules.platforms import platform_for
    from modules.providers.needed import documents_of
    from modules.simulated.offline import OfflinePlatform, without_secrets
    from stacks import synth

    rehearsed, bare = replace(project, offline=True), without_secrets(environment)
    platform = OfflinePlatform(platform_for(bare, rehearsed), bare)
    with tempfile.TemporaryDirectory(prefix="infra-synth-") as out:
        return documents_of(synth(bare, rehearsed, platform, Path(out)))
