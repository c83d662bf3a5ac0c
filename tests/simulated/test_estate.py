"""A pipeline over all five providers, rehearsed by real Terraform: values, changes, replacements, drift, mistakes."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.simulated.bench import Bench
from tests.simulated.estate import estate


@pytest.fixture(scope="module")
def applied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """The pipeline, applied once; tests plan changes of it and leave it as it was."""
    bench = Bench(tmp_path_factory.mktemp("estate"))
    bench.write(estate())
    with pytest.MonkeyPatch.context() as patch:
        # Nothing listens there: whatever would leave the machine fails.
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
            patch.setenv(name, "http://127.0.0.1:9")
        for name in [name for name in os.environ if name.startswith(("AWS_", "CONFLUENT_", "SNOWFLAKE_"))]:
            patch.delenv(name)
        bench.init()
        bench.apply()
        yield bench


@pytest.fixture(scope="module")
def state(applied: Bench) -> dict[str, dict[str, Any]]:
    return applied.state()


def test_a_plan_after_the_apply_is_empty_without_network_or_credentials(applied: Bench) -> None:
    applied.write(estate())
    assert applied.plan() == {}


@pytest.mark.parametrize(
    ("address", "attribute", "shape"),
    [
        ("aws_vpc.it", "id", r"vpc-0[0-9a-f]{16}"),
        ('aws_subnet.private["1"]', "arn", r"arn:aws:ec2:eu-west-1:000000000000:subnet/subnet-0[0-9a-f]{16}"),
        ('aws_subnet.private["1"]', "availability_zone", "eu-west-1b"),
        ("aws_security_group.brokers", "id", r"sg-0[0-9a-f]{16}"),
        ("aws_msk_cluster.it", "arn", r"arn:aws:kafka:eu-west-1:000000000000:cluster/pipeline/[0-9a-f-]{36}-2"),
        ("aws_ecs_service.it", "id", "arn:aws:ecs:eu-west-1:000000000000:service/pipeline/connect"),
        ("aws_ecs_task_definition.it", "arn", r"arn:aws:ecs:eu-west-1:000000000000:task-definition/connect:1"),
        ("data.aws_ssm_parameter.image", "value", r"ami-0[0-9a-f]{16}"),
        ("confluent_environment.it", "id", r"env-[a-z0-9]{6}"),
        ("confluent_kafka_cluster.it", "id", r"lkc-[a-z0-9]{6}"),
        (
            "confluent_kafka_cluster.it",
            "bootstrap_endpoint",
            r"SASL_SSL://pkc-\w{5}.eu-west-1.aws.confluent.cloud:9092",
        ),
        (
            "confluent_kafka_cluster.it",
            "rbac_crn",
            r"crn://confluent.cloud/organization=\S+/environment=env-\w{6}/cl\S+",
        ),
        ("confluent_service_account.producer", "id", r"sa-[a-z0-9]{6}"),
        ("confluent_api_key.producer", "id", r"[A-Z2-7]{16}"),
        ("confluent_api_key.producer", "secret", r"simulated-\w+"),
        ("confluent_kafka_topic.orders", "id", r"lkc-[a-z0-9]{6}/orders"),
        ("snowflake_table.events", "fully_qualified_name", '"STREAMING"."PUBLIC"."EVENTS"'),
        ("kafka_topic.orders", "id", "orders"),
    ],
)
def test_computed_values_have_the_services_shapes(
    state: dict[str, dict[str, Any]], address: str, attribute: str, shape: str
) -> None:
    assert re.fullmatch(shape, state[address][attribute])


def test_bootstrap_addresses_are_there_for_the_authentication_that_is_on_only(state: dict[str, dict[str, Any]]) -> None:
    cluster = state["aws_msk_cluster.it"]
    brokers = cluster["bootstrap_brokers_sasl_scram"].split(",")
    assert [broker.partition(".")[0] for broker in brokers] == ["b-1", "b-2", "b-3"]
    assert all(broker.endswith(".kafka.eu-west-1.amazonaws.com:9096") for broker in brokers)
    assert cluster["bootstrap_brokers_sasl_iam"] == cluster["bootstrap_brokers_tls"] == ""


def test_the_two_endpoints_of_a_cluster_are_one_host(state: dict[str, dict[str, Any]]) -> None:
    cluster = state["confluent_kafka_cluster.it"]
    hosts = {re.split(r"://|:\d", cluster[name])[1] for name in ("bootstrap_endpoint", "rest_endpoint")}
    assert len(hosts) == 1


def test_default_tags_are_on_everything_that_takes_tags(state: dict[str, dict[str, Any]]) -> None:
    assert state["aws_vpc.it"]["tags_all"] == {"Name": "pipeline", "project": "pipeline", "managed-by": "infra"}
    tagged = [values["tags_all"] for values in state.values() if values.get("tags_all") is not None]
    assert len(tagged) > 10
    assert all(tags["project"] == "pipeline" for tags in tagged)


def test_changes_are_in_place_or_replacements_as_the_table_says_and_what_it_lacks_is_said(applied: Bench) -> None:
    document = estate()
    resources = document["resource"]
    cluster = resources["aws_msk_cluster"]["it"]
    cluster["number_of_broker_nodes"] = 6
    cluster["broker_node_group_info"]["storage_info"]["ebs_storage_info"]["volume_size"] = 50
    resources["aws_msk_configuration"]["it"]["server_properties"] = "min.insync.replicas=2\nnum.partitions=3\n"
    resources["aws_ecs_task_definition"]["it"]["container_definitions"] = "[]"
    resources["aws_instance"]["broker"]["hibernation"] = True
    resources["confluent_kafka_topic"]["orders"]["config"] = {"retention.ms": "1"}
    resources["confluent_kafka_cluster"]["it"] = {
        **{key: value for key, value in resources["confluent_kafka_cluster"]["it"].items() if key != "basic"},
        "standard": {},
    }
    resources["kafka_topic"]["orders"]["partitions"] = 3
    resources["snowflake_table"]["events"]["schema"] = "OTHER"
    resources["aws_subnet"]["private"]["for_each"]["2"] = "10.0.9.0/24"
    applied.write(document)
    planned = applied.plan()
    text = applied.plan_text()
    for address in ("aws_msk_configuration.it", "aws_instance.broker", "confluent_kafka_cluster.it"):
        assert planned[address] == ("update",)
    assert planned["confluent_kafka_topic.orders"] == ("update",)
    for address in ("aws_ecs_task_definition.it", "kafka_topic.orders", "snowflake_table.events"):
        assert planned[address] == ("delete", "create")
    # A subnet's CIDR replaces it; the cluster, which names its subnets, goes with it.
    assert planned['aws_subnet.private["2"]'] == planned["aws_msk_cluster.it"] == ("delete", "create")
    assert "simulated: whether a change of aws_instance.hibernation replaces is unknown" in text
    assert "volume_size is planned as a change in place: MSK can enlarge a volume, never shrink it" in text
    assert text.count("simulated: ") == 2
    assert "latest_revision = 1 -> (known after apply)" in text


def test_the_policy_document_is_rendered_for_real(state: dict[str, dict[str, Any]]) -> None:
    assert json.loads(state["aws_iam_role.task"]["assume_role_policy"]) == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "sts:AssumeRole",
                "Principal": {"Service": "ecs-tasks.amazonaws.com"},
            }
        ],
    }
