"""What the pages about the estate's engines show is what the commands print and the YAML takes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from modules.environment.model import Environment
from modules.warehouse.sql import script
from tests.warehouse.parity import HERE, declared

DOCS = Path(__file__).parents[2] / "docs"


def test_the_statements_shown_are_those_of_the_preset(tmp_path: Path) -> None:
    page = (DOCS / "warehouse-sql.md").read_text()
    shown = re.search(r"```sql\n(.*?)```", page, re.S)
    assert shown
    printed = [each.sql for each in script(declared(tmp_path, HERE / "preset.yaml").wanted)]
    for line in shown[1].strip().splitlines():
        assert any(sql.startswith(line.rstrip(";")) for sql in printed), line


@pytest.mark.parametrize("engine", ["sql", "pulumi"])
def test_the_yaml_takes_the_engine(engine: str) -> None:
    assert f"engine: {engine}" in (DOCS / f"warehouse-{engine}.md").read_text()
    values = {"name": "x", "source": "x.yaml", "platform": "local", "warehouse": {"engine": engine}}
    assert Environment.model_validate(values).warehouse.engine == engine
