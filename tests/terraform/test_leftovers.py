"""What a state holds of providers that its stack no longer declares is found without Terraform."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from modules.errors import PlanError
from modules.terraform.leftovers import held_by_provider, leftovers, refuse_leftovers


def resource(kind: str, provider: str, *keys: str, mode: str = "managed", **more: str) -> dict[str, Any]:
    instances = [{"index_key": key} for key in keys] or [{}]
    return {"mode": mode, "type": kind, "name": "main", "provider": provider, "instances": instances, **more}


@pytest.fixture
def state(tmp_path: Path) -> Path:
    file = tmp_path / "terraform.tfstate"
    resources = [
        resource("confluent_kafka_cluster", 'provider["registry.terraform.io/confluentinc/confluent"]'),
        resource("kafka_topic", 'provider["registry.opentofu.org/mongey/kafka"].second', "orders", "clicks"),
        resource("terraform_data", 'provider["terraform.io/builtin/terraform"]'),
        resource("aws_subnet", 'module.net.provider["registry.terraform.io/hashicorp/aws"]', module="module.net"),
        resource("aws_subnets", 'provider["registry.terraform.io/hashicorp/aws"]', mode="data"),
    ]
    file.write_text(json.dumps({"version": 4, "resources": resources}))
    return file


def test_resources_are_told_apart_by_their_provider_whatever_registry_alias_or_module(state: Path) -> None:
    assert held_by_provider(state) == {
        "confluentinc/confluent": ("confluent_kafka_cluster.main",),
        "mongey/kafka": ('kafka_topic.main["orders"]', 'kafka_topic.main["clicks"]'),
        "hashicorp/aws": ("module.net.aws_subnet.main",),
    }


@pytest.mark.parametrize(
    "document",
    [
        {
            "terraform": {
                "required_providers": {"aws": {"source": "hashicorp/aws"}, "kafka": {"source": "mongey/kafka"}}
            }
        },
        {
            "terraform": [{"required_providers": [{"kafka": {"source": "registry.terraform.io/mongey/kafka"}}]}],
            "provider": {"aws": [{"region": "us-east-1"}]},
        },
        {
            "terraform": {"required_providers": {"kafka": {"source": "mongey/kafka"}}},
            "resource": {"aws_subnet": {"main": {}}},
        },
    ],
)
def test_declared_is_what_is_required_and_what_a_name_implies(state: Path, document: dict[str, Any]) -> None:
    assert leftovers(state, document) == {"confluentinc/confluent": ("confluent_kafka_cluster.main",)}


def test_a_provider_of_the_same_name_from_elsewhere_is_another_one(state: Path) -> None:
    document = {"terraform": {"required_providers": {"aws": {"source": "acme/aws"}}}, "provider": {"aws": {}}}
    assert "hashicorp/aws" in leftovers(state, document)


def test_no_state_and_one_that_cannot_be_read_hold_nothing(tmp_path: Path) -> None:
    assert held_by_provider(tmp_path / "none") == {}
    (tmp_path / "bad").write_text('{"resources": 5}')
    assert held_by_provider(tmp_path / "bad") == {}
    refuse_leftovers("dev", {"cluster": {}})


def test_all_are_named_in_one_refusal() -> None:
    found = {"cluster": {"a/b": ("b_x.main",)}, "topics": {"c/d": tuple(f"d_y.main[{n}]" for n in range(5))}}
    with pytest.raises(PlanError) as caught:
        refuse_leftovers("dev", found)
    assert caught.value.where == "environment dev"
    assert caught.value.details == (
        "stack cluster: 1 resource of a/b (b_x.main)",
        "stack topics: 5 resources of c/d (d_y.main[0], d_y.main[1], d_y.main[2] …)",
    )
