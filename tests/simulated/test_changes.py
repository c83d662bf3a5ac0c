"""What real Terraform makes of simulated objects: drift, secrets, twins, mistakes. Small documents, few providers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.simulated.bench import Bench
from tests.simulated.estate import part


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def start(bench: Bench, document: dict[str, Any]) -> None:
    bench.write(document)
    bench.init()


def test_objects_changed_or_taken_away_in_the_store_are_drift(bench: Bench) -> None:
    start(bench, part("kafka", kafka_topic={}, kafka_acl={"it": _ACL}))
    bench.apply()
    topic = bench.store.get("kafka_topic", "orders")
    assert topic is not None
    bench.store.put("kafka_topic", "orders", {**topic, "partitions": 12})
    bench.store.remove("kafka_acl", "|".join([*list(_ACL.values())[:6], "Literal"]))
    assert bench.plan() == {"kafka_topic.orders": ("delete", "create"), "kafka_acl.it": ("create",)}
    bench.apply()
    assert bench.plan() == {}


_ACL = {
    "acl_principal": "User:sink",
    "acl_host": "*",
    "acl_operation": "Read",
    "acl_permission_type": "Allow",
    "resource_type": "Topic",
    "resource_name": "orders",
    "resource_pattern_type_filter": "Literal",
}


def test_write_only_arguments_are_nowhere(bench: Bench) -> None:
    version = {
        "secret_id": "${aws_secretsmanager_secret.it.id}",
        "secret_string_wo": "hush-hush",
        "secret_string_wo_version": 1,
    }
    document = part(
        "aws",
        aws_secretsmanager_secret={"it": {"name": "pipeline"}},
        aws_secretsmanager_secret_version={"it": version},
    )
    start(bench, document)
    bench.apply()
    assert bench.values("aws_secretsmanager_secret_version.it")["has_secret_string_wo"] is True
    assert "hush-hush" not in (bench.folder / "terraform.tfstate").read_text()
    assert b"hush-hush" not in bench.store.path.read_bytes()


def test_equal_objects_have_ids_of_their_own_and_equal_names_are_refused(bench: Bench) -> None:
    document = part("aws", "kafka", aws_eip={"it": {"count": 3, "domain": "vpc"}}, kafka_topic={})
    document["resource"]["kafka_topic"]["again"] = document["resource"]["kafka_topic"]["orders"]
    start(bench, document)
    assert "simulated: there is a kafka_topic with the id orders already" in bench.fails()
    ids = {values["id"] for address, values in bench.state().items() if address.startswith("aws_eip.")}
    assert len(ids) == 3


def test_a_task_definition_is_replaced_by_its_next_revision_before_the_old_one_goes(bench: Bench) -> None:
    task = {"family": "connect", "container_definitions": "[]", "lifecycle": {"create_before_destroy": True}}
    document = part("aws", aws_ecs_task_definition={"it": task})
    start(bench, document)
    bench.apply()
    task["cpu"] = "256"
    bench.write(document)
    assert bench.plan() == {"aws_ecs_task_definition.it": ("create", "delete")}
    bench.apply()
    assert bench.plan() == {}
    assert bench.store.count() == 1


def test_an_object_of_the_rehearsal_is_imported_and_no_other(bench: Bench) -> None:
    document = part("kafka", kafka_topic={})
    start(bench, document)
    bench.apply()
    (bench.folder / "terraform.tfstate").unlink()
    bench.write({**document, "import": [{"to": "kafka_topic.orders", "id": "orders"}]})
    assert bench.plan() == {}
    bench.write({**document, "import": [{"to": "kafka_topic.orders", "id": "payments"}]})
    assert "simulated: there is no kafka_topic with the id payments" in bench.fails("plan")


def test_wrong_types_missing_arguments_and_exclusions_are_errors_all_at_once(bench: Bench) -> None:
    cluster = part("aws", aws_msk_cluster={})["resource"]["aws_msk_cluster"]["it"]
    brokers = {**cluster["broker_node_group_info"], "client_subnets": ["subnet-1"], "security_groups": ["sg-1"]}
    cluster |= {"broker_node_group_info": brokers, "configuration_info": [], "encryption_info": []}
    confluent = part("confluent", confluent_kafka_cluster={})["resource"]["confluent_kafka_cluster"]["it"]
    confluent["environment"] = {"id": "env-1"}
    document = part(
        "aws",
        "confluent",
        aws_msk_cluster={
            "type": {**cluster, "number_of_broker_nodes": "three"},
            "missing": {key: value for key, value in cluster.items() if key != "cluster_name"},
            "surplus": {**cluster, "brokers": 3},
        },
        confluent_kafka_cluster={
            "both": {**confluent, "standard": {}},
            "neither": {key: value for key, value in confluent.items() if key != "basic"},
            "twice": {**confluent, "environment": [{"id": "env-1"}, {"id": "env-2"}]},
        },
    )
    start(bench, document)
    message = bench.fails("validate")
    for expected in (
        'attribute "number_of_broker_nodes": a number is required',
        'The argument "cluster_name" is required',
        'No argument or block type is named "brokers"',
        "basic and standard exclude each other",
        "one of basic, standard, dedicated, enterprise, freight is required",
        'No more than 1 "environment" blocks are allowed',
    ):
        assert expected in message
