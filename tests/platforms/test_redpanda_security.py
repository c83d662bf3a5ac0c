"""Redpanda on ECS: who gets in, over what, and where its secrets and certificates come from; read in its JSON."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.platforms.redpanda_json import CASES, PROD, bootstrap, changed, cluster, containers, files, resources


@pytest.mark.parametrize("case", CASES)
def test_every_listener_has_tls_and_a_login(case: str) -> None:
    for file in files(case):
        broker, registry = file["redpanda"], file["schema_registry"]
        assert broker["rpc_server_tls"]["enabled"] and broker["rpc_server_tls"]["require_client_auth"]
        listeners = (
            (broker["kafka_api"], broker["kafka_api_tls"]),
            (broker["admin"], broker["admin_api_tls"]),
            (registry["schema_registry_api"], registry["schema_registry_api_tls"]),
        )
        for open_, secured in listeners:
            assert {each["name"] for each in open_} == {each["name"] for each in secured if each["enabled"]}
        assert [each["authentication_method"] for each in broker["kafka_api"]] == ["sasl"]
        assert [each["authentication_method"] for each in registry["schema_registry_api"]] == ["http_basic"]
        assert file["schema_registry_client"]["broker_tls"]["enabled"]
        assert "pandaproxy" not in file
    settings = bootstrap(case)
    assert settings["admin_api_require_auth"] and settings["superusers"] == ["admin"]
    assert settings["kafka_enable_authorization"] and "enable_sasl" not in settings
    assert settings["auto_create_topics_enabled"] is False


@pytest.mark.parametrize("case", CASES)
def test_nothing_is_public(case: str) -> None:
    (balancer,) = resources(case, "aws_lb").values()
    assert balancer["internal"] is True and balancer["load_balancer_type"] == "network"
    (listener,) = resources(case, "aws_lb_listener").values()
    assert listener["port"] == 443
    for service in resources(case, "aws_ecs_service").values():
        assert service["network_configuration"]["assign_public_ip"] is False
        assert service["enable_execute_command"] is False
    for instance in resources(case, "aws_instance").values():
        assert instance["associate_public_ip_address"] is False
        assert instance["metadata_options"]["http_tokens"] == "required"
    text = json.dumps(resources(case, "aws_vpc_security_group_ingress_rule")) + json.dumps(
        {key: value for key, value in cluster(case)["locals"].items() if "ingress" in key}
    )
    assert "0.0.0.0/0" not in text and "::/0" not in text


@pytest.mark.parametrize("case", CASES)
def test_brokers_admit_named_clients_operators_and_each_other(case: str) -> None:
    rules = cluster(case)["locals"]["aws_vpc_security_group_ingress_rule_brokers"]
    clients = {"10.20.0.0/16"} | ({"sg-0123456789abcdef0"} if case in PROD else set())
    operators = {"10.20.1.0/24"} if case in PROD else clients
    own = {"${aws_security_group.brokers.id}", "${aws_security_group.registry-balancer.id}"}
    found: dict[int, set[str]] = {}
    for rule in rules.values():
        assert rule["from"] == rule["to"]
        found.setdefault(rule["from"], set()).add(rule["cidr"] or rule["group"])
    assert found[9092] - own == clients
    assert found[9644] == operators
    assert found[33145] == {"${aws_security_group.brokers.id}"}
    assert found[8081] == {"${aws_security_group.registry-balancer.id}"}
    assert set(found) == {9092, 9644, 33145, 8081}


@pytest.mark.parametrize("case", CASES)
def test_secrets_reach_a_task_by_reference_and_leave_its_environment_before_redpanda_starts(case: str) -> None:
    script = cluster(case)["locals"]["broker_start"]
    for container in containers(case).values():
        for secret in container["secrets"]:
            assert re.fullmatch(r'\$\{aws_secretsmanager_secret\.[\w-]+\["[\w-]+"\]\.arn\}:\w+::', secret["valueFrom"])
            unset = script.index(f"{secret['name']} ") if f"{secret['name']} " in script else -1
            assert script.index("unset ") < script.index("exec "), unset
            assert re.search(rf"^unset .*\b{secret['name']}\b", script, re.MULTILINE), secret["name"]
        plain = {each["name"] for each in container["environment"]}
        assert plain == {"BROKER_FILE", "BOOTSTRAP_FILE", "CERTIFICATE_VERSION"}
    written = resources(case, "aws_secretsmanager_secret_version")
    assert set(written) == {"admin", "login", "tls"}
    for version in written.values():
        assert "secret_string" not in version and version["secret_string_wo"].startswith("${")


def test_with_a_domain_the_registry_has_a_public_certificate_and_tls_to_the_brokers(tmp_path: Path) -> None:
    after = changed(
        "redpanda-ec2-prod",
        tmp_path,
        "network: {zones: 3,",
        "network: {domain: example.com, zone_id: Z0123456789ABC, zones: 3,",
    )
    listener, target = after["resource"]["aws_lb_listener"]["registry"], after["resource"]["aws_lb_target_group"]
    assert (listener["protocol"], target["registry"]["protocol"]) == ("TLS", "TLS")
    assert listener["certificate_arn"] and listener["ssl_policy"].startswith("ELBSecurityPolicy-TLS13")
    assert after["output"]["registry_url"]["value"] == "https://registry-streaming-prod.example.com"


def test_a_certificate_of_ones_own_is_taken_as_it_is(tmp_path: Path) -> None:
    arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:pki-AbCdEf"
    after = changed("redpanda-ec2-prod", tmp_path, "  log_retention: 90d", f"  certificate: aws-sm:{arn}")
    assert set(after["resource"]["aws_secretsmanager_secret_version"]) == {"admin", "login"}
    container = after["locals"]["aws_ecs_task_definition_broker"]["1"][0]
    found = {each["name"]: each["valueFrom"] for each in container["secrets"]}
    assert found["TLS_PRIVATE_KEY"] == f"{arn}:private_key::"
    assert after["output"]["credentials"]["value"]["redpanda-authority"] == f"aws-sm:{arn}"
    assert arn in json.dumps(after["locals"]["policy_brokers_start"])


def test_a_private_image_may_be_pulled_and_nothing_else(tmp_path: Path) -> None:
    image = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/kafka/redpanda:v26.2.2"
    after = changed("redpanda-ec2-prod", tmp_path, "  log_retention: 90d", f"  image: {image}")
    statements = {each["Sid"]: each for each in after["locals"]["policy_brokers_start"]["Statement"]}
    assert statements["Image"]["Resource"] == ["arn:aws:ecr:eu-west-1:123456789012:repository/kafka/redpanda"]
    assert statements["Token"] == {
        "Sid": "Token",
        "Effect": "Allow",
        "Action": ["ecr:GetAuthorizationToken"],
        "Resource": ["*"],
    }
