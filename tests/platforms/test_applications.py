"""What applications come to on each platform, beside what everyone has; `test_rights.py` has their rights."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from modules.environment import Environment, load_environment
from modules.environment.secrets import keep_secret
from modules.platforms import platform_for
from modules.platforms.quotas import quotas_left_out, quotas_of
from modules.project import OUTPUTS_FILE, Project
from stacks import synth
from tests.platforms.golden import CASES, environment_of, golden, project_of
from tests.platforms.schema_walk import instances_of

CONFLUENT = "confluent-dedicated_applications-prod"


def block(document: dict[str, Any], type_: str, name: str = "application") -> dict[str, Any]:
    """The instances of a resource."""
    return instances_of(document, document["resource"][type_][name])


def with_applications(case: str, root: Path) -> tuple[Environment, Project]:
    """A case that has none of its own, with the two."""
    project, name = project_of(case, root)
    shutil.copytree(CASES / "applications", project.environments / "applications")
    file = project.environments / f"{name}.yaml"
    file.write_text(f"{file.read_text()}topics: {{invoices: {{partitions: 2}}}}\n")
    return load_environment(project, name), project


def synthesised(case: str, root: Path) -> dict[str, dict[str, Any]]:
    environment, project = with_applications(case, root)
    sources = synth(environment, project, platform_for(environment, project), root / "out")
    return {source.name: json.loads(source.json_path.read_text()) for source in sources}


def test_on_confluent_each_has_an_account_two_keys_and_a_secret_for_each() -> None:
    cluster = golden(CONFLUENT)["cluster"]
    assert set(block(cluster, "confluent_service_account")) == {"billing", "order-audit"}
    keys = {name: (its["account"], its["of"]) for name, its in block(cluster, "confluent_api_key").items()}
    assert keys == {
        "billing": ("billing", "kafka"),
        "billing-registry": ("billing", "registry"),
        "order-audit": ("order-audit", "kafka"),
        "order-audit-registry": ("order-audit", "registry"),
    }
    references = cluster["output"]["credentials"]["value"]
    assert {name for name, reference in references.items() if "secret.application" in reference} == set(keys)


def test_on_a_dedicated_cluster_a_quota_is_of_the_whole_cluster_and_what_is_not_limited_is_all_it_carries() -> None:
    quotas = block(golden(CONFLUENT)["cluster"], "confluent_kafka_client_quota")
    assert {name: (its["ingress"], its["egress"]) for name, its in quotas.items()} == {
        "billing": ("6000000", "24000000"),
        "order-audit": ("120000000", "3000000"),
    }


def test_keys_of_applications_go_to_private_files_where_the_others_do(tmp_path: Path) -> None:
    cluster = synthesised("confluent-basic-dev", tmp_path)["cluster"]
    assert "merge(confluent_api_key.key, confluent_api_key.application)" in cluster["output"]["keys"]["value"]
    references = cluster["output"]["credentials"]["value"]
    assert references["billing"] == "file:.infra/env/dev/secrets/kafka-billing.json"
    assert references["order-audit-registry"] == "file:.infra/env/dev/secrets/kafka-order-audit-registry.json"


def test_confluent_binds_roles_instead_of_acls_where_it_is_asked_to(tmp_path: Path) -> None:
    topics = synthesised("confluent-standard_roles-prod", tmp_path)["topics"]
    bindings = block(topics, "confluent_role_binding", "allow")
    crn = "${var.cluster_rbac_crn}/kafka=${var.cluster_cluster_id}"
    assert bindings["billing read group refunds-*"] == {
        "principal": "User:${var.cluster_billing_account}",
        "role": "DeveloperRead",
        "pattern": f"{crn}/group=refunds-*",
    }
    assert bindings["order-audit read topic order-events"]["principal"] == "User:${var.cluster_order-audit_account}"


def test_on_redpanda_what_is_behind_the_cluster_waits_for_the_logins_of_new_applications() -> None:
    """Their users get the passwords that the cluster stack has written."""
    documents = golden("redpanda-ec2_applications-prod")
    outputs = documents["cluster"]["output"]
    assert outputs["order-audit_login"]["value"] == outputs["credentials"]["value"]["order-audit"]
    topics = documents["topics"]
    assert {"cluster_billing_login", "cluster_order-audit_login"} <= set(topics["variable"])
    assert topics["variable"]["kafka_order_audit_password"]["ephemeral"] is True
    user = topics["resource"]["kafka_user_scram_credential"]["user"]
    assert '"order-audit" = var.kafka_order_audit_password' in user["password_wo"]
    assert '"order-audit"' in user["for_each"]


@pytest.mark.parametrize("case", ["msk-provisioned_applications-prod", "redpanda-ec2_applications-prod"])
def test_brokers_are_told_their_share_of_a_quota(case: str) -> None:
    """Six brokers or three; two partitions of invoices and seven of order-events with its dead letters."""
    brokers = {"msk": 6, "redpanda": 3}[case.partition("-")[0]]
    quotas = block(golden(case)["topics"], "kafka_quota")
    assert quotas == {
        "billing": {"producer_byte_rate": 3_000_000, "consumer_byte_rate": 24_000_000 // brokers},
        "order-audit": {"consumer_byte_rate": 3_000_000 // brokers},
    }


def test_on_msk_each_scram_user_has_a_secret_that_is_associated() -> None:
    cluster = golden("msk-provisioned_applications-prod")["cluster"]
    names = block(cluster, "aws_secretsmanager_secret", "login")
    assert names["order-audit"] == "AmazonMSK_streaming-prod-order-audit"
    associated = cluster["resource"]["aws_msk_scram_secret_association"]["main"]["secret_arn_list"]
    assert '${aws_secretsmanager_secret.login["order-audit"].arn}' in associated
    assert cluster["output"]["credentials"]["value"]["billing"].startswith("aws-sm:")


def test_on_msk_with_iam_each_is_a_role() -> None:
    cluster = golden("msk-serverless_applications-prod")["cluster"]
    assert block(cluster, "aws_iam_role", "kafka")["billing"] == "streaming-prod-kafka-billing"
    assert {"billing", "order-audit"} <= set(cluster["output"]["role_arns"]["value"])


def test_an_older_redpanda_limits_no_users(tmp_path: Path) -> None:
    environment, _ = environment_of("redpanda-ec2_applications-prod", tmp_path)
    assert len(quotas_of(environment)) == 2
    redpanda = environment.redpanda.model_copy(update={"image": "docker.io/redpandadata/redpanda:v25.3.9"})
    older = environment.model_copy(update={"redpanda": redpanda})
    assert quotas_of(older) == []
    assert quotas_left_out(older)[0].endswith("Redpanda limits users from v26.1 on, and this one is v25.3")


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        (
            "confluent-standard-prod",
            "Confluent Cloud has client quotas on dedicated clusters only, not on standard ones",
        ),
        ("msk-serverless-prod", "MSK Serverless has no client quotas"),
        ("msk-provisioned_iam-prod", "with IAM every session is a user of its own to Kafka, which a quota cannot name"),
    ],
)
def test_where_a_platform_has_no_quotas_they_are_left_out_and_it_is_said(
    case: str, reason: str, tmp_path: Path
) -> None:
    environment, _ = with_applications(case, tmp_path)
    assert quotas_of(environment) == []
    assert quotas_left_out(environment) == [f"the quotas of billing and order-audit are left out: {reason}"]
    stacks = synthesised(case, tmp_path / "again")
    assert "quota" not in json.dumps([stacks[name] for name in stacks if name != "warehouse"])


def test_nothing_is_said_where_none_is_asked_for(tmp_path: Path) -> None:
    environment, _ = environment_of("msk-serverless-prod", tmp_path)
    assert quotas_left_out(environment) == []


def test_a_client_logs_in_as_an_application_by_its_name(tmp_path: Path) -> None:
    environment, project = with_applications("confluent-basic-dev", tmp_path)
    folder = project.environment_state("dev")
    (folder / "secrets").mkdir(parents=True)
    login = {"username": "KEYBILLING", "password": "s3cret"}
    keep_secret(folder / "secrets" / "kafka-billing.json", json.dumps(login))
    cluster = {
        "bootstrap_servers": "pkc-1:9092",
        "client_settings": {"security.protocol": "SASL_SSL", "sasl.mechanism": "PLAIN"},
        "credentials": {"billing": "file:.infra/env/dev/secrets/kafka-billing.json"},
        "billing_account": "sa-7",
    }
    (folder / OUTPUTS_FILE).write_text(json.dumps({"cluster": cluster}))
    platform = platform_for(environment, project)
    client = platform.kafka_client("billing")
    assert (client["sasl.username"], client["sasl.password"]) == ("KEYBILLING", "s3cret")
    assert platform.principal("billing") == "User:sa-7"
