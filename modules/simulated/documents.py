"""Data sources that are computed from their arguments alone, as the provider computes them."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

__all__ = ["DOCUMENTS", "policy_document"]

Config = Mapping[str, Any]


def policy_document(config: Config) -> dict[str, Any]:
    """`aws_iam_policy_document`: the JSON itself.

    Source: internal/service/iam/policy_document_data_source.go and policy_model.go of hashicorp/terraform-provider-aws.
    """
    document: dict[str, Any] = {"Version": "2012-10-17", "Id": "", "Statement": []}
    for text in _texts(config, "source_json", "source_policy_documents"):
        document = _merged(document, json.loads(text), override=False)
    own = {
        "Version": config.get("version") or "2012-10-17",
        "Id": config.get("policy_id") or "",
        "Statement": [_statement(one) for one in config.get("statement") or []],
    }
    document = _merged(document, own, override=True)
    for text in _texts(config, "override_json", "override_policy_documents"):
        document = _merged(document, json.loads(text), override=True)
    document = {key: value for key, value in document.items() if value}
    indented, minified = _go_json(document, indent=2), _go_json(document, indent=None)
    return {
        "json": indented,
        "minified_json": minified,
        "version": config.get("version") or "2012-10-17",
        "id": str(zlib.crc32(indented.encode())),
    }


def _parameter(config: Config) -> dict[str, Any]:
    """`aws_ssm_parameter`: AWS's own public parameters hold image ids."""
    name = str(config["name"])
    image = f"ami-0{zlib.crc32(name.encode()):016x}"
    value = f"simulated-{zlib.crc32(name.encode()):08x}"
    if name.endswith("/recommended"):
        value = json.dumps({"image_id": image, "image_name": "simulated"})
    elif "ami" in name:
        value = image
    return {"id": name, "value": value, "insecure_value": value, "type": "String", "version": 1}


def _zones(config: Config, zones: Mapping[str, Any]) -> dict[str, Any]:
    dropped = set(config.get("exclude_names") or ())
    kept = [(name, id_) for name, id_ in zip(zones["names"], zones["zone_ids"], strict=True) if name not in dropped]
    return {"names": [name for name, _ in kept], "zone_ids": [id_ for _, id_ in kept]}


DOCUMENTS: Mapping[str, Callable[[Config, Mapping[str, Any]], dict[str, Any]]] = {
    "aws_iam_policy_document": lambda config, invented: policy_document(config),
    "aws_ssm_parameter": lambda config, invented: _parameter(config),
    "aws_availability_zones": _zones,
}
"""Data source → function of its arguments and of what was invented for it; what it returns goes before the latter."""


def _statement(block: Mapping[str, Any]) -> dict[str, Any]:
    """In the order and the short forms in which the provider writes it."""
    made: dict[str, Any] = {"Sid": block.get("sid") or "", "Effect": block.get("effect") or "Allow"}
    for key, argument in (
        ("Action", "actions"),
        ("NotAction", "not_actions"),
        ("Resource", "resources"),
        ("NotResource", "not_resources"),
    ):
        made[key] = _short(sorted(block.get(argument) or (), reverse=True))
    made["Principal"] = _principals(block.get("principals") or ())
    made["NotPrincipal"] = _principals(block.get("not_principals") or ())
    conditions: dict[str, dict[str, Any]] = {}
    for one in block.get("condition") or ():
        conditions.setdefault(one["test"], {})[_variable(one["variable"])] = _short(
            [_variable(value) for value in one["values"]]
        )
    made["Condition"] = {test: dict(sorted(each.items())) for test, each in sorted(conditions.items())}
    return {key: value for key, value in made.items() if value not in ("", [], {}, None)}


def _principals(blocks: Iterable[Mapping[str, Any]]) -> Any:
    found: dict[str, list[str]] = {}
    for one in blocks:
        found.setdefault(one["type"], []).extend(_variable(each) for each in one["identifiers"])
    if found == {"*": ["*"]}:
        return "*"
    return {kind: _short(sorted(names, reverse=True)) for kind, names in sorted(found.items())}


def _short(values: list[str]) -> Any:
    shown = [_variable(value) for value in values]
    return shown[0] if len(shown) == 1 else shown


def _variable(text: str) -> str:
    """IAM's own `${aws:username}` is written `&{aws:username}`, since Terraform would take it for its own."""
    return text.replace("&{", "${")


def _merged(base: dict[str, Any], added: Mapping[str, Any], *, override: bool) -> dict[str, Any]:
    """Statements of the same Sid replace each other where that is asked for; the rest is appended."""
    given = added.get("Statement") or []
    statements = list(base["Statement"])
    for one in [given] if isinstance(given, Mapping) else given:
        sid = one.get("Sid")
        at = next((index for index, old in enumerate(statements) if sid and old.get("Sid") == sid), None)
        if at is None:
            statements.append(one)
        elif override:
            statements[at] = one
        else:
            raise ValueError(f"duplicate Sid ({sid}) in the policy documents")
    return {
        "Version": added.get("Version") or base["Version"],
        "Id": added.get("Id") or base["Id"],
        "Statement": statements,
    }


def _texts(config: Config, single: str, many: str) -> list[str]:
    return [text for text in [config.get(single), *(config.get(many) or ())] if text]


def _go_json(document: Mapping[str, Any], indent: int | None) -> str:
    """As Go writes it: `<`, `>` and `&` escaped."""
    text = json.dumps(document, indent=indent, ensure_ascii=False, separators=None if indent else (",", ":"))
    for character, escaped in (("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026")):
        text = text.replace(character, escaped)
    return text
