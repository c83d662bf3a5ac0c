"""Every link between the project's pages leads somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_named_files_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    links = [link.partition("#")[0] for link in re.findall(r"\]\(([^)]+)\)", text) if not link.startswith("http")]
    named = re.findall(r"`((?:docs|tests|modules|bench|environments|stacks|cli)/[\w./-]+)`", text)
    missing = [link for link in links if link and not (page.parent / link).exists()]
    # ENV and NAME stand for names of the reader's own.
    named = [name for name in named if page.name != "adding-a-platform.md" and not re.search(r"ENV|NAME", name)]
    missing += [name for name in named if not (ROOT / name).exists()]
    assert missing == []
