"""What a Pulumi program declares, recorded under Pulumi's own mocks, and Terraform's JSON in the same form."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pulumi

__all__ = ["Recorded", "pulumi_type", "record", "terraform_resources"]

Recorded = tuple[str, str, dict[str, Any]]
"""A resource's type token, its name, its inputs."""
_KEY = "${each.key}"
_EACH = re.compile(r"\$\{each\.(?:key|value(?:\.(\w+)|\[\"([^\"]+)\"\]))\}")


def record(program: Callable[[], None]) -> list[Recorded]:
    """Runs a program under mocks and says what it asked the engine for, in order."""
    made: list[Recorded] = []

    class Mocks(pulumi.runtime.Mocks):
        def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str, dict[str, Any]]:
            made.append((args.typ, args.name, args.inputs))
            return f"{args.name}-id", args.inputs

        def call(self, args: pulumi.runtime.MockCallArgs) -> dict[str, Any]:
            raise AssertionError(f"the program looks something up: {args.token}")

    pulumi.runtime.set_mocks(Mocks(), project="infra", stack="test", preview=False)
    pulumi.runtime.test(program)()
    return made


def pulumi_type(terraform_type: str) -> str:
    """`snowflake_grant_account_role` → `snowflake:index/grantAccountRole:GrantAccountRole`."""
    camel = _camel(terraform_type.removeprefix("snowflake_"))
    return f"snowflake:index/{camel}:{camel[0].upper()}{camel[1:]}"


def terraform_resources(document: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every instance a Terraform JSON declares: Pulumi's type, and the arguments under Pulumi's names."""
    for type_, blocks in document["resource"].items():
        for body in blocks.values():
            arguments = {
                key: value for key, value in body.items() if key not in ("for_each", "depends_on", "lifecycle")
            }
            for key, value in _instances(body.get("for_each"), document):
                yield pulumi_type(type_), _renamed(_evaluated(arguments, key, value))


def _instances(for_each: str | None, document: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    if for_each is None:
        yield "", None
        return
    local = re.fullmatch(r"\$\{local\.(\w+)\}", for_each)
    assert local, for_each
    yield from document["locals"][local[1]].items()


def _evaluated(value: Any, key: str, item: Any) -> Any:
    """A literal as Terraform would read it for one instance; nulls are left out."""
    if isinstance(value, dict):
        inside = {name: _evaluated(each, key, item) for name, each in value.items()}
        return {name: each for name, each in inside.items() if each is not None}
    if isinstance(value, list):
        return [_evaluated(each, key, item) for each in value]
    if not isinstance(value, str):
        return value
    whole = _EACH.fullmatch(value)
    if whole:
        found = key if value == _KEY else item.get(whole[1] or whole[2])
        return _evaluated(found, key, item) if not isinstance(found, str) else _unescaped(found)
    filled = _EACH.sub(lambda match: key if match[0] == _KEY else str(item[match[1] or match[2]]), value)
    return _unescaped(filled)


def _unescaped(text: str) -> str:
    return text.replace("$${", "${").replace("%%{", "%{")


def _renamed(value: Any, name: str = "") -> Any:
    """Arguments under the names Pulumi's bridge gives them: camel case, lists in the plural."""
    if isinstance(value, dict):
        return {_plural(_camel(key), each): _renamed(each, key) for key, each in value.items()}
    if isinstance(value, list):
        return [_renamed(each) for each in value]
    return value


def _plural(name: str, value: Any) -> str:
    if not isinstance(value, list) or name.endswith("s"):
        return name
    return f"{name[:-1]}ies" if name.endswith("y") else f"{name}s"


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word[0].upper() + word[1:] for word in rest)


def comparable(inputs: Mapping[str, Any]) -> str:
    """Inputs as text, in which whole numbers and floats are the same (Pulumi has one kind of number)."""
    return json.dumps(_numbers(inputs), sort_keys=True)


def _numbers(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _numbers(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_numbers(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
