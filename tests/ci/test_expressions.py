"""The test's own reading of GitHub's expressions: what it knows, and that it refuses the rest."""

from __future__ import annotations

from typing import Any

import pytest

from tests.ci.expressions import Status, evaluate, fill

CONTEXTS: dict[str, Any] = {"github": {"ref": "refs/heads/main", "event": {"number": 7}}, "vars": {}}


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("github.ref == 'refs/heads/main'", True),
        ("github.ref != 'refs/heads/main'", False),
        ("vars.NOTHING == 'yes'", False),
        ("vars.NOTHING == ''", True),
        ("!(github.ref == 'x' && vars.A == '')", True),
        ("github.ref == 'x' || github.event.number == '7'", True),
        ("!cancelled() && github.ref == 'refs/heads/main'", True),
        ("failure() && vars.A == ''", False),
        ("'it''s' == 'it''s'", True),
    ],
)
def test_what_the_workflows_use(expression: str, value: bool) -> None:
    assert bool(evaluate(expression, CONTEXTS)) is value


def test_failure_is_true_after_a_failure_only() -> None:
    assert evaluate("failure()", CONTEXTS, Status(failed=True)) is True
    assert evaluate("success()", CONTEXTS, Status(skipped=True)) is False


def test_a_text_is_filled_in() -> None:
    assert fill("a-${{ github.event.number }}-${{ vars.NONE }}", CONTEXTS) == "a-7-"


@pytest.mark.parametrize(
    "expression",
    ["needs.a.result == 'x'", "contains(github.ref, 'x')", "github.ref ==", "(github.ref", "github.ref > 3", "a b"],
)
def test_anything_else_is_refused(expression: str) -> None:
    with pytest.raises(ValueError):
        evaluate(expression, CONTEXTS)
