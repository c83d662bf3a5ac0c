"""docs/warehouse.md says what is there: its examples load, its tables name every section and every connector."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from modules.environment import load_environment
from modules.environment.warehouse import Warehouse
from modules.environment.warehouse_presets import completed
from modules.project import Project
from modules.warehouse.build import estate_of
from modules.warehouse.matrix import MATRIX
from tests.warehouse.rights import ENVIRONMENTS

TEXT = (ENVIRONMENTS.parent / "docs" / "warehouse.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
SETTINGS = {"preset", "without", "engine", "size", "auto_suspend", "monthly_credits", "allowed_cidrs", "account",
            "connector_private_key", "connector_private_key_passphrase", "source_private_key"}  # fmt: skip
"""Of `warehouse:` what is no section of objects."""


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_are_environments(example: str, tmp_path: Path) -> None:
    project = Project(tmp_path)
    (tmp_path / "environments" / "schemas").mkdir(parents=True)
    for name in ("base.yaml", "schemas/order_events.avsc"):
        (project.environments / name).write_bytes((ENVIRONMENTS / name).read_bytes())
    (project.environments / "dev.yaml").write_text(f"extends: base\nplatform: confluent\n{example}")
    environment = load_environment(project, "dev")
    assert "LOADER" not in completed(environment).roles
    assert any(view.name == "ORDERS_DAILY" for view in estate_of(environment, project.environments).views)


def test_every_section_is_in_the_table() -> None:
    table = TEXT.partition("## Sections")[2].partition("##")[0]
    named = set(re.findall(r"^\| (.*?) \|", table, re.MULTILINE))
    sections = {name for row in named for name in re.findall(r"`(\w+)`", row)}
    assert sections == set(Warehouse.model_fields) - SETTINGS


def test_every_setting_is_mentioned() -> None:
    schema_only = {"auto_suspend", "account", "connector_private_key_passphrase", "source_private_key"}
    assert [name for name in SETTINGS - schema_only if f"{name}" not in TEXT] == []


def test_the_matrix_is_the_one_in_the_code() -> None:
    table = TEXT.partition("granted directly:")[2].partition("With `schema_evolution")[0]
    rows = {
        row[0]: row for row in (line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("| `"))
    }
    for rights in (each for each in MATRIX if not each.evolves):
        (row,) = (
            row
            for name, row in rows.items()
            if f"`{rights.connector}`" in name and (rights.versions == "any" or f"v{rights.versions}" in name)
        )
        _, table_rights, schema, warehouse = row
        assert table_rights == ("OWNERSHIP" if rights.owns_table else ", ".join(rights.table))
        assert (schema, warehouse) == (", ".join(rights.schema), "yes" if rights.warehouse else "no")
