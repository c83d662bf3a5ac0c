"""The bundled `mongey/kafka` plugin under real Terraform against the local broker."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, TypeVar

import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    ConfigResource,
    NewTopic,
    ScramMechanism,
    UserScramCredentialDeletion,
)

from modules.local.endpoints import secret_file
from tests.integration.conftest import RunningPlatform
from tests.integration.plugin_parts import KafkaFolder

pytestmark = pytest.mark.platform

T = TypeVar("T")

TOPIC = {"name": "plugin-orders", "partitions": 3, "replication_factor": 1, "config": {"retention.ms": "86400000"}}
ACL = {
    "acl_principal": "User:sink",
    "acl_host": "*",
    "acl_operation": "Read",
    "acl_permission_type": "Allow",
    "resource_type": "Topic",
    "resource_name": "plugin-orders",
}


def shows(read: Callable[[], T], wanted: T) -> None:
    """The broker learns a moment later of what its controller has done; on a busy machine the moment is noticed."""
    deadline = time.monotonic() + 30
    while (found := read()) != wanted and time.monotonic() < deadline:
        time.sleep(0.1)
    assert found == wanted


@pytest.fixture(scope="module")
def _folder(local_platform: RunningPlatform, tmp_path_factory: pytest.TempPathFactory) -> KafkaFolder:
    return KafkaFolder(tmp_path_factory.mktemp("kafka"), local_platform)


@pytest.fixture
def kafka(_folder: KafkaFolder) -> Iterator[KafkaFolder]:
    """An initialised folder with an empty state, on a broker without the plugin tests' topics."""
    yield _folder
    (_folder.folder / "terraform.tfstate").unlink(missing_ok=True)
    left = list(_folder.topics())
    for future in _folder.admin.delete_topics(left).values() if left else ():
        future.result(15)


def test_a_topic_is_created_altered_in_place_and_deleted(kafka: KafkaFolder) -> None:
    kafka.resources({"it": TOPIC})
    assert kafka.plan() == {"kafka_topic.it": ("create",)}
    kafka.apply()
    shows(kafka.topics, {"plugin-orders": 3})
    shows(partial(kafka.settings, "plugin-orders"), {"retention.ms": "86400000"})
    assert kafka.values("kafka_topic.it")["id"] == "plugin-orders"
    assert kafka.plan() == {}

    kafka.resources({"it": {**TOPIC, "partitions": 6, "config": {"cleanup.policy": "compact"}}})
    assert kafka.plan() == {"kafka_topic.it": ("update",)}
    kafka.apply()
    shows(kafka.topics, {"plugin-orders": 6})
    shows(partial(kafka.settings, "plugin-orders"), {"cleanup.policy": "compact"})
    assert kafka.plan() == {}

    kafka.resources({"it": {**TOPIC, "partitions": 6, "config": None}})
    kafka.apply()
    shows(partial(kafka.settings, "plugin-orders"), {})
    assert kafka.plan() == {}

    kafka.destroy()
    shows(kafka.topics, {})


def test_another_name_or_replication_factor_replaces_the_topic(kafka: KafkaFolder) -> None:
    kafka.resources({"it": TOPIC})
    kafka.apply()
    kafka.resources({"it": {**TOPIC, "replication_factor": 2}})
    assert kafka.plan() == {"kafka_topic.it": ("delete", "create")}
    kafka.resources({"it": {**TOPIC, "name": "plugin-renamed", "partitions": 1}})
    assert kafka.plan() == {"kafka_topic.it": ("delete", "create")}
    kafka.apply()
    shows(kafka.topics, {"plugin-renamed": 1})


def test_a_topic_of_the_same_name_is_replaced_at_once(kafka: KafkaFolder) -> None:
    kafka.resources({"it": TOPIC})
    kafka.apply()
    kafka.apply("-replace=kafka_topic.it")
    shows(kafka.topics, {"plugin-orders": 3})
    assert kafka.plan() == {}


def test_fewer_partitions_are_refused_at_plan_with_both_numbers(kafka: KafkaFolder) -> None:
    kafka.resources({"it": {**TOPIC, "partitions": 6}})
    kafka.apply()
    kafka.resources({"it": {**TOPIC, "partitions": 2}})
    message = kafka.fails("plan")
    assert "topic plugin-orders cannot go from 6 to 2 partitions" in message
    assert "Kafka cannot remove partitions" in message
    shows(kafka.topics, {"plugin-orders": 6})


def test_what_was_done_by_hand_is_seen_as_drift(kafka: KafkaFolder) -> None:
    kafka.resources({"it": TOPIC})
    kafka.apply()
    from confluent_kafka.admin import AlterConfigOpType, ConfigEntry  # type: ignore[attr-defined]

    entry = ConfigEntry("max.message.bytes", "2000000", incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ConfigResource.Type.TOPIC, "plugin-orders", incremental_configs=[entry])
    kafka.admin.incremental_alter_configs([resource])[resource].result(10)
    assert kafka.plan() == {"kafka_topic.it": ("update",)}
    kafka.apply()
    shows(partial(kafka.settings, "plugin-orders"), {"retention.ms": "86400000"})

    kafka.admin.delete_topics(["plugin-orders"])["plugin-orders"].result(10)
    assert kafka.plan() == {"kafka_topic.it": ("create",)}


def test_a_topic_that_exists_is_named_with_the_import_block_and_can_be_imported(kafka: KafkaFolder) -> None:
    kafka.admin.create_topics([NewTopic("plugin-orders", 3, 1)])["plugin-orders"].result(10)
    kafka.resources({"it": TOPIC})
    message = kafka.fails()
    assert "topic plugin-orders already exists" in message
    assert 'id = "plugin-orders"' in message
    block = {"to": "kafka_topic.it", "id": "plugin-orders"}
    kafka.resources({"it": {**TOPIC, "config": None}}, **{"import": [block]})
    assert "1 imported, 0 added, 0 changed, 0 destroyed" in kafka.apply()
    assert kafka.plan() == {}


def test_an_import_of_a_missing_topic_says_so(kafka: KafkaFolder) -> None:
    kafka.resources({"it": TOPIC}, **{"import": [{"to": "kafka_topic.it", "id": "plugin-nowhere"}]})
    assert "there is no topic plugin-nowhere" in kafka.fails("plan")


@pytest.mark.parametrize("name", ["orders/new", "..", "x" * 250, "ümlaut"])
def test_a_name_kafka_refuses_is_refused_before_anything_is_asked(kafka: KafkaFolder, name: str) -> None:
    kafka.resources({"it": {**TOPIC, "name": name}}, provider={"bootstrap_servers": ["127.0.0.1:9"]})
    assert "Kafka refuses the topic name" in kafka.fails("validate")


def test_a_setting_kafka_does_not_know_is_named(kafka: KafkaFolder) -> None:
    kafka.resources({"it": {**TOPIC, "config": {"retention.days": "3"}}})
    message = kafka.fails()
    assert "plugin-orders" in message
    assert "retention.days" in message


def test_a_broker_that_is_down_is_one_error_in_bounded_time(kafka: KafkaFolder) -> None:
    many = {f"t{number}": {**TOPIC, "name": f"plugin-{number}"} for number in range(5)}
    kafka.resources(many, provider={"bootstrap_servers": ["127.0.0.1:9"]})
    message = kafka.fails("plan")
    assert message.count("Kafka at 127.0.0.1:9 does not answer") == 1
    assert "infra local up" in message


def test_a_wrong_password_is_told_from_a_broker_that_is_down(kafka: KafkaFolder) -> None:
    kafka.resources({"it": TOPIC}, provider={"sasl_password": "wrong-one"})
    message = kafka.fails()
    assert "refuses the login of 'admin'" in message
    assert "wrong-one" not in message.replace('"sasl_password": "wrong-one"', "")


def test_a_user_without_rights_is_told_so(kafka: KafkaFolder, local_platform: RunningPlatform) -> None:
    password = secret_file(local_platform.project, "kafka-producer.password").read_text().strip()
    kafka.resources({"it": TOPIC}, provider={"sasl_username": "producer", "sasl_password": password})
    assert "Kafka does not allow User:producer" in kafka.fails()


def test_an_acl_is_created_replaced_imported_and_deleted(kafka: KafkaFolder) -> None:
    kafka.resources(acls={"it": ACL})
    kafka.apply()
    identifier = "User:sink|*|Read|Allow|Topic|plugin-orders|Literal"
    assert kafka.values("kafka_acl.it")["id"] == identifier
    assert kafka.plan() == {}

    (kafka.folder / "terraform.tfstate").unlink()
    kafka.resources(acls={"it": ACL}, **{"import": [{"to": "kafka_acl.it", "id": identifier}]})
    assert "1 imported, 0 added" in kafka.apply()
    assert kafka.plan() == {}

    kafka.resources(acls={"it": {**ACL, "resource_pattern_type_filter": "Prefixed"}})
    assert kafka.plan() == {"kafka_acl.it": ("delete", "create")}
    kafka.apply()
    assert kafka.plan() == {}

    others = [
        {"resource_type": "Group", "resource_name": "sink-orders"},
        {"resource_type": "Cluster", "resource_name": "kafka-cluster", "acl_operation": "IdempotentWrite"},
        {"resource_type": "TransactionalID", "resource_name": "t", "acl_permission_type": "Deny"},
    ]
    kafka.resources(acls={f"a{index}": {**ACL, **other} for index, other in enumerate(others)})
    kafka.apply()
    assert kafka.plan() == {}
    kafka.destroy()
    kafka.resources(acls={"it": ACL})
    assert kafka.plan() == {"kafka_acl.it": ("create",)}


def test_an_acl_deleted_by_hand_is_planned_again(kafka: KafkaFolder) -> None:
    from confluent_kafka.admin import (  # type: ignore[attr-defined]
        AclBindingFilter,
        AclOperation,
        AclPermissionType,
        ResourcePatternType,
        ResourceType,
    )

    kafka.resources(acls={"it": ACL})
    kafka.apply()
    which = AclBindingFilter(
        ResourceType.TOPIC,
        "plugin-orders",
        ResourcePatternType.ANY,
        None,  # type: ignore[arg-type]
        None,  # type: ignore[arg-type]
        AclOperation.ANY,
        AclPermissionType.ANY,
    )
    assert len(kafka.admin.delete_acls([which])[which].result(10)) == 1
    assert kafka.plan() == {"kafka_acl.it": ("create",)}


def test_an_acl_misspelt_is_refused_with_the_known_spellings(kafka: KafkaFolder) -> None:
    kafka.resources(acls={"it": {**ACL, "acl_operation": "READ"}})
    assert "acl_operation 'READ' is not one of All, Read, Write" in kafka.fails("validate")


def test_three_hundred_topics_are_created_in_one_apply_and_planned_empty(kafka: KafkaFolder) -> None:
    wanted = {f"plugin-many-{number}": 1 for number in range(300)}
    kafka.resources(
        {
            "many": {
                # From a local: Terraform evaluates a for_each expression again for every instance.
                "for_each": "${local.many}",
                "name": "${each.key}",
                "partitions": 1,
                "replication_factor": 1,
                "config": {"retention.ms": "86400000"},
            }
        },
        locals={"many": wanted},
    )
    begun = time.monotonic()
    kafka.apply()
    applied = time.monotonic()
    shows(kafka.topics, wanted)
    assert kafka.plan() == {}
    planned = time.monotonic()
    kafka.destroy()
    # Shown with -s; how long it may take is the benchmark's question.
    seconds = (applied - begun, planned - applied, time.monotonic() - planned)
    print("300 topics: apply {:.1f} s, empty plan {:.1f} s, destroy {:.1f} s".format(*seconds))
    shows(kafka.topics, {})


USER = {"username": "plugin-user", "scram_mechanism": "SCRAM-SHA-256", "password_wo": "one", "password_wo_version": "1"}


def users(kafka: KafkaFolder, *bodies: dict[str, Any]) -> None:
    names = ("it", "other")
    kafka.resources(resource={"kafka_user_scram_credential": dict(zip(names, bodies, strict=False))})


def credentials(kafka: KafkaFolder) -> dict[str, int]:
    """The plugin user's mechanisms and their iterations, as the broker has them."""
    everyone = kafka.admin.describe_user_scram_credentials(request_timeout=10).result(15)
    found = everyone.get("plugin-user")
    return {info.mechanism.name: info.iterations for info in found.scram_credential_infos} if found else {}


def logs_in(kafka: KafkaFolder, password: str) -> bool:
    client = AdminClient(
        {
            "bootstrap.servers": kafka.bootstrap,
            "security.protocol": "SASL_PLAINTEXT",
            "sasl.mechanism": "SCRAM-SHA-256",
            "sasl.username": "plugin-user",
            "sasl.password": password,
            "log_level": 0,
        }
    )
    try:
        client.list_topics(timeout=3)
    except KafkaException:
        return False
    return True


def test_a_user_is_made_given_another_password_and_taken_away_while_the_broker_runs(kafka: KafkaFolder) -> None:
    users(kafka, USER)
    kafka.apply()
    shows(partial(credentials, kafka), {"SCRAM_SHA_256": 4096})
    shows(partial(logs_in, kafka, "one"), True)
    values = kafka.values("kafka_user_scram_credential.it")
    assert values["id"] == "plugin-user|SCRAM-SHA-256|4096"
    assert values["password_wo"] is None and "one" not in (kafka.folder / "terraform.tfstate").read_text().split('"')

    users(kafka, {**USER, "password_wo": "two"})
    assert kafka.plan() == {}, "a password is written again when its version changes"
    users(kafka, {**USER, "password_wo": "two", "password_wo_version": "2", "scram_iterations": 8192})
    assert kafka.plan() == {"kafka_user_scram_credential.it": ("update",)}
    kafka.apply()
    assert kafka.plan() == {}
    shows(partial(credentials, kafka), {"SCRAM_SHA_256": 8192})
    shows(partial(logs_in, kafka, "two"), True)
    assert not logs_in(kafka, "one")

    kafka.destroy()
    shows(partial(credentials, kafka), {})
    shows(partial(logs_in, kafka, "two"), False)


def test_both_mechanisms_of_a_user_stand_side_by_side_and_what_goes_missing_is_made_again(kafka: KafkaFolder) -> None:
    other = {**USER, "scram_mechanism": "SCRAM-SHA-512"}
    users(kafka, USER, other)
    kafka.apply()
    shows(partial(credentials, kafka), {"SCRAM_SHA_256": 4096, "SCRAM_SHA_512": 4096})
    gone = UserScramCredentialDeletion("plugin-user", ScramMechanism.SCRAM_SHA_512)
    kafka.admin.alter_user_scram_credentials([gone])["plugin-user"].result(15)
    assert kafka.plan() == {"kafka_user_scram_credential.other": ("create",)}
    users(kafka, {**USER, "username": "plugin-other"})
    assert kafka.plan() == {"kafka_user_scram_credential.it": ("delete", "create")}
    kafka.destroy()
    shows(partial(credentials, kafka), {})


def test_a_user_that_is_there_is_imported_and_a_wrong_one_refused(kafka: KafkaFolder) -> None:
    users(kafka, USER)
    kafka.apply()
    (kafka.folder / "terraform.tfstate").unlink()
    code, out, err = kafka.run("import", "kafka_user_scram_credential.it", "plugin-user|SCRAM-SHA-256")
    assert code == 0, out + err
    assert set(kafka.plan()) <= {"kafka_user_scram_credential.it"}
    kafka.destroy()
    users(kafka, {**USER, "scram_mechanism": "PLAIN"})
    assert "scram_mechanism 'PLAIN' is none of Kafka's" in kafka.fails("validate")
    users(kafka, {key: value for key, value in USER.items() if key != "password_wo"})
    assert "a user has either `password` or `password_wo`" in kafka.fails("validate")
