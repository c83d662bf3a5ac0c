"""Templates to workflows: jinja2 with `[= =]`, `[% %]` and `[# #]`, so that `${{ }}` and `[[ ]]` stay as they are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modules.ci.pipeline import Pipeline

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["FORGES", "Action", "actions", "render"]

_GITHUB = ".github/workflows"
FORGES: Mapping[str, Mapping[str, str]] = {
    "github": {
        f"{_GITHUB}/infra-plan.yml": "github/plan.yml.j2",
        f"{_GITHUB}/infra-deploy.yml": "github/deploy.yml.j2",
        f"{_GITHUB}/infra-drift.yml": "github/drift.yml.j2",
    },
    "gitlab": {".gitlab-ci.yml": "gitlab/gitlab-ci.yml.j2"},
    "project": {f"{_GITHUB}/checks.yml": "github/checks.yml.j2"},
}
"""Which files each makes of which templates; `project` is for infra's own repository."""


@dataclass(frozen=True)
class Action:
    """An action of GitHub's, at a commit."""

    uses: str
    version: str
    commit: str

    def __str__(self) -> str:
        return f"{self.uses}@{self.commit} # {self.version}"


@cache
def actions() -> Mapping[str, Action]:
    """The pinned actions, by the name the templates call them."""
    import yaml

    text = (Path(__file__).parent / "actions.yaml").read_text(encoding="utf-8")
    return {name: Action(**each) for name, each in yaml.safe_load(text).items()}


def render(forge: str, pipeline: Pipeline) -> dict[str, str]:
    """File (from the repository's root) → text.

    Raises:
        KeyError: there is no such forge.
    """
    templates = _templates()
    values = {"pipeline": pipeline, "steps": pipeline.steps, "options": pipeline.options, "actions": actions()}
    depth = 2 if forge == "gitlab" else 4
    return {file: _tidy(templates.get_template(name).render(values), depth) for file, name in FORGES[forge].items()}


def _tidy(text: str, depth: int) -> str:
    """Without the empty lines that parts leave behind: one stands before a job, none inside (`depth` spaces)."""
    inside = re.sub(rf"\n(?:[ ]*\n)+(?= {{{depth}}})", "\n", text)
    return re.sub(r"\n{3,}", "\n\n", inside).strip() + "\n"


@cache
def _templates() -> Environment:
    from jinja2 import Environment as Templates
    from jinja2 import FileSystemLoader, StrictUndefined

    settings: dict[str, Any] = {
        "variable_start_string": "[=", "variable_end_string": "=]",
        "block_start_string": "[%", "block_end_string": "%]",
        "comment_start_string": "[#", "comment_end_string": "#]",
        "trim_blocks": True, "lstrip_blocks": True, "keep_trailing_newline": True,
    }  # fmt: skip
    folder = Path(__file__).parent / "templates"
    return Templates(loader=FileSystemLoader(folder), undefined=StrictUndefined, autoescape=False, **settings)  # noqa: S701
