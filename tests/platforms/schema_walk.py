"""Holds Terraform JSON against the providers' schemas, without the code that made it.

`faults(document)` walks every resource, data source and provider block: arguments exist, are arguments, are all there,
and have the right type, for each instance of a `for_each`. It also says what is referred to and not declared.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

__all__ = ["Block", "blocks_of", "faults", "instances_of", "resolved", "schema_of", "strings"]

SNAPSHOTS = Path(__file__).parents[2] / "modules" / "resources" / "schemas"
META = {"for_each", "depends_on", "lifecycle", "provider", "count", "dynamic", "alias"}
_EXPRESSION = re.compile(r"\$\{.*\}", re.DOTALL)
_EACH = re.compile(r"\$\{each\.(key|value)((?:\.\w+|\[\"[^\"]+\"\])*)\}")
_LOCAL = re.compile(r"\$\{local\.([\w-]+)\}")
_REFERENCE = re.compile(r"(?<![\w.\"-])(var|local|data\.\w+|[a-z]+_\w+)\.([A-Za-z_][\w-]*)")

Block = tuple[str, str, str, Mapping[str, Any]]
"""Section (`resource`, `data`), type, name, body."""

_loaded: dict[str, Any] = {}


def schema_of(provider: str) -> Mapping[str, Any]:
    """A provider's snapshot."""
    if provider not in _loaded:
        _loaded[provider] = json.loads((SNAPSHOTS / f"{provider}.json").read_text())
    found: Mapping[str, Any] = _loaded[provider]
    return found


def blocks_of(document: Mapping[str, Any]) -> Iterator[Block]:
    """Every resource and data source but Terraform's own."""
    for section in ("resource", "data"):
        for type_, named in document.get(section, {}).items():
            for name, body in named.items():
                if not type_.startswith("terraform_"):
                    yield section, type_, name, body


def instances_of(document: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
    """Key → value of a block's `for_each`, as far as the JSON tells; one instance without a key where there is none."""
    given = body.get("for_each")
    if given is None:
        return {"": None}
    if isinstance(given, str) and (match := _LOCAL.fullmatch(given)):
        given = document["locals"][match[1]]
    if isinstance(given, str) and (match := re.fullmatch(r"\$\{toset\((\[.*\])\)\}", given)):
        given = json.loads(match[1])
    if isinstance(given, list):
        return {each: each for each in given}
    return dict(given) if isinstance(given, dict) else {}


def faults(document: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong, a line each."""
    for section, type_, name, body in blocks_of(document):
        kind = "resources" if section == "resource" else "data_sources"
        provider = type_.split("_")[0]
        schema = schema_of(provider)[kind].get(type_)
        where = f"{'data.' if section == 'data' else ''}{type_}.{name}"
        if schema is None:
            yield f"{where}: the snapshot of {provider} has no such {section}"
            continue
        arguments = {key: value for key, value in body.items() if key not in META}
        for key, value in instances_of(document, body).items():
            yield from _block(f'{where}["{key}"]' if key else where, schema, resolved(arguments, key, value))
        for inner, many in body.get("dynamic", {}).items():
            for each in many if isinstance(many, list) else [many]:
                yield from _block(f"{where}.{inner}", schema["block_types"][inner]["block"], each["content"])
    for provider, configured in document.get("provider", {}).items():
        for each in configured:
            given = {key: value for key, value in each.items() if key not in META}
            yield from _block(f"provider.{provider}", schema_of(provider)["provider"], given)
        if provider not in document["terraform"]["required_providers"]:
            yield f"provider.{provider}: no version is required"
    yield from _undeclared(document)


def strings(value: Any) -> Iterator[str]:
    """Every text in a value, keys left out."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from strings(each)


def resolved(value: Any, key: str, given: Any) -> Any:
    """`${each.key}` and `${each.value…}` replaced by what one instance has there."""
    if isinstance(value, str):
        match = _EACH.fullmatch(value)
        if not match or not key:
            return value
        found: Any = key if match[1] == "key" else given
        for step in re.findall(r"\.(\w+)|\[\"([^\"]+)\"\]", match[2]):
            found = found.get(step[0] or step[1], value) if isinstance(found, dict) else value
        return found
    if isinstance(value, dict):
        return {name: resolved(each, key, given) for name, each in value.items()}
    return [resolved(each, key, given) for each in value] if isinstance(value, list) else value


def _block(where: str, schema: Mapping[str, Any], given: Mapping[str, Any]) -> Iterator[str]:
    attributes, nested = schema.get("attributes", {}), schema.get("block_types", {})
    for name, value in given.items():
        path = f"{where}.{name}"
        if name in attributes:
            if value is None:
                continue
            attribute = attributes[name]
            if not (attribute.get("required") or attribute.get("optional")):
                yield f"{path}: the provider computes it"
            if attribute.get("sensitive") and any(not _EXPRESSION.search(text) for text in strings(value)):
                yield f"{path}: a secret written out"
            yield from _attribute(path, attribute, value)
        elif name in nested:
            yield from _nested(path, nested[name], value)
        else:
            yield f"{path}: no such argument"
    missing = [name for name, each in attributes.items() if each.get("required") and given.get(name) is None]
    missing += [name for name, each in nested.items() if each.get("min_items") and not given.get(name)]
    yield from (f"{where}: {name} is required" for name in missing)


def _nested(where: str, schema: Mapping[str, Any], value: Any) -> Iterator[str]:
    mode, most = schema["nesting_mode"], schema.get("max_items")
    items = list(value.values()) if mode == "map" else value if isinstance(value, list) else [value]
    if most and len(items) > most:
        yield f"{where}: {len(items)} blocks, at most {most}"
    for each in items:
        if isinstance(each, dict):
            yield from _block(where, schema["block"], each)
        else:
            yield f"{where}: expected a block, got {type(each).__name__}"


def _attribute(where: str, schema: Mapping[str, Any], value: Any) -> Iterator[str]:
    inner = schema.get("nested_type")
    if inner is None:
        yield from _type(where, schema["type"], value)
    elif isinstance(value, str) and _EXPRESSION.fullmatch(value):
        return
    else:
        items = value.values() if inner["nesting_mode"] == "map" else value if isinstance(value, list) else [value]
        for each in items:
            yield from _block(where, inner, each)


def _type(where: str, type_: Any, value: Any) -> Iterator[str]:
    if value is None or (isinstance(value, str) and _EXPRESSION.fullmatch(value)):
        return
    wrong = f"{where}: expected {type_}, got {type(value).__name__}"
    if isinstance(type_, str):
        kinds = {"string": str, "number": (int, float), "bool": bool}
        if not isinstance(value, kinds.get(type_, object)) or (type_ == "number" and isinstance(value, bool)):
            yield wrong
        return
    outer, inner = type_
    if outer in ("list", "set"):
        if isinstance(value, list):
            for number, each in enumerate(value):
                yield from _type(f"{where}[{number}]", inner, each)
        else:
            yield wrong
    elif not isinstance(value, dict):
        yield wrong
    elif outer == "map":
        for key, each in value.items():
            yield from _type(f"{where}[{key}]", inner, each)
    else:
        for key, each in value.items():
            yield from _type(f"{where}.{key}", inner[key], each) if key in inner else [f"{where}.{key}: not there"]


def _undeclared(document: Mapping[str, Any]) -> Iterator[str]:
    declared = {f"var.{name}" for name in document.get("variable", {})}
    declared |= {f"local.{name}" for name in document.get("locals", {})}
    for section, prefix in (("resource", ""), ("data", "data.")):
        for type_, named in document.get(section, {}).items():
            declared |= {f"{prefix}{type_}.{name}" for name in named}
    types = {name.rpartition(".")[0] for name in declared} | _known_types()
    for text in strings({key: value for key, value in document.items() if key != "terraform"}):
        for inside in re.findall(r"(?<!\$)\$\{(.*?)\}(?![^{]*\"\})", text, re.DOTALL):
            bare = re.sub(r'"(?:[^"\\]|\\.)*"', '""', inside)
            for type_, name in _REFERENCE.findall(bare):
                if type_ in types and f"{type_}.{name}" not in declared:
                    yield f"{type_}.{name}: referred to, not declared"


def _known_types() -> set[str]:
    found = {"var", "local"}
    for file in SNAPSHOTS.glob("*.json"):
        snapshot = schema_of(file.stem)
        found |= set(snapshot["resources"]) | {f"data.{name}" for name in snapshot["data_sources"]}
    return found
