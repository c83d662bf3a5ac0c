"""`infra import --cluster ARN`: MSK is asked (moto on loopback), YAML written, the cluster taken over."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from modules.project import Project
from tests.adoption.conftest import Run
from tests.platforms.moto_server import serving

REGION = "us-east-1"
KEY = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"


@pytest.fixture
def aws(project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """A VPC that somebody made, and how to make a cluster in it."""
    with serving() as address:
        for name, value in {
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL": address,
        }.items():
            monkeypatch.setenv(name, value)
        ec2 = boto3.client("ec2", region_name=REGION)
        vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
        subnets = [
            ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.9.{number}.0/24", AvailabilityZone=f"{REGION}{zone}")["Subnet"][
                "SubnetId"
            ]
            for number, zone in enumerate("abc")
        ]
        group = ec2.create_security_group(GroupName="kafka", Description="kafka", VpcId=vpc)["GroupId"]
        yield {"kafka": boto3.client("kafka", region_name=REGION), "vpc": vpc, "subnets": subnets, "group": group}


def nodes(aws: dict[str, Any], kind: str = "kafka.m7g.large") -> dict[str, Any]:
    return {
        "BrokerAZDistribution": "DEFAULT",
        "InstanceType": kind,
        "ClientSubnets": aws["subnets"],
        "SecurityGroups": [aws["group"]],
        "ConnectivityInfo": {"PublicAccess": {"Type": "DISABLED"}},
        "StorageInfo": {"EbsStorageInfo": {"VolumeSize": 250}},
    }


def provisioned(aws: dict[str, Any], **more: Any) -> str:
    """A cluster that was made by hand: with a configuration, SCRAM, and clients that need not log in."""
    kafka = aws["kafka"]
    configuration = kafka.create_configuration(Name="by-hand", ServerProperties=b"num.partitions=12\n")["Arn"]
    arn: str = kafka.create_cluster(
        **{
            "ClusterName": "orders-live",
            "KafkaVersion": "3.6.0",
            "NumberOfBrokerNodes": 6,
            "BrokerNodeGroupInfo": nodes(aws),
            "ConfigurationInfo": {"Arn": configuration, "Revision": 1},
            "ClientAuthentication": {
                "Sasl": {"Scram": {"Enabled": True}, "Iam": {"Enabled": False}},
                "Unauthenticated": {"Enabled": True},
            },
            "EncryptionInfo": {
                "EncryptionAtRest": {"DataVolumeKMSKeyId": KEY},
                "EncryptionInTransit": {"ClientBroker": "TLS_PLAINTEXT", "InCluster": True},
            },
            "EnhancedMonitoring": "DEFAULT",
            **more,
        }
    )["ClusterArn"]
    return arn


def test_a_provisioned_cluster_is_written_and_planned_without_a_replacement(
    run: Run, project: Project, aws: dict[str, Any]
) -> None:
    arn = provisioned(aws)
    secret = "arn:aws:secretsmanager:us-east-1:123456789012:secret:AmazonMSK_shop-AbCdEf"
    aws["kafka"].batch_associate_scram_secret(ClusterArn=arn, SecretArnList=[secret])

    ran = run("import", "--env", "live", "--cluster", arn, "--write", "--yes", "--offline", "--json")
    assert ran.code == 0, ran.err
    text = (project.environments / "live.yaml").read_text()
    assert text == (
        "# yaml-language-server: $schema=schema.json\n"
        f"# What runs as {arn}; change it and deploy, as any other environment.\n"
        "extends: base\n"
        "platform: msk\n"
        "msk:\n"
        "  mode: provisioned # a change is another cluster\n"
        "  region: us-east-1 # a change is another cluster\n"
        "  adopted:\n"
        "    name: orders-live\n"
        f"    security_groups: [{aws['group']}] # they decide who reaches the brokers\n"
        f"    kms_key: {KEY}\n"
        "    configuration: arn:aws:kafka:us-east-1:123456789012:configuration/by-hand/"
        "11111111-1111-1111-1111-1-1#1 # take the line out, and brokers get this environment's: "
        "closed without an ACL, min ISR 2 …\n"
        f"    scram_secrets: ['{secret}'] # logins that go on to work\n"
        "  broker_type: kafka.m7g.large # can be changed in place\n"
        "  brokers: 6 # can be raised by whole zones\n"
        "  kafka_version: 3.6.0 # a higher one is changed to in place; MSK takes none back\n"
        "  storage_per_broker: 250GiB # grows by itself, never shrinks\n"
        "  authentication: scram\n"
        "network:\n"
        f"  vpc_id: {aws['vpc']} # stays its owner's\n"
        f"  subnet_ids: [{', '.join(aws['subnets'])}]\n"
        "  zones: 3\n"
        "  clients: [10.9.0.0/16] # who may reach the registry\n"
    )
    left = "\n".join(ran.json["left"])
    assert f"{aws['vpc']} with {', '.join(aws['subnets'])} stays its owner's" in left
    assert "clients that do not log in are cut off" in left and "without TLS are cut off" in left

    planned = run("plan", "--env", "live", "--offline", "--json")
    assert planned.code == 2, planned.err
    kinds = {address: kind for address, kind in planned.changes.items() if kind != "create"}
    assert kinds.pop("cluster: aws_msk_cluster.main") == "import"
    assert kinds.pop("cluster: aws_msk_scram_secret_association.main") == "import"
    assert kinds == {}
    assert not any("aws_msk_configuration" in address or "aws_vpc.main" in address for address in planned.changes)


@pytest.mark.soak
def test_a_cluster_that_was_taken_over_is_deployed_and_its_logins_stay(
    run: Run, project: Project, aws: dict[str, Any]
) -> None:
    arn = provisioned(aws)
    secret = "arn:aws:secretsmanager:us-east-1:123456789012:secret:AmazonMSK_shop-AbCdEf"
    aws["kafka"].batch_associate_scram_secret(ClusterArn=arn, SecretArnList=[secret])
    assert run("import", "--env", "live", "--cluster", arn, "--write", "--yes", "--offline").code == 0
    deployed = run("deploy", "--env", "live", "--offline", "--yes")
    assert deployed.code == 0, deployed.err
    assert run("plan", "--env", "live", "--offline").code == 0
    file = project.environment_state("live").parents[1] / "offline/env/live/cluster/terraform.tfstate"
    assert secret in file.read_text(), "the login that was there is still one"


def test_by_its_name_in_an_environment_of_msk_and_express_without_disks(
    run: Run, project: Project, aws: dict[str, Any]
) -> None:
    broker = {**nodes(aws, "express.m7g.large")}
    del broker["StorageInfo"]
    arn = provisioned(aws, BrokerNodeGroupInfo=broker, NumberOfBrokerNodes=3, KafkaVersion="3.8.x")
    file = project.environments / "live.yaml"
    file.write_text("extends: base\nplatform: msk # ours\nnetwork: {cidr: 10.1.0.0/16, clients: [10.20.0.0/16]}\n")
    shown = run("import", "--env", "live", "--cluster", "orders-live", "--json")
    assert shown.code == 2, shown.err
    assert shown.json["cluster"] == arn and "+platform: msk" not in shown.json["diff"]
    assert run("import", "--env", "live", "--cluster", "orders-live", "--write", "--yes", "--offline").code == 0
    after = file.read_text()
    assert "mode: express" in after and "storage" not in after and "cidr" not in after
    assert "clients: [10.20.0.0/16]" in after, "whom the file names already stays"
    planned = run("plan", "--env", "live", "--offline", "--json")
    assert {kind for kind in planned.changes.values() if "replace" in kind or "delete" in kind} == set(), planned.err
    missing = run("import", "--env", "live", "--cluster", "other")
    assert missing.code == 1 and "there is no MSK cluster `other` in us-east-1" in missing.err


def test_serverless_is_taken_over_by_its_arn(run: Run, project: Project, aws: dict[str, Any]) -> None:
    arn = aws["kafka"].create_cluster_v2(
        ClusterName="serverless-live",
        Serverless={
            "VpcConfigs": [{"SubnetIds": aws["subnets"], "SecurityGroupIds": [aws["group"]]}],
            "ClientAuthentication": {"Sasl": {"Iam": {"Enabled": True}}},
        },
    )["ClusterArn"]
    ran = run("import", "--env", "live", "--cluster", arn, "--write", "--yes", "--offline", "--json")
    assert ran.code == 0, ran.err
    assert ran.json["imports"] == {"cluster": {"aws_msk_serverless_cluster.main": arn}}
    planned = run("plan", "--env", "live", "--offline", "--json")
    kinds = {address: kind for address, kind in planned.changes.items() if kind != "create"}
    assert kinds == {"cluster: aws_msk_serverless_cluster.main": "import"}, planned.err


def test_what_msk_could_not_change_in_place_is_refused(run: Run, project: Project, aws: dict[str, Any]) -> None:
    transit = {"EncryptionInTransit": {"ClientBroker": "TLS", "InCluster": False}}
    arn = provisioned(aws, EncryptionInfo=transit)
    ran = run("import", "--env", "live", "--cluster", arn, "--write", "--yes")
    assert ran.code == 1
    assert f"error: {arn}: its brokers talk to each other unencrypted" in ran.err
    assert not (project.environments / "live.yaml").exists()


def test_an_environment_that_has_a_cluster_takes_no_other(run: Run, project: Project, aws: dict[str, Any]) -> None:
    first, other = provisioned(aws), provisioned(aws, ClusterName="other")
    held = {"mode": "managed", "type": "aws_msk_cluster", "name": "main", "instances": [{"attributes": {"id": first}}]}
    state = project.environment_state("live") / "cluster" / "terraform.tfstate"
    state.parent.mkdir(parents=True)
    state.write_text(json.dumps({"version": 4, "serial": 1, "outputs": {}, "resources": [held]}))
    assert run("import", "--env", "live", "--cluster", first).code == 2
    ran = run("import", "--env", "live", "--cluster", other)
    assert ran.code == 1 and f"environment `live` has another cluster already, {first}" in ran.err


def test_nobody_logged_in_is_said(run: Run, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", str(project.root))
    arn = "arn:aws:kafka:us-east-1:123456789012:cluster/x/11111111-2222-3333-4444-555555555555-1"
    ran = run("import", "--env", "live", "--cluster", arn)
    assert ran.code == 1 and "AWS does not tell of the cluster: Unable to locate credentials" in ran.err
