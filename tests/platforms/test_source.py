"""What a Snowflake source comes to on each platform: a login of its own, and a transactional id only it may use."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from modules.environment import load_environment
from modules.platforms import platform_for
from stacks import synth
from tests.platforms.golden import project_of
from tests.platforms.schema_walk import instances_of

SOURCE = (
    "sources: {crm: {kind: snowflake, table: CRM.PUBLIC.ACCOUNTS, mode: id, column: id, key: id, topic: accounts}}\n"
    "topics: {accounts: {partitions: 3}}\n"
)


def synthesised(case: str, root: Path) -> dict[str, Any]:
    """A case that has no topics of its own, with a source."""
    project, name = project_of(case, root)
    file = project.environments / f"{name}.yaml"
    file.write_text(file.read_text() + SOURCE)
    environment = load_environment(project, name)
    sources = synth(environment, project, platform_for(environment, project), root / "out")
    return {source.name: json.loads(source.json_path.read_text()) for source in sources}


def of(stack: dict[str, Any], type_: str, name: str) -> dict[str, Any]:
    """The instances of a resource."""
    found: dict[str, Any] = instances_of(stack, stack["resource"][type_][name])
    return found


def rules(stack: dict[str, Any], type_: str) -> dict[str, dict[str, Any]]:
    return {key: its for key, its in of(stack, type_, "allow").items() if key.startswith("source-crm ")}


def test_on_confluent_the_acl_is_on_the_transactional_id(tmp_path: Path) -> None:
    stacks = synthesised("confluent-basic-dev", tmp_path)
    its = rules(stacks["topics"], "confluent_kafka_acl")
    assert its["source-crm write transactional_id source-crm"]["type"] == "TRANSACTIONAL_ID"
    assert len(its) == 4
    assert "source-crm-place" in of(stacks["topics"], "confluent_kafka_topic", "topic")
    assert "source-crm" in of(stacks["cluster"], "confluent_service_account", "application")


def test_with_roles_the_binding_names_the_transactional_id(tmp_path: Path) -> None:
    its = rules(synthesised("confluent-standard_roles-prod", tmp_path)["topics"], "confluent_role_binding")
    binding = its["source-crm write transactional_id source-crm"]
    assert (binding["role"], binding["pattern"].rpartition("/")[2]) == ("DeveloperWrite", "transactional-id=source-crm")


def test_by_iam_the_policy_has_what_a_transaction_takes(tmp_path: Path) -> None:
    text = json.dumps(synthesised("msk-provisioned_iam-prod", tmp_path)["topics"])
    assert "kafka-cluster:AlterTransactionalId" in text and "kafka-cluster:DescribeTransactionalId" in text
    assert "/source-crm" in text and ":transactional-id/" in text


@pytest.mark.parametrize("case", ["msk-provisioned-dev", "redpanda-ec2-dev"])
def test_by_scram_the_acl_is_on_the_transactional_id(case: str, tmp_path: Path) -> None:
    its = rules(synthesised(case, tmp_path)["topics"], "kafka_acl")
    acl = its["source-crm write transactionalid source-crm"]
    assert (acl["type"], acl["operation"], acl["name"]) == ("TransactionalID", "Write", "source-crm")
