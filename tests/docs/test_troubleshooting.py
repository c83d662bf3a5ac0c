"""Every message that docs/troubleshooting.md explains is one that the program still says."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")


def messages() -> list[str]:
    """The first columns of the page's tables, their code marks taken off."""
    rows = [line for line in PAGE.splitlines() if line.startswith("| `")]
    spans = [re.match(r"\| (`+) ?(.*?) ?\1(?: \([\w-]+\))? \|", row) for row in rows]
    assert all(spans), [row for row, span in zip(rows, spans, strict=True) if span is None]
    return [span[2] for span in spans if span]


def templates(tree: ast.AST) -> Iterator[str]:
    """The texts of a file, `…` for what is filled in; docstrings are none."""
    nodes = list(ast.walk(tree))
    skipped = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    # Parts of a longer text are read with it.
    skipped |= {id(part) for node in nodes if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in nodes:
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in skipped:
            yield node.value


@cache
def said() -> str:
    """Every text of the program, one a line; generated classes have none."""
    files = [path for folder in ("cli", "modules", "stacks") for path in (ROOT / folder).rglob("*.py")]
    files = [path for path in files if "resources" not in path.parent.parts]
    texts = (text for path in files for text in templates(ast.parse(path.read_text(encoding="utf-8"))))
    return "\n".join(text.replace("\n", " ") for text in texts if len(text) > 8)


def is_said(message: str) -> bool:
    """Whether one text has all parts between the placeholders, in order."""
    parts = [re.escape(part) for part in message.strip("… ").split("…")]
    return re.search(".*?".join(parts), said()) is not None


@pytest.mark.parametrize("message", messages())
def test_each_message_is_still_said(message: str) -> None:
    assert max(len(part) for part in message.split("…")) >= 8, "too little to be found by"
    assert is_said(message)


def test_there_are_enough_of_them_and_none_twice() -> None:
    assert len(messages()) >= 40
    assert len(set(messages())) == len(messages())


def test_a_message_that_nobody_says_is_noticed() -> None:
    assert not is_said("the moon is in the way of …")
    assert not is_said("the local platform … the local platform is not up")
