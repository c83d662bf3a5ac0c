"""Golden files: what a person, a program and a pull request see of recorded plans.

`UPDATE_GOLDEN=1 pytest tests/summary/test_golden.py` writes them anew; read the difference before committing it.
"""

from __future__ import annotations

import difflib
import json
import os
from pathlib import Path

import jsonschema
import pytest

from modules.summary.markdown import to_markdown
from modules.summary.shape import SCHEMA_FILE, schema_text
from modules.summary.text import to_lines
from tests.summary.support import CASES, recorded

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("form", ["txt", "md", "json"])
@pytest.mark.parametrize("case", CASES)
def test_a_plan_reads_as_was_last_agreed(case: str, form: str, tmp_path: Path) -> None:
    summary = recorded(case, tmp_path)
    shown = {
        "txt": lambda: "\n".join(text.rstrip() for text, _ in to_lines(summary)),
        "md": lambda: to_markdown(summary),
        "json": lambda: json.dumps(summary.to_json(), indent=1, ensure_ascii=False),
    }[form]() + "\n"
    golden = GOLDEN / f"{case}.{form}"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(shown, encoding="utf-8")
    assert golden.exists(), f"no {golden.name}: run with UPDATE_GOLDEN=1 and read it"
    agreed = golden.read_text(encoding="utf-8")
    changes = difflib.unified_diff(agreed.splitlines(), shown.splitlines(), golden.name, "now", lineterm="")
    assert shown == agreed, "\n".join(changes)


def test_the_schema_is_the_one_its_source_makes() -> None:
    assert SCHEMA_FILE.read_text(encoding="utf-8") == schema_text(), "python -m modules.summary.shape"


@pytest.mark.parametrize("case", CASES)
def test_the_json_keeps_to_its_schema_and_the_cost_in_it_to_that_of_cost(case: str, tmp_path: Path) -> None:
    document = json.loads(json.dumps(recorded(case, tmp_path).to_json()))
    validator = jsonschema.Draft202012Validator(json.loads(SCHEMA_FILE.read_text(encoding="utf-8")))
    problems = [f"{'/'.join(map(str, each.absolute_path))}: {each.message}" for each in validator.iter_errors(document)]
    assert problems == []
    if document["cost"] and document["cost"]["diff"]:
        from modules.cost.formats import schema

        of_cost = jsonschema.Draft202012Validator(json.loads(schema.SCHEMA_FILE.read_text(encoding="utf-8")))
        assert [each.message for each in of_cost.iter_errors(document["cost"]["diff"])] == []


def test_keys_of_the_plan_keep_their_meaning(tmp_path: Path) -> None:
    summary = recorded("confluent-topic-renamed", tmp_path)
    document = summary.to_json()
    assert {key: document[key] for key in summary.plan.to_json()} == summary.plan.to_json()


def test_every_field_of_the_document_and_every_verdict_is_documented() -> None:
    schema = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    page = (Path(__file__).parents[2] / "docs" / "summary.md").read_text(encoding="utf-8")
    parts = [schema["properties"], *(schema["$defs"][name]["properties"] for name in ("schema", "cost", "right"))]
    words = [name for part in parts for name in part] + schema["$defs"]["schema"]["properties"]["verdict"]["enum"]
    assert [name for name in words if f"`{name}`" not in page] == []
