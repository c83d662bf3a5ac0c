"""The cost report in headless Chromium: light, dark, desktop, phone, print. Skipped where there is no Chromium.

The screenshots are kept where `SCREENSHOTS` names a folder, for a person to look at.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser import Browser, chromium
from tests.charts import looks
from tests.charts.pages import PRINTED, SIZES, check_readable, screenshots
from tests.cost.test_html import TESTDATA, make_of

pytestmark = pytest.mark.skipif(chromium() is None, reason="there is no Chromium (or Chrome) on this machine")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as running:
        yield running


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of the tutorial's workload, with readers on its warehouse."""
    folder = tmp_path_factory.mktemp("page")
    text = (TESTDATA / "basic-1gb-a-day" / "env.yaml").read_text(encoding="utf-8")
    readers = "readers: [{name: dbt, every: 5m, takes: 20s}, {name: analysts, hours_per_day: 6, days_per_week: 5}]"
    _, _, html = make_of(folder, text.replace("{ingress: 1GB/day}", f"{{ingress: 1GB/day, {readers}}}"))
    made = folder / "cost.html"
    made.write_text(html, encoding="utf-8")
    return made


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_it_is_readable_in_both_themes_at_every_width(browser: Browser, file: Path, size: str, theme: Any) -> None:
    check_readable(browser, file, "cost", size, theme)


def test_chart_values_equal_the_json_where_they_are_drawn(browser: Browser, file: Path) -> None:
    page = browser.open(file)
    assert looks.wrong_values(page) == []
    assert looks.count_of_values(page) > 200
    assert looks.bars_out_of_scale(page, "platforms") == []
    assert looks.bars_out_of_scale(page, "warehouse") == []
    assert looks.dots_out_of_scale(page, "growth", logarithmic=True) == []
    page.close()


def test_pointing_shows_values_a_key_hides_its_series_and_a_head_sorts(browser: Browser, file: Path) -> None:
    page = browser.open(file, height=4000)
    x, y, name, text = page.evaluate(
        "(() => { const mark = document.querySelector('#platforms rect[data-path$=\"/monthly\"].c3');"
        "const box = mark.getBoundingClientRect();"
        "return [box.x + box.width / 2, box.y + box.height / 2, mark.dataset.name, mark.dataset.text]; })()"
    )
    page.move_to(x, y)
    shown = page.evaluate("document.querySelector('#platforms .tip').innerText")
    assert name in shown and text in shown
    page.evaluate("document.querySelector('#growth [data-key=\"0\"]').click()")
    assert (
        page.evaluate("getComputedStyle(document.querySelector('#growth circle[data-path*=\"options/0/\"]')).display")
        == "inline"
    )
    assert page.evaluate("document.querySelector('#growth circle').closest('.off') !== null")
    page.evaluate("document.querySelectorAll('table.sortable th button')[5].click()")
    amounts = page.evaluate(
        "[...document.querySelector('table.sortable').tBodies].map(body => Number(body.rows[0].cells[5].dataset.sort))"
    )
    assert amounts == sorted(amounts) and len(set(amounts)) > 3
    assert page.complaints == []
    page.close()


def test_a_line_opens_to_its_formula_also_on_a_phone(browser: Browser, file: Path) -> None:
    page = browser.open(file, width=SIZES["phone"])
    state = "getComputedStyle(document.querySelector('tr.detail')).display"
    assert page.evaluate(state) == "none"
    page.evaluate("document.querySelector('td summary, th summary').click()")
    assert page.evaluate(state) == "table-row"
    opened = page.evaluate("document.querySelector('tr.detail').innerText")
    assert "formula" in opened and "source" in opened and "quantity" in opened
    assert looks.overflow(page) == []
    page.close()


def test_it_prints_with_every_formula_and_nothing_cut_off(browser: Browser, file: Path) -> None:
    page = browser.open(file, width=PRINTED, theme="dark", media="print")
    assert looks.overflow(page) == []
    assert looks.cut_off(page) == []
    assert looks.overlaps(page) == []
    assert not looks.is_dark(page), "paper is white"
    assert looks.low_contrast(page) == []
    assert page.evaluate("getComputedStyle(document.querySelector('tr.detail')).display") == "table-row"
    printed = page.pdf(screenshots("cost.pdf"))
    assert printed.startswith(b"%PDF") and 2 <= printed.count(b"/Type /Page\n") + printed.count(b"/Type /Page/") <= 12
    page.close()


def test_it_says_everything_without_script(browser: Browser, file: Path, tmp_path: Path) -> None:
    html = file.read_text(encoding="utf-8")
    bare = tmp_path / "bare.html"
    head, _, rest = html.rpartition("<script>")
    bare.write_text(head + rest.partition("</script>")[2], encoding="utf-8")
    with_script, without = browser.open(file), browser.open(bare)
    words = "document.querySelector('main').innerText"
    assert without.evaluate(words) == with_script.evaluate(words)
    assert without.complaints == []
    with_script.close()
    without.close()
