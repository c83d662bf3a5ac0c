"""The JSON Schema of environment files, for completion and checking in editors: `python -m modules.environment.schema`.

Written to `environments/schema.json`, which each file names in its first line. Made from the model, so a test can tell
when it is out of date. It is looser than the loader where one file alone cannot know: nothing is required (it may come
from the file that is extended) and everything may be null (which removes what the extended file says).
"""

from __future__ import annotations

import json
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from modules.environment.model import Environment
from modules.environment.types import DataRateValue, DataSizeValue, DurationValue, MoneyValue

__all__ = ["environment_schema", "render_schema"]

FILE = "environments/schema.json"


class _Generate(GenerateJsonSchema):
    """Writes defaults as people do: `60s`, not the parts of the value."""

    def encode_default(self, dft: Any) -> Any:
        if isinstance(dft, DurationValue | DataSizeValue | DataRateValue | MoneyValue):
            return str(dft)
        return int(dft) if isinstance(dft, Decimal) and dft == int(dft) else super().encode_default(dft)


def environment_schema() -> dict[str, Any]:
    """The schema as JSON Schema 2020-12."""
    schema = Environment.model_json_schema(by_alias=True, schema_generator=_Generate)
    for name in ("name", "source"):  # the loader's, not the file's
        del schema["properties"][name]
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
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "infra environment",
        "description": "One environment: what is deployed, where, for which workload, under which budget.",
    }


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
    """The file's text."""
    return json.dumps(environment_schema(), indent=2, ensure_ascii=False) + "\n"


def main(arguments: list[str]) -> None:
    """Writes the file, here or where the argument says."""
    target = Path(arguments[0]) if arguments else Path(__file__).parents[2] / FILE
    target.write_text(render_schema(), encoding="utf-8")
    sys.stdout.write(f"{target}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
