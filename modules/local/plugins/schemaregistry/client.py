"""The registry's REST API, as far as subjects need it, with errors a user can act on.

API: https://docs.confluent.io/platform/current/schema-registry/develop/api.html
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from modules.local.plugins.protocol.resource import Diagnostic
from modules.local.plugins.rest import RestApi

__all__ = ["RegistryApi", "RegistryRefusal", "unreachable"]

_SECONDS = 15.0
_ACCEPT = "application/vnd.schemaregistry.v1+json, application/json"


def unreachable(url: str, path: tuple[str, ...] = ()) -> Diagnostic:
    """What is said of a registry that does not answer."""
    return Diagnostic(
        f"the Schema Registry at {url} does not answer",
        "Start it (`infra local up`; `infra local status` and `infra local logs` show what is wrong) and try again.",
        path,
    )


class RegistryRefusal(Exception):
    """The registry answered with an error."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


class RegistryApi(RestApi):
    """What is asked of the registry's subjects."""

    def __init__(self) -> None:
        super().__init__("the Schema Registry", _SECONDS, _ACCEPT, unreachable, _refusal)

    def latest(self, subject: str) -> dict[str, Any] | None:
        """The newest version `{subject, version, id, schema, schemaType?, references?}`; None without the subject."""
        found: dict[str, Any] | None = self._found(f"/subjects/{quote(subject, safe='')}/versions/latest")
        return found

    def register(self, subject: str, body: dict[str, Any]) -> None:
        self._call("POST", f"/subjects/{quote(subject, safe='')}/versions", body)

    def incompatibilities(self, subject: str, body: dict[str, Any]) -> list[str] | None:
        """Why a schema could not be the subject's next; None when it could."""
        said = self._found(f"/compatibility/subjects/{quote(subject, safe='')}/versions?verbose=true", "POST", body)
        if said is None or said.get("is_compatible", True):
            return None
        return [str(message) for message in said.get("messages") or []]

    def delete_subject(self, subject: str, permanent: bool) -> None:
        query = "?permanent=true" if permanent else ""
        try:
            self._call("DELETE", f"/subjects/{quote(subject, safe='')}{query}")
        except RegistryRefusal as refusal:
            if refusal.status != 404:
                raise

    def compatibility(self, subject: str) -> str | None:
        """The subject's own level; None when it follows the registry's."""
        found = self._found(f"/config/{quote(subject, safe='')}")
        return None if found is None else str(found.get("compatibilityLevel") or found.get("compatibility"))

    def set_compatibility(self, subject: str, level: str) -> None:
        self._call("PUT", f"/config/{quote(subject, safe='')}", {"compatibility": level})

    def clear_compatibility(self, subject: str) -> None:
        self._found(f"/config/{quote(subject, safe='')}", "DELETE")

    def _found(self, path: str, method: str = "GET", body: dict[str, Any] | None = None) -> Any:
        try:
            return self._call(method, path, body)
        except RegistryRefusal as refusal:
            if refusal.status == 404:
                return None
            raise


def _refusal(answer: Any) -> RegistryRefusal:
    try:
        said = answer.json()
        message = str(said.get("message") or said.get("detail") or said)
        code = int(said.get("error_code") or answer.status_code)
    except (ValueError, AttributeError, TypeError):
        message, code = answer.text[:500], answer.status_code
    return RegistryRefusal(answer.status_code, code, message)
