"""docs/README.md leads to every page, so that none can be written and not found."""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).resolve().parents[2] / "docs"
INDEX = (DOCS / "README.md").read_text(encoding="utf-8")


def test_every_page_is_in_the_index() -> None:
    linked = set(re.findall(r"\]\(([\w-]+\.md)\)", INDEX))
    pages = {path.name for path in DOCS.glob("*.md")} - {"README.md"}
    assert sorted(pages - linked) == []


def test_every_page_begins_with_a_title_of_its_own() -> None:
    titles = {path.name: path.read_text(encoding="utf-8").partition("\n")[0] for path in DOCS.glob("*.md")}
    assert [name for name, title in titles.items() if not title.startswith("# ")] == []
    assert len(set(titles.values())) == len(titles)
