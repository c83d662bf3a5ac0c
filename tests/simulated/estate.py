"""Terraform JSON that touches all five providers the way a deployed pipeline does: references, tags, nested blocks."""

from __future__ import annotations

from typing import Any

__all__ = ["estate", "part"]

SOURCES = {
    "aws": "hashicorp/aws",
    "confluent": "confluentinc/confluent",
    "kafka": "mongey/kafka",
    "schemaregistry": "cultureamp/schemaregistry",
    "snowflake": "snowflakedb/snowflake",
}


def estate() -> dict[str, Any]:
    """A document anew at each call, for tests to change."""
    return {
        "terraform": {"required_providers": {name: {"source": source} for name, source in SOURCES.items()}},
        "provider": {
            "aws": {"region": "eu-west-1", "default_tags": {"tags": {"project": "pipeline", "managed-by": "infra"}}},
            "confluent": {},
            "kafka": {"bootstrap_servers": ["${aws_msk_cluster.it.bootstrap_brokers_sasl_scram}"], "tls_enabled": True},
            "schemaregistry": {"schema_registry_url": "${data.confluent_schema_registry_cluster.it.rest_endpoint}"},
            "snowflake": {},
        },
        "data": _data(),
        "resource": {**_network(), **_msk(), **_ecs(), **_confluent(), **_snowflake(), **_topics()},
    }


def part(*providers: str, **resources: Any) -> dict[str, Any]:
    """A document of some resources with the providers they need only, which is what makes a test quick."""
    whole = estate()
    return {
        "terraform": {"required_providers": {name: {"source": SOURCES[name]} for name in providers}},
        "provider": {name: {} if name != "kafka" else {"bootstrap_servers": ["k:9092"]} for name in providers},
        "resource": {kind: body or whole["resource"][kind] for kind, body in resources.items()},
    }


def _data() -> dict[str, Any]:
    statement = {
        "effect": "Allow",
        "actions": ["sts:AssumeRole"],
        "principals": {"type": "Service", "identifiers": ["ecs-tasks.amazonaws.com"]},
    }
    return {
        "aws_availability_zones": {"it": {"state": "available"}},
        "aws_caller_identity": {"it": {}},
        "aws_iam_policy_document": {"trust": {"statement": [statement]}},
        "aws_ssm_parameter": {
            "image": {"name": "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64"}
        },
        "confluent_organization": {"it": {}},
        "confluent_schema_registry_cluster": {
            "it": {
                "environment": {"id": "${confluent_environment.it.id}"},
                "depends_on": ["confluent_kafka_cluster.it"],
            }
        },
    }


def _network() -> dict[str, Any]:
    return {
        "aws_vpc": {"it": {"cidr_block": "10.0.0.0/16", "tags": {"Name": "pipeline"}}},
        "aws_subnet": {
            "private": {
                "for_each": {"0": "10.0.0.0/24", "1": "10.0.1.0/24", "2": "10.0.2.0/24"},
                "vpc_id": "${aws_vpc.it.id}",
                "cidr_block": "${each.value}",
                "availability_zone": "${data.aws_availability_zones.it.names[each.key]}",
            }
        },
        "aws_security_group": {"brokers": {"name": "brokers", "vpc_id": "${aws_vpc.it.id}"}},
        "aws_vpc_security_group_ingress_rule": {
            "clients": {
                "security_group_id": "${aws_security_group.brokers.id}",
                "ip_protocol": "tcp",
                "from_port": 9096,
                "to_port": 9096,
                "cidr_ipv4": "10.0.0.0/16",
            }
        },
    }


def _msk() -> dict[str, Any]:
    return {
        "aws_kms_key": {"it": {"description": "brokers"}},
        "aws_msk_configuration": {
            "it": {"name": "pipeline", "server_properties": "min.insync.replicas=2\n", "kafka_versions": ["3.9.x"]}
        },
        "aws_msk_cluster": {
            "it": {
                "cluster_name": "pipeline",
                "kafka_version": "3.9.x",
                "number_of_broker_nodes": 3,
                "broker_node_group_info": {
                    "instance_type": "kafka.m7g.large",
                    "client_subnets": "${[for subnet in aws_subnet.private : subnet.id]}",
                    "security_groups": ["${aws_security_group.brokers.id}"],
                    "storage_info": {"ebs_storage_info": {"volume_size": 100}},
                },
                "client_authentication": {"sasl": {"scram": True}},
                "configuration_info": {
                    "arn": "${aws_msk_configuration.it.arn}",
                    "revision": "${aws_msk_configuration.it.latest_revision}",
                },
                "encryption_info": {"encryption_at_rest_kms_key_arn": "${aws_kms_key.it.arn}"},
            }
        },
    }


def _ecs() -> dict[str, Any]:
    return {
        "aws_iam_role": {
            "task": {"name": "task", "assume_role_policy": "${data.aws_iam_policy_document.trust.json}"},
        },
        "aws_ecs_cluster": {"it": {"name": "pipeline"}},
        "aws_ecs_task_definition": {
            "it": {
                "family": "connect",
                "container_definitions": '[{"name": "connect", "image": "example/connect:1"}]',
                "execution_role_arn": "${aws_iam_role.task.arn}",
            }
        },
        "aws_ecs_service": {
            "it": {
                "name": "connect",
                "cluster": "${aws_ecs_cluster.it.arn}",
                "task_definition": "${aws_ecs_task_definition.it.arn}",
                "desired_count": 1,
            }
        },
        "aws_instance": {
            "broker": {"ami": "${data.aws_ssm_parameter.image.value}", "subnet_id": '${aws_subnet.private["0"].id}'}
        },
        "aws_ebs_volume": {"data": {"availability_zone": "eu-west-1a", "size": 50}},
    }


def _confluent() -> dict[str, Any]:
    return {
        "confluent_environment": {"it": {"display_name": "dev", "stream_governance": {"package": "ESSENTIALS"}}},
        "confluent_kafka_cluster": {
            "it": {
                "display_name": "orders",
                "availability": "SINGLE_ZONE",
                "cloud": "AWS",
                "region": "eu-west-1",
                "basic": {},
                "environment": {"id": "${confluent_environment.it.id}"},
            }
        },
        "confluent_service_account": {"producer": {"display_name": "producer"}},
        "confluent_api_key": {
            "producer": {
                "display_name": "producer",
                "owner": {
                    "id": "${confluent_service_account.producer.id}",
                    "api_version": "${confluent_service_account.producer.api_version}",
                    "kind": "${confluent_service_account.producer.kind}",
                },
            }
        },
        "confluent_role_binding": {
            "producer": {
                "principal": "User:${confluent_service_account.producer.id}",
                "role_name": "DeveloperWrite",
                "crn_pattern": "${confluent_kafka_cluster.it.rbac_crn}/topic=orders",
            }
        },
        "confluent_kafka_topic": {
            "orders": {
                "topic_name": "orders",
                "partitions_count": 6,
                "kafka_cluster": {"id": "${confluent_kafka_cluster.it.id}"},
                "rest_endpoint": "${confluent_kafka_cluster.it.rest_endpoint}",
                "config": {"retention.ms": "604800000"},
            }
        },
    }


def _snowflake() -> dict[str, Any]:
    column = {"name": "EVENT_ID", "type": "VARCHAR", "nullable": False}
    return {
        "snowflake_database": {"it": {"name": "STREAMING"}},
        "snowflake_warehouse": {"it": {"name": "LOADING", "warehouse_size": "XSMALL"}},
        "snowflake_table": {
            "events": {
                "database": "${snowflake_database.it.name}",
                "schema": "PUBLIC",
                "name": "EVENTS",
                "column": [column],
            }
        },
    }


def _topics() -> dict[str, Any]:
    return {
        "kafka_topic": {"orders": {"name": "orders", "partitions": 6, "replication_factor": 3}},
        "schemaregistry_schema": {
            "orders": {"subject": "orders-value", "schema_type": "AVRO", "schema": '{"type": "string"}'}
        },
    }
