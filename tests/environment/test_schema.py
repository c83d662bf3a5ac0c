"""The JSON Schema that editors read is current, takes what the project has and refuses misspelt keys."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from modules.environment.model import Environment
from modules.environment.schema import (
    application_schema,
    environment_schema,
    main,
    render_application_schema,
    render_schema,
)
from tests.environment.conftest import REAL

FILES = sorted(REAL.glob("*.yaml"))
CASES = Path(__file__).parents[1] / "platforms" / "cases" / "applications"


def problems(document: Any) -> list[str]:
    return [error.message for error in jsonschema.Draft202012Validator(environment_schema()).iter_errors(document)]


def test_the_committed_schema_is_current(tmp_path: Path) -> None:
    for file, text in (("schema.json", render_schema()), ("applications/schema.json", render_application_schema())):
        assert (REAL / file).read_text() == text, "python -m modules.environment.schema"
    main([str(tmp_path)])
    assert (tmp_path / "environments" / "schema.json").read_text() == render_schema()
    assert (tmp_path / "environments" / "applications" / "schema.json").read_text() == render_application_schema()


def test_the_schema_is_valid_itself() -> None:
    jsonschema.Draft202012Validator.check_schema(environment_schema())
    jsonschema.Draft202012Validator.check_schema(application_schema())


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_file_fits_it_and_names_it_in_its_first_line(file: Path) -> None:
    text = file.read_text()
    assert text.startswith("# yaml-language-server: $schema=schema.json\n")
    assert problems(yaml.safe_load(text)) == []


def paths(node: Any, at: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    if not isinstance(node, dict):
        return []
    return [path for key, each in node.items() for path in [(*at, key), *paths(each, (*at, key))]]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_key_misspelt_is_refused(file: Path) -> None:
    document = yaml.safe_load(file.read_text())
    checked = 0
    for *above, key in paths(document):
        if above == ["topics"]:  # a topic may have any name
            continue
        changed = copy.deepcopy(document)
        place = changed
        for each in above:
            place = place[each]
        place[f"{key}x"] = place.pop(key)
        assert problems(changed), f"{'.'.join([*above, key])}x is taken"
        checked += 1
    assert checked >= 5


@pytest.mark.parametrize(
    "document",
    [
        {"platform": "confluant"},
        {"topics": {"t": {"partitions": 0}}},
        {"topics": {"t": {"retention": 30}}},
        {"topics": {"t": {"retention": "30 days"}}},
        {"workload": {"ingress": "1GB"}},
        {"warehouse": {"connector_private_key": "-----BEGIN"}},
        {"local": {"kafka_port": 80}},
        {"budget": {"monthly": "300"}},
    ],
)
def test_wrong_values_are_refused(document: dict[str, Any]) -> None:
    assert problems(document)


def test_null_and_topic_settings_of_every_kind_are_taken() -> None:
    settings = {"preallocate": False, "segment.ms": 1, "cleanup.policy": "compact"}
    assert problems({"budget": None, "topics": {"a": None, "b": {"sink": None, "config": settings}}}) == []


def test_every_key_says_what_it_is_for() -> None:
    schema = environment_schema()
    silent = [
        f"{name}.{key}"
        for name, model in {"": schema, **schema["$defs"]}.items()
        for key, field in model["properties"].items()
        if "description" not in field and not any("$ref" in each for each in field.get("anyOf", []))
    ]
    assert silent == []
    assert set(schema["properties"]) == (set(Environment.model_fields) - {"name", "source", "applications"}) | {
        "extends"
    }


APPLICATION = {
    "description": "Bills orders",
    "owner": "billing",
    "produces": ["invoices"],
    "consumes": ["orders"],
    "groups": ["billing-"],
    "quota": {"produce": "5MB/s", "consume": "20MB/s"},
    "environments": ["prod"],
}


def application_problems(document: Any) -> list[str]:
    return [error.message for error in jsonschema.Draft202012Validator(application_schema()).iter_errors(document)]


def test_an_application_fits_its_schema_and_every_key_misspelt_is_refused() -> None:
    assert application_problems(APPLICATION) == []
    assert application_problems({"consumes": ["orders"]}) == []
    for file in (*REAL.glob("applications/*.yaml"), *CASES.glob("*.yaml")):
        assert application_problems(yaml.safe_load(file.read_text())) == [], file.name
    for *above, key in paths(APPLICATION):
        changed = copy.deepcopy(APPLICATION)
        place: Any = changed
        for each in above:
            place = place[each]
        place[f"{key}x"] = place.pop(key)
        assert application_problems(changed), f"{key}x is taken"


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"owner": "billing"},
        {"produces": "orders"},
        {"produces": [5]},
        {"produces": ["orders"], "quota": {"produce": "5MB"}},
        {"produces": ["orders"], "description": None},
    ],
)
def test_an_application_with_wrong_values_is_refused(document: dict[str, Any]) -> None:
    assert application_problems(document)


def test_every_key_of_an_application_says_what_it_is_for() -> None:
    schema = application_schema()
    models = (schema, *schema["$defs"].values())
    assert all("description" in field for model in models for field in model["properties"].values())
