"""`infra smoke`: end-to-end latency against the SLOs."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from cli._options import EnvOption, JsonOption
from cli._output import is_quiet, note, print_json, stderr, stdout
from cli._smoke_outputs import BaselineOption, GateOption, JunitOption, MetricsOption, Outputs, keep_run
from cli.smoke_frontier import EPILOG as FRONTIER_EPILOG
from cli.smoke_frontier import frontier
from cli.smoke_history import EPILOG as HISTORY_EPILOG
from cli.smoke_history import history

if TYPE_CHECKING:
    from modules.smoke import LoadPlan, Progress
    from modules.smoke.baseline import Comparison
    from modules.smoke.load import Arrivals

__all__ = ["SmokeScreen", "app"]

app = typer.Typer(rich_markup_mode=None, add_completion=False, invoke_without_command=True)

HtmlOption = Annotated[
    Path | None,
    typer.Option("--html", metavar="FILE", help="Write one self-contained page with charts there (`-`: to stdout)."),
]

MISSED = 4

EPILOG = (
    "Examples:  infra smoke --env local  ·  infra smoke --env local --rate 500 --duration 30s  ·  "
    "infra smoke --env local --size 1KiB --json > smoke.json  ·  infra smoke report smoke.json --html smoke.html  ·  "
    "infra smoke --env local --baseline smoke.json --fail-on-regression --junit smoke.xml.  "
    "Exit codes: 0 every SLO met and nothing lost, 4 missed, too few samples to know or a regression, "
    "1 it could not be measured."
)


@app.callback(epilog=EPILOG)
def smoke(
    ctx: typer.Context,
    env: EnvOption = "",
    rate: float = typer.Option(200.0, "--rate", "-r", help="Events a second."),
    count: int | None = typer.Option(None, "--count", "-n", help="Measured events; default 2000."),
    duration: str | None = typer.Option(None, "--duration", help="Measure for so long instead, such as 30s."),
    warmup: int = typer.Option(200, "--warmup", help="Events sent before them and not measured."),
    deadline: str = typer.Option("30s", "--deadline", help="An event that is not back by then is lost."),
    poisson: bool = typer.Option(False, "--poisson", help="Random gaps between events instead of even ones."),
    topic: str | None = typer.Option(None, "--topic", help="A real topic; default: one that is there for this."),
    size: str | None = typer.Option(None, "--size", help="Of an event's value, such as 1KiB; default: as it comes."),
    clean: bool = typer.Option(False, "--clean", help="Delete the run's rows from a real table as well."),
    fault: str | None = typer.Option(
        None,
        "--fault",
        metavar="NAME[@SECOND]",
        help="Break something on the way (local): broker-restart, sink-kill, registry-down or warehouse-stall.",
    ),
    bootstrap: str | None = typer.Option(
        None, "--bootstrap", metavar="HOST:PORT[,…]", help="Any brokers instead of an environment; with --topic."
    ),
    client_config: Annotated[
        Path | None, typer.Option("--client-config", metavar="FILE", help="Properties of the client, its login too.")
    ] = None,
    as_json: JsonOption = False,
    html: HtmlOption = None,
    junit: JunitOption = None,
    openmetrics: MetricsOption = None,
    baseline: BaselineOption = None,
    fail_on_regression: GateOption = False,
) -> None:
    """Measure latency from the intended send time to the queryable row, and where on the way it goes.

    Sends order events at a fixed rate into the deployed pipeline and follows each one until it is a queryable row.
    """
    if ctx.invoked_subcommand is not None:
        ctx.obj = env
        return
    if not env and bootstrap is None:
        ctx.fail("Missing option '--env' / '-e'.")
    from cli._smoke_by_hand import by_hand
    from cli._smoke_faults import rehearsal_of
    from cli._states import client_platform
    from modules.environment import load_environment
    from modules.errors import ConfigError
    from modules.project import find_project
    from modules.smoke import SmokeOptions, run_smoke
    from modules.smoke.document import to_json
    from modules.smoke.report import to_text

    outputs = Outputs(html, junit, openmetrics, baseline, fail_on_regression, as_json)
    plan = _plan(rate, count, duration, warmup, poisson)
    value_size = None if size is None else _bytes(size)
    options = SmokeOptions(plan, _seconds("--deadline", deadline), topic, value_size, clean)
    if bootstrap is not None:
        source = ctx.get_parameter_source("env")
        named = env if source is not None and source.name == "COMMANDLINE" else ""
        given = {"--env": named, "--fault": fault, "--clean": clean}
        senseless = next((option for option, value in given.items() if value), None)
        with SmokeScreen() as screen:
            result = by_hand(bootstrap, client_config, options, screen.show, senseless=senseless)
    else:
        if client_config is not None:
            raise ConfigError("--client-config goes with --bootstrap; an environment has settings of its own")
        project = find_project()
        environment = load_environment(project, env)
        rehearsal = rehearsal_of(fault, plan, environment, project)
        with SmokeScreen() as screen:
            platform = client_platform(environment, project)
            result = run_smoke(environment, project, platform, options, screen.show, rehearsal)
    document = to_json(result)
    comparison = outputs.compare(document)
    if as_json:
        print_json(document)
    elif not outputs.speaks:
        typer.echo(to_text(result, stdout().width))
        if comparison:
            typer.echo()
            _say(comparison)
    if bootstrap is None and fault is None:
        keep_run(project, environment, document)
    outputs.write(document)
    if result.interrupted:
        raise typer.Exit(130)
    slower = outputs.fails(comparison)
    if slower or not result.met:
        raise typer.Exit(MISSED)


app.command(epilog=HISTORY_EPILOG)(history)
app.command(epilog=FRONTIER_EPILOG)(frontier)


@app.command(
    epilog="Examples:  infra smoke report run.json --html run.html  ·  "
    "infra smoke report today.json yesterday.json --html both.html  ·  infra smoke report today.json yesterday.json"
)
def report(
    run: Annotated[Path, typer.Argument(metavar="RUN.json", help="What `infra smoke --json` printed.")],
    other: Annotated[
        Path | None, typer.Argument(metavar="[OTHER.json]", help="An earlier run, laid over it dashed.")
    ] = None,
    html: HtmlOption = None,
    junit: JunitOption = None,
    openmetrics: MetricsOption = None,
) -> None:
    """The page and other files of a run that was kept; of two also how they differ."""
    from modules.errors import ConfigError
    from modules.smoke.saved import read_run

    if not (html or junit or openmetrics or other):
        raise ConfigError("where is the page to go?", where="infra smoke report", do="give --html FILE (`-`: stdout)")
    outputs, document = Outputs(html, junit, openmetrics, other), read_run(run)
    outputs.write(document)
    comparison = outputs.compare(document)
    if comparison is not None and not outputs.speaks:
        _say(comparison)


def _say(comparison: Comparison) -> None:
    from modules.smoke.baseline import comparison_lines

    typer.echo("\n".join(comparison_lines(comparison)))


def _plan(rate: float, count: int | None, duration: str | None, warmup: int, poisson: bool) -> LoadPlan:
    from modules.errors import ConfigError
    from modules.smoke import LoadPlan

    arrivals: Arrivals = "poisson" if poisson else "constant"
    if duration is None:
        return LoadPlan(rate, 2000 if count is None else count, warmup, arrivals)
    if count is not None:
        raise ConfigError("--count and --duration say the same thing twice", do="give one of them")
    return LoadPlan.lasting(_seconds("--duration", duration), rate, warmup, arrivals)


def _seconds(option: str, text: str) -> float:
    from modules.environment.types import DurationValue
    from modules.errors import ConfigError

    try:
        return DurationValue.parse(text).seconds
    except ValueError as error:
        raise ConfigError(str(error), where=option) from None


def _bytes(text: str) -> int:
    from modules.environment.types import DataSizeValue
    from modules.errors import ConfigError

    try:
        return DataSizeValue.parse(text).bytes
    except ValueError as error:
        raise ConfigError(str(error), where="--size") from None


class SmokeScreen:
    """The run as it goes, on stderr: a live table for someone who watches, else a line at each change and every 5 s."""

    def __init__(self) -> None:
        self._live: Any = None
        self._phase = ""
        self._said = 0.0

    def __enter__(self) -> SmokeScreen:
        if not is_quiet():
            from rich.live import Live

            self._live = Live(console=stderr(), transient=True, refresh_per_second=8)
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def show(self, now: Progress) -> None:
        """Take a moment of the run; fits `run_smoke`'s `progress`."""
        if self._live is not None:
            self._live.update(_table(now))
        elif now.phase != self._phase or time.monotonic() - self._said >= 5:
            self._phase, self._said = now.phase, time.monotonic()
            counts = f": {now.sent:,} of {now.total:,} sent, {now.in_flight:,} in flight" if now.sent else ""
            note(f"smoke: {now.phase}{counts}")


def _table(now: Progress) -> Any:
    from rich.table import Table

    from modules.smoke.report import title
    from modules.smoke.stats import duration

    counts = f"{now.sent:,} of {now.total:,} sent · {now.rate:,.0f}/s · {now.in_flight:,} in flight"
    caption = counts if now.total else ""
    table = Table(title=now.phase, title_justify="left", caption=caption, caption_justify="left", box=None)
    for column in ("stage", "seen", "p50", "p95 (last 1,000)", ""):
        justify: Literal["left", "right"] = "left" if column in ("stage", "") else "right"
        table.add_column(column, justify=justify, min_width=8 if column else 0, no_wrap=True)
    longest = max((stage.p95 or 0 for stage in now.stages), default=0)
    for stage in now.stages:
        bar = _bar(stage.p50, stage.p95, longest)
        table.add_row(title(stage.name), f"{stage.seen:,}", duration(stage.p50), duration(stage.p95), bar)
    return table


def _bar(p50: int | None, p95: int | None, longest: int) -> str:
    """A stage's latency against the slowest one's: full up to p50, light up to p95."""
    if p50 is None or p95 is None or not longest:
        return ""
    to_p50, to_p95 = (max(1, round(value / longest * _BAR)) for value in (p50, p95))
    return "█" * to_p50 + "░" * (to_p95 - to_p50)


_BAR = 12
"""With the other columns it fits into 80."""
