"""The smoke report in headless Chromium: light, dark, desktop, phone, print; values are those of the JSON.

Skipped where there is no Chromium. Screenshots are kept where `SCREENSHOTS` names a folder.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from modules.smoke.html import run_page
from tests.browser import Browser, chromium
from tests.charts import looks
from tests.charts.pages import PRINTED, SIZES, check_readable
from tests.smoke.runs import run_of

pytestmark = pytest.mark.skipif(chromium() is None, reason="there is no Chromium (or Chrome) on this machine")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as running:
        yield running


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A disturbed run over a calm one."""
    made = tmp_path_factory.mktemp("page") / "smoke.html"
    disturbed, calm = run_of(stall=True, lost=25, name="disturbed"), run_of(seed=2, slower=0.8, name="calm")
    made.write_text(run_page(disturbed, calm), encoding="utf-8")
    return made


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_it_is_readable_in_both_themes_at_every_width(browser: Browser, file: Path, size: str, theme: Any) -> None:
    check_readable(browser, file, "smoke", size, theme)


def test_chart_values_equal_the_json_where_they_are_drawn(browser: Browser, file: Path) -> None:
    page = browser.open(file)
    assert looks.wrong_values(page) == []
    assert looks.count_of_values(page) > 1000
    assert looks.dots_out_of_scale(page, "curves", logarithmic=True) == []
    assert looks.bars_out_of_scale(page, "hops") == []
    page.close()


def test_it_prints_with_nothing_cut_off(browser: Browser, file: Path) -> None:
    page = browser.open(file, width=PRINTED, theme="dark", media="print")
    assert looks.overflow(page) == []
    assert looks.cut_off(page) == []
    assert not looks.is_dark(page), "paper is white"
    assert page.pdf().startswith(b"%PDF")
    page.close()
