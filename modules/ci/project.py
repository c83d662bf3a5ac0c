"""Writes infra's own workflow from the templates: `python -m modules.ci.project`. A test compares what is committed."""

from __future__ import annotations

import sys
from pathlib import Path

from modules.ci.pipeline import Options, Pipeline
from modules.ci.render import render

__all__ = ["COMMAND", "main", "own_workflows"]

COMMAND = "python -m modules.ci.project"


def own_workflows() -> dict[str, str]:
    """File → text."""
    return render("project", Pipeline((), Options(command=COMMAND), installs_itself=True))


def main() -> None:
    root = Path(__file__).parents[2]
    for file, text in own_workflows().items():
        target = root / file
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        sys.stdout.write(f"{target}\n")


if __name__ == "__main__":
    main()
