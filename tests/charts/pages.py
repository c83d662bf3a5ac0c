"""What holds for every report's page in headless Chromium."""

from __future__ import annotations

import os
from pathlib import Path

from tests.browser import Browser, Theme
from tests.charts import looks

__all__ = ["PRINTED", "SIZES", "check_readable", "screenshots"]

SIZES = {"desktop": 1280, "phone": 390}
PRINTED = 703
"""Pixels of an A4 page's width between its margins."""


def screenshots(name: str) -> Path | None:
    """Where a picture is kept for a person to look at, if `SCREENSHOTS` names a folder."""
    folder = os.environ.get("SCREENSHOTS")
    return Path(folder) / name if folder else None


def check_readable(browser: Browser, file: Path, name: str, size: str, theme: Theme) -> None:
    """It draws, asks nobody for anything, and can be read."""
    page = browser.open(file, width=SIZES[size], theme=theme)
    picture = page.screenshot(screenshots(f"{name}-{theme}-{size}.png"))
    assert page.complaints == []
    assert page.requests == [file.as_uri()]
    assert looks.hard_to_read(page) == {}
    assert picture.startswith(b"\x89PNG") and len(picture) > 20_000
    assert looks.is_dark(page) == (theme == "dark")
    page.close()
