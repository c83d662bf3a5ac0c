"""The Kafka Connect worker's own login at the local broker, and the little it may do there.

Made when the worker is started, over the administrator's login, so that a platform made before there was a worker gets
them too. What a connector may read and write is declared by the stacks.
"""

from __future__ import annotations

import secrets
from typing import Any

from modules.errors import LocalError
from modules.local.connect import CONFIG_TOPIC, GROUP, OFFSET_TOPIC, PRINCIPAL, STATUS_TOPIC, password_file
from modules.local.credentials import write_private
from modules.local.kafka import client_settings
from modules.project import Project

__all__ = ["ensure_access", "worker_acls"]

ITERATIONS = 4096
"""Kafka's own default; the password is random and long."""
SECONDS = 30


def ensure_access(project: Project, kafka_port: int) -> None:
    """The worker's user with its password, and its ACLs; safe to repeat.

    Raises:
        LocalError: the broker refuses.
    """
    from confluent_kafka import KafkaException
    from confluent_kafka.admin import AdminClient

    path = password_file(project)
    if not path.exists():
        write_private(path, secrets.token_urlsafe(24))
    admin: Any = AdminClient({**client_settings(project, kafka_port, "admin"), "log_level": 0})
    try:
        for future in _make_user(admin, path.read_text()):
            future.result(SECONDS)
        for future in admin.create_acls(worker_acls(), request_timeout=SECONDS).values():
            future.result(SECONDS)
    except (KafkaException, TimeoutError) as error:
        raise LocalError(
            f"the broker does not take the Kafka Connect worker's user: {error}", do="run `infra local up` again"
        ) from None


def _make_user(admin: Any, password: str) -> list[Any]:
    api = _api()
    info = api.ScramCredentialInfo(api.ScramMechanism.SCRAM_SHA_256, ITERATIONS)
    change = api.UserScramCredentialUpsertion(PRINCIPAL, info, password.encode())
    return list(admin.alter_user_scram_credentials([change], request_timeout=SECONDS).values())


def worker_acls() -> list[Any]:
    """What the worker itself needs: its three topics (which it makes) and its group."""
    api = _api()
    topics = (CONFIG_TOPIC, OFFSET_TOPIC, STATUS_TOPIC)
    wanted = [
        (api.ResourceType.TOPIC, topic, api.AclOperation[operation])
        for topic in topics
        for operation in ("CREATE", "DESCRIBE", "DESCRIBE_CONFIGS", "READ", "WRITE")
    ]
    wanted += [(api.ResourceType.GROUP, GROUP, api.AclOperation[operation]) for operation in ("READ", "DESCRIBE")]
    who, literal, allow = f"User:{PRINCIPAL}", api.ResourcePatternType.LITERAL, api.AclPermissionType.ALLOW
    return [api.AclBinding(kind, name, literal, who, "*", operation, allow) for kind, name, operation in wanted]


def _api() -> Any:
    """The client's module, whose types do not say what it exports."""
    from confluent_kafka import admin

    return admin
