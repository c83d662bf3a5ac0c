"""What connectors become in Terraform: who may do what, where secrets are, and what is made around them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from modules.environment import load_environment
from modules.environment.connector_settings import CONNECTORS
from modules.environment.network import egress_of
from modules.errors import SynthError
from modules.platforms import platform_for
from modules.project import Project
from modules.warehouse.connection import make_key_pair
from stacks import synth
from tests.platforms.golden import Documents, cases, golden, project_of
from tests.platforms.schema_walk import instances_of

Declared = Callable[..., Documents]
PLUGIN = "plugin: {bucket: acme, key: a.zip}"
MSK = "msk: {registry: {kind: glue}}"
IMAGE = "image: '111122223333.dkr.ecr.us-east-1.amazonaws.com/connect:1'"


@pytest.fixture
def declared(tmp_path: Path) -> Declared:
    """`declared("platform: msk", "…")`: the stacks of such an environment."""

    def make(*lines: str, offline: bool = False) -> Documents:
        root = tmp_path / str(len(list(tmp_path.iterdir())))
        project, name = project_of("msk-serverless-dev", root)
        project = Project(project.root, offline=offline)
        (project.environments / f"{name}.yaml").write_text("\n".join(("extends: _common", *lines)) + "\n")
        (root / "plugin.zip").write_bytes(b"classes")
        environment = load_environment(project, name)
        if not offline:
            make_key_pair(project.environment_state(name) / "secrets" / "svc-kafka-connector.p8")
        sources = synth(environment, project, platform_for(environment, project), root / "out")
        return {source.name: json.loads(source.json_path.read_text()) for source in sources}

    return make


def configurations(documents: Documents) -> Iterator[dict[str, str]]:
    """Every connector's settings in an environment's connect stack."""
    document = documents["connect"]
    for kind, key in (
        ("confluent_connector", None),
        ("kafka-connect_connector", None),
        ("aws_mskconnect_connector", "config"),
    ):
        for body in document["resource"].get(kind, {}).values():
            for value in instances_of(document, body).values():
                yield value[key] if key else value


@pytest.mark.parametrize("case", [case for case in cases() if list(configurations(golden(case)))])
def test_every_setting_of_every_case_is_one_of_its_connector(case: str) -> None:
    for config in configurations(golden(case)):
        connector = CONNECTORS[config["connector.class"]]
        strange = [
            name for name in config if name not in connector.settings and not name.startswith(connector.prefixes)
        ]
        assert strange == []
        assert re.fullmatch(r"[-_a-zA-Z][-_$a-zA-Z0-9]+", config["name"]), "Snowflake's connector takes no other"


def test_a_file_is_uploaded_under_its_digest_and_is_another_plugin_when_it_changes(
    declared: Declared, tmp_path: Path
) -> None:
    documents = declared("platform: msk", MSK, "connect: {kind: managed, plugin: {file: plugin.zip}}")["connect"]
    (upload,) = documents["locals"]["aws_s3_object_plugin"].values()
    (plugin,) = documents["locals"]["aws_mskconnect_custom_plugin_connect"].values()
    assert upload["key"] == f"{upload['digest'][:16]}/plugin.zip"
    assert plugin["name"].endswith(upload["digest"][:8]) and plugin["type"] == "ZIP"
    assert documents["resource"]["aws_s3_bucket_public_access_block"]["plugins"]["restrict_public_buckets"] is True


def test_a_file_that_is_not_there_is_said_before_anything_is_made(declared: Declared) -> None:
    with pytest.raises(SynthError, match="the connector's program cannot be read") as caught:
        declared("platform: msk", MSK, "connect: {kind: managed, plugin: {file: other.zip}}")
    assert str(caught.value.where).endswith("connect.plugin.file (other.zip)")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("", {"provisioned_capacity": {"mcu_count": 1, "worker_count": 1}}),
        ("capacity: {mcu: 4, workers: 3}", {"provisioned_capacity": {"mcu_count": 4, "worker_count": 3}}),
        (
            "capacity: {mcu: 2, autoscale: {least: 2, most: 5, scale_in: 30}}",
            {
                "autoscaling": {
                    "mcu_count": 2,
                    "min_worker_count": 2,
                    "max_worker_count": 5,
                    "scale_in_policy": {"cpu_utilization_percentage": 30},
                    "scale_out_policy": {"cpu_utilization_percentage": 80},
                }
            },
        ),
    ],
)
def test_workers_are_fixed_or_come_and_go(declared: Declared, given: str, expected: dict[str, Any]) -> None:
    lines = f"connect: {{kind: managed, {PLUGIN}{', ' if given else ''}{given}}}"
    connector = declared("platform: msk", MSK, lines)["connect"]["resource"]["aws_mskconnect_connector"]["sink"]
    assert connector["capacity"] == expected
    assert connector["kafka_cluster_client_authentication"] == {"authentication_type": "IAM"}
    assert connector["kafka_cluster_encryption_in_transit"] == {"encryption_type": "TLS"}


def test_msk_connect_without_a_plugin_leaves_the_topics_to_the_projects_own_sink(declared: Declared) -> None:
    documents = declared("platform: msk", MSK, "connect: {kind: managed}")
    assert not [each for each in documents["connect"]["resource"] if "mskconnect" in each]
    assert "connectors" not in documents["cluster"]["resource"]["aws_security_group"]
    sink = documents["connect"]["resource"]["terraform_data"]["sinks"]["input"]["order-events"]
    assert sink["group"] == "sink-order-events" and "connector" not in sink


@pytest.mark.parametrize(
    "lines",
    [
        ("platform: msk", MSK, f"connect: {{kind: managed, {PLUGIN}}}"),
        ("platform: redpanda", f"connect: {{kind: kafka-connect, {IMAGE}}}"),
        ("platform: redpanda", f"connect: {{kind: sink, where: ecs, {IMAGE}}}"),
    ],
)
def test_in_aws_the_key_is_written_once_and_only_referred_to(declared: Declared, lines: tuple[str, ...]) -> None:
    document = declared(*lines)["connect"]
    key = "snowflake_connector_private_key"
    assert document["variable"][key]["ephemeral"] is True
    (version,) = document["resource"]["aws_secretsmanager_secret_version"].values()
    assert key in version["secret_string_wo"]
    assert json.dumps(document).count(f"var.{key}") == 1
    for config in configurations({"connect": document}):
        assert config["snowflake.private.key"].startswith("$${")


def test_the_sink_as_a_task_and_captured_sources_on_msk_connect_have_a_secret_and_a_log_each(
    declared: Declared,
) -> None:
    source = f"kind: debezium-postgres, host: h, password: 'env:P', {PLUGIN}, tables: {{public.orders: {{key: [id]}}}}"
    topic = "topics: {shop.public.orders: {value: {schema: schemas/order_events.avsc}}}"
    lines = (topic, f"sources: {{shop: {{{source}}}}}", f"connect: {{kind: sink, where: ecs, {IMAGE}}}")
    found = declared("platform: msk", MSK, *lines)["connect"]["resource"]
    assert set(found["aws_secretsmanager_secret"]) == {"connectors", "sink-task"}
    assert set(found["aws_cloudwatch_log_group"]) == {"connect", "sink-task"}


def test_a_kafka_connect_that_is_there_is_told_secrets_as_such(declared: Declared) -> None:
    connect = "connect: {kind: kafka-connect, rest_url: 'https://connect.example.com', rest_credentials: 'env:LOGIN'}"
    document = declared("platform: confluent", connect)["connect"]
    (connector,) = document["resource"]["kafka-connect_connector"].values()
    assert "snowflake.private.key" in connector["config_sensitive"]
    assert "snowflake.private.key" not in json.dumps(document["locals"])
    (provider,) = document["provider"]["kafka-connect"]
    assert provider["url"] == "https://connect.example.com"
    assert document["variable"]["connect_rest_password"]["ephemeral"] is True
    assert document["variable"]["snowflake_connector_private_key"]["sensitive"] is True


def test_a_laptops_connector_is_on_its_worker_and_has_no_secret(declared: Declared) -> None:
    document = declared("platform: local", "connect: {kind: kafka-connect}", offline=True)["connect"]
    (config,) = configurations({"connect": document})
    assert re.fullmatch(r"\$\$\{secrets:.*/env/dev/secrets:svc-kafka-connector\.p8\}", config["snowflake.private.key"])
    assert config["snowflake.url.name"].startswith("http://127.0.0.1:")
    rules = document["locals"]["kafka_acl_allow"].values()
    assert {(rule["principal"], rule["operation"], rule["name"]) for rule in rules} == {
        ("User:connect", "Read", "order-events"),
        ("User:connect", "Read", "_infra_smoke"),
        ("User:connect", "Read", "connect-streaming-dev-sink-order-events"),
        ("User:connect", "Write", "order-events.dlq"),
    }


def test_the_rest_interface_admits_named_clients_and_is_encrypted_where_there_is_a_domain() -> None:
    document = golden("connectors-redpanda-prod")["connect"]
    ingress = document["locals"]["aws_vpc_security_group_ingress_rule_connect-balancer"]
    assert [(rule["cidr"], rule["from"]) for rule in ingress.values()] == [("10.20.0.0/16", 443)]
    listener = document["resource"]["aws_lb_listener"]["connect"]
    assert (listener["protocol"], listener["ssl_policy"][:18]) == ("HTTPS", "ELBSecurityPolicy-")
    assert document["resource"]["aws_lb"]["connect"]["internal"] is True


def test_a_worker_keeps_its_state_in_topics_that_are_declared() -> None:
    documents = golden("connectors-redpanda-prod")
    (container,) = documents["connect"]["locals"]["container_connect"]
    text = next(each["value"] for each in container["environment"] if each["name"] == "WORKER_PROPERTIES")
    settings = dict(line.split("=", 1) for line in text.splitlines())
    topics = documents["topics"]["locals"]["kafka_topic_topic"]
    for what in ("config", "offset", "status"):
        its = topics[settings[f"{what}.storage.topic"]]
        assert its["config"]["cleanup.policy"] == "compact"
    assert topics[settings["config.storage.topic"]]["partitions"] == 1
    assert settings["offset.flush.interval.ms"] == "10000", "the YAML's own comes last"
    assert "password" not in re.sub(r"\$\$\{env:[A-Z_]+\}", "", text).replace('password="";', "").lower()


def test_the_sinks_task_is_told_where_things_are_and_reads_secrets_itself() -> None:
    (container,) = golden("connectors-msk_sink-dev")["connect"]["locals"]["container_sink"]
    told = {each["name"]: each["value"] for each in container["environment"]}
    assert told["INFRA_CONNECTOR_KEY"].endswith("#private_key") and told["INFRA_CONNECTOR_KEY"].startswith("aws-sm:")
    assert "var.cluster_registry_url" in told["INFRA_OUTPUTS"]
    assert container["secrets"] == []
    assert container["command"][-2:] == ["--env", "dev"]


def test_what_runs_in_the_vpc_has_a_way_to_snowflake_and_to_its_image(tmp_path: Path) -> None:
    project, name = project_of("connectors-msk_sink-dev", tmp_path)
    egress = egress_of(load_environment(project, name))
    assert egress.nat_gateways == 1
    assert any("Snowflake" in each for each in egress.reasons)
    assert any("pull images from ECR" in each for each in egress.reasons)
