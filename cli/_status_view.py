"""The status screen: one line that says how it is, what is wrong, then a section a source. Fits 80 columns."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from modules.environment.smoke import SMOKE_TOPIC
from modules.status.connectors import offer_of
from modules.status.gather import Status
from modules.status.readings import DeadLetters, GroupLag, Part

__all__ = ["headline", "screen", "seconds"]

_TREND = {
    "none": ("", ""),
    "draining": ("▼ drains", "yellow"),
    "steady": ("= keeps up", "green"),
    "growing": ("▲ grows", "bold red"),
    "standing": ("■ stands still", "red"),
    "unknown": ("", ""),
}


_CLOUD = {
    "broker-cpu", "broker-disk", "broker-under-replicated",
    "cluster-load", "cluster-offline-partitions", "no-controller",
}  # fmt: skip
"""Rules about what the cloud's own monitoring tells."""


def seconds(value: float | None) -> str:
    """A duration in the unit a person would use; `–` where it is not known."""
    if value is None:
        return "–"
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if value >= 2 * size:
            return f"{value / size:.0f} {unit}"
    return f"{value:.0f} s" if value >= 10 or value == 0 else f"{value:.1f} s"


def headline(status: Status) -> Text:
    """✓ or ✗, the environment, and in a few words why."""
    critical = sum(each.severity == "critical" for each in status.findings)
    warnings = len(status.findings) - critical
    mark, style = ("✓", "bold green") if status.healthy else ("✗", "bold red")
    counts = [_count(critical, "problem")] if critical else ["healthy"]
    counts += [_count(warnings, "warning")] if warnings else []
    counts += [f"{len(status.found.missing)} not read"] if status.found.missing else []
    line = Text()
    line.append(f"{mark} {status.environment}", style=style)
    line.append(f"  {', '.join(counts)}")
    when = status.at.astimezone().strftime("%H:%M:%S")
    line.append(f"  · {status.platform} · {when} · looked for {status.seconds:.1f} s", style="dim")
    return line


def screen(status: Status) -> RenderableType:
    """All of a look."""
    return Group(headline(status), *_lines(status))


def _lines(status: Status) -> Iterator[RenderableType]:
    for each in status.findings:
        mark, style = ("✗", "red") if each.severity == "critical" else ("!", "yellow")
        yield _indented(2, f"{mark} {each.what}", style)
        yield _indented(4, f"→ {each.do}", "dim")
    found = status.found
    broken = {each.rule for each in status.findings}
    broken |= {each.labels.get("service", "") for each in status.findings if each.rule == "service-down"}
    for title, rules, body in (
        ("Kafka", {"kafka", "brokers-missing", "offline-partitions", "under-replicated"}, _topics(found)),
        ("Lag", {"lag-growing", "lag-waiting"}, _lags(found)),
        ("Connectors", {"connect", "connector-down", "task-down"}, _connectors(status)),
        ("Dead letters", {"dead-letters"}, _dead_letters(found)),
        ("Registry", {"registry", "subjects-missing"}, _registry(found)),
        ("Warehouse", {"warehouse", "table-stale"}, _warehouse(found)),
        ("Cloud", _CLOUD, _cloud(found)),
        ("Certificates and keys", {"certificate-expires", "key-old"}, _ages(found)),
    ):
        # A service that is silent leaves nothing to read: its section says at least that.
        parts = [*_silent(found, rules), *body]
        if parts:
            yield Text()
            yield _title(title, bool(rules & broken))
            yield from parts
    if found.missing:
        yield Text()
        yield Text("Not read", style="bold yellow")
        for missing in found.missing:
            yield _indented(2, f"{missing.what}: {missing.why}")
            if missing.permission:
                yield _indented(4, f"→ missing: {missing.permission}", "dim")


def _silent(found: Part, services: Collection[str]) -> Iterator[RenderableType]:
    for each in found.reached:
        if each.what in services and not each.up:
            yield _indented(2, f"{each.where}  {each.why or 'does not answer'}", style="red")


def _indented(by: int, text: str, style: str = "") -> Padding:
    """A line whose further lines, where it is too long, are indented too."""
    return Padding(Text(text, style=style), (0, 0, 0, by), expand=False)


def _title(title: str, broken: bool) -> Text:
    line = Text()
    line.append("✗ " if broken else "✓ ", style="red" if broken else "green")
    line.append(title, style="bold")
    return line


def _table(*columns: str) -> Table:
    """Columns that begin with > are flush right; the first one takes what is left."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for number, name in enumerate(columns):
        right = name.startswith(">")
        table.add_column(
            ("  " if not number else "") + name.removeprefix(">"),
            justify="right" if right else "left",
            overflow="fold" if not number else "ellipsis",
            no_wrap=number > 0,
        )
    return table


def _topics(found: Part) -> Iterator[RenderableType]:
    if found.brokers:
        names = ", ".join(
            f"{each.id} {each.host}{' (controller)' if each.controller else ''}" for each in found.brokers
        )
        yield _indented(2, f"{_count(len(found.brokers), 'broker')}: {names}")
    if not found.topics:
        return
    table = _table("topic", ">partitions", ">copies", ">events", ">events/s", "replicas")
    for topic in found.topics:
        state = Text("in sync", style="green")
        if topic.offline:
            state = Text(f"{len(topic.offline)} offline", style="bold red")
        elif topic.under_replicated:
            state = Text(f"{len(topic.under_replicated)} behind", style="red")
        rate = "–" if topic.rate is None else f"{topic.rate:,.0f}"
        events = "–" if topic.events is None else f"{topic.events:,}"
        table.add_row(
            f"  {topic.name}", str(topic.partitions), str(topic.replication), events, rate, state,
            style="dim" if topic.name.startswith(SMOKE_TOPIC) else "",
        )  # fmt: skip
    yield table


def _lags(found: Part) -> Iterator[RenderableType]:
    if not found.lags:
        return
    table = _table("group", ">lag", ">waits", ">in/s", ">done/s", "", ">empty in")
    for lag in found.lags:
        table.add_row(*_lag(lag), style="dim" if lag.topic == SMOKE_TOPIC and not lag.lag else "")
        late = [each for each in lag.partitions if each.lag]
        if len(late) == lag.lag == 0 or len(lag.partitions) == 1:
            continue
        for each in late[:_MOST]:
            drains = "" if each.drain_seconds is None else seconds(each.drain_seconds)
            table.add_row(f"    partition {each.partition}", f"{each.lag:,}", "", "", "", "", drains, style="dim")
        if len(late) > _MOST:
            table.add_row(f"    and {len(late) - _MOST} more", "", "", "", "", "", "", style="dim")
    yield table


_MOST = 6


def _lag(lag: GroupLag) -> Sequence[str | Text]:
    word, style = _TREND[lag.trend]
    waits = "–" if not lag.lag else seconds(lag.waiting_seconds)
    rates = ["–" if rate is None else f"{rate:,.0f}" for rate in (lag.arrivals, lag.commits)]
    empty = "–" if not lag.lag else "never" if lag.trend in ("growing", "standing") else seconds(lag.drain_seconds)
    return (f"  {lag.group}", f"{lag.lag:,}", waits, *rates, Text(word, style=style), empty)


def _connectors(status: Status) -> Iterator[RenderableType]:
    for each in status.found.connectors:
        good = each.healthy
        line = Text(f"{each.name}  ")
        line.append(each.state.lower(), style="green" if good else "bold red")
        if each.tasks:
            running = sum(task.state == "RUNNING" for task in each.tasks)
            line.append(f"  {running} of {_count(len(each.tasks), 'task')}")
        line.append(f"  ({each.role} {each.what})", style="dim")
        yield Padding(line, (0, 0, 0, 2), expand=False)
        if each.error:
            yield _indented(4, each.error, "red")
        for task in each.tasks:
            if task.state != "RUNNING":
                yield _indented(4, f"task {task.id} {task.state.lower()}: {task.error or 'no reason given'}", "red")
        if not good:
            yield _indented(4, f"→ {offer_of(status.environment, each)}", "bold")


def _dead_letters(found: Part) -> Iterator[RenderableType]:
    for each in found.dead_letters:
        line = Text(f"  {each.topic}  ")
        line.append(f"{each.count:,}", style="bold red" if each.fresh else "")
        line.append(_when(each), style="dim")
        yield line
        for reason in each.reasons[:3]:
            words = f"{reason.count} × {reason.reason}: {reason.error}"
            yield _indented(4, words, "red" if each.fresh else "dim")


def _when(letters: DeadLetters) -> str:
    if letters.newest is None:
        return ""
    ago = seconds((datetime.now(UTC) - letters.newest).total_seconds())
    return f"  {letters.fresh:,} new, the newest {ago} ago"


def _registry(found: Part) -> Iterator[RenderableType]:
    for each in found.reached:
        if each.what == "registry" and each.up:
            yield _indented(2, f"{each.where}  answers")
    for registry in found.registries:
        lost = f", missing: {', '.join(registry.missing)}" if registry.missing else ""
        yield _indented(2, f"{_count(registry.subjects, 'subject')}{lost}", style="red" if lost else "")


def _warehouse(found: Part) -> Iterator[RenderableType]:
    if found.tables:
        table = _table("table", ">behind", ">freshness", ">rows/min", ">newest row")
        for each in found.tables:
            behind = "–" if each.behind is None else f"{each.behind:,}"
            rows = "–" if each.rows_per_minute is None else f"{each.rows_per_minute:,.0f}"
            newest = "–" if each.newest_seconds is None else seconds(each.newest_seconds)
            style = "dim" if each.topic == SMOKE_TOPIC and not each.behind else ""
            table.add_row(f"  {each.table}", behind, seconds(each.freshness_seconds), rows, newest, style=style)
        yield table
    for used in found.credits:
        yield _indented(2, f"{used.credits:,.2f} credits since {used.since}: {used.what}")


def _cloud(found: Part) -> Iterator[RenderableType]:
    for each in found.measured:
        labels = ", ".join(f"{name} {value}" for name, value in each.labels)
        name = each.metric.removeprefix("infra_").replace("_", " ")
        yield _indented(2, f"{name}: {each.value:,.1f}  {labels}  ({each.source})")


def _ages(found: Part) -> Iterator[RenderableType]:
    for each in found.ages:
        age = "age unknown" if each.days is None else f"{_count(round(each.days), 'day')} old"
        left = "" if each.left_days is None else f", expires in {_count(round(each.left_days), 'day')}"
        yield _indented(2, f"{each.kind} of {each.name.removesuffix(', key')}: {age}{left}")


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
