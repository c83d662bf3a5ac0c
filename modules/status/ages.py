"""Certificates of endpoints and keys of service users: how old, and how long they last."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from modules.environment.model import Environment
from modules.environment.warehouse_presets import completed
from modules.errors import InfraError
from modules.platforms.base import Platform
from modules.project import Project
from modules.status.readings import Age, Missing, Part
from modules.warehouse.connection import connect
from modules.warehouse.keys import private_key_of

__all__ = ["AgesCollector", "certificate_age", "key_times", "tls_endpoints"]

_DAY = 86_400.0
_SECONDS = 5.0
_SLOTS = {"RSA_PUBLIC_KEY": "key", "RSA_PUBLIC_KEY_2": "second key"}


def tls_endpoints(environment: Environment, platform: Platform) -> list[str]:
    """`host:port` of brokers and registry that speak TLS."""
    found = []
    kafka = platform.kafka_client("admin")
    if "SSL" in str(kafka.get("security.protocol", "")):
        found += [each.strip() for each in str(kafka["bootstrap.servers"]).split(",")]
    if any(topic.value for topic in environment.topics.values()):
        registry = urlsplit(platform.registry_client().url)
        if registry.scheme == "https" and registry.hostname:
            found.append(f"{registry.hostname}:{registry.port or 443}")
    return found


def certificate_age(endpoint: str, now: float) -> Age:
    """Of the certificate an endpoint shows; whether it is to be trusted is for the clients to say.

    Raises:
        OSError: nothing answers, or not in TLS.
    """
    from cryptography.x509 import load_pem_x509_certificate

    host, _, port = endpoint.rpartition(":")
    pem = ssl.get_server_certificate((host.strip("[]"), int(port)), timeout=_SECONDS)
    found = load_pem_x509_certificate(pem.encode())
    began, ends = found.not_valid_before_utc.timestamp(), found.not_valid_after_utc.timestamp()
    return Age("certificate", endpoint, (now - began) / _DAY, (ends - now) / _DAY)


def key_times(rows: Iterable[tuple[Any, ...]]) -> dict[str, datetime | None]:
    """Each slot of DESC USER that holds a key → when it was set; None where Snowflake does not tell."""
    told = {str(row[0]).upper(): str(row[1] or "null") for row in rows}
    found: dict[str, datetime | None] = {}
    for slot, word in _SLOTS.items():
        if told.get(f"{slot}_FP", "null") in ("null", ""):
            continue
        found[word] = _time(told.get(f"{slot}_LAST_SET_TIME", "null"))
    return found


class AgesCollector:
    """Looks at most once an hour: ages do not change between two refreshes."""

    name = "ages"

    def __init__(
        self,
        environment: Environment,
        platform: Platform,
        project: Project,
        open_session: Callable[[], Any] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._environment = environment
        self._platform = platform
        self._project = project
        self._open = open_session or (lambda: connect(platform.snowflake_client("admin"), project))
        self._clock = clock
        self._kept: tuple[float, Part] | None = None

    def read(self) -> Part:
        now = self._clock()
        if self._kept is not None and now - self._kept[0] < 3600:
            return self._kept[1]
        missing: list[Missing] = []
        ages = [*self._certificates(now, missing), *self._keys(now, missing)]
        part = Part(ages=tuple(ages), missing=tuple(missing))
        self._kept = None if missing else (now, part)
        return part

    def close(self) -> None:
        """Nothing is held open."""

    def _certificates(self, now: float, missing: list[Missing]) -> list[Age]:
        found = []
        try:
            endpoints = tls_endpoints(self._environment, self._platform)
        except InfraError as error:
            missing.append(Missing("certificates", error.what, error.do))
            return []
        for endpoint in endpoints:
            try:
                found.append(certificate_age(endpoint, now))
            except (OSError, ValueError) as error:
                missing.append(Missing(f"the certificate of {endpoint}", str(error) or type(error).__name__))
        return found

    def _keys(self, now: float, missing: list[Missing]) -> list[Age]:
        users = [name for name, user in completed(self._environment).users.items() if user is not None]
        if not users:
            return []
        try:
            connection = self._open()
        except InfraError as error:
            missing.append(Missing("ages of keys", error.what, error.do))
            return []
        try:
            return [age for user in users for age in self._keys_of(connection, user.upper(), now, missing)]
        finally:
            connection.close()

    def _keys_of(self, connection: Any, user: str, now: float, missing: list[Missing]) -> list[Age]:
        from snowflake.connector import errors

        try:
            with connection.cursor() as cursor:
                times = key_times(cursor.execute(f'DESC USER "{user}"').fetchall())
        except errors.Error as error:
            said = " ".join(str(error.msg or error).split())
            missing.append(Missing(f"the key of {user}", said, f"OWNERSHIP of user {user}, or MANAGE GRANTS"))
            return []
        ages = []
        for slot, since in times.items():
            since = since or self._file_time(user)
            ages.append(Age("key", f"{user}, {slot}", None if since is None else (now - since.timestamp()) / _DAY))
        return ages

    def _file_time(self, user: str) -> datetime | None:
        """When the private key's file was written, for a warehouse that does not tell."""
        try:
            reference = private_key_of(self._environment, self._project, user).reference
            if reference.scheme != "file":
                return None
            return datetime.fromtimestamp((self._project.root / reference.name).stat().st_mtime, UTC)
        except (KeyError, OSError, InfraError):
            return None


def _time(text: str) -> datetime | None:
    """Snowflake's words for a time: `2026-09-01 10:11:12.345 -0700`, or ISO."""
    for form in ("%Y-%m-%d %H:%M:%S.%f %z", "%Y-%m-%d %H:%M:%S.%f%z", "%Y-%m-%d %H:%M:%S.%f"):
        try:
            found = datetime.strptime(text, form)
        except ValueError:
            continue
        return found if found.tzinfo else found.replace(tzinfo=UTC)
    return None
