"""Reads a cluster of Amazon MSK through AWS's API, with the credentials AWS's tools find; changes nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from modules.adoption.found import FoundCluster, Setting
from modules.errors import ConfigError, ServiceError

__all__ = ["read_msk", "region_of"]

_ARN = re.compile(r"arn:aws[a-z-]*:kafka:([a-z0-9-]+):[0-9]{12}:(?:serverless-)?cluster/.+")


def region_of(identifier: str) -> str | None:
    """An ARN's region; None of a name."""
    match = _ARN.fullmatch(identifier)
    return match[1] if match else None


def read_msk(identifier: str, region: str) -> FoundCluster:
    """The cluster of an ARN or a name.

    Raises:
        ConfigError: there is none, or it is of a kind that an environment here cannot be.
        ServiceError: AWS does not answer, or refuses.
    """
    kafka = _kafka(region)
    if region_of(identifier) is None:
        pages = kafka.get_paginator("list_clusters_v2").paginate(ClusterNameFilter=identifier)
        listed = _asked(lambda: [each for page in pages for each in page["ClusterInfoList"]], identifier)
        arns = [each["ClusterArn"] for each in listed if each["ClusterName"] == identifier]
        if not arns:
            raise ConfigError(
                f"there is no MSK cluster `{identifier}` in {region}", do="give its ARN, or another region"
            )
        identifier = arns[0]
    found = _asked(lambda: kafka.describe_cluster_v2(ClusterArn=identifier)["ClusterInfo"], identifier)
    if found["State"] != "ACTIVE":
        raise ConfigError(
            f"the cluster is not ready to be taken over: it is {found['State']}", where=identifier, do="wait"
        )
    if found["ClusterType"] == "SERVERLESS":
        return _serverless(found, region)
    configuration = found["Provisioned"].get("CurrentBrokerSoftwareInfo", {}).get("ConfigurationArn")
    pages = kafka.get_paginator("list_scram_secrets").paginate(ClusterArn=identifier)
    secrets = _asked(lambda: [each for page in pages for each in page.get("SecretArnList") or []], identifier)
    return _provisioned(found, region, configuration, secrets)


def _kafka(region: str) -> Any:
    import boto3

    return boto3.client("kafka", region_name=region, config=_patience())


def _ec2(region: str) -> Any:
    import boto3

    return boto3.client("ec2", region_name=region, config=_patience())


def _patience() -> Any:
    from botocore.config import Config

    return Config(connect_timeout=5, read_timeout=20, retries={"total_max_attempts": 3})


def _asked(ask: Callable[[], Any], where: str) -> Any:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return ask()
    except ClientError as error:
        detail = error.response.get("Error", {})
        if detail.get("Code") == "NotFoundException":
            raise ConfigError("there is no such MSK cluster", where=where, do="check the ARN and the account") from None
        reason = f"{detail.get('Code', 'an error')}: {detail.get('Message', '')}"
    except BotoCoreError as error:
        reason = str(error)
    raise ServiceError(
        f"AWS does not tell of the cluster: {reason}",
        where=where,
        do="log in to the account (AWS_PROFILE, or AWS_ACCESS_KEY_ID …) as someone who may describe MSK clusters",
    )


def _serverless(found: Mapping[str, Any], region: str) -> FoundCluster:
    arn, name, inner = found["ClusterArn"], found["ClusterName"], found["Serverless"]["VpcConfigs"]
    if len(inner) > 1:
        raise ConfigError("the cluster is in several VPCs; an environment here has one", where=arn)
    subnets, groups = inner[0]["SubnetIds"], inner[0].get("SecurityGroupIds") or []
    vpc, network = _network_settings(subnets, region)
    address = "aws_msk_serverless_cluster.main"
    settings = [*_first(found, region, "serverless", groups), *network]
    body = {
        "id": arn,
        "arn": arn,
        "cluster_name": name,
        "client_authentication": [{"sasl": [{"iam": [{"enabled": True}]}]}],
        "vpc_config": [{"subnet_ids": subnets, "security_group_ids": groups}],
        "tags": dict(found.get("Tags") or {}),
    }
    names = ("broker_type", "brokers", "kafka_version", "storage_per_broker", "storage_ceiling", "authentication")
    dropped = (*(("msk", each) for each in names), ("network", "cidr"))
    return FoundCluster(
        "msk", arn, tuple(settings), {address: arn}, {address: body}, dropped, _left(vpc, subnets, groups)
    )


def _provisioned(found: Mapping[str, Any], region: str, configuration: str | None, secrets: list[str]) -> FoundCluster:
    arn, inner = found["ClusterArn"], found["Provisioned"]
    nodes, rest = inner["BrokerNodeGroupInfo"], inner.get("EncryptionInfo") or {}
    transit = {"ClientBroker": "TLS", "InCluster": True, **(rest.get("EncryptionInTransit") or {})}
    if not transit["InCluster"]:
        raise ConfigError(
            "its brokers talk to each other unencrypted, which MSK cannot change in a cluster that is there",
            where=arn,
            do="deploy a new environment (every cluster made here encrypts) and move topics over",
        )
    express = str(nodes["InstanceType"]).startswith("express.")
    subnets, groups = nodes["ClientSubnets"], nodes.get("SecurityGroups") or []
    vpc, network = _network_settings(subnets, region)
    software = inner.get("CurrentBrokerSoftwareInfo") or {}
    key = (rest.get("EncryptionAtRest") or {}).get("DataVolumeKMSKeyId")
    settings = _first(found, region, "express" if express else "provisioned", groups)
    if key:
        settings.append(Setting(("msk", "adopted", "kms_key"), key))
    if configuration:
        kept = f"{configuration}#{software.get('ConfigurationRevision', 1)}"
        remark = "take the line out, and brokers get this environment's: closed without an ACL, min ISR 2 …"
        settings.append(Setting(("msk", "adopted", "configuration"), kept, remark))
    if secrets:
        settings.append(Setting(("msk", "adopted", "scram_secrets"), list(secrets), "logins that go on to work"))
    settings += [*_brokers(inner, express), *network]
    imports = {"aws_msk_cluster.main": arn}
    objects: dict[str, dict[str, Any]] = {"aws_msk_cluster.main": _attributes(found, transit, groups)}
    if secrets:
        imports["aws_msk_scram_secret_association.main"] = arn
        objects["aws_msk_scram_secret_association.main"] = {
            "id": arn, "cluster_arn": arn, "secret_arn_list": list(secrets),
        }  # fmt: skip
    left = [*_left(vpc, subnets, groups), *_changes(found, transit, configuration, key)]
    dropped = (("network", "cidr"), *((("msk", "storage_per_broker"), ("msk", "storage_ceiling")) if express else ()))
    return FoundCluster("msk", arn, tuple(settings), imports, objects, dropped, tuple(left))


def _first(found: Mapping[str, Any], region: str, mode: str, groups: list[str]) -> list[Setting]:
    return [
        Setting(("platform",), "msk"),
        Setting(("msk", "mode"), mode, "a change is another cluster"),
        Setting(("msk", "region"), region, "a change is another cluster"),
        Setting(("msk", "adopted", "name"), found["ClusterName"]),
        Setting(("msk", "adopted", "security_groups"), list(groups), "they decide who reaches the brokers"),
    ]


def _brokers(inner: Mapping[str, Any], express: bool) -> list[Setting]:
    nodes, software = inner["BrokerNodeGroupInfo"], inner.get("CurrentBrokerSoftwareInfo") or {}
    found = [
        Setting(("msk", "broker_type"), nodes["InstanceType"], "can be changed in place"),
        Setting(("msk", "brokers"), int(inner["NumberOfBrokerNodes"]), "can be raised by whole zones"),
    ]
    if software.get("KafkaVersion"):
        remark = "a higher one is changed to in place; MSK takes none back"
        found.append(Setting(("msk", "kafka_version"), software["KafkaVersion"], remark))
    volume = _disk(nodes).get("VolumeSize")
    if volume and not express:
        found.append(Setting(("msk", "storage_per_broker"), f"{int(volume)}GiB", "grows by itself, never shrinks"))
    sasl = (inner.get("ClientAuthentication") or {}).get("Sasl") or {}
    scram = bool((sasl.get("Scram") or {}).get("Enabled"))
    return [*found, Setting(("msk", "authentication"), "scram" if scram else "iam")]


def _disk(nodes: Mapping[str, Any]) -> Mapping[str, Any]:
    return (nodes.get("StorageInfo") or {}).get("EbsStorageInfo") or {}


def _network_settings(subnets: list[str], region: str) -> tuple[str, list[Setting]]:
    """The VPC of the subnets, and what the YAML says of it."""
    ec2, where = _ec2(region), ", ".join(subnets)
    listed = _asked(lambda: ec2.describe_subnets(SubnetIds=subnets)["Subnets"], where)
    vpc = listed[0]["VpcId"]
    block = _asked(lambda: ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"][0]["CidrBlock"], vpc)
    return vpc, [
        Setting(("network", "vpc_id"), vpc, "stays its owner's"),
        Setting(("network", "subnet_ids"), list(subnets)),
        Setting(("network", "zones"), len(subnets)),
        Setting(("network", "clients"), [block], "who may reach the registry", only_new=True),
    ]


def _left(vpc: str, subnets: list[str], groups: list[str]) -> tuple[str, ...]:
    return (
        f"{vpc} with {', '.join(subnets)} stays its owner's (network.vpc_id, network.subnet_ids)",
        f"{', '.join(groups)}: who reaches the brokers is decided there (msk.adopted.security_groups)",
        "roles, logins, alarms and the Schema Registry: new ones are made; logins in use go on to work",
        "topics, rights and subjects: `infra import` without --cluster, once the cluster is deployed",
    )


def _changes(
    found: Mapping[str, Any], transit: Mapping[str, Any], configuration: str | None, key: str | None
) -> list[str]:
    """What the first deploy changes in place, in words; the plan shows each."""
    said, inner, tags = [], found["Provisioned"], found.get("Tags") or {}
    if tags:
        said.append(f"its tags {', '.join(sorted(tags))} go with the first deploy, unless `tags:` names them")
    if configuration:
        said.append(f"{configuration} stays as it is (msk.adopted.configuration)")
    else:
        said.append("it has MSK's default configuration: brokers get this environment's, closed where there is no ACL")
    if key:
        said.append(f"{key}, which encrypts the disks, stays its owner's (msk.adopted.kms_key)")
    if transit["ClientBroker"] != "TLS":
        said.append("clients that connect without TLS are cut off by the first deploy")
    login = inner.get("ClientAuthentication") or {}
    if (login.get("Unauthenticated") or {}).get("Enabled"):
        said.append("clients that do not log in are cut off by the first deploy")
    if (login.get("Tls") or {}).get("Enabled"):
        said.append("clients that log in by certificate are cut off by the first deploy")
    nodes = inner["BrokerNodeGroupInfo"]
    public = ((nodes.get("ConnectivityInfo") or {}).get("PublicAccess") or {}).get("Type", "DISABLED")
    if public != "DISABLED":
        said.append("clients that come over the internet are cut off by the first deploy")
    if (_disk(nodes).get("ProvisionedThroughput") or {}).get("Enabled"):
        said.append("provisioned throughput of the disks is not declared here: the plan takes it back")
    return said


def _attributes(found: Mapping[str, Any], transit: Mapping[str, Any], groups: list[str]) -> dict[str, Any]:
    """The cluster as hashicorp/aws reads it (internal/service/kafka/cluster.go), but for what has one value alone: a
    rehearsal knows no defaults."""
    inner = found["Provisioned"]
    nodes, software = inner["BrokerNodeGroupInfo"], inner.get("CurrentBrokerSoftwareInfo") or {}
    login, rest = inner.get("ClientAuthentication") or {}, inner.get("EncryptionInfo") or {}
    sasl = login.get("Sasl") or {}
    public = ((nodes.get("ConnectivityInfo") or {}).get("PublicAccess") or {}).get("Type", "DISABLED")
    body: dict[str, Any] = {
        "id": found["ClusterArn"],
        "arn": found["ClusterArn"],
        "cluster_name": found["ClusterName"],
        "kafka_version": software.get("KafkaVersion"),
        "number_of_broker_nodes": inner["NumberOfBrokerNodes"],
        "enhanced_monitoring": inner.get("EnhancedMonitoring", "DEFAULT"),
        "storage_mode": inner.get("StorageMode"),
        "broker_node_group_info": [
            {
                "instance_type": nodes["InstanceType"],
                "client_subnets": nodes["ClientSubnets"],
                "security_groups": groups,
                "connectivity_info": [{"public_access": [{"type": public}]}],
            }
        ],
        "client_authentication": [
            {
                "unauthenticated": bool((login.get("Unauthenticated") or {}).get("Enabled")),
                "sasl": [{name.lower(): bool((sasl.get(name) or {}).get("Enabled")) for name in ("Iam", "Scram")}],
            }
        ],
        "encryption_info": [
            {
                "encryption_at_rest_kms_key_arn": (rest.get("EncryptionAtRest") or {}).get("DataVolumeKMSKeyId"),
                "encryption_in_transit": [{"client_broker": transit["ClientBroker"], "in_cluster": True}],
            }
        ],
        "tags": dict(found.get("Tags") or {}),
    }
    if size := _disk(nodes).get("VolumeSize"):
        body["broker_node_group_info"][0]["storage_info"] = [{"ebs_storage_info": [{"volume_size": size}]}]
    if arn := software.get("ConfigurationArn"):
        body["configuration_info"] = [{"arn": arn, "revision": software.get("ConfigurationRevision", 1)}]
    return body
