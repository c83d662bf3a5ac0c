"""`infra smoke history`: the runs of an environment that were kept, as a table and a trend."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli._options import EnvOption, JsonOption
from cli._output import note, print_json, stdout
from modules.errors import ConfigError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from modules.smoke.history import Entry, History

__all__ = ["EPILOG", "PercentileOption", "StageOption", "checked_percentile", "checked_stage", "history"]

EPILOG = (
    "Examples:  infra smoke history --env local  ·  infra smoke history --env dev --stage acknowledged --last 50  ·  "
    "infra smoke history --env dev --html trend.html"
)

StageOption = Annotated[
    str, typer.Option("--stage", help="acknowledged, consumed, committed, handed_over, row_visible.")
]
PercentileOption = Annotated[str, typer.Option("--percentile", help="p50, p95, p99, p99.9, max or mean.")]
HistoryHtmlOption = Annotated[
    Path | None, typer.Option("--html", metavar="FILE", help="Write the trend of every stage as a page (`-`: stdout).")
]


def history(
    ctx: typer.Context,
    env: EnvOption = "",
    stage: StageOption = "row_visible",
    last: Annotated[int, typer.Option("--last", "-n", min=1, help="So many of the newest runs.")] = 20,
    json: JsonOption = False,
    html: HistoryHtmlOption = None,
) -> None:
    """The runs of an environment that were kept on this machine: a table, and the trend."""
    from modules.environment.loader import list_environments
    from modules.project import find_project
    from modules.smoke.history import history_file, read_history

    name, stage = env or str(ctx.obj or ""), checked_stage(stage)
    if not name:
        ctx.fail("Missing option '--env' / '-e'.")
    project = find_project()
    if name not in list_environments(project) and not history_file(project, name).exists():
        from modules.environment.loader import load_environment

        load_environment(project, name)  # says that there is none, and what there is
    found = read_history(project, name)
    if found.damaged:
        note(f"warning: {_damaged(found)}")
    entries = found.entries[-last:]
    if html:
        from cli._files import write_page
        from modules.smoke.history_page import history_page

        write_page("--html", html, history_page(name, entries))
    if json:
        print_json(
            {"environment": name, "file": str(found.file), "damaged": list(found.damaged), "runs": list(entries)}
        )
    elif not html:
        _show(name, found, entries, stage, stdout())


def checked_stage(stage: str) -> str:
    """A stage's name; `-` and `_` are the same.

    Raises:
        ConfigError: there is no such stage.
    """
    from modules.smoke.stages import STAGES

    return _one_of("--stage", stage.replace("-", "_").replace(" ", "_"), STAGES)


def checked_percentile(percentile: str) -> str:
    """A percentile's name; p999 and p99_9 are p99.9.

    Raises:
        ConfigError: there is no such one.
    """
    from modules.smoke.stats import PERCENTILES

    known = percentile.lower().replace("_", ".")
    return _one_of("--percentile", "p99.9" if known == "p999" else known, (*PERCENTILES, "max", "mean"))


def _one_of(option: str, given: str, known: tuple[str, ...]) -> str:
    if given in known:
        return given
    import difflib

    close = difflib.get_close_matches(given, known, n=1)
    hint = f"did you mean `{close[0]}`? " if close else ""
    raise ConfigError(f"there is no `{given}`", where=option, do=f"{hint}choose one of: {', '.join(known)}")


def _damaged(found: History) -> str:
    lines = ", ".join(str(each) for each in found.damaged[:5]) + (" …" if len(found.damaged) > 5 else "")
    one = len(found.damaged) == 1
    return f"{found.file}: line{'' if one else 's'} {lines} cannot be read and {'is' if one else 'are'} left out"


def _show(name: str, found: History, entries: tuple[Entry, ...], stage: str, console: Console) -> None:
    from cli._smoke_plot import trend_plot
    from modules.smoke.history import value_of
    from modules.smoke.report import title

    if not entries:
        console.print(f"no run of {name} is kept yet; measure one: infra smoke --env {name}", soft_wrap=True)
        return
    total = len(found.entries)
    count = f"{total:,} runs" if len(entries) == total else f"the newest {len(entries):,} of {total:,} runs"
    stand_in = " · stand-in: measured on a laptop" if all(each["stand_in"] for each in entries) else ""
    console.print(f"[bold]{name}[/] · {title(stage)} · {count if total > 1 else '1 run'}{stand_in}\n", soft_wrap=True)
    console.print(_table(entries, stage, short=console.width < 112))
    trends = {each: [value_of(entry, stage, each) for entry in entries] for each in ("p50", "p95", "p99")}
    trends = {each: values for each, values in trends.items() if any(value is not None for value in values)}
    if len(entries) > 1 and trends:
        console.print()
        labels = [_day(entry) for entry in entries]
        console.print(trend_plot(trends, labels, min(console.width, 110)), soft_wrap=True)
        console.print("   ".join(f"{sign} {each}" for sign, each in zip("●◆▲■★", trends, strict=False)))


def _table(entries: tuple[Entry, ...], stage: str, *, short: bool) -> Table:
    """`short`: for a narrow terminal, without the year and the maximum."""
    from rich.table import Table

    from modules.smoke.history import value_of
    from modules.smoke.stats import duration

    table = Table(box=None, pad_edge=False, padding=(0, 1 if short else 2, 0, 0), header_style="dim")
    table.add_column("measured", no_wrap=True)
    drawn = ("p50", "p95", "p99") if short else ("p50", "p95", "p99", "max")
    for column in ("rate", "events", *drawn, "lost"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("SLOs", no_wrap=True)
    table.add_column("change" if short else "against the run before", no_wrap=not short)  # what wraps, and no figure
    before: Entry | None = None
    for entry in entries:
        figures: dict[str, Any] = entry["stages"].get(stage) or {}
        values = [value_of(entry, stage, each) for each in drawn]
        lost = figures.get("lost")
        table.add_row(
            _day(entry) if short else _when(entry),
            f"{entry['rate']:,.10g}/s",
            f"{entry['sent']:,}",
            *("–" if value is None else duration(value * 1e6) for value in values),
            "–" if lost is None else f"[red]{lost:,}[/]" if lost else "0",
            _outcome(entry),
            _change(entry, before, stage),
        )
        before = entry
    return table


def _outcome(entry: Entry) -> str:
    if entry["outcome"] == "met":
        return "[yellow]warned[/]" if entry.get("warnings") else "[green]met[/]"
    return "[red]missed[/]" if entry["outcome"] == "missed" else "[yellow]not proven[/]"


def _change(entry: Entry, before: Entry | None, stage: str) -> str:
    """The highest percentile that both know, as a ratio; nothing where the loads differ."""
    from modules.smoke.history import value_of

    if before is None:
        return ""
    same = all(entry.get(key) == before.get(key) for key in ("platform", "rate", "arrivals", "carried_by"))
    if not same or abs(entry["event_bytes"] - before["event_bytes"]) > 0.1 * before["event_bytes"]:
        return "[dim]another load[/]"
    for percentile in ("p95", "p50"):
        now, then = value_of(entry, stage, percentile), value_of(before, stage, percentile)
        if now and then:
            return f"{percentile} {'+' if now >= then else '−'}{abs(100 * (now / then - 1)):.0f} %"
    return ""


def _when(entry: Entry) -> str:
    return str(entry["started"])[:16].replace("T", " ")


def _day(entry: Entry) -> str:
    return str(entry["started"])[5:16].replace("T", " ")
