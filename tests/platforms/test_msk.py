"""MSK: what its golden files must hold whatever made them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from modules.environment import load_environment
from modules.errors import SynthError
from modules.platforms import platform_for
from modules.platforms.declare.base import CLUSTER_OUTPUTS
from stacks import synth
from tests.platforms.golden import cases, golden, project_of
from tests.platforms.schema_walk import blocks_of, instances_of, resolved, strings

CASES = cases("msk")
PROD = [case for case in CASES if case.endswith("-prod")]
STANDARD = [case for case in CASES if "provisioned" in case]
BROKERS = [case for case in CASES if "serverless" not in case]
IAM = [case for case in CASES if "iam" in case or "serverless" in case or case == "msk-express-prod"]
SCRAM = [case for case in CASES if case not in IAM]
APPLICATIONS = {"billing", "order-audit"}
GLUE = [case for case in CASES if "glue" in case]
APICURIO = [case for case in CASES if case != "msk-provisioned_iam-prod" and case not in GLUE]


def instances(case: str, type_: str, stack: str = "cluster") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every instance of a type with its values filled in: (name or key, arguments)."""
    document = golden(case)[stack]
    for section, found, name, body in blocks_of(document):
        if section == "resource" and found == type_:
            for key, value in instances_of(document, body).items():
                yield key or name, resolved(body, key, value)


def one(case: str, type_: str, stack: str = "cluster") -> dict[str, Any]:
    ((_, found),) = instances(case, type_, stack)
    return found


def properties(case: str) -> dict[str, str]:
    text = one(case, "aws_msk_configuration")["server_properties"]
    return dict(line.split("=", 1) for line in text.splitlines())


@pytest.mark.parametrize("case", CASES)
def test_outputs_are_named_as_on_every_platform_and_none_is_a_secret(case: str) -> None:
    outputs = golden(case)["cluster"]["output"]
    assert set(CLUSTER_OUTPUTS) <= set(outputs)
    mechanism = "OAUTHBEARER" if case in IAM else "SCRAM-SHA-512"
    assert outputs["client_settings"]["value"] == {"security.protocol": "SASL_SSL", "sasl.mechanism": mechanism}
    references = outputs["credentials"]["value"]
    assert all(text.startswith("aws-sm:") for text in references.values())
    assert {"producer", "consumer", "sink"} <= set(references) or case in IAM
    roles = set(outputs["role_arns"]["value"])
    own = APPLICATIONS if "_applications-" in case else set()
    readers = {"registry"} if case in GLUE else set()
    assert roles == ({"admin", "producer", "consumer", "sink"} | own if case in IAM else {"admin"}) | readers
    assert not any("kafka_passwords" in text or "secret_string" in text for text in strings(outputs))


@pytest.mark.parametrize("case", CASES)
def test_stacks_behind_take_only_what_the_cluster_outputs(case: str) -> None:
    documents = golden(case)
    outputs = {f"cluster_{name}" for name in documents["cluster"]["output"]}
    for stack in ("topics", "connect"):
        taken = {name for name in documents[stack]["variable"] if name.startswith("cluster_")}
        assert taken <= outputs


@pytest.mark.parametrize("case", BROKERS)
def test_nobody_talks_to_the_brokers_without_tls_and_a_login(case: str) -> None:
    cluster = one(case, "aws_msk_cluster")
    assert cluster["encryption_info"]["encryption_in_transit"] == {"client_broker": "TLS", "in_cluster": True}
    assert cluster["client_authentication"]["unauthenticated"] is False
    assert cluster["client_authentication"]["sasl"] == {"iam": True, "scram": case in SCRAM}
    assert "tls" not in cluster["client_authentication"]
    assert cluster["broker_node_group_info"]["connectivity_info"] == {"public_access": {"type": "DISABLED"}}
    assert cluster["encryption_info"]["encryption_at_rest_kms_key_arn"] == "${aws_kms_key.kafka.arn}"


@pytest.mark.parametrize("case", BROKERS)
def test_who_has_no_acl_has_no_right_and_topics_are_not_made_by_accident(case: str) -> None:
    assert properties(case)["allow.everyone.if.no.acl.found"] == "false"
    assert properties(case)["auto.create.topics.enable"] == "false"


@pytest.mark.parametrize("case", STANDARD)
def test_standard_brokers_never_elect_a_leader_that_lost_events(case: str) -> None:
    found = properties(case)
    assert found["unclean.leader.election.enable"] == "false"
    assert (found["default.replication.factor"], found["min.insync.replicas"]) == ("3", "2")
    assert found["log.retention.ms"] == str(30 * 86_400_000)


@pytest.mark.parametrize("case", [case for case in CASES if "express" in case])
def test_express_brokers_have_no_storage_and_only_what_they_let_be_set(case: str) -> None:
    assert "storage_info" not in one(case, "aws_msk_cluster")["broker_node_group_info"]
    assert set(properties(case)) == {"allow.everyone.if.no.acl.found", "auto.create.topics.enable"}
    assert not list(instances(case, "aws_appautoscaling_target"))


@pytest.mark.parametrize("case", PROD)
def test_production_keeps_three_copies_of_which_two_acknowledge(case: str) -> None:
    for _, topic in instances(case, "kafka_topic", "topics"):
        assert topic["replication_factor"] == 3
        assert topic["lifecycle"] == {"prevent_destroy": True}
        if "provisioned" in case and ".dlq" not in topic["name"]:
            assert topic["config"]["min.insync.replicas"] == "2"


@pytest.mark.parametrize("case", [case for case in CASES if "provisioned" not in case])
def test_topics_have_no_setting_that_the_mode_fixes(case: str) -> None:
    for _, topic in instances(case, "kafka_topic", "topics"):
        assert set(topic["config"]) == {"cleanup.policy", "retention.ms"}


@pytest.mark.parametrize("case", PROD)
def test_what_holds_data_in_production_cannot_be_destroyed_by_a_plan(case: str) -> None:
    kinds = ("aws_msk_cluster", "aws_msk_serverless_cluster", "aws_kms_key", "aws_db_instance")
    found = [body for kind in kinds for _, body in instances(case, kind)]
    assert found and all(body["lifecycle"]["prevent_destroy"] is True for body in found)
    for _, database in instances(case, "aws_db_instance"):
        assert database["deletion_protection"] is True and database["multi_az"] is True
        assert database["skip_final_snapshot"] is False and database["final_snapshot_identifier"]
    for _, secret in instances(case, "aws_secretsmanager_secret"):
        assert secret["recovery_window_in_days"] == 30


@pytest.mark.parametrize("case", [case for case in PROD if case in BROKERS])
def test_production_is_in_three_zones_and_watched_closely(case: str) -> None:
    cluster = one(case, "aws_msk_cluster")
    assert len(cluster["broker_node_group_info"]["client_subnets"]) == 3
    assert cluster["number_of_broker_nodes"] % 3 == 0
    assert cluster["enhanced_monitoring"] == "PER_BROKER"


@pytest.mark.parametrize("case", STANDARD)
def test_a_disk_that_grew_by_itself_is_not_planned_back(case: str) -> None:
    cluster, target = one(case, "aws_msk_cluster"), one(case, "aws_appautoscaling_target")
    size = cluster["broker_node_group_info"]["storage_info"]["ebs_storage_info"]["volume_size"]
    assert target["max_capacity"] > size >= 1
    (ignored,) = cluster["lifecycle"]["ignore_changes"]
    assert ignored == "broker_node_group_info[0].storage_info[0].ebs_storage_info[0].volume_size"
    scaling = one(case, "aws_appautoscaling_policy")["target_tracking_scaling_policy_configuration"]
    assert scaling["disable_scale_in"] is True


@pytest.mark.parametrize("case", CASES)
def test_nothing_is_open_to_everyone(case: str) -> None:
    named = {
        "msk-provisioned-prod": {"10.20.0.0/16", "sg-0123456789abcdef0"},
        "msk-provisioned_iam-prod": {"sg-0123456789abcdef0"},
        "msk-provisioned_glue-prod": {"10.20.0.0/16"},
        "msk-provisioned_privatelink-prod": {"10.20.0.0/16"},
        "msk-express-prod": {"10.20.0.0/16"},
        "msk-serverless-prod": {"10.20.0.0/16"},
    }.get(case.replace("_applications", ""), {"10.60.0.0/16"})
    rules = list(instances(case, "aws_vpc_security_group_ingress_rule"))
    assert rules
    for name, rule in rules:
        source = rule.get("cidr_ipv4") or rule["referenced_security_group_id"]
        allowed = named | ({"10.60.0.0/16"} if re.search("endpoints|snowflake", rule["security_group_id"]) else set())
        assert source in allowed or source.startswith("${aws_security_group."), name
        assert rule["ip_protocol"] == "tcp" and "cidr_ipv6" not in rule
    for _, group in instances(case, "aws_security_group"):
        assert "ingress" not in group and "egress" not in group
    for _, subnet in instances(case, "aws_subnet"):
        assert subnet["map_public_ip_on_launch"] is False
    for _, balancer in instances(case, "aws_lb"):
        assert balancer["internal"] is True
    for _, database in instances(case, "aws_db_instance"):
        assert database["publicly_accessible"] is False and database["storage_encrypted"] is True


@pytest.mark.parametrize("case", CASES)
def test_brokers_are_reached_on_the_ports_of_their_logins_alone(case: str) -> None:
    rules = instances(case, "aws_vpc_security_group_ingress_rule")
    ports = {rule["from_port"] for _, rule in rules if rule["security_group_id"] == "${aws_security_group.kafka.id}"}
    metrics = {11001, 11002} if case in BROKERS else set()
    assert ports == {9098} | ({9096} if case in SCRAM else set()) | metrics


@pytest.mark.parametrize("case", APICURIO)
def test_the_registry_answers_by_tls_wherever_there_is_a_domain(case: str) -> None:
    listener, url = one(case, "aws_lb_listener"), golden(case)["cluster"]["output"]["registry_url"]["value"]
    if case in PROD:
        assert (listener["protocol"], listener["port"]) == ("HTTPS", 443)
        assert listener["certificate_arn"] == "${aws_acm_certificate_validation.registry.certificate_arn}"
        assert url == "https://registry-streaming-prod.streaming.example.com/apis/ccompat/v7"
    else:
        assert (listener["protocol"], url[:8]) == ("HTTP", "http://$")


@pytest.mark.parametrize("case", GLUE)
def test_with_glue_nothing_runs_for_the_registry_and_one_role_reads_it(case: str) -> None:
    cluster, topics = golden(case)["cluster"], golden(case)["topics"]
    assert not [type_ for type_ in cluster["resource"] if type_.startswith(("aws_ecs", "aws_db", "aws_lb", "aws_nat"))]
    assert cluster["output"]["registry_url"]["value"] == "glue://us-east-1/streaming-prod"
    assert one(case, "aws_glue_registry")["registry_name"] == "streaming-prod"
    for_smoke, schema = (body for _, body in instances(case, "aws_glue_schema", "topics"))
    assert (schema["schema_name"], schema["data_format"], schema["compatibility"]) == (
        "order-events-value", "AVRO", "BACKWARD",
    )  # fmt: skip
    assert for_smoke["schema_name"] == "_infra_smoke-value"
    assert (
        schema["registry_arn"] == "${var.cluster_registry_arn}" and "arn" in cluster["output"]["registry_arn"]["value"]
    )
    assert schema["lifecycle"] == one(case, "aws_glue_registry")["lifecycle"] == {"prevent_destroy": True}
    assert "schemaregistry" not in topics["provider"] and "cluster_registry_url" not in topics["variable"]


@pytest.mark.parametrize("level", ["NONE", "FULL", "BACKWARD_TRANSITIVE", "FORWARD_TRANSITIVE", "FULL_TRANSITIVE"])
def test_glue_is_told_the_level_in_its_own_words(tmp_path: Path, level: str) -> None:
    project, name = project_of(GLUE[0], tmp_path)
    file = project.environments / f"{name}.yaml"
    value = f"value: {{schema: schemas/order_events.avsc, compatibility: {level}}}"
    file.write_text(f"{file.read_text()}topics: {{order-events: {{{value}}}}}\n")
    environment = load_environment(project, name)
    documents = {
        source.name: json.loads(source.json_path.read_text())
        for source in synth(environment, project, platform_for(environment, project), tmp_path / "out")
    }
    found = documents["topics"]["locals"]["aws_glue_schema_value"]["order-events-value"]["compatibility"]
    assert found == level.replace("TRANSITIVE", "ALL")


@pytest.mark.parametrize("case", CASES)
def test_everything_is_tagged_through_the_provider(case: str) -> None:
    for stack, document in golden(case).items():
        for provider in document["provider"].get("aws", []):
            (block,) = provider["default_tags"]
            assert {"project", "environment", "managed-by", "team", "cost-center"} <= set(block["tags"]), stack


@pytest.mark.parametrize("case", CASES)
def test_secrets_are_under_a_customer_key_and_written_by_write_only_arguments(case: str) -> None:
    for name, secret in instances(case, "aws_secretsmanager_secret"):
        assert secret["kms_key_id"] == "${aws_kms_key.kafka.arn}"
        assert secret["name"].startswith("AmazonMSK_") == (name in {"producer", "consumer", "sink"} | APPLICATIONS)
    for _, version in instances(case, "aws_secretsmanager_secret_version"):
        assert "secret_string_wo" in version and "secret_string" not in version and "secret_binary" not in version
    for _, database in instances(case, "aws_db_instance"):
        assert "password_wo" in database and "password" not in database


@pytest.mark.parametrize("case", SCRAM)
def test_every_scram_secret_is_associated_and_readable_by_msk_alone(case: str) -> None:
    document = golden(case)["cluster"]
    arns = one(case, "aws_msk_scram_secret_association")["secret_arn_list"]
    roles = {"producer", "consumer", "sink"} | (APPLICATIONS if "_applications-" in case else set())
    assert len(arns) == len(roles) and all(arn.startswith("${aws_secretsmanager_secret.login[") for arn in arns)
    for role in roles:
        (statement,) = document["locals"][f"policy_secret_{role}"]["Statement"]
        assert statement["Principal"] == {"Service": "kafka.amazonaws.com"}
        assert statement["Resource"] in arns


@pytest.mark.parametrize("case", CASES)
def test_rights_are_acls_or_policies_and_never_both(case: str) -> None:
    documents = golden(case)
    for stack in ("topics", "connect"):
        types = set(documents[stack]["resource"])
        if "aws_mskconnect_connector" in types:
            assert not {"kafka_acl", "aws_iam_policy"} & types, "MSK Connect works as a role of its own"
            continue
        assert ("kafka_acl" in types) == (case in SCRAM)
        assert ("aws_iam_policy" in types) == (case in IAM)


@pytest.mark.parametrize("case", CASES)
def test_alarms_are_those_that_have_metrics_in_the_mode_and_someone_is_told(case: str) -> None:
    single = {
        alarm["metric_name"] for _, alarm in instances(case, "aws_cloudwatch_metric_alarm") if "metric_name" in alarm
    }
    standard = {"KafkaDataLogsDiskUsed", "UnderReplicatedPartitions", "OfflinePartitionsCount"}
    assert "SumOffsetLag" in single
    assert standard <= single if case in STANDARD else not standard & single
    assert ("ActiveControllerCount" in single) == (case in BROKERS)
    summed = [alarm for _, alarm in instances(case, "aws_cloudwatch_metric_alarm") if "metric_query" in alarm]
    brokers = one(case, "aws_msk_cluster")["number_of_broker_nodes"] if case in BROKERS else 0
    assert len(summed) == brokers
    for alarm in summed:
        metrics = [query["metric"]["metric_name"] for query in alarm["metric_query"] if "metric" in query]
        assert metrics == ["CpuUser", "CpuSystem"]
    for _, alarm in instances(case, "aws_cloudwatch_metric_alarm"):
        assert alarm["alarm_actions"] == ["${aws_sns_topic.alarms.arn}"]


@pytest.mark.parametrize("case", BROKERS)
def test_logs_are_kept_for_a_while_and_no_longer(case: str) -> None:
    days = 90 if case in PROD else 14
    groups = list(instances(case, "aws_cloudwatch_log_group"))
    assert groups and all(group["retention_in_days"] == days for _, group in groups)
    logs = one(case, "aws_msk_cluster")["logging_info"]["broker_logs"]["cloudwatch_logs"]
    assert logs == {"enabled": True, "log_group": "${aws_cloudwatch_log_group.brokers.name}"}


def test_zones_come_from_aws_and_a_way_out_only_where_something_needs_one() -> None:
    for _, subnet in instances("msk-provisioned-prod", "aws_subnet"):
        assert subnet["availability_zone"].startswith("${data.aws_availability_zones.available.names[")
    assert len(list(instances("msk-provisioned-prod", "aws_nat_gateway"))) == 3
    assert len(list(instances("msk-provisioned-dev", "aws_nat_gateway"))) == 1
    endpoints = {name for name, _ in instances("msk-express-dev", "aws_vpc_endpoint")}
    assert endpoints == {"s3", "ecr.api", "ecr.dkr", "logs", "secretsmanager"}
    assert not list(instances("msk-express-dev", "aws_nat_gateway"))


def test_in_a_vpc_that_was_there_nothing_of_a_network_is_made_but_groups() -> None:
    made = set(golden("msk-provisioned_iam-prod")["cluster"]["resource"])
    assert not made & {"aws_vpc", "aws_subnet", "aws_route", "aws_nat_gateway", "aws_vpc_endpoint", "aws_eip"}
    assert "aws_security_group" in made


def many(tmp_path: Path, count: int) -> dict[str, Any]:
    """The topics stack of a serverless cluster with so many topics."""
    from modules.platforms import platform_for
    from stacks import synth

    project, name = project_of("msk-serverless-dev", tmp_path)
    topics = "\n".join(f"  a-topic-with-a-name-of-its-own-{n:03}: {{partitions: 1}}" for n in range(count))
    file = project.environments / f"{name}.yaml"
    file.write_text(f"{file.read_text()}topics:\n{topics}\n")
    environment = load_environment(project, name)
    sources = synth(environment, project, platform_for(environment, project), tmp_path / "out")
    found: dict[str, Any] = json.loads(next(each for each in sources if each.name == "topics").json_path.read_text())
    return found


def test_rights_on_many_topics_are_spread_over_policies_that_iam_takes(tmp_path: Path) -> None:
    document = many(tmp_path, 120)
    arn = "arn:aws:kafka:eu-west-1:123456789012:cluster/streaming-dev-kafka/" + "0" * 38
    granted: set[str] = set()
    for name, policy in document["locals"].items():
        if name.startswith("policy_kafka_"):
            text = json.dumps(policy, separators=(",", ":"))
            for kind in ("topic", "group"):
                inner = f'${{replace(var.cluster_arn, \\":cluster/\\", \\":{kind}/\\")}}'
                text = text.replace(inner, arn.replace(":cluster/", f":{kind}/"))
            text = text.replace("${var.cluster_arn}", arn)
            assert "${" not in text and len(text) <= 6_144, (name, len(text))
            granted |= {each for statement in json.loads(text)["Statement"] for each in statement["Resource"]}
    assert sum("a-topic-with-a-name" in each and ":topic/" in each for each in granted) == 120
    attached = document["locals"]["aws_iam_role_policy_attachment_access"]
    assert set(attached.values()) == {"streaming-dev-kafka-producer", "streaming-dev-kafka-consumer"}


def test_more_topics_than_a_roles_policies_can_name_is_told_before_terraform(tmp_path: Path) -> None:
    with pytest.raises(SynthError, match=r"the rights of the \w+ need \d+ IAM policies; a role takes 10"):
        many(tmp_path, 400)


def test_with_privatelink_nothing_leads_to_the_internet() -> None:
    connect = json.dumps(golden("msk-provisioned_privatelink-prod")["connect"])
    assert "acme-streaming.privatelink.snowflakecomputing.com" in connect
    assert "acme-streaming.snowflakecomputing.com" not in connect
    cluster = golden("msk-provisioned_privatelink-prod")["cluster"]["resource"]
    assert not {"aws_nat_gateway", "aws_internet_gateway", "aws_eip", "aws_route"} & set(cluster)
    endpoint, record = cluster["aws_vpc_endpoint"]["snowflake"], cluster["aws_route53_record"]["snowflake"]
    assert endpoint["service_name"] == "com.amazonaws.vpce.us-east-1.vpce-svc-0a1b2c3d4e5f60718"
    assert len(endpoint["subnet_ids"]) == 3 and endpoint["security_group_ids"] == ["${aws_security_group.snowflake.id}"]
    assert cluster["aws_route53_zone"]["snowflake"]["name"] == "privatelink.snowflakecomputing.com"
    assert cluster["aws_route53_zone"]["snowflake"]["vpc"] == [{"vpc_id": "${aws_vpc.main.id}"}]
    assert record["records"] == ["${aws_vpc_endpoint.snowflake.dns_entry[0].dns_name}"]
    assert '"ocsp.acme-streaming.privatelink.snowflakecomputing.com"' in record["for_each"]
    rules = dict(instances("msk-provisioned_privatelink-prod", "aws_vpc_security_group_ingress_rule"))
    ours = [rule for rule in rules.values() if "snowflake" in rule["security_group_id"]]
    assert {(rule["from_port"], rule["cidr_ipv4"]) for rule in ours} == {(443, "10.60.0.0/16"), (80, "10.60.0.0/16")}
