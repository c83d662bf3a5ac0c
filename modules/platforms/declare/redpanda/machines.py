"""compute: ec2. For each broker a volume that outlives everything else, and a machine that is pinned to its zone.

The machine is found by the attribute `broker` in ECS, so a broker's task always starts beside its data. Its first start
makes an XFS file system on a volume that has none, and never on one that has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from modules.environment.model import Environment
from modules.environment.redpanda import Size, storage_of
from modules.platforms.declare.aws.network import NetworkRefs
from modules.platforms.declare.aws.provider import name_tag
from modules.platforms.declare.aws.secrets import KeyRef
from modules.platforms.declare.aws.security import group_id
from modules.platforms.declare.redpanda.nodes import DATA, Node, nodes_of
from modules.platforms.declare.redpanda.security import machine_profile
from modules.platforms.names import default_tags
from modules.resources.aws import AwsEbsVolume, AwsEcsCluster, AwsInstance, AwsVolumeAttachment, DataAwsSsmParameter
from modules.resources.base import Resource, Stack
from modules.resources.expressions import Expr, each, function, literal

__all__ = ["Machines"]

_IMAGES = {"ARM64": "amazon-linux-2023/arm64/recommended", "X86_64": "amazon-linux-2023/recommended"}
_DEVICE = "/dev/sdf"
_AIO = 1_048_576
"""fs.aio-max-nr: Redpanda's asynchronous I/O of all cores, with room; what Fargate does not let one raise."""


class Machines:
    """What all brokers' machines share, and then one machine after another."""

    def __init__(
        self,
        stack: Stack,
        environment: Environment,
        network: NetworkRefs,
        key: KeyRef,
        cluster: AwsEcsCluster,
        size: Size,
    ) -> None:
        self._stack, self._environment, self._network, self._size = stack, environment, network, size
        self._cluster = cluster
        self._profile = machine_profile(stack, environment, cluster)
        self._image = DataAwsSsmParameter(
            stack, "machine-image", name=f"/aws/service/ecs/optimized-ami/{_IMAGES[size.architecture]}/image_id"
        )
        self._volumes = AwsEbsVolume(
            stack,
            "broker",
            for_each={node.key: network.zones[node.zone] for node in nodes_of(environment)},
            availability_zone=each.value(),
            type="gp3",
            size=storage_of(environment),
            encrypted=True,
            kms_key_id=key.arn,
            final_snapshot=environment.production,
            tags={"Name": f"{name_tag(environment, 'broker')['Name']}-{each.key}"},
            lifecycle={
                # Its zone is its broker's for good.
                "ignore_changes": ["availability_zone"],
                **({"prevent_destroy": True} if environment.production else {}),
            },
        )

    def declare(self, node: Node, waits: Sequence[Resource | str]) -> Resource:
        """The broker's machine with its volume; the last of the two, which its service waits for."""
        volume = self._volumes.attr("id", key=node.key)
        instance = AwsInstance(
            self._stack,
            node.name,
            ami=self._image.attr("insecure_value"),
            instance_type=self._size.instance_type,
            subnet_id=self._network.subnets[node.zone],
            vpc_security_group_ids=[group_id("machines")],
            associate_public_ip_address=False,
            iam_instance_profile=self._profile,
            ebs_optimized=True,
            monitoring=self._environment.production,
            disable_api_termination=self._environment.production,
            metadata_options={"http_tokens": "required", "http_endpoint": "enabled", "http_put_response_hop_limit": 1},
            root_block_device={
                "encrypted": True,
                "volume_type": "gp3",
                "volume_size": 30,
                # The provider's default tags do not reach it.
                "tags": default_tags(self._environment),
            },
            user_data=_first_start(self._cluster.attr("name"), node, volume),
            tags=name_tag(self._environment, node.name),
            depends_on=[*waits, *self._network.ready],
            # All of these replace or stop the machine, and Terraform would do so to all of them at once.
            lifecycle={"ignore_changes": ["ami", "user_data", "subnet_id", "associate_public_ip_address"]},
        )
        return AwsVolumeAttachment(
            self._stack,
            node.name,
            device_name=_DEVICE,
            volume_id=volume,
            instance_id=instance.attr("id"),
            stop_instance_before_detaching=True,
        )

    def triggers(self) -> Mapping[str, object]:
        """What besides its task touches a broker."""
        return {"machine": self._size.instance_type}


def placement(node: Node) -> str:
    """Where a broker's task may run: on its own machine."""
    return f"attribute:broker == {node.name}"


def _first_start(cluster: Expr, node: Node, volume: Expr) -> str:
    """The script of a machine's first start; ECS's agent starts behind it, so no task runs before its volume is there.

    The device appears under the volume's id, whatever number the kernel gives it.
    """
    device = f"/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_{function('replace', volume, '-', '')}"
    mount = DATA.rpartition("/")[0]
    lines = [
        "#!/bin/bash",
        "set -euo pipefail",
        "cat >> /etc/ecs/ecs.config <<'END'",
        f"ECS_CLUSTER={cluster}",
        f'ECS_INSTANCE_ATTRIBUTES={{"broker":"{node.name}"}}',
        "ECS_AWSVPC_BLOCK_IMDS=true",
        # Logs are written as the task's own role, not as the machine.
        "ECS_ENABLE_AWSLOGS_EXECUTIONROLE_OVERRIDE=true",
        "END",
        f"echo 'fs.aio-max-nr = {_AIO}' > /etc/sysctl.d/60-redpanda.conf",
        "echo 'vm.swappiness = 1' >> /etc/sysctl.d/60-redpanda.conf",
        "sysctl --system",
        f"device={device}",
        literal('until [ -e "$device" ]; do sleep 2; done'),
        'blkid "$device" || mkfs.xfs "$device"',
        f"mkdir -p {mount}",
        f'echo "$device {mount} xfs defaults,noatime,nofail,x-systemd.device-timeout=600 0 2" >> /etc/fstab',
        f"mount {mount}",
        f"mkdir -p {DATA}",
        "mkdir -p /etc/systemd/system/ecs.service.d",
        f"printf '[Unit]\\nRequiresMountsFor={mount}\\n[Service]\\nExecStartPre=/usr/sbin/xfs_growfs {mount}\\n' "
        "> /etc/systemd/system/ecs.service.d/volume.conf",
        "systemctl daemon-reload",
    ]
    return "\n".join(lines) + "\n"
