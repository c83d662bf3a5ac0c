"""The shape of `infra plan --json`, as JSON Schema: what the plan and the summary put there, and nothing beside it.

`python -m modules.summary.shape` writes `schema.json` anew; a test holds real documents against it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

__all__ = ["SCHEMA_FILE", "json_schema", "schema_text"]

SCHEMA_FILE = Path(__file__).parent / "schema.json"

_TEXT: dict[str, Any] = {"type": "string"}
_MAYBE: dict[str, Any] = {"type": ["string", "null"]}
_FLAG: dict[str, Any] = {"type": "boolean"}
_COUNT: dict[str, Any] = {"type": "integer", "minimum": 0}
_ANY: dict[str, Any] = {}
_KINDS = ["delete", "replace", "update", "create", "import", "forget", "read"]
_COUNTS: dict[str, Any] = {
    "type": "object",
    "description": "Changes by kind; a kind without any is left out.",
    "propertyNames": {"enum": _KINDS},
    "additionalProperties": _COUNT,
}

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_KEPT: dict[str, Any] = {
    "artefact": {"type": "string", "description": "With --out: where the plan is kept."},
    "content_hash": {"type": "string", "description": "With --out: the hash of the content it is found by."},
}


def json_schema() -> dict[str, Any]:
    """JSON Schema 2020-12."""
    shape = _object(
        version={
            "const": 1,
            "description": "Raised when a field changes its meaning or goes, not when one is added.",
        },
        environment=_TEXT,
        destroy=_said(_FLAG, "Whether it is the plan of a destroy."),
        offline=_said(_FLAG, "Made with simulated providers: a rehearsal."),
        has_changes=_said(_FLAG, "Whether a deploy would do anything."),
        refused=_said(_FLAG, "Whether a review refuses it: it cannot work."),
        counts=_COUNTS,
        stacks=_list(_ref("stack"), "In the order they are applied."),
        base=_said(_MAYBE, "The revision it was planned against (`--base`); null: against what is deployed."),
        notes=_list(_TEXT, "Sentences to read first."),
        destructive=_list(_ref("destructive"), "What is destroyed or replaced, what holds data first."),
        folded=_said(
            _object(reads=_list(_ref("place")), follows=_list(_ref("follows"))),
            "What the text leaves out: data sources that are read, attributes that only follow from others.",
        ),
        schemas=_list(_ref("schema"), "Subjects whose schema or level changes, those that break first."),
        cost={"anyOf": [_ref("cost"), {"type": "null"}]},
        rights=_object(
            gained=_list(_ref("right")),
            lost=_list(_ref("right")),
            unknown=_list(_ref("place"), "Changes whose rights are known only after the apply."),
        ),
        guards=_said({"type": ["object", "null"]}, "As `infra guards --json` has it; null: guards were not asked."),
        refusals=_list(_TEXT, "Why a review or the base's schemas refuse it; guards say theirs in `guards`."),
    )
    shape["properties"] |= _KEPT
    title = "The document of `infra plan --json`, version 1"
    return {"$schema": _DIALECT, "title": title, **shape, "$defs": _definitions()}


def _definitions() -> dict[str, Any]:
    return {
        "stack": _object(
            stack=_TEXT,
            status={"enum": ["pending", "changes", "no-changes"]},
            pending_on=_list(_TEXT, "Stacks that must be applied before this one can be planned."),
            note=_MAYBE,
            counts=_COUNTS,
            unchanged=_COUNT,
            changes=_list(_ref("change")),
            outputs=_list(_ref("output")),
            drift=_list(_ref("change"), "What was changed outside since the last deploy."),
            findings=_list(_ref("finding")),
            warnings=_list(_TEXT, "Terraform's own."),
        ),
        "change": _object(
            address=_TEXT,
            type=_TEXT,
            name=_TEXT,
            index_key={"type": ["string", "integer", "null"]},
            kind={"enum": _KINDS},
            reason=_MAYBE,
            attributes=_list(_ref("attribute")),
        ),
        "attribute": _object(
            path=_TEXT,
            before=_ANY,
            after=_said(_ANY, "`(known after apply)` where only the apply tells; `(sensitive)` where it is secret."),
            sensitive=_FLAG,
            forces_replacement=_FLAG,
        ),
        "output": _object(
            name=_TEXT,
            kind={"enum": ["create", "update", "delete"]},
            before=_ANY,
            after=_ANY,
            sensitive=_FLAG,
        ),
        "finding": _object(severity={"enum": ["warn", "refuse"]}, address=_TEXT, message=_TEXT, do=_MAYBE),
        "place": _object(stack=_TEXT, address=_TEXT),
        "follows": _object(stack=_TEXT, address=_TEXT, attributes=_list(_TEXT)),
        "destructive": _object(
            stack=_TEXT,
            address=_TEXT,
            kind={"enum": ["delete", "replace"]},
            lost=_said(_MAYBE, "What data goes with it; null where it holds none."),
        ),
        "schema": _object(
            subject=_TEXT,
            level=_said(_MAYBE, "The compatibility it was held against; null where it is not known yet."),
            new_level=_said(_MAYBE, "The level that will hold, where it is another one."),
            verdict={"enum": ["breaks", "invalid", "unchecked", "removed", "same", "compatible", "new"]},
            against=_said(_MAYBE, "What it was compared with; null for a first version."),
            reasons=_list(_TEXT),
            fields=_list(_TEXT, "`+ name type`, `- name type`, `~ name type → type`."),
        ),
        "cost": _object(
            known=_said(_FLAG, "Whether the difference can be told."),
            why=_said(_MAYBE, "Why it cannot, or what to know about it."),
            planned=_said(_ref("month"), "The month as planned, where only what was before is not known; else null."),
            diff=_said({"type": ["object", "null"]}, "As `infra cost diff --json` has it (docs/cost-formats.md)."),
        ),
        "month": {
            "anyOf": [
                _object(at_least=_TEXT, at_most=_said(_MAYBE, "null: no upper end is known.")),
                {"type": "null"},
            ],
            "description": "USD a month.",
        },
        "right": _object(
            system={"enum": ["aws", "confluent", "kafka", "snowflake"]},
            principal=_TEXT,
            right=_TEXT,
            object=_TEXT,
            denied=_said(_FLAG, "The rule forbids; gained, it takes something away."),
        ),
    }


def _object(**fields: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "required": list(fields), "properties": fields}


def _list(items: dict[str, Any], description: str = "") -> dict[str, Any]:
    return _said({"type": "array", "items": items}, description)


def _said(kind: dict[str, Any], description: str) -> dict[str, Any]:
    return {**kind, "description": description} if description else kind


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/$defs/{name}"}


def schema_text() -> str:
    """The file's content."""
    return json.dumps(json_schema(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    SCHEMA_FILE.write_text(schema_text(), encoding="utf-8")
