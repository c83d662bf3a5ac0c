"""What `infra local up` recorded: where the laptop platform's services listen and which files hold their secrets.

Small and import-light: producer, sink, smoke and the stacks read it; only `modules/local/platform.py` writes it.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from modules.errors import LocalError
from modules.project import Project

__all__ = ["KAFKA_PRINCIPALS", "LocalEndpoints", "load_endpoints", "secret_file"]

KAFKA_PRINCIPALS = ("admin", "producer", "consumer", "sink")
"""SASL/SCRAM-SHA-256 users of the local broker; `admin` is its only super user."""


@dataclass(frozen=True)
class LocalEndpoints:
    """Loopback addresses of the running services."""

    kafka_bootstrap: str
    registry_url: str
    """Confluent-compatible root, `http://127.0.0.1:PORT/apis/ccompat/v7`."""
    snowflake_host: str
    snowflake_port: int
    snowflake_organization: str = "INFRA"
    snowflake_account: str = "LOCAL"
    snowflake_admin_user: str = "INFRA_ADMIN"
    kafka_cluster_id: str = ""
    connect_url: str = ""
    """The Kafka Connect worker's REST API; empty when the platform was started without a worker."""
    postgres_port: int = 0
    """0 when the platform was started without PostgreSQL."""

    def dump(self) -> str:
        return json.dumps(asdict(self), indent=2)


def record_file(project: Project) -> Path:
    return project.local / "services.json"


def secret_file(project: Project, name: str) -> Path:
    """A local secret's file (0600): `kafka-<principal>.password`, `snowflake-admin.p8`."""
    return project.local / "secrets" / name


def load_endpoints(project: Project) -> LocalEndpoints:
    """Read the record; an offline rehearsal has none, and takes the services' usual ports.

    Raises:
        LocalError: the local platform was never started, or the record is unreadable.
    """
    if project.offline:
        return LocalEndpoints("127.0.0.1:9092", "http://127.0.0.1:8081/apis/ccompat/v7", "127.0.0.1", 8443)
    path = record_file(project)
    try:
        return LocalEndpoints(**json.loads(path.read_text()))
    except FileNotFoundError:
        raise LocalError("the local platform is not up", do="run `infra local up` first") from None
    except (ValueError, TypeError) as error:
        raise LocalError(
            f"the local platform's record is unreadable ({error})",
            where=str(path),
            do="run `infra local up` again",
        ) from None
