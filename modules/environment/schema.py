"""JSON Schemas of environment and application files, for editors: `python -m modules.environment.schema` writes them.

Written to `environments/schema.json` and `environments/applications/schema.json`; each file names its own in its first
line. Made from the model, so a test can tell when they are out of date. An environment's is looser than the
loader where one file alone cannot know: nothing is required (it may come from the file that is extended) and everything
may be null (which removes what the extended file says).
"""

from __future__ import annotations

import json
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from modules.environment.model import Application, Environment
from modules.environment.types import DataRateValue, DataSizeValue, DurationValue, MoneyValue

__all__ = ["application_schema", "environment_schema", "render_application_schema", "render_schema"]

FILE = "environments/schema.json"
APPLICATIONS_FILE = "environments/applications/schema.json"


class _Generate(GenerateJsonSchema):
    """Writes defaults as people do: `60s`, not the parts of the value."""

    def encode_default(self, dft: Any) -> Any:
        if isinstance(dft, DurationValue | DataSizeValue | DataRateValue | MoneyValue):
            return str(dft)
        return int(dft) if isinstance(dft, Decimal) and dft == int(dft) else super().encode_default(dft)


def environment_schema() -> dict[str, Any]:
    """The schema as JSON Schema 2020-12."""
    schema = Environment.model_json_schema(by_alias=True, schema_generator=_Generate)
    for name in ("name", "source", "applications"):  # the loader's, not the file's
        del schema["properties"][name]
    for name in ("Application", "Quota"):
        del schema["$defs"][name]
    schema["properties"]["extends"] = {
        "type": "string",
        "description": "The file of this folder, without .yaml, on which this one is laid: mappings merge, the rest "
        "replaces, null removes.",
    }
    models = [schema, *schema.get("$defs", {}).values()]
    for model in models:
        model.pop("required", None)
        model["properties"] = {name: _optional(each) for name, each in sorted(model.get("properties", {}).items())}
    topic = schema["$defs"]["Topic"]["properties"]
    topic["config"]["additionalProperties"] = {"type": ["string", "number", "boolean", "null"]}
    schema["properties"]["topics"]["additionalProperties"] = _optional({"$ref": "#/$defs/Topic"})
    schema["properties"]["state"]["anyOf"].append({"const": "local"})
    free = {"type": ["string", "number", "boolean", "null"]}
    connect = schema["$defs"]["Connect"]["properties"]
    for settings in (
        connect["settings"],
        connect["worker"],
        schema["$defs"]["DebeziumPostgres"]["properties"]["settings"],
    ):
        settings["additionalProperties"] = free
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "infra environment",
        "description": "One environment: what is deployed, where, for which workload, under which budget.",
    }


def application_schema() -> dict[str, Any]:
    """An application's, as JSON Schema 2020-12; nothing is extended here, so null means nothing."""
    schema = Application.model_json_schema(by_alias=True, schema_generator=_Generate)
    for model in (schema, *schema.get("$defs", {}).values()):
        model["properties"] = {name: _given(each) for name, each in sorted(model["properties"].items())}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "infra application",
        "description": "One application: which topics it writes and reads, in which groups, and how much at most.",
        "anyOf": [{"required": ["produces"]}, {"required": ["consumes"]}],
    }


def _given(field: dict[str, Any]) -> dict[str, Any]:
    """A field's schema as `_optional` writes it, without null."""
    optional = _optional(field)
    if isinstance(optional.get("type"), list):
        return {**optional, "type": optional["type"][0]}
    (shape, _null), kept = optional["anyOf"], {key: value for key, value in optional.items() if key != "anyOf"}
    return {**shape, **kept}


def _optional(field: dict[str, Any]) -> dict[str, Any]:
    """A field's schema that takes null as well, without the noise pydantic adds."""
    kept = {key: value for key, value in field.items() if key in ("description", "default", "examples")}
    if kept.get("default", "") is None or isinstance(kept.get("default"), dict):
        del kept["default"]
    shapes = field.get("anyOf") or [
        {key: value for key, value in field.items() if key not in (*kept, "title", "default")}
    ]
    words = {"ge": "minimum", "le": "maximum", "gt": "exclusiveMinimum"}
    shapes = [{words.get(key, key): each[key] for key in each} for each in shapes if each != {"type": "null"}]
    if any(each.get("type") == "number" for each in shapes):  # a Decimal: pydantic allows text for it too
        shapes = [each for each in shapes if each.get("type") == "number"]
    if len(shapes) == 1 and isinstance(shapes[0].get("type"), str) and "enum" not in shapes[0]:
        return {**shapes[0], "type": [shapes[0]["type"], "null"], **kept}
    return {"anyOf": [*shapes, {"type": "null"}], **kept}


def render_schema() -> str:
    """The text of environments/schema.json."""
    return _text(environment_schema())


def render_application_schema() -> str:
    """The text of environments/applications/schema.json."""
    return _text(application_schema())


def _text(schema: dict[str, Any]) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def main(arguments: list[str]) -> None:
    """Writes both files, into this project or the one the argument names."""
    root = Path(arguments[0]) if arguments else Path(__file__).parents[2]
    for file, text in ((FILE, render_schema()), (APPLICATIONS_FILE, render_application_schema())):
        target = root / file
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        sys.stdout.write(f"{target}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
