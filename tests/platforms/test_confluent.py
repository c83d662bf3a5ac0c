"""Confluent Cloud: what its golden files must hold whatever made them, and how its clients log in."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from modules.environment import load_environment
from modules.environment.connect import Connect
from modules.errors import ConfigError
from modules.platforms import platform_for, require_credentials
from modules.platforms.confluent import ConfluentPlatform, key_file
from modules.platforms.declare.base import CLUSTER_OUTPUTS
from modules.project import OUTPUTS_FILE, Project
from tests.platforms.golden import cases, environment_of, golden
from tests.platforms.schema_walk import blocks_of, instances_of, strings

CASES = cases("confluent")
OF_APPLICATIONS = {"billing", "billing-registry", "order-audit", "order-audit-registry"}
PROD = [case for case in CASES if case.endswith("-prod")]
SECRET = "s3cret-of-the-key"


def resource(case: str, stack: str, type_: str) -> dict[str, Any]:
    """The one block of a type; what applications have is in blocks of their own (test_applications.py)."""
    (found,) = (body for name, body in golden(case)[stack]["resource"][type_].items() if name != "application")
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("case", CASES)
def test_outputs_are_named_as_on_every_platform_and_none_is_a_secret(case: str) -> None:
    outputs = golden(case)["cluster"]["output"]
    assert set(CLUSTER_OUTPUTS) <= set(outputs)
    assert outputs["client_settings"]["value"] == {"security.protocol": "SASL_SSL", "sasl.mechanism": "PLAIN"}
    references = outputs["credentials"]["value"]
    assert set(references) - OF_APPLICATIONS == {"admin", "producer", "consumer", "sink", "registry", "registry-admin"}
    assert all(text.startswith(("aws-sm:${aws_secretsmanager_secret.", "file:.infra/")) for text in references.values())
    shown = [text for name, body in outputs.items() if not body.get("sensitive") for text in strings(body["value"])]
    assert not any("secret_string" in text or ".secret}" in text or "confluent_api_key" in text for text in shown)


@pytest.mark.parametrize("case", PROD)
def test_what_holds_data_in_production_cannot_be_destroyed_by_a_plan(case: str) -> None:
    assert resource(case, "cluster", "confluent_kafka_cluster")["deletion_protection"] is True
    for stack, type_ in (
        ("cluster", "confluent_kafka_cluster"),
        ("cluster", "confluent_environment"),
        ("topics", "confluent_kafka_topic"),
        ("topics", "confluent_schema"),
    ):
        assert resource(case, stack, type_)["lifecycle"]["prevent_destroy"] is True


@pytest.mark.parametrize("case", PROD)
def test_keys_in_production_go_to_secrets_manager_by_a_write_only_argument_and_nowhere_else(case: str) -> None:
    document = golden(case)["cluster"]
    version = resource(case, "cluster", "aws_secretsmanager_secret_version")
    assert "confluent_api_key.key[each.key].secret" in version["secret_string_wo"]
    assert "secret_string" not in version
    assert "keys" not in document["output"]
    rest = {key: value for key, value in document.items() if key != "output"}
    assert sum(".secret" in text for text in strings(rest) if "aws_secretsmanager" not in text) == len(
        document["resource"]["aws_secretsmanager_secret_version"]
    )
    assert resource(case, "cluster", "aws_secretsmanager_secret")["recovery_window_in_days"] == 30


@pytest.mark.parametrize("case", PROD)
def test_production_is_in_several_zones_where_the_tier_has_them(case: str) -> None:
    cluster = resource(case, "cluster", "confluent_kafka_cluster")
    assert cluster["availability"] == (
        "LOW" if "basic" in cluster else "MULTI_ZONE" if "dedicated" in cluster else "HIGH"
    )


@pytest.mark.parametrize("case", CASES)
def test_nothing_is_asked_while_a_first_plan_is_made(case: str) -> None:
    """The provider asks for nothing when it is configured; a schema would be tried, a known data source looked up."""
    for document in golden(case).values():
        for section, type_, _name, body in blocks_of(document):
            if type_ == "confluent_schema":
                assert body["skip_validation_during_plan"] is True
            if section == "data":
                assert type_ == "confluent_schema_registry_cluster"
                assert body["environment"]["id"] == "${local.registry_environment}"  # named here it would be put off
                assert "confluent_kafka_cluster.main.id" in document["locals"]["registry_environment"]
        assert all("oauth" not in each for each in document.get("provider", {}).get("confluent", []))


@pytest.mark.parametrize("case", CASES)
def test_each_job_has_an_account_and_a_key_of_its_own(case: str) -> None:
    document = golden(case)["cluster"]
    accounts = instances_of(document, resource(case, "cluster", "confluent_service_account"))
    assert set(accounts) == {"deployer", "producer", "consumer", "sink", "registry"}
    keys = instances_of(document, resource(case, "cluster", "confluent_api_key"))
    owners = [(value["account"], value["of"]) for value in keys.values()]
    assert len(set(owners)) == len(owners)
    assert {account for account, _ in owners} == set(accounts)


@pytest.mark.parametrize("case", CASES)
def test_private_clusters_are_reached_by_the_named_clients_only(case: str) -> None:
    resources = golden(case)["cluster"]["resource"]
    private = any(tier in case for tier in ("enterprise", "freight", "privatelink", "peering"))
    assert private == any(type_ in resources for type_ in ("confluent_private_link_attachment", "confluent_network"))
    if "aws_vpc_endpoint" in resources:
        rules = instances_of(golden(case)["cluster"], resource(case, "cluster", "aws_vpc_security_group_ingress_rule"))
        assert {rule["cidr"] or rule["group"] for rule in rules.values()} == {"10.0.0.0/16", "sg-0a1b2c3d"}
        assert {rule["from"] for rule in rules.values()} == {443, 9092}
        assert resource(case, "cluster", "confluent_api_key")["disable_wait_for_ready"] == '${each.value.of == "kafka"}'


@pytest.mark.parametrize("case", CASES)
def test_everything_in_aws_has_the_tags(case: str) -> None:
    document = golden(case)["cluster"]
    tags = {"team": "data-platform", "cost-center": "4711", "project": "streaming", "managed-by": "infra"}
    for provider in document["provider"].get("aws", []):
        assert tags.items() <= provider["default_tags"][0]["tags"].items()
    assert ("aws" in document["provider"]) == any(type_.startswith("aws_") for type_ in document["resource"])


# --- clients ---


@pytest.fixture
def platform(tmp_path: Path) -> ConfluentPlatform:
    environment, project = environment_of("confluent-basic-dev", tmp_path)
    found = platform_for(environment, project)
    assert isinstance(found, ConfluentPlatform)
    return found


KEYS = {
    role: {"username": f"KEY{role.upper()}", "password": f"{SECRET}-{role}"}
    for role in ("admin", "producer", "consumer", "sink", "registry", "registry-admin")
}


def deployed(platform: ConfluentPlatform) -> ConfluentPlatform:
    """As after a deploy: outputs beside the states, keys handed over."""
    folder = platform.project.environment_state("dev")
    folder.mkdir(parents=True, exist_ok=True)
    cluster = {
        "bootstrap_servers": "pkc-1.us-east-1.aws.confluent.cloud:9092",
        "registry_url": "https://psrc-1.us-east-1.aws.confluent.cloud",
        "client_settings": {"security.protocol": "SASL_SSL", "sasl.mechanism": "PLAIN"},
        "credentials": {role: f"file:.infra/env/dev/secrets/kafka-{role}.json" for role in KEYS},
        "producer_account": "sa-1",
    }
    (folder / OUTPUTS_FILE).write_text(json.dumps({"cluster": cluster}))
    platform.applied("cluster", {**cluster, "keys": KEYS})
    return platform


def test_a_client_logs_in_with_its_own_key_over_tls(platform: ConfluentPlatform) -> None:
    assert deployed(platform).kafka_client("producer") == {
        "bootstrap.servers": "pkc-1.us-east-1.aws.confluent.cloud:9092",
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "PLAIN",
        "sasl.username": "KEYPRODUCER",
        "sasl.password": f"{SECRET}-producer",
    }
    registry = platform.registry_client()
    assert (registry.username, registry.password) == ("KEYREGISTRY", f"{SECRET}-registry")
    assert SECRET not in repr(registry)
    assert platform.principal("producer") == "User:sa-1"


def test_freight_has_no_idempotent_producers_so_clients_do_not_ask_for_one(platform: ConfluentPlatform) -> None:
    settings = deployed(platform).environment.confluent.model_copy(update={"tier": "freight"})
    freight = ConfluentPlatform(platform.project, platform.environment.model_copy(update={"confluent": settings}))
    assert freight.kafka_client("producer")["enable.idempotence"] is False
    assert "enable.idempotence" not in freight.kafka_client("consumer")
    assert "enable.idempotence" not in platform.kafka_client("producer")


def test_stacks_get_the_deployers_keys_and_the_cloud_key_only_where_it_is_needed(
    platform: ConfluentPlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONFLUENT_CLOUD_API_KEY", "CLOUD")
    monkeypatch.setenv("CONFLUENT_CLOUD_API_SECRET", "cloud-secret")
    cloud = {"confluent_cloud_api_key": "CLOUD", "confluent_cloud_api_secret": "cloud-secret"}
    deployed(platform)
    kafka = {"kafka_api_key": "KEYADMIN", "kafka_api_secret": f"{SECRET}-admin"}
    registry = {"registry_api_key": "KEYREGISTRY-ADMIN", "registry_api_secret": f"{SECRET}-registry-admin"}
    assert platform.terraform_secrets("cluster") == cloud
    assert platform.terraform_secrets("topics") == {**kafka, **registry}
    assert platform.terraform_secrets("connect") == {**kafka, **cloud}, "managed connectors are made in the cloud"
    own = platform.environment.model_copy(update={"connect": Connect()})
    assert ConfluentPlatform(platform.project, own).terraform_secrets("connect") == kafka
    roles = platform.environment.confluent.model_copy(update={"authorization": "role-bindings"})
    bound = ConfluentPlatform(platform.project, own.model_copy(update={"confluent": roles}))
    assert bound.terraform_secrets("connect") == {**kafka, **cloud}


@pytest.mark.parametrize("case", CASES)
def test_every_ephemeral_variable_of_a_stack_is_given_a_value(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("CONFLUENT_CLOUD_API_KEY", "CONFLUENT_CLOUD_API_SECRET"):
        monkeypatch.setenv(name, "x")
    environment, project = environment_of(case, tmp_path)
    platform = ConfluentPlatform(project, environment)
    monkeypatch.setattr(platform, "_cluster", lambda: {"credentials": {}})
    monkeypatch.setattr(platform, "_credentials", lambda role, cluster: (role, "secret"))
    for stack, document in golden(case).items():
        asked = {name for name, body in document.get("variable", {}).items() if body.get("ephemeral")}
        if stack != "warehouse":
            assert set(platform.terraform_secrets(stack)) == asked


def test_keys_are_kept_in_private_files_and_go_with_the_cluster(platform: ConfluentPlatform) -> None:
    file = key_file(deployed(platform).project, "dev", "producer")
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o077 == 0
    other = file.parent / "svc-kafka-connector.p8"
    other.write_text("not ours")
    platform.applied("topics", {})
    assert file.exists()
    platform.applied("cluster", {})
    assert sorted(file.parent.iterdir()) == [other]


def test_files_stay_until_keys_in_secrets_manager_are_deployed_and_go_then(platform: ConfluentPlatform) -> None:
    deployed(platform)
    settings = platform.environment.confluent.model_copy(update={"secrets": "aws-sm"})
    moved = ConfluentPlatform(platform.project, platform.environment.model_copy(update={"confluent": settings}))
    file = key_file(platform.project, "dev", "admin")
    moved.applied("cluster", {"keys": KEYS})
    assert file.exists()
    moved.applied("cluster", {"credentials": {"admin": "aws-sm:arn"}})
    assert not file.exists()


def test_a_client_of_what_was_never_deployed_is_told_so(platform: ConfluentPlatform) -> None:
    with pytest.raises(ConfigError, match="has no cluster here yet") as caught:
        platform.kafka_client("producer")
    assert "infra deploy --env dev" in (caught.value.do or "")


def test_all_missing_accounts_and_credentials_are_named_at_once_with_how_to_set_them(
    platform: ConfluentPlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("CONFLUENT_CLOUD_API_KEY", "CONFLUENT_CLOUD_API_SECRET", "SNOWFLAKE_PRIVATE_KEY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ConfigError) as caught:
        require_credentials(platform, platform.environment)
    assert str(caught.value) == (
        "environments/dev.yaml: 3 accounts or credentials are missing for environment `dev`\n"
        "  confluent.cloud_api_key: the environment variable CONFLUENT_CLOUD_API_KEY is not set; "
        "export CONFLUENT_CLOUD_API_KEY\n"
        "  confluent.cloud_api_secret: the environment variable CONFLUENT_CLOUD_API_SECRET is not set; "
        "export CONFLUENT_CLOUD_API_SECRET\n"
        "  warehouse.account.private_key: the environment variable SNOWFLAKE_PRIVATE_KEY is not set; "
        "export SNOWFLAKE_PRIVATE_KEY\n"
        "  → set what is named above, or rehearse with `--offline`, which needs none"
    )
    for name in ("CONFLUENT_CLOUD_API_KEY", "CONFLUENT_CLOUD_API_SECRET", "SNOWFLAKE_PRIVATE_KEY"):
        monkeypatch.setenv(name, "x")
    require_credentials(platform, platform.environment)


def test_an_environment_that_names_no_snowflake_account_is_told_how(platform: ConfluentPlatform) -> None:
    warehouse = platform.environment.warehouse.model_copy(update={"account": None})
    bare = ConfluentPlatform(platform.project, platform.environment.model_copy(update={"warehouse": warehouse}))
    assert any(
        "warehouse.account: the Snowflake account; write `account: {" in line for line in bare.missing_credentials()
    )


def test_aws_is_asked_for_only_where_something_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("AWS_EC2_METADATA_DISABLED", "true"), ("AWS_CONFIG_FILE", "/dev/null"),
                        ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")):  # fmt: skip
        monkeypatch.setenv(name, value)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)

    def lines(case: str) -> list[str]:
        environment, project = environment_of(case, tmp_path / case)
        return [
            line for line in ConfluentPlatform(project, environment).missing_credentials() if line.startswith("AWS")
        ]

    assert lines("confluent-basic-dev") == []
    assert len(lines("confluent-basic-prod")) == len(lines("confluent-enterprise-dev")) == 1
    assert "AWS_PROFILE" in lines("confluent-basic-prod")[0]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    assert lines("confluent-enterprise-prod") == []


def test_a_rehearsal_and_the_real_thing_keep_their_keys_apart(tmp_path: Path) -> None:
    project = Project(tmp_path)
    assert key_file(project, "dev", "sink") != key_file(replace(project, offline=True), "dev", "sink")


@pytest.mark.parametrize("name", ["dev", "staging"])
def test_the_projects_own_environments_on_confluent_are_valid(name: str) -> None:
    environment = load_environment(Project(Path(__file__).parents[2]), name)
    assert environment.platform == "confluent"
