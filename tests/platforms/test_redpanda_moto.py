"""Redpanda's cluster stack with the official AWS plugin against moto: applied, planned empty, destroyed.

Needs the plugin, so a mirror folder in INFRA_PLUGIN_DIR
(`registry.terraform.io/hashicorp/aws/VERSION/OS_ARCH/…`); without it the first tests alone run, which ask the server
what the plugin would ask. No broker answers anywhere, so the gates between brokers are left open.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import boto3
import pytest

from modules.environment import load_environment
from modules.platforms import platform_for
from modules.terraform.engine import Deployment, Options
from modules.terraform.providers import ProviderInstallation
from stacks import synth
from tests.platforms.golden import golden, project_of
from tests.platforms.moto_server import serving
from tests.platforms.test_msk_moto import _no_real_aws, plugin_folder

__all__ = ["_no_real_aws"]

_IMAGE = "/aws/service/ecs/optimized-ami/amazon-linux-2023/arm64/recommended/image_id"


PLAIN = (
    "availability_zone_rebalancing", "desired_count", "enable_ecs_managed_tags", "health_check_grace_period_seconds",
    "launch_type", "placement_constraints", "platform_version", "propagate_tags",
)  # fmt: skip
"""Arguments of a service that ECS is given as they are."""


def camel(name: str) -> str:
    """`enable_ecs_managed_tags` as ECS writes it."""
    first, *rest = name.split("_")
    return first + "".join({"ecs": "ECS"}.get(each, each.capitalize()) for each in rest)


@pytest.mark.parametrize("compute", ["ec2", "fargate"])
def test_a_service_is_steady_and_described_as_it_was_asked_for(compute: str) -> None:
    """With the arguments of the golden stack."""
    arguments = golden(f"redpanda-{compute}-prod")["cluster"]["resource"]["aws_ecs_service"]["broker-1"]
    wanted: dict[str, Any] = {camel(name): arguments[name] for name in PLAIN if name in arguments}
    wanted["deploymentConfiguration"] = {
        "maximumPercent": arguments["deployment_maximum_percent"],
        "minimumHealthyPercent": arguments["deployment_minimum_healthy_percent"],
        "deploymentCircuitBreaker": arguments["deployment_circuit_breaker"],
    }
    volumes = []
    if compute == "fargate":
        role = "arn:aws:iam::123456789012:role/volumes"
        volumes = [{"name": "data", "managedEBSVolume": {"roleArn": role, "sizeInGiB": 500, "volumeType": "gp3"}}]
        wanted["volumeConfigurations"] = volumes
    with serving() as address:
        ecs, ec2 = (boto3.client(name, endpoint_url=address) for name in ("ecs", "ec2"))
        cluster = ecs.create_cluster(clusterName="streaming-prod")["cluster"]["clusterArn"]
        task = ecs.register_task_definition(
            family="broker",
            networkMode="awsvpc",
            requiresCompatibilities=[compute.upper()],
            cpu="4096",
            memory="16384",
            containerDefinitions=[{"name": "redpanda", "image": "x:1", "essential": True}],
        )["taskDefinition"]["taskDefinitionArn"]
        subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
        group = ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]
        network = {"awsvpcConfiguration": {"subnets": [subnet], "securityGroups": [group]}}
        ecs.create_service(
            cluster=cluster, serviceName="broker-1", taskDefinition=task, networkConfiguration=network, **wanted
        )

        (found,) = ecs.describe_services(cluster=cluster, services=["broker-1"])["services"]
        assert (len(found["deployments"]), found["runningCount"], found["desiredCount"]) == (1, 1, 1)
        assert found["deployments"][0].get("volumeConfigurations", []) == volumes
        wanted.pop("volumeConfigurations", None)
        assert {name: found[name] for name in wanted} == wanted

        (brief,) = ecs.list_service_deployments(cluster=cluster, service="broker-1")["serviceDeployments"]
        assert found["deployments"][0]["id"].partition("/")[2] in brief["targetServiceRevisionArn"]
        arns = [brief["serviceDeploymentArn"]]
        (whole,) = ecs.describe_service_deployments(serviceDeploymentArns=arns)["serviceDeployments"]
        assert whole["status"] == "SUCCESSFUL"

        ecs.update_service(cluster=cluster, service="broker-1", desiredCount=0)
        ecs.delete_service(cluster=cluster, service="broker-1")
        (gone,) = ecs.describe_services(cluster=cluster, services=["broker-1"])["services"]
        assert (gone["status"], gone["runningCount"]) == ("INACTIVE", 0)


def test_a_machine_has_the_root_disk_it_was_asked_for() -> None:
    """The plugin asks the image for the root device's name, and looks for that name among the machine's disks."""
    with serving() as address:
        ec2, ssm = (boto3.client(name, endpoint_url=address) for name in ("ec2", "ssm"))
        image = ssm.get_parameter(Name=_IMAGE)["Parameter"]["Value"]
        (described,) = ec2.describe_images(ImageIds=[image])["Images"]
        assert (described["RootDeviceType"], described["Architecture"]) == ("ebs", "arm64")
        device = described["RootDeviceName"]
        disk = {"VolumeSize": 30, "VolumeType": "gp3", "Encrypted": True}
        made = ec2.run_instances(
            ImageId=image,
            InstanceType="m7g.xlarge",
            MinCount=1,
            MaxCount=1,
            BlockDeviceMappings=[{"DeviceName": device, "Ebs": disk}],
            MetadataOptions={"HttpTokens": "required", "HttpEndpoint": "enabled", "HttpPutResponseHopLimit": 1},
        )["Instances"][0]["InstanceId"]
        (machine,) = ec2.describe_instances(InstanceIds=[made])["Reservations"][0]["Instances"]
        assert machine["RootDeviceName"] == device
        (mapping,) = [each for each in machine["BlockDeviceMappings"] if each["DeviceName"] == device]
        (root,) = ec2.describe_volumes(VolumeIds=[mapping["Ebs"]["VolumeId"]])["Volumes"]
        assert {name: root[key] for name, key in (("VolumeSize", "Size"), ("VolumeType", "VolumeType"))} == {
            "VolumeSize": 30,
            "VolumeType": "gp3",
        }
        assert root["Encrypted"] is True
        assert machine["MetadataOptions"]["HttpTokens"] == "required"


@pytest.mark.skipif(plugin_folder() is None, reason="no official AWS plugin: INFRA_PLUGIN_DIR names no mirror with it")
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("compute", ["ec2", "fargate"])
def test_the_cluster_stack_is_applied_planned_empty_and_destroyed(
    compute: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, name = project_of("redpanda-ec2-dev", tmp_path)
    lines = ["extends: _common", "platform: redpanda", f"redpanda: {{compute: {compute}, brokers: 3}}"]
    (project.environments / f"{name}.yaml").write_text("\n".join(lines) + "\n")
    environment = load_environment(project, name)
    platform = platform_for(environment, project)
    cluster = [source for source in synth(environment, project, platform, tmp_path / "out") if source.name == "cluster"]
    secrets = platform.terraform_secrets("cluster")
    monkeypatch.setenv("INFRA_REDPANDA_GATE", "skip")
    with serving() as address:
        monkeypatch.setenv("AWS_ENDPOINT_URL", address)
        installation = ProviderInstallation("official", plugin_folder())
        deployment = Deployment(project, name, cluster, installation, Options(secrets=secrets))
        deployment.apply(deployment.plan())
        services = boto3.client("ecs", endpoint_url=address).list_services(cluster="streaming-dev-brokers")
        assert len(services["serviceArns"]) == 3
        assert deployment.plan().has_changes is False
        state = project.environment_state(name) / "cluster" / "terraform.tfstate"
        text = state.read_text()
        for password in json.loads(secrets["kafka_passwords"]).values():
            assert password not in text
        assert "PRIVATE KEY" not in text
        deployment.destroy()
        assert json.loads(state.read_text())["resources"] == []
