"""The generated classes are what the schemas say, all can be made, and a type checker sees a wrong argument."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modules.cdk import App
from modules.resources import generate
from modules.resources.base import Data, Element, Provider, Resource, Stack
from modules.resources.snapshot import PROVIDERS, attributes, blocks, schema_of, snapshot

HERE = Path(generate.__file__).parent


def classes(provider: str) -> list[type[Element]]:
    module = importlib.import_module(f"modules.resources.{provider.replace('-', '_')}")
    found = [getattr(module, name) for name in module.__all__]
    return [each for each in found if isinstance(each, type) and issubclass(each, Resource | Data | Provider)]


def example(type_: Any) -> Any:
    """A value of a Terraform type."""
    if isinstance(type_, str):
        return {"string": "x", "number": 1, "bool": True, "dynamic": "x"}[type_]
    constructor, inside = type_
    if constructor == "object":
        return {name: example(each) for name, each in inside.items()}
    return {"k": example(inside)} if constructor == "map" else [example(inside)]


def minimal(schema: dict[str, Any], *, everything: bool = False) -> dict[str, Any]:
    """Arguments enough for a block; or all it takes."""
    given: dict[str, Any] = {}
    for name, each in attributes(schema).items():
        if each.get("required") or (
            everything and each.get("optional") and not (name == "id" and each.get("computed"))
        ):
            nested = each.get("nested_type")
            given[name] = [minimal(nested, everything=everything)] if nested else example(each["type"])
    for name, each in blocks(schema).items():
        if each.get("min_items") or everything:
            inner = minimal(each["block"], everything=everything)
            single = each["nesting_mode"] == "single" or each.get("max_items") == 1
            given[name] = inner if single else [inner] * (each.get("min_items") or 1)
    return given


def make(cls: type[Element], stack: Stack, **given: Any) -> Any:
    python = {plain: word for word, plain in cls.renamed.items()}
    arguments = {python.get(name, name): value for name, value in given.items()}
    return cls(stack, **arguments) if issubclass(cls, Provider) else cls(stack, "x", **arguments)  # type: ignore[call-arg]


def test_the_generated_modules_are_current(tmp_path: Path) -> None:
    for file in generate.generate(tmp_path):
        assert file.read_text() == (HERE / file.name).read_text(), (
            f"run python -m modules.resources.generate: {file.name}"
        )


@pytest.mark.parametrize("provider", PROVIDERS)
def test_there_is_a_class_for_everything_in_the_snapshot(provider: str) -> None:
    made = {(each.section, each.terraform_type) for each in classes(provider)}
    expected = {(section, name) for section in ("resources", "data_sources") for name in snapshot(provider)[section]}
    assert made == expected | {("provider", provider)}


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("everything", [False, True], ids=["least", "everything"])
def test_every_class_can_be_made_and_is_synthesised(
    provider: str, everything: bool, stack: Stack, synth: Callable[[], dict[str, Any]]
) -> None:
    expected: dict[str, dict[str, Any]] = {"resource": {}, "data": {}, "provider": {}}
    for cls in classes(provider):
        given = minimal(schema_of(provider, cls.section, cls.terraform_type), everything=everything)
        make(cls, stack, **given)
        if cls.section == "provider":
            expected["provider"][provider] = [given]
        else:
            section = "resource" if cls.section == "resources" else "data"
            expected[section][cls.terraform_type] = {"x": given}
    written = synth()
    for section, body in expected.items():
        assert written.get(section, {}) == body


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_missing_argument_is_refused_by_every_class(provider: str, stack: Stack) -> None:
    for cls in classes(provider):
        given = minimal(schema_of(provider, cls.section, cls.terraform_type))
        for name in given:
            with pytest.raises(TypeError, match=f"{cls.__name__} needs .*`{name}`"):
                make(cls, stack, **{key: value for key, value in given.items() if key != name})


@pytest.mark.parametrize("provider", PROVIDERS)
def test_what_the_provider_computes_cannot_be_given(provider: str, stack: Stack) -> None:
    for cls in classes(provider):
        schema = schema_of(provider, cls.section, cls.terraform_type)
        parameters = inspect.signature(cls.__init__).parameters
        for name, each in attributes(schema).items():
            if each.get("computed") and not each.get("optional"):
                assert name not in parameters
                with pytest.raises(TypeError, match="is read-only"):
                    make(cls, stack, **{name: "x"})


def test_mypy_flags_wrong_arguments_and_passes_right_ones(tmp_path: Path) -> None:
    right = """
        KafkaTopic(stack, "a", name="a", partitions=1, replication_factor=1)
        KafkaTopic(stack, "b", for_each={"x": {}}, name=each.key, partitions=each.value("n"), replication_factor=1)
        AwsMskCluster(stack, "c", cluster_name="c", kafka_version="4", number_of_broker_nodes=3,
          broker_node_group_info={
            "client_subnets": ["a"], "instance_type": "x", "security_groups": ["s"],
            "storage_info": {"ebs_storage_info": {"volume_size": 1}}})
    """
    wrong = """
        KafkaTopic(stack, "d", name="a", partitons=1, replication_factor=1)
        KafkaTopic(stack, "e", name="a", partitions="1", replication_factor=1)
        KafkaTopic(stack, "f", name="a", partitions=1)
        KafkaTopic(stack, "g", name="a", partitions=1, replication_factor=1, id="x")
        AwsMskCluster(stack, "h", cluster_name="c", kafka_version="4", number_of_broker_nodes=3,
          broker_node_group_info={
            "client_subnets": ["a"], "instance_type": "x", "security_groups": ["s"], "storage": {}})
        KafkaTopic("i", name="a", partitions=1, replication_factor=1)
    """
    head = """
from modules.resources.aws import AwsMskCluster
from modules.resources.base import Stack
from modules.resources.expressions import each
from modules.resources.kafka import KafkaTopic

def build(stack: Stack) -> None:
"""
    root = HERE.parents[1]
    answers = {}
    for name, body in (("right", right), ("wrong", wrong)):
        file = tmp_path / f"{name}.py"
        file.write_text(head + "\n".join(line[4:] for line in body.splitlines()) + "\n")
        command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--follow-imports=silent", str(file)]
        answers[name] = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=250)
    assert answers["right"].returncode == 0, answers["right"].stdout + answers["right"].stderr
    for expected in (
        'Unexpected keyword argument "partitons" for "KafkaTopic"', 'incompatible type "str"; expected "int | float',
        'Missing named argument "replication_factor"', 'Unexpected keyword argument "id"', 'Extra key "storage"',
        'expected "Stack"',
    ):  # fmt: skip
        assert expected in answers["wrong"].stdout


def test_an_app_may_have_many_stacks_of_these(app: App) -> None:
    for name in ("a", "b"):
        assert Stack(app, name).declared == {}
