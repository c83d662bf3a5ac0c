"""What a page looks like, measured in the browser by `looks.js`: overflow, contrast, text that is cut off, scale.

Each function gives the places where something is wrong, so that a failing test names them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.browser import Page

__all__ = [
    "bars_out_of_scale",
    "count_of_values",
    "cut_off",
    "dots_out_of_scale",
    "hard_to_read",
    "is_dark",
    "low_contrast",
    "overflow",
    "overlaps",
    "small_text",
    "wrong_values",
]

_SCRIPT = (Path(__file__).parent / "looks.js").read_text(encoding="utf-8")


def overflow(page: Page) -> list[str]:
    """Elements wider than the window, where the page could be scrolled sideways."""
    return list(_ask(page, "overflow"))


def cut_off(page: Page) -> list[str]:
    """Texts of charts outside of their figure, and texts in boxes that hide a part of them."""
    return list(_ask(page, "cutOff"))


def overlaps(page: Page) -> list[str]:
    """Texts of charts that lie over one another."""
    return list(_ask(page, "overlaps"))


def small_text(page: Page, least: float = 12) -> list[str]:
    """Texts below so many pixels, wherever they are."""
    return list(_ask(page, "smallText", least))


def low_contrast(page: Page) -> list[str]:
    """Texts with less contrast to what is behind them than WCAG 2.2 asks: 4.5:1, large ones 3:1."""
    return list(_ask(page, "lowContrast"))


def hard_to_read(page: Page) -> dict[str, list[str]]:
    """Whatever makes a page hard to read, by its kind; empty when nothing does."""
    checks = (overflow, low_contrast, small_text, cut_off, overlaps)
    return {check.__name__: found for check in checks if (found := check(page))}


def is_dark(page: Page) -> bool:
    """Whether the page's ground is dark."""
    return bool(_ask(page, "isDark"))


def count_of_values(page: Page) -> int:
    """How many marks carry a value."""
    return int(_ask(page, "count"))


def wrong_values(page: Page) -> list[str]:
    """Marks whose value is not what the page's JSON has at their place."""
    return list(_ask(page, "wrongValues"))


def bars_out_of_scale(page: Page, figure: str, pixels: float = 1.0) -> list[str]:
    """Bars of a stacked chart that are longer or shorter than their value, by the longest of them."""
    return list(_ask(page, "barsOutOfScale", figure, pixels))


def dots_out_of_scale(page: Page, figure: str, *, logarithmic: bool, pixels: float = 1.0) -> list[str]:
    """Dots of a line chart that are not where their value is, by the highest and the lowest of them."""
    return list(_ask(page, "dotsOutOfScale", figure, logarithmic, pixels))


def _ask(page: Page, function: str, *arguments: Any) -> Any:
    if not page.evaluate("'looks' in window"):
        page.evaluate(_SCRIPT)
    return page.evaluate(f"looks.{function}({', '.join(json.dumps(each) for each in arguments)})")
