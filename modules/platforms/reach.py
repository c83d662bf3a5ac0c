"""Whether this machine can reach an environment's brokers and registry: asked before Terraform starts, and by doctor.

A connection is opened and closed again, nothing is sent. Private brokers cannot be reached from a laptop or a public
runner; a Terraform that runs into that waits for minutes and then blames a topic.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from modules.environment.confluent import networking_of
from modules.environment.model import Environment
from modules.errors import ServiceError
from modules.project import Project, recorded_outputs

__all__ = [
    "Unreached", "first_deploy_words", "is_private", "require_reach", "unreached", "ways_in",
]  # fmt: skip

SECONDS = 5.0
"""How long a connection may take to be opened."""

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Unreached:
    """An address, and why there is no way to it from here."""

    address: str
    reason: str

    def __str__(self) -> str:
        return f"{self.address}: {self.reason}"


def is_private(environment: Environment) -> bool:
    """Whether the brokers have no public address."""
    if environment.platform == "confluent":
        return networking_of(environment) != "public"
    return environment.platform in ("msk", "redpanda")


def unreached(cluster: Mapping[str, Any], seconds: float = SECONDS) -> tuple[Unreached, ...]:
    """What cannot be reached of a cluster: its brokers where none of them answers, and its registry."""
    brokers = [each.strip() for each in str(cluster.get("bootstrap_servers") or "").split(",") if each.strip()]
    brokers = [each.partition("://")[2] or each for each in brokers]
    registry = urlsplit(str(cluster.get("registry_url") or ""))
    # `glue://REGION/NAME` is no address: Glue is AWS's public API, which Terraform needs anyway.
    registries = (
        [f"{registry.hostname}:{registry.port or _PORTS[registry.scheme]}"]
        if registry.hostname and registry.scheme in _PORTS
        else []
    )
    with ThreadPoolExecutor(max(1, len(brokers) + len(registries))) as pool:
        reasons = list(pool.map(lambda address: _reason(address, seconds), [*brokers, *registries]))
    found = dict(zip([*brokers, *registries], reasons, strict=True))
    # A client needs one broker to find the others.
    lost = [Unreached(each, reason) for each in brokers if (reason := found[each])]
    lost = lost if len(lost) == len(brokers) else []
    return tuple(lost + [Unreached(each, reason) for each in registries if (reason := found[each])])


def ways_in(environment: Environment) -> tuple[str, ...]:
    """How to run from inside a private network, a line each."""
    name = environment.name
    clients = "the brokers admit `network.clients` only: name your addresses or security group there"
    ways = [
        f"run `infra deploy --env {name}` on a runner inside the VPC (a CI runner, an EC2 instance, an ECS task)",
        "or connect this machine to the VPC: AWS Client VPN, a site-to-site VPN, or a tunnel through a bastion",
    ]
    if environment.platform in ("msk", "redpanda"):
        ways.append(clients)
    else:
        ways.append("Confluent's names resolve to the private endpoint only where the VPC's DNS is used")
    return tuple(ways)


def require_reach(environment: Environment, project: Project) -> None:
    """Stop where the deployed brokers or registry cannot be reached from here.

    Raises:
        ServiceError: each address with the reason, and the ways in.
    """
    cluster = recorded_outputs(project, environment.name, "cluster")
    lost = unreached(cluster) if cluster else ()
    if not lost:
        return
    if is_private(environment):
        raise ServiceError(
            f"environment {environment.name} is private, and there is no way to it from this machine",
            where=environment.source,
            details=[*map(str, lost), *ways_in(environment)],
            do="go one of these ways; nothing was changed. `--offline` rehearses from anywhere",
        )
    raise ServiceError(
        f"environment {environment.name} cannot be reached from this machine",
        where=environment.source,
        details=list(map(str, lost)),
        do="check the network and the proxy, then run the command again; nothing was changed",
    )


def _reason(address: str, seconds: float) -> str:
    """Why no connection can be opened; empty where one can."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=seconds).close()
    except socket.gaierror:
        return "its name is unknown here"
    except TimeoutError:
        return f"no answer in {seconds:g} seconds"
    except ConnectionRefusedError:
        return "the connection is refused"
    except (OSError, ValueError) as error:
        return getattr(error, "strerror", None) or str(error)
    return ""


def first_deploy_words(environment: Environment) -> Sequence[str]:
    """What to know before a private cluster is made from outside its network; nothing for public ones."""
    if not is_private(environment):
        return ()
    return (
        f"{environment.source}: the brokers will have no public address: the cluster can be made from here, its topics "
        "and connectors only from inside its network",
        *ways_in(environment),
    )
