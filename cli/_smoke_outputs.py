"""What `infra smoke` does with a run's document beside printing it: files, the earlier run, the history."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli._files import Kind, check_target, write_file, write_page
from cli._output import note
from modules.errors import ConfigError, InfraError

if TYPE_CHECKING:
    from modules.environment.model import Environment
    from modules.project import Project
    from modules.smoke.baseline import Comparison

__all__ = ["BaselineOption", "GateOption", "JunitOption", "MetricsOption", "Outputs", "keep_run"]

BaselineOption = Annotated[
    Path | None,
    typer.Option("--baseline", metavar="RUN.json", help="Compare with an earlier run: what is more than noise?"),
]
GateOption = Annotated[
    bool, typer.Option("--fail-on-regression", help="With --baseline: exit 4 where this run is slower than that one.")
]
JunitOption = Annotated[
    Path | None, typer.Option("--junit", metavar="FILE", help="Write JUnit XML there: a test case for each SLO.")
]
MetricsOption = Annotated[
    Path | None, typer.Option("--openmetrics", metavar="FILE", help="Write an OpenMetrics file there, for Prometheus.")
]

_JUNIT = Kind(b"<?xml", "JUnit file", "smoke.xml")
_METRICS = Kind(b"# HELP infra_smoke", "OpenMetrics file of infra smoke", "smoke.prom")


@dataclass(frozen=True)
class Outputs:
    """The files that are asked for and the earlier run, checked before anything is measured.

    Raises:
        ConfigError: a file cannot be written, or options do not go together.
        SmokeError: the earlier run cannot be read.
    """

    html: Path | None = None
    junit: Path | None = None
    openmetrics: Path | None = None
    baseline: Path | None = None
    gate: bool = False
    as_json: bool = False

    def __post_init__(self) -> None:
        if self.gate and self.baseline is None:
            raise ConfigError("slower than what?", where="--fail-on-regression", do="give --baseline RUN.json as well")
        on_stdout = [option for option, file, _ in self._files() if str(file) == "-"]
        on_stdout += ["--json"] if self.as_json else []
        if len(on_stdout) > 1:
            raise ConfigError(f"{' and '.join(on_stdout)} both go to stdout", do="name a file for one of them")
        for option, file, kind in self._files():
            if file is not None:
                check_target(option, file, *([kind] if kind else []))
        object.__setattr__(self, "_earlier", self._read())

    @property
    def earlier(self) -> dict[str, Any] | None:
        """The document of the earlier run."""
        found: dict[str, Any] | None = getattr(self, "_earlier", None)
        return found

    @property
    def speaks(self) -> bool:
        """Whether stdout belongs to a file."""
        return any(str(file) == "-" for _, file, _ in self._files())

    def compare(self, document: dict[str, Any]) -> Comparison | None:
        """Against the earlier run, whose comparison the document then holds as `baseline`."""
        if self.earlier is None:
            return None
        from modules.smoke.baseline import compare_runs, comparison_json

        made = compare_runs(document, self.earlier)
        document["baseline"] = comparison_json(made)
        return made

    def write(self, document: dict[str, Any]) -> None:
        """All files that are asked for."""
        if self.html:
            from modules.smoke.html import run_page

            write_page("--html", self.html, run_page(document, self.earlier))
        if self.junit:
            from modules.smoke.junit import to_junit

            _said(self.junit, write_file("--junit", self.junit, to_junit(document), _JUNIT))
        if self.openmetrics:
            from modules.smoke.openmetrics import to_openmetrics

            text = to_openmetrics(document)
            _said(self.openmetrics, write_file("--openmetrics", self.openmetrics, text, _METRICS))

    def fails(self, made: Comparison | None) -> bool:
        """Whether the comparison fails the run, which then is said: slower, or nobody can tell."""
        if made is None or not self.gate:
            return False
        from modules.smoke.baseline import difference_words

        if made.unlike:
            note(f"NOT PROVEN: not comparable with the baseline like for like: {'; '.join(made.unlike)}")
        elif not made.differences:
            note("NOT PROVEN: no percentile is known in both this run and the baseline; send more (--count)")
        for one in () if made.unlike else made.regressions:
            note(f"REGRESSION: {difference_words(one)}")
        return bool(made.unlike or made.regressions or not made.differences)

    def _files(self) -> list[tuple[str, Path | None, Kind | None]]:
        return [
            ("--html", self.html, None), ("--junit", self.junit, _JUNIT), ("--openmetrics", self.openmetrics, _METRICS),
        ]  # fmt: skip

    def _read(self) -> dict[str, Any] | None:
        if self.baseline is None:
            return None
        from modules.smoke.saved import read_run

        return read_run(self.baseline)


def keep_run(project: Project, environment: Environment, document: dict[str, Any]) -> None:
    """Add the run to the environment's history, with what the environment costs now; a warning where that fails."""
    from modules.smoke.history import keep

    try:
        keep(project, document, {"cost": cost_of(project, environment)})
    except InfraError as error:
        note(f"warning: {error.where}: {error.what}")


def cost_of(project: Project, environment: Environment) -> dict[str, Any] | None:
    """What an environment costs in a month, with the name of its variant; None where nobody can say."""
    from modules.cost.currency import BASE
    from modules.cost.overlay import project_book
    from modules.cost.report import report
    from modules.environment.connect import kind_of

    try:
        made = report(environment, project_book(project))
    except InfraError:
        return None
    carriers = {"sink": "own sink", "kafka-connect": "Kafka Connect", "managed": "managed"}
    paid = [] if environment.platform == "local" else [made.region, environment.warehouse.size]
    parts = [made.title, *paid, carriers.get(kind_of(environment), "")]
    return {
        "variant": ", ".join(each for each in parts if each),
        "monthly": str(made.total.least),
        "exact": made.total.exact,
        "currency": BASE,
    }


def _said(file: Path, size: int) -> None:
    if size:
        note(f"wrote {file} ({size / 1000:,.1f} kB)")
