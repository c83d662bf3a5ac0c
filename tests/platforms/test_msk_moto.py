"""MSK's cluster stack with the official AWS plugin against moto: applied, planned empty, destroyed.

Needs the plugin, so a mirror folder in INFRA_PLUGIN_DIR
(`registry.terraform.io/hashicorp/aws/VERSION/OS_ARCH/…`); without it the first test alone runs, which asks the server
what the plugin would ask.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from modules.environment import load_environment
from modules.platforms import platform_for
from modules.terraform.engine import Deployment, Options
from modules.terraform.providers import ProviderInstallation
from modules.topics import ROLES
from stacks import synth
from tests.platforms.golden import project_of
from tests.platforms.moto_server import serving

EXTERNAL = "msk: {registry: {kind: external, url: 'https://registry.example.com'}"


def plugin_folder() -> Path | None:
    given = os.environ.get("INFRA_PLUGIN_DIR")
    folder = Path(given) if given else None
    return folder if folder and list(folder.glob("*/hashicorp/aws")) else None


@pytest.fixture(autouse=True)
def _no_real_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)


def test_the_server_answers_what_the_plugin_asks_of_msk(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as address:
        kafka = boto3.client("kafka", endpoint_url=address)
        configuration = kafka.create_configuration(Name="streaming-dev-kafka", ServerProperties=b"a=b\n")
        arn = configuration["Arn"]
        assert kafka.describe_configuration(Arn=arn)["LatestRevision"]["Revision"] == 1
        assert kafka.describe_configuration_revision(Arn=arn, Revision=1)["ServerProperties"] == b"a=b\n"
        cluster = kafka.create_cluster(
            ClusterName="streaming-dev-kafka",
            KafkaVersion="3.9.x.kraft",
            NumberOfBrokerNodes=3,
            BrokerNodeGroupInfo={"InstanceType": "kafka.m7g.large", "ClientSubnets": ["subnet-0a"]},
            ConfigurationInfo={"Arn": arn, "Revision": 1},
        )["ClusterArn"]
        info = kafka.describe_cluster_v2(ClusterArn=cluster)["ClusterInfo"]
        assert info["State"] == "ACTIVE"
        assert info["Provisioned"]["CurrentBrokerSoftwareInfo"]["ConfigurationArn"] == arn
        assert ":9098" in kafka.get_bootstrap_brokers(ClusterArn=cluster)["BootstrapBrokerStringSaslIam"]
        secret = "arn:aws:secretsmanager:us-east-1:123456789012:secret:AmazonMSK_x"
        kafka.batch_associate_scram_secret(ClusterArn=cluster, SecretArnList=[secret])
        assert kafka.list_scram_secrets(ClusterArn=cluster)["SecretArnList"] == [secret]
        kafka.batch_disassociate_scram_secret(ClusterArn=cluster, SecretArnList=[secret])
        assert kafka.list_scram_secrets(ClusterArn=cluster)["SecretArnList"] == []
        kafka.delete_cluster(ClusterArn=cluster)
        kafka.delete_configuration(Arn=arn)
        for ask in (
            lambda: kafka.describe_cluster_v2(ClusterArn=cluster),
            lambda: kafka.describe_cluster(ClusterArn=cluster),
            lambda: kafka.describe_configuration(Arn=arn),
        ):
            with pytest.raises(ClientError) as caught:
                ask()
            assert caught.value.response["Error"]["Code"] == "NotFoundException"
        assert boto3.client("ec2", endpoint_url=address).describe_vpcs()["Vpcs"], "the rest is moto's own"


@pytest.mark.skipif(plugin_folder() is None, reason="no official AWS plugin: INFRA_PLUGIN_DIR names no mirror with it")
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("mode", ["provisioned", "express", "serverless"])
def test_the_cluster_stack_is_applied_planned_empty_and_destroyed(
    mode: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, name = project_of("msk-provisioned-dev", tmp_path)
    lines = ["extends: _common", "platform: msk", f"{EXTERNAL}, mode: {mode}}}"]
    (project.environments / f"{name}.yaml").write_text("\n".join(lines) + "\n")
    environment = load_environment(project, name)
    sources = synth(environment, project, platform_for(environment, project), tmp_path / "out")
    cluster = [source for source in sources if source.name == "cluster"]
    secrets: dict[str, Any] = {}
    if environment.msk.login == "scram":
        secrets = {"kafka_passwords": json.dumps(dict.fromkeys(ROLES, "s3cret-for-moto"))}
    with serving() as address:
        monkeypatch.setenv("AWS_ENDPOINT_URL", address)
        installation = ProviderInstallation("official", plugin_folder())
        deployment = Deployment(project, name, cluster, installation, Options(secrets=secrets))
        deployment.apply(deployment.plan())
        assert deployment.plan().has_changes is False
        state = project.environment_state(name) / "cluster" / "terraform.tfstate"
        assert "s3cret-for-moto" not in state.read_text()
        deployment.destroy()
        assert json.loads(state.read_text())["resources"] == []
