"""The brokers of an environment and the configuration of each, as plain data.

Follows Redpanda's documentation of 26.2 for production: racks, an ordered list of seeds that is the same everywhere,
no node id (an empty broker gets a new one, ids never return), TLS and SASL on every listener, nothing that needs a
licence. Files are written as JSON, which is YAML.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from modules.environment.model import Environment
from modules.environment.redpanda import Size, domain_of

__all__ = [
    "ADMIN_PORT",
    "ADMIN_USER",
    "DATA",
    "KAFKA_PORT",
    "MECHANISM",
    "REGISTRY_PORT",
    "RPC_PORT",
    "Node",
    "bootstrap_file",
    "broker_file",
    "nodes_of",
    "seeds_of",
    "start_script",
]

KAFKA_PORT, ADMIN_PORT, RPC_PORT, REGISTRY_PORT = 9092, 9644, 33145, 8081
MECHANISM = "SCRAM-SHA-512"
ADMIN_USER = "admin"
DATA = "/var/lib/redpanda/data"

_SEEDS = 3
_ALL = "0.0.0.0"  # noqa: S104 - a task has one address, behind its security group
_CERTIFICATES = "/etc/redpanda/certs"
_FILES = {
    "enabled": True,
    "cert_file": f"{_CERTIFICATES}/broker.crt",
    "key_file": f"{_CERTIFICATES}/broker.key",
    "truststore_file": f"{_CERTIFICATES}/ca.crt",
}


@dataclass(frozen=True)
class Node:
    """One broker's place: it keeps number, name and zone whatever task or machine stands there.

    Attributes:
        number: counted from 1.
        address: its name in the private zone.
        zone: the number of its availability zone, as `NetworkRefs` counts them.
    """

    number: int
    address: str
    zone: str

    @property
    def key(self) -> str:
        return str(self.number)

    @property
    def name(self) -> str:
        return f"broker-{self.number}"


def nodes_of(environment: Environment) -> list[Node]:
    """The brokers, dealt out to the zones in turn; one that is added later moves none of the others."""
    domain, zones = domain_of(environment), environment.network.zones
    return [
        Node(number, f"broker-{number}.{domain}", str((number - 1) % zones + 1))
        for number in range(1, environment.redpanda.brokers + 1)
    ]


def seeds_of(environment: Environment) -> list[Node]:
    """Those that found the cluster and are asked first: three, so that the list stays when brokers are added."""
    return nodes_of(environment)[:_SEEDS]


def broker_file(environment: Environment, node: Node, rack: str) -> dict[str, Any]:
    """`redpanda.yaml` of one broker; `rack` is its zone's name."""
    seeds = seeds_of(environment)

    def listener(name: str, port: int, **more: str) -> list[dict[str, Any]]:
        return [{"name": name, "address": _ALL, "port": port, **more}]

    def tls(name: str) -> list[dict[str, Any]]:
        return [{"name": name, **_FILES, "require_client_auth": False}]

    return {
        "redpanda": {
            "data_directory": DATA,
            "rack": rack,
            "developer_mode": False,
            "empty_seed_starts_cluster": False,
            "seed_servers": [{"host": {"address": seed.address, "port": RPC_PORT}} for seed in seeds],
            "rpc_server": {"address": _ALL, "port": RPC_PORT},
            # Between brokers both sides show a certificate of the cluster's authority.
            "rpc_server_tls": {**_FILES, "require_client_auth": True},
            "advertised_rpc_api": {"address": node.address, "port": RPC_PORT},
            "kafka_api": listener("clients", KAFKA_PORT, authentication_method="sasl"),
            "kafka_api_tls": tls("clients"),
            "advertised_kafka_api": [{"name": "clients", "address": node.address, "port": KAFKA_PORT}],
            "admin": listener("admin", ADMIN_PORT),
            "admin_api_tls": tls("admin"),
        },
        "schema_registry": {
            "schema_registry_api": listener("registry", REGISTRY_PORT, authentication_method="http_basic"),
            "schema_registry_api_tls": tls("registry"),
        },
        "schema_registry_client": {
            "brokers": [{"address": seed.address, "port": KAFKA_PORT} for seed in seeds],
            "broker_tls": {"enabled": True, "truststore_file": _FILES["truststore_file"]},
        },
        "rpk": {"overprovisioned": False, "enable_usage_stats": False},
    }


def bootstrap_file(environment: Environment) -> dict[str, Any]:
    """`.bootstrap.yaml`: the cluster's settings at its first start; Redpanda reads it never again."""
    copies = 3 if environment.redpanda.brokers >= 3 else 1
    return {
        "superusers": [ADMIN_USER],
        "admin_api_require_auth": True,
        # With a listener's own authentication_method; `enable_sasl` beside it would be one too many.
        "kafka_enable_authorization": True,
        "sasl_mechanisms": ["SCRAM"],
        "tls_min_version": "v1.2",
        "enable_rack_awareness": True,
        "auto_create_topics_enabled": False,
        "default_topic_replications": copies,
        "internal_topic_replication_factor": copies,
        "minimum_topic_replications": copies if environment.production else 1,
        # What needs a licence is on for 30 days in a new cluster and restricts it afterwards: off from the start.
        "partition_autobalancing_mode": "node_add",
        "core_balancing_continuous": False,
        "cloud_storage_enabled": False,
        "iceberg_enabled": False,
        "audit_enabled": False,
        "enable_schema_id_validation": "none",
        "schema_registry_enable_authorization": False,
        "enable_metrics_reporter": False,
    }


def start_script(size: Size, compute: str) -> str:
    """What a broker's container runs: files from its secrets, then Redpanda as its own user, without them.

    ECS's volumes belong to root, so it begins as root and gives that up.
    """
    flags = [
        f"--smp={size.vcpu}",
        f"--memory={size.memory // 2**20}M",
        "--reserve-memory=0M",
        "--check=false",
    ]
    if compute == "fargate":
        # Fargate fixes fs.aio-max-nr at 65536, and Redpanda ends where asynchronous I/O runs out.
        flags.append("--reactor-backend=epoll")
    return "\n".join(
        [
            "set -eu",
            "umask 077",
            f"mkdir -p {_CERTIFICATES}",
            f'printf "%s" "$TLS_CA" > {_CERTIFICATES}/ca.crt',
            f'printf "%s" "$TLS_CERTIFICATE" > {_CERTIFICATES}/broker.crt',
            f'printf "%s" "$TLS_PRIVATE_KEY" > {_CERTIFICATES}/broker.key',
            'printf "%s" "$BROKER_FILE" > /etc/redpanda/redpanda.yaml',
            'printf "%s" "$BOOTSTRAP_FILE" > /etc/redpanda/.bootstrap.yaml',
            f"chown -R redpanda:redpanda /etc/redpanda && chown redpanda:redpanda {DATA}",
            f'export RP_BOOTSTRAP_USER="$ADMIN_USERNAME:$ADMIN_PASSWORD:{MECHANISM}"',
            # rpk looks for settings of its user there, and may not look into root's.
            f"export HOME={DATA.rpartition('/')[0]}",
            "unset TLS_CA TLS_CERTIFICATE TLS_PRIVATE_KEY ADMIN_USERNAME ADMIN_PASSWORD",
            "exec setpriv --reuid=redpanda --regid=redpanda --init-groups rpk redpanda start " + " ".join(flags),
        ]
    )
