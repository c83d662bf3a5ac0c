"""The cost report as one self-contained page: the total, its lines with formula and source, every other platform,
growth, warehouse hours, what is assumed and where prices come from.

The page embeds the same JSON document that `--json` prints; each mark of a chart names its place in it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from modules import charts
from modules.cost.compare import Comparison, Row
from modules.cost.formats import figures
from modules.cost.formats.parts import JSON_VERSION
from modules.cost.formats.report import comparison_json, report_json
from modules.cost.lines import Line, Total, money
from modules.cost.report import Report, sources_of
from modules.cost.stale import STALE_DAYS, stale_words
from modules.cost.words import (
    budget_words,
    caveats,
    footer,
    growth_words,
    notes_together,
    per_gb_words,
    unknown_by_option,
    workload_words,
)

__all__ = ["comparison_page", "report_page"]

_GROUPS = (("kafka", "Kafka"), ("connect", "Connector and secrets"), ("snowflake", "Snowflake"))

_LEFT_OUT = (
    "Left out everywhere: clients' own traffic between zones and to the internet, support plans, tax, people's time."
)


def report_page(report: Report, comparison: Comparison | None, today: dt.date) -> str:
    """One environment: what it costs, and beside it, where it is given, what the same workload costs elsewhere."""
    document: dict[str, Any] = {
        "schema": JSON_VERSION,
        "kind": "page",
        "report": report_json(report),
        "comparison": comparison_json(comparison) if comparison else None,
    }
    lines = report.estimate.lines
    sections = [
        charts.Section("Line by line", [_lines_table(report)], "Open a line for its formula, price and source.")
    ]
    notes = [text for text in caveats(report) if not text.startswith("does not fit")]
    if notes:
        sections.append(charts.Section("What to know about it", [charts.Notes(_sentences(notes))]))
    sections += _months_section([document["report"]], "") if not comparison else []
    sections += _warehouse_section(document["report"], "/report")
    if comparison:
        sections += _comparison_sections(comparison, document["comparison"], "/comparison")
        lines = (*lines, *(line for row in comparison.rows for line in row.report.estimate.lines))
    sections += [_assumed([*report.estimate.notes], comparison), _sources(lines, today)]
    where = f"{report.title}, {report.region}" if report.option != "local" else report.title
    return charts.page(
        f"{report.environment}: what it costs",
        f"{where}. {workload_words(report.usage)}.",
        sections,
        document,
        summary=_summary(report, lines, today),
        made=_made(report.estimate.lines),
    )


def comparison_page(comparison: Comparison, today: dt.date) -> str:
    """All options for one workload."""
    document = comparison_json(comparison)
    lines = [line for row in comparison.rows for line in row.report.estimate.lines]
    sections = [
        *_comparison_sections(comparison, document, ""),
        *_warehouse_section(document, ""),
        _assumed([], comparison),
        _sources(lines, today),
    ]
    return charts.page(
        f"{comparison.environment}: one workload, every platform",
        f"{comparison.region}. {workload_words(comparison.usage)}.",
        sections,
        document,
        summary=_comparison_summary(comparison, lines, today),
        made=_made(lines),
    )


def _summary(report: Report, lines: Sequence[Line], today: dt.date) -> list[charts.Block]:
    budget = report.budget
    tone: charts.Tone = "plain"
    if budget:
        tone = "bad" if budget.over else "warn" if budget.maybe else "good"
    total = report.total
    upto = f"up to {money(total.most)}" if not total.exact and total.most is not None else ""
    remark = upto or ("and nobody can say how much more" if not total.exact else "")
    facts = [
        charts.Fact("a month", str(total), remark, tone),
        charts.Fact("Kafka side", str(report.kafka), "with connector and secrets"),
        charts.Fact("Snowflake", str(report.snowflake)),
        charts.Fact("fixed", str(report.fixed), "whatever the traffic"),
        charts.Fact("usage", str(report.by_usage), "grows with the workload"),
    ]
    if report.option != "local":
        facts.append(charts.Fact("per GB sent", per_gb_words(report)))
    blocks: list[charts.Block] = [charts.Facts(facts)]
    if budget and budget.monthly:
        most = total.most if total.most is not None else budget.monthly
        used, maybe = float(total.least / budget.monthly), float(max(total.least, most) / budget.monthly)
        blocks.append(charts.Meter(used, maybe, _sentence(budget_words(budget, total)), tone))
    return [*blocks, *_warnings(report, lines, today)]


def _warnings(report: Report | None, lines: Sequence[Line], today: dt.date) -> list[charts.Block]:
    """What must not be missed: a cluster too small, old prices."""
    blocks: list[charts.Block] = []
    if report and report.misfits:
        unfit = [("Does not fit: " if not each.warns else "Tight: ") + str(each) + "." for each in report.misfits]
        blocks.append(charts.Notes(unfit, "warn" if report.fits else "bad"))
    old = stale_words([price for line in lines for price in line.prices], today)
    if old:
        blocks.append(charts.Notes([_sentence(old)], "warn"))
    return blocks


def _comparison_summary(comparison: Comparison, lines: Sequence[Line], today: dt.date) -> list[charts.Block]:
    first, chosen = comparison.rows[0].report, comparison.chosen
    facts = [charts.Fact("cheapest", str(first.total), first.title, "good")]
    if chosen and chosen.report is not first:
        facts.append(charts.Fact("this environment's choice", str(chosen.report.total), chosen.report.title))
    ranked = [row.report for row in comparison.rows if row.report.fits]
    if len(ranked) > 1:
        dearest = max(ranked, key=lambda each: each.total.least)
        facts.append(charts.Fact("dearest that fits", str(dearest.total), dearest.title))
    beside = [row.report.snowflake for row in comparison.rows]
    if len({str(each) for each in beside}) == 1:
        facts.append(charts.Fact("Snowflake, in each", str(first.snowflake), "of the total"))
    else:
        least = money(min(each.least for each in beside))
        facts.append(charts.Fact("Snowflake, at least", least, "of the total, by what brings rows in"))
    return [charts.Facts(facts), *_warnings(chosen.report if chosen else None, lines, today)]


def _lines_table(report: Report) -> charts.Table:
    columns = [
        charts.Column(""),
        charts.Column("quantity", right=True, wide=True),
        charts.Column("price", wide=True),
        charts.Column("basis", wide=True),
        charts.Column("conf.", wide=True),
        charts.Column("a month", right=True),
    ]
    rows: list[charts.Row] = []
    for group, title in _GROUPS:
        lines = [each for each in report.estimate.lines if each.group == group]
        if lines:
            rows.append(charts.Row([title, *[""] * 5], tone="group"))
        rows += [_line_row(each) for each in lines]
    sums: list[tuple[str, Total]] = [
        ("fixed", report.fixed),
        ("usage", report.by_usage),
        ("Kafka side", report.kafka),
        ("Snowflake", report.snowflake),
    ]
    rows += [charts.Row([name, "", "", "", "", str(total)], tone="sum") for name, total in sums]
    rows.append(charts.Row(["total", "", "", "", "", str(report.total)], tone="total"))
    return charts.Table(columns, rows)


def _line_row(line: Line) -> charts.Row:
    price = " × ".join(str(each) for each in line.prices) if line.amount is not None else "unknown"
    details = [("formula", line.formula)]
    for each in line.prices:
        details.append(("price", f"{each.id}: {each}" + (f" ({each.file}:{each.line})" if each.file else "")))
        details += [
            ("source", f"{source.what}, read {source.read}, confidence {each.confidence}") for source in each.sources
        ]
        if each.replaced:
            details.append(("instead of", each.replaced))
    if line.note:
        details.append(("note", line.note))
    cells = [line.what, str(line.quantity), price, line.basis, line.confidence, money(line.amount)]
    return charts.Row(cells, details)


def _comparison_sections(comparison: Comparison, document: Mapping[str, Any], prefix: str) -> list[charts.Section]:
    bars = figures.platforms(comparison, document, prefix)
    known: list[charts.Block] = [bars, _options_table(comparison)]
    unknown = unknown_by_option([row.report for row in comparison.rows])
    misfits = [f"{row.report.title}: {each}" for row in comparison.rows for each in row.report.misfits]
    known.append(charts.Notes(_sentences([*misfits, *unknown])))
    lead = f"The same workload on every platform and mode, {comparison.region}, cheapest first."
    found = [charts.Section("Every platform", known, lead), *_months_section(document["options"], f"{prefix}/options")]
    if comparison.growth:
        found.append(
            charts.Section(
                "As the load grows",
                [figures.growth(comparison, document, prefix), charts.Notes(_sentences(growth_words(comparison)))],
                "All else equal: partitions, warehouse hours and tasks stay; each platform in the size it needs.",
            )
        )
    told = [row for row in comparison.rows if row.told]
    if told:
        found.append(_tutorial(comparison, told))
    return found


def _options_table(comparison: Comparison) -> charts.Table:
    growth = comparison.growth
    factors = [(index, factor) for index, factor in enumerate(growth.factors) if factor != 1] if growth else []
    columns = [
        charts.Column("platform and mode"),
        charts.Column("fixed", right=True, wide=True),
        charts.Column("usage", right=True, wide=True),
        charts.Column("Kafka side", right=True, wide=True),
        charts.Column("Snowflake", right=True, wide=True),
        charts.Column("a month", right=True),
        charts.Column("per GB", right=True, wide=True),
        *(charts.Column(f"{factor}× load", right=True, wide=True) for _, factor in factors),
    ]
    rows = [_option_row(row, comparison, [index for index, _ in factors]) for row in comparison.rows]
    return charts.Table(columns, rows, sortable=True)


def _option_row(row: Row, comparison: Comparison, indexes: Sequence[int]) -> charts.Row:
    its, growth = row.report, comparison.growth
    sums = (its.fixed, its.by_usage, its.kafka, its.snowflake, its.total)
    cells = [its.title, *(str(each) for each in sums), per_gb_words(its)]
    sort: list[float | str] = [its.title, *(float(each.least) for each in sums)]
    sort.append(float(its.per_gb) if its.per_gb is not None else -1.0)
    for index in indexes:
        at = growth.columns[its.option][index] if growth else None
        fits = at is not None and at.total is not None
        cells.append(str(at.total) if at and fits else "does not fit")
        sort.append(float(at.total.least) if at and at.total is not None else 1e12)
    flag = "this environment" if row.chosen else ""
    if not its.fits:
        flag = "does not fit"
    return charts.Row(
        cells, sort=sort, tone="strong" if row.chosen else "plain", flag=flag, flag_tone="plain" if its.fits else "bad"
    )


def _tutorial(comparison: Comparison, told: Sequence[Row]) -> charts.Section:
    rows = [
        charts.Row([row.report.title, row.told.said, str(row.report.total), row.told.why])
        for row in told
        if row.told is not None
    ]
    columns = [
        charts.Column(""),
        charts.Column("it said"),
        charts.Column("here", right=True),
        charts.Column("why it differs", wide=True),
    ]
    return charts.Section("What the tutorial said", [charts.Table(columns, rows)], f"For {comparison.told_for}.")


def _months_section(options: Sequence[Mapping[str, Any]], path: str) -> list[charts.Section]:
    figure = figures.months(options, path)
    return [charts.Section("Low, expected, high", [figure])] if figure else []


def _warehouse_section(document: Mapping[str, Any], prefix: str) -> list[charts.Section]:
    figure = figures.warehouse_hours(document["workload"], f"{prefix}/workload")
    if figure is None:
        return []
    lead = "A virtual warehouse is billed from each resume until it is suspended, idle time included, 60 s at least."
    return [charts.Section("Warehouse hours", [figure], lead)]


def _assumed(notes: Sequence[str], comparison: Comparison | None) -> charts.Section:
    if comparison:
        notes = [*notes, *(note for row in comparison.rows for note in row.report.estimate.notes)]
    return charts.Section("Taken for granted", [charts.Notes([*_sentences(notes_together(notes)), _LEFT_OUT])])


def _sources(lines: Sequence[Line], today: dt.date) -> charts.Section:
    """Each source with its date, its age and how many lines rest on it."""
    distinct = {(line.id, line.amount, its) for line in lines for price in line.prices for its in price.sources}
    rows = []
    for source in sorted(sources_of(lines), key=lambda source: (source.read_date, source.what)):
        days = (today - source.read_date).days
        count = sum(1 for _, _, its in distinct if its == source)
        age = f"{days} d" + (" (old)" if days > STALE_DAYS else "")
        rows.append(
            charts.Row([source.what, source.read, age, str(count)], sort=[source.what, source.read, days, count])
        )
    columns = [
        charts.Column("source"),
        charts.Column("read", right=True),
        charts.Column("age", right=True, wide=True),
        charts.Column("lines", right=True, wide=True),
    ]
    return charts.Section("Sources", [charts.Table(columns, rows, sortable=True)])


def _made(lines: Sequence[Line]) -> str:
    return " ".join(footer(lines)[-1:])


def _sentences(texts: Sequence[str]) -> list[str]:
    return [_sentence(text) for text in texts]


def _sentence(text: str) -> str:
    """With a capital and a full stop."""
    text = text if text.endswith((".", "?")) else f"{text}."
    return text[:1].upper() + text[1:]
