"""The page on sources says what is there: its example loads, its table of settings is the model's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from modules.connectors.source.columns import source_columns
from modules.environment import load_environment
from modules.environment.source import SnowflakeSource
from modules.warehouse.rotate import RotationOptions
from tests.environment.conftest import Write, write

__all__ = ["write"]  # the fixture

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def page() -> str:
    return (DOCS / "snowflake-source.md").read_text(encoding="utf-8")


def test_the_example_is_an_environment(page: str, write: Write) -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    source = load_environment(write(dev=f"extends: base\nplatform: local\n{example}"), "dev").sources["accounts"]
    assert isinstance(source, SnowflakeSource) and source.origin == "CRM.PUBLIC.ACCOUNTS"


def test_every_setting_is_listed_with_its_default(page: str) -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (?:`(\S+)`)? ?\|", page, re.MULTILINE))
    fields = {name: field for name, field in SnowflakeSource.model_fields.items() if name != "kind"}
    assert set(fields) <= set(rows)
    for name, field in fields.items():
        given = "" if field.is_required() or field.default is None else str(field.default)
        assert rows[name] == given, name


def test_every_type_in_the_table_of_types_is_one_that_can_be_published(page: str) -> None:
    table = page.split("| Snowflake | Avro |")[1].split("\n\n")[0]
    names = set(re.findall(r"[A-Z][A-Z_]{3,}", table)) - {"JSON"}
    assert {"NUMBER", "VARCHAR", "TIMESTAMP_TZ", "GEOGRAPHY"} <= names
    for name in names:
        source_columns([("C", name, True)], "T")


def test_the_page_on_rotation_says_how_long_a_new_key_is() -> None:
    assert f"({RotationOptions().bits} bits" in (DOCS / "key-rotation.md").read_text(encoding="utf-8")
