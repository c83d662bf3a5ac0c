"""Opening a session: who logs in, with which role, warehouse, database and schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modules.local.standin.auth import user_of_jwt
from modules.local.standin.catalog import Catalog, Entity
from modules.local.standin.engine import Engine
from modules.local.standin.errors import SnowflakeError
from modules.local.standin.network import admit
from modules.local.standin.privileges import roles_of_user
from modules.local.standin.sessions import MASTER_VALIDITY_SECONDS, TOKEN_VALIDITY_SECONDS, Session, Sessions
from modules.local.standin.statements.context import Context
from modules.local.standin.statements.session import enter
from modules.local.standin.tokenizer import Name, Tokens

__all__ = ["login"]

_KEY_PAIR = "SNOWFLAKE_JWT"


def _text(value: Any) -> str:
    return "true" if value is True else "false" if value is False else str(value)


def login(
    catalog: Catalog,
    engine: Engine,
    sessions: Sessions,
    query: Mapping[str, str],
    data: Mapping[str, Any],
    client: str = "127.0.0.1",
) -> dict[str, Any]:
    """Check the key pair and open a session; what is returned is the answer's `data`.

    Args:
        client: the address the login comes from, for network policies.

    Raises:
        SnowflakeError: 390144 bad token or unknown user, 390189 a role the user does not have, 390422 not from there.
    """
    if str(data.get("AUTHENTICATOR", "")).upper() != _KEY_PAIR:
        raise SnowflakeError(390100, "08001", "Incorrect username or password was specified.")
    user = user_of_jwt(catalog, str(data.get("TOKEN", "")), str(data.get("LOGIN_NAME", "")))
    admit(catalog, user, client)
    session = sessions.open(user.name[0], _role(catalog, user, query.get("roleName")))
    session.parameters = {key: _text(value) for key, value in (data.get("SESSION_PARAMETERS") or {}).items()}
    session.client = client
    session.secondary_roles = str(user.props.get("DEFAULT_SECONDARY_ROLES", "")).upper() == "ALL"
    context = Context(catalog, engine, sessions, session)
    _enter(context, user, query)
    if session.parameters.get("AUTOCOMMIT") == "false":
        engine.autocommit(session, False)
    return {
        "token": session.token,
        "masterToken": session.master_token,
        "validityInSeconds": TOKEN_VALIDITY_SECONDS,
        "masterValidityInSeconds": MASTER_VALIDITY_SECONDS,
        "displayUserName": user.name[0],
        "serverVersion": "9.30.0",
        "firstLogin": False,
        "sessionId": session.id,
        "parameters": _parameters(session),
        "sessionInfo": {
            "databaseName": session.database,
            "schemaName": session.schema,
            "warehouseName": session.warehouse,
            "roleName": session.role,
        },
    }


def _parameters(session: Session) -> list[dict[str, Any]]:
    """What clients act upon: nothing phones home, everything is UTC, bindings stay inline."""
    return [
        {"name": "AUTOCOMMIT", "value": session.parameters.get("AUTOCOMMIT", "true") == "true"},
        {"name": "CLIENT_TELEMETRY_ENABLED", "value": False},
        {"name": "CLIENT_SESSION_KEEP_ALIVE", "value": False},
        {"name": "CLIENT_SESSION_KEEP_ALIVE_HEARTBEAT_FREQUENCY", "value": 3600},
        {"name": "CLIENT_STAGE_ARRAY_BINDING_THRESHOLD", "value": 0},
        {"name": "PYTHON_CONNECTOR_QUERY_RESULT_FORMAT", "value": "JSON"},
        {"name": "TIMEZONE", "value": "Etc/UTC"},
    ]


def _role(catalog: Catalog, user: Entity, wanted: str | None) -> str:
    available = roles_of_user(catalog, user.name[0])
    if wanted:
        role = _identifier(wanted)[0]
        if role not in available:
            raise SnowflakeError(
                390189,
                "08001",
                f"Role '{role}' specified in the connect string does not exist or not authorized. Contact your local "
                "system administrator, or attempt to login with another role, e.g. PUBLIC.",
            )
        return role
    default = user.props.get("DEFAULT_ROLE")
    return default if default in available else "PUBLIC"


def _identifier(text: str) -> Name:
    """A name as connection parameters give it, quoted or not."""
    return Tokens(text).name()


def _enter(context: Context, user: Entity, query: Mapping[str, str]) -> None:
    """Warehouse, database and schema of the connection, or the user's defaults; as in Snowflake what is absent or not
    allowed is left unset without an error."""
    session = context.session
    warehouse = query.get("warehouse") or user.props.get("DEFAULT_WAREHOUSE")
    if warehouse:
        name = _identifier(warehouse)[:1] if query.get("warehouse") else (warehouse,)
        entity = context.catalog.get("WAREHOUSE", name)
        if entity is not None and context.access.may("USAGE", entity):
            session.warehouse = name[0]
    where: Name = ()
    if query.get("databaseName"):
        where = _identifier(query["databaseName"])[:1]
        if query.get("schemaName"):
            where += _identifier(query["schemaName"])[-1:]
    elif user.props.get("DEFAULT_NAMESPACE"):
        where = _identifier(user.props["DEFAULT_NAMESPACE"])[:2]
    for attempt in (where, where[:1]):
        if attempt and session.database is None:
            try:
                enter(context, session, attempt)
            except SnowflakeError:
                continue
