"""Runs that were kept as files: what `infra smoke --json` printed, read back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from modules.errors import SmokeError
from modules.smoke.document import SCHEMA_VERSION

__all__ = ["read_run"]


def read_run(file: Path) -> dict[str, Any]:
    """A document of `infra smoke --json`.

    Raises:
        SmokeError: there is no such file, it is not such a document, or one of another version.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise SmokeError(f"cannot read {file}: {reason}", do="infra smoke --env local --json > run.json") from None
    except UnicodeDecodeError:
        raise _not_a_run(file, "it is not text") from None
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise _not_a_run(file, f"line {error.lineno} is not JSON: {error.msg}") from None
    if not isinstance(found, dict) or "schema_version" not in found or "stages" not in found:
        raise _not_a_run(file, "it has no `schema_version` and `stages`")
    if found["schema_version"] != SCHEMA_VERSION:
        raise SmokeError(
            f"{file} has schema_version {found['schema_version']}; this reads {SCHEMA_VERSION}",
            do="measure again with this version: infra smoke --env local --json > run.json",
        )
    return found


def _not_a_run(file: Path, why: str) -> SmokeError:
    return SmokeError(
        f"{file} is not what `infra smoke --json` prints: {why}", do="infra smoke --env local --json > run.json"
    )
