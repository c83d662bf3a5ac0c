"""The whole account as sorted, stable data: what two ways of making an estate are compared by.

`catalogue(url, token)` asks a running stand-in, `GET /catalogue`; only a session in ACCOUNTADMIN is answered. Left out
is what differs between two accounts with the same estate: times, numbers, secrets, rows. System roles, the first
warehouse and the administrator are in it, since an estate may change them.
"""

from __future__ import annotations

from typing import Any

from modules.local.standin.catalog import Catalog, Entity
from modules.local.standin.tokenizer import Name, quote

__all__ = ["catalogue", "dump"]

_VOLATILE = frozenset({"uuid", "state", "refreshed", "table_id", "renaming_to", "text", "START_TIMESTAMP"})
"""Properties that differ from account to account; a view's whole statement follows from the rest."""
_KEYS = ("RSA_PUBLIC_KEY", "RSA_PUBLIC_KEY_2")


def dump(catalog: Catalog) -> dict[str, Any]:
    """Everything in a catalogue.

    Returns:
        `objects` (by kind, then by full name: owner, comment, properties, parameters), `grants`, `future_grants` and
        `role_grants`, each sorted. Public keys are given as their fingerprints.
    """
    with catalog.lock:
        objects: dict[str, dict[str, Any]] = {}
        for entity in sorted(catalog.entities.values(), key=lambda one: (one.kind, one.name)):
            objects.setdefault(entity.kind, {})[quote(entity.name) or "ACCOUNT"] = _entity(entity)
        grants = [
            [grant.privilege, grant.on_kind, quote(grant.on_name), _role(grant.role), grant.grant_option]
            for grant in catalog.grants.values()
        ]
        futures = [
            [one.privilege, one.kind, one.in_kind, quote(one.in_name), _role(one.role), one.grant_option]
            for one in catalog.future_grants.values()
        ]
        roles = [[_role(one.role), one.to_kind, quote(one.to_name)] for one in catalog.role_grants.values()]
    return {
        "objects": objects,
        "grants": sorted(grants),
        "future_grants": sorted(futures),
        "role_grants": sorted(roles),
    }


def catalogue(url: str, token: str) -> dict[str, Any]:
    """The dump of a running stand-in.

    Args:
        url: `http://127.0.0.1:PORT`.
        token: of a session in ACCOUNTADMIN; `connection.rest.token` of the Python connector.

    Raises:
        LocalError: nothing answers there, or the session may not.
    """
    import httpx

    from modules.errors import LocalError

    try:
        answer = httpx.get(f"{url}/catalogue", headers={"Authorization": f'Snowflake Token="{token}"'}, timeout=30)
        body = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        raise LocalError(f"the Snowflake stand-in does not answer: {error}", where=url, do="start it first") from None
    if not body.get("success"):
        raise LocalError(str(body.get("message")), where=url, do="log in as ACCOUNTADMIN")
    found: dict[str, Any] = body["data"]
    return found


def _role(role: Name) -> str:
    return quote(role)


def _entity(entity: Entity) -> dict[str, Any]:
    from modules.local.standin.auth import fingerprint

    properties = {key: value for key, value in entity.props.items() if key not in _VOLATILE and value not in ("", None)}
    for key in _KEYS:
        if key in properties:
            properties[key] = fingerprint(properties[key])
    return {
        "owner": quote(entity.owned_by),
        "comment": entity.comment,
        "properties": dict(sorted(properties.items())),
        "parameters": dict(sorted(entity.params.items())),
    }
