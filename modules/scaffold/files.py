"""The files of a new environment: rendered, tried by the loader before anybody sees them, and what is left to fill in.

Files that every environment shares (`base.yaml`, the example's Avro schema, `.gitignore`) are made where there are none
and never changed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from modules.environment import Environment, load_environment
from modules.environment.schema import APPLICATIONS_FILE, FILE, render_application_schema, render_schema
from modules.project import Project
from modules.scaffold.answers import PLATFORMS, Answers

__all__ = ["IGNORED", "Scaffold", "to_fill_in"]

_TEMPLATES = Path(__file__).parent / "templates"
_GITIGNORE = ".gitignore"
_FILL_IN = "fill in: "
IGNORED = (".infra/", ".infra-ci/", "plans/", "plan-key*.txt", "*.tfstate", "*.tfstate.*", "*.p8")
"""What git must not keep: states, working folders and the laptop's data; what GitLab's jobs leave on a runner that
stays; plans that were kept (`infra plan --out plans/`) and the key that opens them; a state saved by hand; Snowflake's
keys."""


@dataclass(frozen=True)
class Scaffold:
    """What would be written: file (from the project's root) → text; `kept` are there already and stay as they are."""

    answers: Answers
    files: Mapping[str, str]
    kept: tuple[str, ...]

    @property
    def own(self) -> str:
        """The environment's file."""
        return f"environments/{self.answers.name}.yaml"

    @classmethod
    def of(cls, root: Path, answers: Answers, *, budget: str = "", why: str = "") -> Scaffold:
        """Render everything for a project folder; nothing is written.

        Args:
            budget, why: USD a month that is allowed, and how that came about; empty: no budget.
        """
        base = "environments/base.yaml"
        there = (root / base).is_file()
        values = {
            "answers": answers,
            "title": PLATFORMS[answers.option][0].upper() + PLATFORMS[answers.option][1:],
            "own_project": there and not _says(root / base, answers.project),
            "budget": budget,
            "why": why,
        }
        shared = {base: _rendered("base.yaml.j2", values), **_shipped()}
        kept = tuple(file for file in shared if (root / file).is_file())
        files = {file: text for file, text in shared.items() if file not in kept}
        files[f"environments/{answers.name}.yaml"] = _rendered("environment.yaml.j2", values)
        # Made from the model: always this version's.
        files |= {FILE: render_schema(), APPLICATIONS_FILE: render_application_schema()}
        ignored = _ignored(root / _GITIGNORE)
        return cls(answers, {**files, **({_GITIGNORE: ignored} if ignored else {})}, kept)

    def load(self, root: Path) -> Environment:
        """The environment as `infra` would read it.

        Raises:
            ConfigError: what is in the project's base.yaml does not go with it.
        """
        with self.tried(root) as project:
            return load_environment(project, self.answers.name)

    @contextmanager
    def tried(self, root: Path) -> Iterator[Project]:
        """The project as it would be, somewhere else and for a while."""
        with TemporaryDirectory(prefix="infra-init-") as folder:
            for path in (root / "pyproject.toml", *(root / "environments").rglob("*")):
                if path.is_file() and path.suffix in (".yaml", ".avsc", ".toml"):
                    _put(Path(folder) / path.relative_to(root), path.read_text(encoding="utf-8", errors="replace"))
            for file, text in self.files.items():
                _put(Path(folder) / file, text)
            yield Project(Path(folder))


def to_fill_in(scaffold: Scaffold) -> tuple[str, ...]:
    """Lines a person has to change before a deploy: `environments/dev.yaml:9: your VPC`."""
    return tuple(_left(scaffold.own, scaffold.files[scaffold.own]))


def _left(file: str, text: str) -> Iterator[str]:
    for number, line in enumerate(text.splitlines(), 1):
        _, found, what = line.partition(_FILL_IN)
        if found:
            yield f"{file}:{number}: {what}"


def _says(base: Path, project: str) -> bool:
    """Whether a base.yaml gives this project's name already; `streaming` is what it has by default."""
    found = re.search(r"(?m)^project:\s*([a-z0-9-]+)", base.read_text(encoding="utf-8", errors="replace"))
    return (found[1] if found else "streaming") == project


def _shipped() -> dict[str, str]:
    """The example's Avro schema."""
    text = (_TEMPLATES / "order_events.avsc").read_text(encoding="utf-8")
    return {"environments/schemas/order_events.avsc": text}


def _ignored(file: Path) -> str | None:
    """A .gitignore with all of `IGNORED` in it; None where that is so already."""
    before = file.read_text(encoding="utf-8") if file.is_file() else ""
    there = {line.strip().strip("/") for line in before.splitlines()}
    missing = [line for line in IGNORED if line.strip("/") not in there]
    gap = "" if not before or before.endswith("\n") else "\n"
    return "\n".join([f"{before}{gap}{missing[0]}", *missing[1:], ""]) if missing else None


def _rendered(name: str, values: Mapping[str, object]) -> str:
    from jinja2 import Environment as Templates
    from jinja2 import FileSystemLoader, StrictUndefined

    templates = Templates(
        loader=FileSystemLoader(_TEMPLATES),
        undefined=StrictUndefined,
        variable_start_string="[=",
        variable_end_string="=]",
        block_start_string="[%",
        block_end_string="%]",
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - YAML, not HTML
    )
    return re.sub(r"\n{3,}", "\n\n", templates.get_template(name).render(values))


def _put(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
