"""Reads resources from what Terraform writes: a plan or state as JSON, a state file, or a synthesised `*.tf.json`.

All become the same records: a type, arguments, how many, and what other resources an argument names. A block that may
come once is a dict in a stack and a list of one in a plan; `block` and `blocks` read both. An argument that is an
expression which cannot be worked out from the document alone stays the text it is: `known` says so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from modules.cost.resources.expressions import Scope, addresses_in
from modules.errors import ConfigError

__all__ = ["Document", "Resource", "block", "blocks", "known", "number", "parse_document", "read_documents"]

Kind = Literal["plan", "stack", "state"]
_PREFERRED: tuple[Kind, ...] = ("plan", "stack", "state")

_KEY = re.compile(r'\["(?:[^"\\]|\\.)*"\]|\[\d+\]')
_ARN_REGION = re.compile(r"^arn:aws[a-z-]*:[a-z0-9-]+:([a-z]{2}(?:-[a-z]+)+-\d):")
_ZONE = re.compile(r"^([a-z]{2}(?:-[a-z]+)+-\d)[a-z]$")


@dataclass(frozen=True)
class Resource:
    """One block or one instance of it.

    Attributes:
        address: as Terraform writes it.
        counted: whether it is one instance; a stack does not always say how many a block has.
        names: argument → addresses, without keys, of the resources that its value names.
        region: the AWS region of its provider, or that its own values tell; empty where nothing does.
    """

    address: str
    type: str
    name: str
    arguments: Mapping[str, Any]
    counted: bool = True
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    region: str = ""

    @property
    def block_address(self) -> str:
        """The address without keys, its modules' included: what references name."""
        return _KEY.sub("", self.address)

    @property
    def module(self) -> str:
        """The path of its module with its keys, and a dot; empty in the root."""
        return self.address[: self.address.index(f"{self.type}.{self.name}")]


@dataclass(frozen=True)
class Document:
    """What one file has. `before` is what a plan found; None where the file is no plan."""

    file: str
    kind: Kind
    resources: tuple[Resource, ...]
    before: tuple[Resource, ...] | None = None


def read_documents(path: Path) -> tuple[Document, ...]:
    """The documents of a file, or of a folder and those below it (`*.tf.json`, plans and states as `*.json`).

    Raises:
        ConfigError: nothing is there, it is not JSON, or none of it is a plan, a state or a stack.
    """
    if not path.exists():
        raise ConfigError(
            "there is no such file or folder",
            where=str(path),
            do="give a plan's JSON (terraform show -json PLAN), a state, a cdk.tf.json, or a folder with some of these",
        )
    if path.is_file():
        return (parse_document(_json(path), str(path)),)
    found = [parse_document(data, str(file.relative_to(path))) for file, data in _files(path) if _kind(data)]
    if not found:
        raise ConfigError(
            "no plan, state or synthesised stack is in this folder",
            where=str(path),
            do="write one: terraform show -json PLAN > plan.json",
        )
    return _once(found)


def _files(folder: Path) -> list[tuple[Path, Any]]:
    """What is JSON; a folder may hold other things under that ending, but what Terraform writes has to be readable."""
    found = []
    for file in sorted(file for pattern in ("*.json", "*.tfstate") for file in folder.rglob(pattern)):
        if ".terraform" in file.parts:
            continue
        try:
            found.append((file, _json(file)))
        except ConfigError:
            if file.name.endswith((".tf.json", ".tfstate")):
                raise
    return found


def _once(documents: Iterable[Document]) -> tuple[Document, ...]:
    """Each stack once: of a plan, a stack and a state of the same resources, or in the same folder, the first of these.

    Terraform's working folder has all three, and a state that is half applied has not even the same resources.
    """
    found: list[Document] = []
    for each in sorted(documents, key=lambda each: (_PREFERRED.index(each.kind), each.file)):
        if not each.resources:
            continue
        blocks_ = {resource.block_address for resource in each.resources}
        beside = [other for other in found if Path(other.file).parent == Path(each.file).parent]
        if not any(other.kind != each.kind for other in beside) and not any(
            blocks_ == {resource.block_address for resource in other.resources} for other in found
        ):
            found.append(each)
    return tuple(sorted(found, key=lambda each: each.file))


def parse_document(data: Any, file: str) -> Document:
    """One document's resources.

    Raises:
        ConfigError: it is none of the kinds that are read.
    """
    match _kind(data):
        case "plan":
            configured = _configured(data.get("configuration") or {})
            after = tuple(_valued(data["planned_values"], configured))
            before = tuple(_valued((data.get("prior_state") or {}).get("values") or {}, configured))
            return Document(file, "plan", after, before)
        case "values":
            return Document(file, "state", tuple(_valued(data["values"], {})))
        case "state":
            return Document(file, "state", tuple(_from_state(data)))
        case "stack":
            return Document(file, "stack", tuple(_from_stack(data)))
    if isinstance(data, Mapping) and {"environment", "stacks", "offline"} <= set(data):
        folder = f".infra/{'offline/' if data['offline'] else ''}env/{data['environment']}"
        raise ConfigError(
            "`infra plan --json` has what changes, not what there will be",
            where=file,
            do=f"give the environment's folder, {folder}, or what terraform show -json prints of the plan in it",
        )
    raise ConfigError(
        "this JSON is no plan, state or stack of Terraform's",
        where=file,
        do="give what `terraform show -json PLAN` prints, a terraform.tfstate or a cdk.tf.json",
    )


def blocks(arguments: Mapping[str, Any], name: str) -> tuple[Mapping[str, Any], ...]:
    """All blocks of a name, however the document writes them."""
    value = arguments.get(name)
    if isinstance(value, Mapping):
        return (value,)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return tuple(each for each in value if isinstance(each, Mapping))
    return ()


def block(arguments: Mapping[str, Any], *path: str) -> Mapping[str, Any]:
    """The first block at the end of a path; empty where there is none."""
    for name in path:
        arguments = next(iter(blocks(arguments, name)), {})
    return arguments


def known(value: Any) -> bool:
    """Whether a value is there and is no expression."""
    return value is not None and not (isinstance(value, str) and "${" in value)


def number(value: Any) -> int | None:
    """A whole number, as a number or as text; None where it is neither."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    text = str(value)
    return int(float(text)) if re.fullmatch(r"-?\d+(\.0+)?", text) else None


def _json(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise ConfigError(
            f"not valid JSON: {error.msg}",
            where=f"{file}:{error.lineno}",
            do="give what `terraform show -json PLAN` prints; a plan file itself is binary",
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            "the file cannot be read as text",
            where=str(file),
            do="a plan file is binary: give what `terraform show -json PLAN` prints of it",
        ) from error


def _kind(data: Any) -> str | None:
    if not isinstance(data, Mapping):
        return None
    if "planned_values" in data:
        return "plan"
    if isinstance(data.get("values"), Mapping) and "format_version" in data:
        return "values"
    if isinstance(data.get("resources"), list) and "lineage" in data:
        return "state"
    if isinstance(data.get("resource"), Mapping | list) or ("terraform" in data and "provider" in data):
        return "stack"
    return None


# --- a plan, or a state that was shown ---


def _valued(values: Mapping[str, Any], configured: Mapping[str, tuple[Mapping[str, Any], str]]) -> Iterator[Resource]:
    """Resources of `planned_values` or `values`, of all modules."""
    modules = [values.get("root_module") or {}]
    while modules:
        module = modules.pop(0)
        modules += module.get("child_modules") or []
        for entry in module.get("resources") or []:
            if entry.get("mode") != "managed":
                continue
            arguments = entry.get("values") or {}
            block_address = _KEY.sub("", entry["address"])
            expressions, region = configured.get(block_address, ({}, ""))
            names = {
                argument: _within(block_address, entry["type"], addresses)
                for argument, expression in expressions.items()
                if (addresses := tuple(dict.fromkeys(_references(expression))))
            }
            yield Resource(
                entry["address"], entry["type"], entry["name"], arguments, True, names, region or _told(arguments)
            )


def _within(address: str, type_: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """References inside a module, with that module's path before them."""
    path = address[: address.index(f"{type_}.")]
    return tuple(f"{path}{each}" for each in names)


def _references(expression: Any) -> Iterator[str]:
    """Addresses of resources in a plan's expression, blocks and lists included."""
    if isinstance(expression, Mapping):
        for reference in expression.get("references") or ():
            yield from addresses_in(str(reference))
        for value in expression.values():
            if isinstance(value, Mapping | list):
                yield from _references(value)
    elif isinstance(expression, list):
        for value in expression:
            if isinstance(value, Mapping | list):
                yield from _references(value)


def _configured(configuration: Mapping[str, Any]) -> dict[str, tuple[Mapping[str, Any], str]]:
    """Address without keys → expressions and region."""
    regions = {
        key: region
        for key, provider in (configuration.get("provider_config") or {}).items()
        if isinstance(region := ((provider.get("expressions") or {}).get("region") or {}).get("constant_value"), str)
    }
    found: dict[str, tuple[Mapping[str, Any], str]] = {}
    modules = [("", configuration.get("root_module") or {})]
    while modules:
        path, module = modules.pop()
        for entry in module.get("resources") or []:
            provider = entry.get("provider_config_key", "")  # in a module `module.app:aws`, which may be the root's
            region = regions.get(provider, "") or regions.get(provider.rpartition(":")[2], "")
            found[f"{path}{entry['type']}.{entry['name']}"] = (entry.get("expressions") or {}, region)
        for name, call in (module.get("module_calls") or {}).items():
            modules.append((f"{path}module.{name}.", call.get("module") or {}))
    return found


# --- a state file ---


def _from_state(data: Mapping[str, Any]) -> Iterator[Resource]:
    for entry in data["resources"]:
        if entry.get("mode") != "managed":
            continue
        path = f"{entry['module']}." if entry.get("module") else ""
        for instance in entry.get("instances") or []:
            key = instance.get("index_key")
            suffix = "" if key is None else f"[{json.dumps(key)}]"
            arguments = instance.get("attributes") or {}
            yield Resource(
                f"{path}{entry['type']}.{entry['name']}{suffix}", entry["type"], entry["name"], arguments, True, {},
                _told(arguments),
            )  # fmt: skip


def _told(arguments: Mapping[str, Any]) -> str:
    """The region in a resource's own values."""
    if isinstance(region := arguments.get("region"), str):
        return region
    for name, pattern in (("arn", _ARN_REGION), ("availability_zone", _ZONE)):
        if match := pattern.match(str(arguments.get(name))):
            return match[1]
    return ""


# --- a synthesised stack ---


def _from_stack(data: Mapping[str, Any]) -> Iterator[Resource]:
    scope = Scope(_whole(data.get("locals")), _whole(data.get("variable")))
    regions = {
        (name, str(provider.get("alias", ""))): scope.value(provider.get("region"))
        for name in _whole(data.get("provider"))
        for provider in blocks(_whole(data["provider"]), name)
    }
    for type_, group in _whole(data.get("resource")).items():
        for name, entry in _whole(group).items():
            body = next(iter(blocks({"": entry}, "")), {})
            names = {
                key: found
                for key, value in body.items()
                if (found := tuple(dict.fromkeys(addresses_in(json.dumps(value)))))
            }
            provider, _, alias = str(body.get("provider", type_.partition("_")[0])).partition(".")
            region = regions.get((provider, alias), "")
            region = region if isinstance(region, str) and known(region) else ""
            for counted, key, instance in scope.instances(body):
                suffix = "" if key is None else f"[{json.dumps(key)}]"
                arguments = {name_: instance.value(value) for name_, value in body.items()}
                yield Resource(f"{type_}.{name}{suffix}", type_, name, arguments, counted, names, region)


def _whole(given: Any) -> dict[str, Any]:
    """Terraform's JSON lets a map be written as a list of maps."""
    if isinstance(given, list):
        return {key: value for each in given if isinstance(each, Mapping) for key, value in each.items()}
    return dict(given) if isinstance(given, Mapping) else {}
