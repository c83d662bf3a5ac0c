"""The page: one file that asks for nothing, holds its data once, and says all of it without script."""

from __future__ import annotations

import base64
import hashlib
import re

from modules import charts
from tests.charts.marks import read

TABLE = charts.Table(
    [charts.Column(""), charts.Column("quantity", right=True, wide=True), charts.Column("a month", right=True)],
    [
        charts.Row(["Kafka", "", ""], tone="group"),
        charts.Row(["brokers", "730 h", "$1"], [("formula", "730 h × $0.001")], flag="tight", flag_tone="warn"),
        charts.Row(["total", "", "$1"], tone="total"),
    ],
)


def page(data: dict[str, object] | None = None, title: str = "dev") -> str:
    blocks = [charts.Facts([charts.Fact("a month", "$1", "list", "good")]), charts.Notes(["a remark"], "warn")]
    sections = [charts.Section("Lines", [TABLE], "One by one.")]
    return charts.page(title, "on a laptop", sections, data or {}, summary=blocks, made="made by hand")


def test_all_that_is_given_is_on_the_page() -> None:
    words = " ".join(read(page()).words)
    for text in ("dev", "on a laptop", "a month", "$1", "a remark", "Lines", "One by one.", "brokers", "730 h", "tight",
                 "730 h × $0.001", "made by hand"):  # fmt: skip
        assert text in words


def test_it_links_to_nothing() -> None:
    html = page()
    assert read(html).links == ["data:,"]
    assert not re.search(r"url\(\s*['\"]?(?!#)|@import|https?://", html)


def test_its_policy_forbids_every_request_and_every_script_but_its_own() -> None:
    html = page()
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', html)
    script = re.search(r"<script>(.*?)</script>", html, re.S)
    assert policy and script
    digest = base64.b64encode(hashlib.sha256(script[1].encode()).digest()).decode()
    assert "default-src 'none'" in policy[1]
    assert f"script-src 'sha256-{digest}'" in policy[1].replace("&#39;", "'")


def test_the_data_is_there_once_and_as_it_was() -> None:
    data: dict[str, object] = {
        "amount": "12.34",
        "text": "a </script><script>alert(1)</script> \u2028 é",
        "list": [1, None],
    }
    html = page(data)
    found = read(html)
    assert found.document == data
    assert html.count("12.34") == 1
    assert html.count("<script") == 2


def test_what_is_given_is_text_and_not_markup() -> None:
    html = page(title="<img src=x onerror=alert(1)>")
    assert "<img" not in html
    assert "<img src=x onerror=alert(1)>" in " ".join(read(html).words)


def test_what_stands_between_backticks_is_code_and_still_no_markup() -> None:
    html = charts.page("t", "s", [charts.Section("s", [charts.Notes(["run `infra <cost>` now"])])], {})
    assert "run <code>infra &lt;cost&gt;</code> now" in html


def test_a_narrow_page_finds_the_wide_columns_in_the_details() -> None:
    assert TABLE.moved(TABLE.rows[1]) == [("quantity", "730 h")]
    assert TABLE.moved(TABLE.rows[2]) == []
    assert '<div class="narrow"><dt>quantity</dt><dd>730 h</dd></div>' in page()


def test_the_same_page_twice_is_the_same_text() -> None:
    assert page() == page()


def test_ids_are_there_once() -> None:
    figures = [
        charts.histogram(
            name,
            "d",
            [charts.Bins("n", [charts.Bin(0, 1, charts.Value(1, "/x"))], 1)],
            charts.Axis("x"),
            charts.Axis("y"),
        )
        for name in ("one", "two")
    ]
    ids = read(charts.page("t", "s", [charts.Section("s", figures)], {})).ids
    assert len(ids) == len(set(ids))
